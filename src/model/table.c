#include "model/table.h"

#include "base/mem.h"
#include "model/reference.h"

#include <assert.h>
#include <string.h>

struct table_shard {
    _Atomic uint32_t references;
    uint32_t len;
    uint32_t room;
    void *things[]; /* sorted by key */
};

/* ---- shards ---- */

/* Empty, with one reference. */
static struct table_shard *shard_new(uint32_t room)
{
    struct table_shard *shard = mem_new(1, sizeof *shard + room * sizeof shard->things[0]);

    atomic_init(&shard->references, 1);
    shard->room = room;
    return shard;
}

static void shard_release(const struct table_kind *kind, struct table_shard *shard)
{
    if (shard == NULL || !reference_drop(&shard->references)) {
        return;
    }
    for (uint32_t i = 0; i < shard->len; i++) {
        kind->release(shard->things[i]);
    }
    mem_free(shard);
}

/* Half as much room again: in a table that grows most puts then copy nothing. */
static struct table_shard *shard_copy(const struct table_kind *kind,
                                      const struct table_shard *shard)
{
    struct table_shard *copy = shard_new(shard->len + shard->len / 2 + 1);

    for (uint32_t i = 0; i < shard->len; i++) {
        kind->hold(shard->things[i]);
        copy->things[i] = shard->things[i];
    }
    copy->len = shard->len;
    return copy;
}

/* The first place whose key is not below key; with is_behind, whose key is above it. */
static uint32_t shard_find(const struct table_kind *kind, const struct table_shard *shard,
                           struct slice key, bool is_behind)
{
    uint32_t low = 0;
    uint32_t high = shard->len;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = kind->compare(kind->key(shard->things[middle]), key);

        if (order < 0 || (is_behind && order == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool shard_has_at(const struct table_kind *kind, const struct table_shard *shard,
                         uint32_t place, struct slice key)
{
    return place < shard->len && kind->compare(kind->key(shard->things[place]), key) == 0;
}

/* ---- the table ---- */

struct table *table_new(const struct table_kind *kind, uint64_t seed)
{
    struct table *table = MEM_NEW(struct table);

    atomic_init(&table->references, 1);
    table->kind = kind;
    table->seed = seed;
    return table;
}

struct table *table_copy(const struct table *table)
{
    struct table *copy = table_new(table->kind, table->seed);

    copy->count = table->count;
    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        copy->shards[i] = table->shards[i];
        if (copy->shards[i] != NULL) {
            reference_take(&copy->shards[i]->references);
        }
    }
    return copy;
}

struct table *table_hold(struct table *table)
{
    reference_take(&table->references);
    return table;
}

void table_release(struct table *table)
{
    if (table == NULL || !reference_drop(&table->references)) {
        return;
    }
    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        shard_release(table->kind, table->shards[i]);
    }
    mem_free(table);
}

static size_t shard_of(const struct table *table, struct slice key)
{
    return slice_hash(key, table->seed) % TABLE_SHARDS;
}

void *table_get(const struct table *table, struct slice key)
{
    const struct table_shard *shard = table->shards[shard_of(table, key)];

    if (shard == NULL) {
        return NULL;
    }
    uint32_t place = shard_find(table->kind, shard, key, /* is_behind= */ false);
    return shard_has_at(table->kind, shard, place, key) ? shard->things[place] : NULL;
}

/* The shard at `at`, made fit to be changed and to take one thing more. */
static struct table_shard *own_shard(struct table *table, size_t at)
{
    struct table_shard *shard = table->shards[at];

    assert(reference_is_only(&table->references));
    if (shard == NULL) {
        table->shards[at] = shard_new(1);
    } else if (!reference_is_only(&shard->references) || shard->len == shard->room) {
        table->shards[at] = shard_copy(table->kind, shard);
        shard_release(table->kind, shard);
    }
    return table->shards[at];
}

void table_put(struct table *table, void *thing)
{
    const struct table_kind *kind = table->kind;
    struct slice key = kind->key(thing);
    struct table_shard *shard = own_shard(table, shard_of(table, key));
    uint32_t place = shard_find(kind, shard, key, /* is_behind= */ false);

    kind->hold(thing); /* before the old one goes: they may be the same */
    if (shard_has_at(kind, shard, place, key)) {
        kind->release(shard->things[place]);
    } else {
        memmove(&shard->things[place + 1], &shard->things[place],
                (shard->len - place) * sizeof shard->things[0]);
        shard->len++;
        table->count++;
    }
    shard->things[place] = thing;
}

void table_remove(struct table *table, struct slice key)
{
    const struct table_kind *kind = table->kind;

    if (table_get(table, key) == NULL) {
        return;
    }
    struct table_shard *shard = own_shard(table, shard_of(table, key));
    uint32_t place = shard_find(kind, shard, key, /* is_behind= */ false);
    void *thing = shard->things[place];

    memmove(&shard->things[place], &shard->things[place + 1],
            (shard->len - place - 1) * sizeof shard->things[0]);
    shard->len--;
    table->count--;
    kind->release(thing); /* last: key may be its own */
}

void table_each(const struct table *table, table_visit_fn *visit, void *ctx)
{
    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        const struct table_shard *shard = table->shards[i];

        for (uint32_t k = 0; shard != NULL && k < shard->len; k++) {
            visit(ctx, shard->things[k]);
        }
    }
}

/* ---- in order ---- */

static struct slice key_at(const struct table_walk *walk, size_t i)
{
    return walk->kind->key(walk->places[i].shard->things[walk->places[i].at]);
}

static bool is_below(const struct table_walk *walk, size_t a, size_t b)
{
    return walk->kind->compare(key_at(walk, a), key_at(walk, b)) < 0;
}

static void swap_places(struct table_walk *walk, size_t a, size_t b)
{
    __typeof__(walk->places[0]) moved = walk->places[a];

    walk->places[a] = walk->places[b];
    walk->places[b] = moved;
}

/* Moves what is at i down to where nothing below it has a lower key. */
static void sift_down(struct table_walk *walk, size_t i)
{
    for (;;) {
        size_t lowest = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < walk->len; child++) {
            if (is_below(walk, child, lowest)) {
                lowest = child;
            }
        }
        if (lowest == i) {
            return;
        }
        swap_places(walk, i, lowest);
        i = lowest;
    }
}

void table_walk_init(struct table_walk *walk, const struct table *table, const struct slice *after)
{
    walk->kind = table->kind;
    walk->len = 0;
    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        const struct table_shard *shard = table->shards[i];

        if (shard == NULL) {
            continue;
        }
        uint32_t at =
            after == NULL ? 0 : shard_find(table->kind, shard, *after, /* is_behind= */ true);
        if (at < shard->len) {
            walk->places[walk->len].shard = shard;
            walk->places[walk->len].at = at;
            walk->len++;
        }
    }
    for (size_t i = walk->len / 2; i > 0; i--) {
        sift_down(walk, i - 1);
    }
}

void *table_walk_next(struct table_walk *walk)
{
    if (walk->len == 0) {
        return NULL;
    }
    const struct table_shard *shard = walk->places[0].shard;
    void *thing = shard->things[walk->places[0].at];

    walk->places[0].at++;
    if (walk->places[0].at == shard->len) {
        walk->len--;
        walk->places[0] = walk->places[walk->len];
    }
    sift_down(walk, 0);
    return thing;
}
