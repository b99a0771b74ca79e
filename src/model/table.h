/*
 * A table: a set of shared things found by key, of which a changed copy costs little.
 *
 * Invariants:
 *   1. A thing lies in the shard that its key's hash names, so finding one looks into one shard.
 *   2. Each shard is sorted by key, so finding is a binary search and a listing in order is a merge
 *      of shards from any key on.
 *   3. A shard that two tables share is never changed: who has to change it copies it first. A
 *      table is changed only by who made it and has shared it with nobody yet.
 *   4. A shard holds one reference to each of its things.
 *
 * With 100,000 things a change copies one shard of some 400 pointers and the 256 pointers to
 * shards.
 */
#ifndef MODEL_TABLE_H
#define MODEL_TABLE_H

#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

enum { TABLE_SHARDS = 256 };

/* What a table must know of its things. */
struct table_kind {
    struct slice (*key)(const void *thing); /* its bytes live as long as the thing */
    int (*compare)(struct slice a, struct slice b);
    void (*hold)(void *thing);
    void (*release)(void *thing);
};

struct table_shard; /* private */

struct table {
    _Atomic uint32_t references;
    const struct table_kind *kind; /* static */
    uint64_t seed;
    size_t count;
    struct table_shard *shards[TABLE_SHARDS]; /* one reference each; NULL is an empty one */
};

/* Empty, with one reference. seed comes from chance where peers choose keys. */
struct table *table_new(const struct table_kind *kind, uint64_t seed);
struct table *table_copy(const struct table *table); /* shares all shards */
struct table *table_hold(struct table *table);
void table_release(struct table *table);

/* Lent; NULL when there is none. */
void *table_get(const struct table *table, struct slice key);

/*
 * In place, see invariant 3. put takes a reference to thing and replaces what has its key; remove
 * does nothing when there is none.
 */
void table_put(struct table *table, void *thing);
void table_remove(struct table *table, struct slice key);

/*
 * A walk through a table in the order of the keys. The table must stay as it is meanwhile.
 *
 * Inside is a binary heap of the places that the walk has reached in those shards that still have
 * something: the one with the lowest key is first.
 */
struct table_walk {
    const struct table_kind *kind;
    size_t len;
    struct {
        const struct table_shard *shard;
        uint32_t at;
    } places[TABLE_SHARDS];
};

/* Begins with the first key behind `after`, which need not be there; NULL: from the start. */
void table_walk_init(struct table_walk *walk, const struct table *table, const struct slice *after);
void *table_walk_next(struct table_walk *walk); /* lent; NULL at the end */

/* Calls visit for each, in no particular order. */
typedef void table_visit_fn(void *ctx, void *thing);
void table_each(const struct table *table, table_visit_fn *visit, void *ctx);

#endif
