/*
 * A snapshot: all that a store keeps, as one moment left it.
 *
 * It is made of tables of things that never change (model/table.h). A transaction makes a draft
 * that shares everything with the newest snapshot and puts changed copies into it; a commit makes
 * the draft the newest one, a rollback forgets it. A reader holds a snapshot as long as it reads.
 * So there is nothing to undo, and nothing to lock but the pointer to the newest.
 *
 * Invariants:
 * 1. `waiting` has exactly those of `standings` that have a pending row (store.h, invariant 3).
 * 2. An event and the standings of its deliveries come and go together.
 * 3. Only who made a draft changes it, until it is committed.
 */
#ifndef STORE_MEMORY_SNAPSHOT_H
#define STORE_MEMORY_SNAPSHOT_H

#include "store/memory/thing.h"

struct snapshot {
    _Atomic uint32_t references;
    struct table *events, *standings, *waiting, *operations, *keys;
    struct directory *directory; /* held: the settings */
    struct id mark, newest;      /* see struct engine_state */
};

struct snapshot *snapshot_new(uint64_t seed);
struct snapshot *snapshot_draft(const struct snapshot *from); /* to be changed; one reference */
struct snapshot *snapshot_hold(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot); /* NULL is fine */

/* Lent; NULL when there is none. */
const struct kept_event *snapshot_event(const struct snapshot *snapshot, struct id event);
const struct standing *snapshot_standing(const struct snapshot *snapshot, struct id delivery);
const struct kept_operation *snapshot_operation(const struct snapshot *snapshot,
                                                struct id operation);
const struct used_key *snapshot_key(const struct snapshot *snapshot,
                                    const uint8_t key[STORE_HASH_BYTES]);

/* How many deliveries an event has; 0 when there is none such. */
uint32_t snapshot_deliveries(const struct snapshot *snapshot, struct id event);

bool snapshot_has_channel(const struct snapshot *snapshot, struct id account, struct id channel);

/* Into a draft; each takes over the reference. */
void snapshot_put_event(struct snapshot *draft, struct kept_event *kept);
void snapshot_put_standing(struct snapshot *draft, struct standing *standing);
void snapshot_put_operation(struct snapshot *draft, struct kept_operation *kept);
void snapshot_put_key(struct snapshot *draft, struct used_key *used);
void snapshot_put_directory(struct snapshot *draft, struct directory *directory);

/* Takes an event out, and where its deliveries stand. */
void snapshot_remove_event(struct snapshot *draft, const struct kept_event *kept);
void snapshot_remove_operation(struct snapshot *draft, struct id operation);
void snapshot_remove_key(struct snapshot *draft, const struct used_key *used);

/*
 * A walk through a table as it is at the start: what the walker changes meanwhile in its draft does
 * not show.
 */
struct snapshot_walk {
    struct table *table; /* held: a copy */
    struct table_walk walk;
};

/* From the first key behind `after`; NULL: from the start. */
void snapshot_walk_begin(struct snapshot_walk *walk, const struct table *table,
                         const struct slice *after);
const void *snapshot_walk_next(struct snapshot_walk *walk); /* lent; NULL at the end */
void snapshot_walk_end(struct snapshot_walk *walk);

/* The same from an id (of an event, delivery or operation), itself included. */
void snapshot_walk_from(struct snapshot_walk *walk, const struct table *table, struct id first);

/* The same through what waits in one channel, in the order of the deliveries and behind one of
 * them. */
void snapshot_walk_channel(struct snapshot_walk *walk, const struct snapshot *snapshot,
                           struct id channel, struct id after);
const struct standing *snapshot_walk_next_in(struct snapshot_walk *walk, struct id channel);

#endif
