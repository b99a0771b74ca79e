#include "http/arena.h"

#include "base/mem.h"

#include <string.h>

struct arena_block {
    struct arena_block *next;
    _Alignas(max_align_t) char bytes[];
};

static size_t aligned(size_t bytes)
{
    size_t unit = _Alignof(max_align_t);

    return (bytes + unit - 1) / unit * unit;
}

static void *new_block(struct arena *arena, size_t bytes)
{
    struct arena_block *block = mem_new(1, sizeof *block + bytes);

    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

void *arena_new(struct arena *arena, size_t bytes)
{
    if (bytes > sizeof arena->inline_bytes - arena->used) {
        return new_block(arena, bytes);
    }
    void *piece = arena->inline_bytes + arena->used;

    arena->used += aligned(bytes);
    return memset(piece, 0, bytes);
}

struct slice arena_copy(struct arena *arena, struct slice text)
{
    char *copy = arena_new(arena, text.len + 1);

    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return slice_from(copy, text.len);
}

void arena_reset(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;

        mem_free(arena->blocks);
        arena->blocks = next;
    }
    arena->used = 0;
}
