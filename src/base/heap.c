#include "base/heap.h"

#include "base/mem.h"

#include <assert.h>

enum { ROOM_AT_FIRST = 16 };

/* Places count from one, as in link->at: the parent of place n is n / 2, its children are 2 * n and
 * 2 * n + 1. */

static struct heap_link *link_at(const struct heap *heap, size_t at)
{
    return heap->links[at - 1];
}

static void put(struct heap *heap, struct heap_link *link, size_t at)
{
    heap->links[at - 1] = link;
    link->at = at;
}

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_clear(struct heap *heap)
{
    mem_free(heap->links);
    heap_init(heap);
}

/* Finds link its place, starting at the free place `at`: first towards the top, then away from
 * it. */
static void settle(struct heap *heap, struct heap_link *link, size_t at)
{
    while (at > 1 && link->key < link_at(heap, at / 2)->key) {
        put(heap, link_at(heap, at / 2), at);
        at /= 2;
    }
    for (size_t child = 2 * at; child <= heap->count; child = 2 * at) {
        if (child < heap->count && link_at(heap, child + 1)->key < link_at(heap, child)->key) {
            child++;
        }
        if (link->key <= link_at(heap, child)->key) {
            break;
        }
        put(heap, link_at(heap, child), at);
        at = child;
    }
    put(heap, link, at);
}

void heap_insert(struct heap *heap, struct heap_link *link, int64_t key)
{
    assert(!heap_link_is_in(link));
    if (heap->count == heap->room) {
        heap->room = heap->room == 0 ? ROOM_AT_FIRST : heap->room * 2;
        heap->links = mem_resize(heap->links, heap->room, sizeof(struct heap_link *));
    }
    heap->count++;
    link->key = key;
    settle(heap, link, heap->count);
}

void heap_move(struct heap *heap, struct heap_link *link, int64_t key)
{
    if (!heap_link_is_in(link)) {
        heap_insert(heap, link, key);
        return;
    }
    link->key = key;
    settle(heap, link, link->at);
}

void heap_remove(struct heap *heap, struct heap_link *link)
{
    if (!heap_link_is_in(link)) {
        return;
    }
    assert(link_at(heap, link->at) == link);

    struct heap_link *last = link_at(heap, heap->count);
    size_t freed = link->at;

    link->at = 0;
    heap->count--;
    if (last != link) {
        settle(heap, last, freed);
    }
}

struct heap_link *heap_first(const struct heap *heap)
{
    return heap->count == 0 ? NULL : link_at(heap, 1);
}

bool heap_link_is_in(const struct heap_link *link)
{
    return link->at != 0;
}
