/*
 * Memory that goes all at once: many small pieces with one life, such as what belongs to a request.
 *
 * The first pieces lie inside the arena itself, so a common request allocates nothing.
 */
#ifndef HTTP_ARENA_H
#define HTTP_ARENA_H

#include "base/slice.h"

#include <stddef.h>

enum { ARENA_INLINE_BYTES = 3072 };

struct arena_block; /* private */

struct arena {
    size_t used;                /* of inline_bytes */
    struct arena_block *blocks; /* owned: what did not fit */
    _Alignas(max_align_t) char inline_bytes[ARENA_INLINE_BYTES];
};

/* Zeroed memory, aligned for anything. An arena starts as zeroes. */
void *arena_new(struct arena *arena, size_t bytes);

/* A copy with a zero byte behind it, which does not count. */
struct slice arena_copy(struct arena *arena, struct slice text);

/* Everything goes; the arena can be used again. */
void arena_reset(struct arena *arena);

#endif
