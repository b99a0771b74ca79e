/*
 * A receipt: a queue consumer's proof that it holds the newest lease on one delivery.
 *
 * While a lease holds, no other consumer is offered the delivery. Only the newest receipt
 * acknowledges, so a consumer that fell asleep cannot remove what another now works on. As text it
 * is base64url over (delivery, channel, epoch) with a MAC by the server's own key, so that a forged
 * or altered one, or one of another channel, is told from a stale one without looking anything up.
 */
#ifndef MODEL_RECEIPT_H
#define MODEL_RECEIPT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"

#include <stdint.h>

enum { RECEIPT_KEY_BYTES = 32, RECEIPT_TEXT_BYTES = 48 };

struct receipt {
    struct id delivery;
    struct id channel;
    uint32_t epoch; /* how often this delivery had been leased when this lease began */
};

/* Appends RECEIPT_TEXT_BYTES characters. */
void receipt_format(const uint8_t key[RECEIPT_KEY_BYTES], const struct receipt *receipt,
                    struct buf *out);

/*
 * ERR_INVALID when it is not one of ours, was altered, or is of another channel; *out is then
 * untouched. Compares in constant time.
 */
enum err receipt_parse(const uint8_t key[RECEIPT_KEY_BYTES], struct id channel, struct slice text,
                       struct receipt *out) MUST_CHECK;

#endif
