/*
 * The window: the newest events that have deliveries nobody wrote a row for, because they are being
 * tried for the first time out of memory.
 *
 * Its lower edge is the mark of store.h, invariant 4: after a crash only what is above it must be
 * looked at. Events enter in the order of their commit, which is the order of their ids, and leave
 * at the front once the last of their fresh deliveries was settled.
 *
 *      ... settled events | mark | front: 2 outstanding, 0, 1, 0, ... newest
 */
#ifndef STORE_WINDOW_H
#define STORE_WINDOW_H

#include "base/id.h"

#include <stdint.h>

struct window_entry {
    struct id event;
    uint32_t outstanding; /* fresh deliveries that are not settled */
};

struct window {
    struct window_entry *ring; /* owned; a power of two of them */
    size_t start, len, room;
    struct id newest; /* newest event that ever entered */
    uint64_t passed;  /* how many events have left */
};

/* Empty, with the mark at newest. */
void window_init(struct window *window, struct id newest);
void window_clear(struct window *window);

/* A committed event, newer than all before, with `fresh` (0 or more) fresh deliveries. */
void window_add(struct window *window, struct id event, uint32_t fresh);

/* One fresh delivery of an event was settled. The event must be in the window: whoever settles a
 * delivery twice has a bug. */
void window_settle(struct window *window, struct id event);

/* Every event up to here has no fresh delivery any more. */
struct id window_mark(const struct window *window);

#endif
