/*
 * What the walks of retention share.
 */
#ifndef STORE_SQLITE_RETAIN_INTERNAL_H
#define STORE_SQLITE_RETAIN_INTERNAL_H

#include "store/sqlite/event_row.h"
#include "store/sqlite/pending.h"
#include "store/sqlite/retain.h"

/* A slice, shared by all walks. */
struct sweep {
    struct engine *engine;
    struct store_retain *retain;
    struct wall now;
    struct id mark;
    uint32_t left; /* rows that may still be looked at */
};

/* What a walk needs of an event's row, copied out of it because the row is about to change. */
struct old_event {
    struct id id, account;
    struct slice targets; /* lent from engine->scratch */
    bool has_data;
    bool has_name;
    bool has_key;
    uint8_t key[STORE_HASH_BYTES];
    bool is_found;
};

/* Whether what is pending ends when its event is old: what somebody fetches does, unless it waits
 * for ever. */
bool retain_ends_by_age(const struct store_retain *retain, const struct pending_row *row);

/* Where a walk over what is older than `before` ends: the first id that it leaves alone. */
struct id retain_end_of(const struct sweep *sweep, struct wall before);

/* The next event behind `after` that is older than `before`, if the slice has room for it and its
 * targets; one with more than a whole slice is done alone. */
enum err retain_next_event(struct sweep *sweep, struct id after, struct wall before,
                           struct old_event *out) MUST_CHECK;

/* Only while it is this event's: the same key may have been used anew since. */
enum err retain_drop_key(struct sweep *sweep, const struct old_event *event) MUST_CHECK;

/* The walk of retain_operation.c. */
enum err retain_sweep_operations(struct sweep *sweep) MUST_CHECK;

/* The walks of retain_rest.c, in this order. */
enum err retain_sweep_events(struct sweep *sweep) MUST_CHECK;
enum err retain_sweep_attempts(struct sweep *sweep) MUST_CHECK;
enum err retain_sweep_buckets(struct sweep *sweep) MUST_CHECK;

#endif
