/*
 * An intrusive binary min-heap of things ordered by a 64-bit key (usually an instant in
 * microseconds).
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_link {
    int64_t key;
    size_t at; /* place in the heap, counted from one; 0 when in no heap */
};

struct heap {
    struct heap_link **links; /* owned array, borrowed links */
    size_t count, room;
};

void heap_init(struct heap *heap);
void heap_clear(struct heap *heap); /* frees the array; links are left as they are */

/* link must be in no heap. */
void heap_insert(struct heap *heap, struct heap_link *link, int64_t key);

/* Gives link a new key; inserts it when it is in no heap. */
void heap_move(struct heap *heap, struct heap_link *link, int64_t key);

/* Nothing happens when link is in no heap. */
void heap_remove(struct heap *heap, struct heap_link *link);

/* One with the smallest key; NULL when the heap is empty. */
struct heap_link *heap_first(const struct heap *heap);

bool heap_link_is_in(const struct heap_link *link);

#endif
