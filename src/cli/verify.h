/*
 * Whether a webhook is signed as Standard Webhooks 1.0 has it: the receiver's half of
 * wire/signature.
 *
 * A request counts as verified when any of its signatures is right under any of the keys, and its
 * timestamp is no more than some minutes from now, so that nobody can send an old one again.
 */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdint.h>

#define VERIFY_TOLERANCE_US (5 * US_PER_MINUTE) /* the standard's own */

enum verify_scheme { VERIFY_HMAC, VERIFY_ED25519 };

const char *verify_scheme_word(enum verify_scheme scheme); /* "v1", "v1a" */

enum { VERIFY_KEY_BYTES_MAX = 64 };

struct verify_key {
    enum verify_scheme scheme;
    uint8_t bytes[VERIFY_KEY_BYTES_MAX];
    size_t len;
};

/*
 * Reads whsec_ and base64 (24 to 64 bytes), or whpk_ and the base64 of an Ed25519 public key.
 * ERR_INVALID.
 */
enum err verify_key_parse(struct slice text, struct verify_key *out, struct diag *diag) MUST_CHECK;

/* The headers webhook-id, -timestamp and -signature, and the body byte for byte. */
struct verify_request {
    struct slice id, timestamp, signatures, body;
};

/* What is allowed at a moment. */
struct verify_age {
    struct wall now;
    int64_t tolerance_us; /* either way; VERIFY_TOLERANCE_US unless somebody wants it otherwise */
};

/* OK: *scheme tells by which kind of signature. ERR_DENIED: the diag says why not. */
enum err verify_check(const struct verify_key *keys, size_t keys_len,
                      const struct verify_request *request, struct verify_age age,
                      enum verify_scheme *scheme, struct diag *diag) MUST_CHECK;

/* Whether text is a time in whole seconds since 1970 within that. ERR_DENIED; name is for the diag. */
enum err verify_check_age(const char *name, struct slice text, struct verify_age age,
                          struct diag *diag) MUST_CHECK;

#endif
