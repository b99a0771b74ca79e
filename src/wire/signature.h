/*
 * Signed requests as Standard Webhooks 1.0 has them: webhook-id, webhook-timestamp and
 * webhook-signature.
 *
 * What is signed is "id.timestamp.body" over exactly the bytes that are sent. v1 is HMAC-SHA256
 * with a shared secret (whsec_), v1a is Ed25519 (whsk_ for the sender, whpk_ for receivers). During
 * a rotation every secret that still counts signs, and the header holds the signatures with spaces
 * between.
 */
#ifndef WIRE_SIGNATURE_H
#define WIRE_SIGNATURE_H

#include "dispatch/dialect.h"

/* Adds the three headers for the body as it stands in the draft. */
void signature_add(const struct dialect_attempt *attempt, struct slice body,
                   struct dialect_draft *draft);

/*
 * Appends the value of webhook-signature for a message that no channel sends: v1 by this key. id and
 * seconds are what webhook-id and webhook-timestamp say.
 */
void signature_put_v1(struct slice key, struct slice id, int64_t seconds, struct slice body,
                      struct buf *out);

/* Checks "signature": "v1" or "v1a" in a channel's options, and that its secret suits that. */
enum err signature_check(const struct channel *channel, struct json options,
                         struct diag *diag) MUST_CHECK;

/*
 * A secret as its owner configures it in a receiver: whsec_ and base64, or for v1a whpk_ and the
 * public key.
 */
void signature_secret_text(const struct channel *channel, const struct channel_secret *secret,
                           struct buf *out);

/* Whether a channel signs with v1a. */
bool signature_is_v1a(const struct channel *channel);

#endif
