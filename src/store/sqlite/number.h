/*
 * 64-bit numbers inside blobs, most significant byte first: a file may move to a machine of the
 * other order.
 */
#ifndef STORE_SQLITE_NUMBER_H
#define STORE_SQLITE_NUMBER_H

#include "base/buf.h"

#include <stdint.h>

enum { NUMBER_BYTES = 8 };

static inline void number_pack(struct buf *out, uint64_t number)
{
    uint8_t packed[NUMBER_BYTES];

    for (int i = 0; i < NUMBER_BYTES; i++) {
        packed[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    buf_add(out, packed, sizeof packed);
}

static inline uint64_t number_unpack(const void *at)
{
    const uint8_t *packed = at;
    uint64_t number = 0;

    for (int i = 0; i < NUMBER_BYTES; i++) {
        number = number << 8 | packed[i];
    }
    return number;
}

#endif
