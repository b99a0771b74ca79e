/*
 * Fingerprints: how a request is known again when it is sent twice, by what must be the same.
 */
#ifndef WIRE_FINGERPRINT_H
#define WIRE_FINGERPRINT_H

#include "base/slice.h"
#include "store/store.h"

enum { FINGERPRINT_PARTS_MAX = 10 };

/*
 * The start of a SHA-256 over parts, at most FINGERPRINT_PARTS_MAX, their lengths included, so that
 * no text can move from one part to the next unnoticed. It is keyed with what they are the
 * fingerprint of, so that equal parts of two kinds of things differ.
 */
void fingerprint_make(struct slice kind, const struct slice *parts, size_t parts_len,
                      uint8_t out[STORE_HASH_BYTES]);

#endif
