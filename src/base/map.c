/*
 * Linear probing in a table whose size is a power of two and that is at most three quarters full.
 *
 * A removal closes its gap by moving later entries back (no tombstones), so a look-up ends at the
 * first free slot however many removals there were.
 */
#include "base/map.h"

#include "base/chance.h"
#include "base/mem.h"

#include <assert.h>

enum { ROOM_AT_FIRST = 16 };

struct map_slot {
    uint64_t hash;
    const char *ptr; /* borrowed; NULL when the key is a number */
    uint64_t number; /* how many bytes are at ptr, or the key itself */
    void *value;     /* NULL: the slot is free */
};

/* Bytes and numbers become the same kind of key here: a slot without its value. */
static struct map_slot key_of_slice(const struct map *map, struct slice key)
{
    return (struct map_slot){
        .hash = slice_hash(key, map->seed),
        .ptr = key.ptr != NULL ? key.ptr : "",
        .number = key.len,
    };
}

static struct map_slot key_of_u64(const struct map *map, uint64_t key)
{
    return (struct map_slot){.hash = chance_mix(key ^ map->seed), .number = key};
}

static bool has_key(const struct map_slot *slot, const struct map_slot *key)
{
    if (slot->hash != key->hash || slot->number != key->number) {
        return false;
    }
    if (slot->ptr == NULL || key->ptr == NULL) {
        return slot->ptr == key->ptr;
    }
    return slice_equal(slice_from(slot->ptr, slot->number), slice_from(key->ptr, key->number));
}

/* The slot that a key belongs into if all were free. */
static size_t home_of(const struct map *map, const struct map_slot *slot)
{
    return slot->hash & (map->room - 1);
}

static size_t slot_after(const struct map *map, size_t at)
{
    return (at + 1) & (map->room - 1);
}

/* How many steps lead from one slot to another, around the end. */
static size_t distance(const struct map *map, size_t from, size_t to)
{
    return (to - from) & (map->room - 1);
}

/* The slot that holds key, or the free one where it would go. The map must have room. */
static size_t find(const struct map *map, const struct map_slot *key)
{
    size_t at = home_of(map, key);

    while (map->slots[at].value != NULL && !has_key(&map->slots[at], key)) {
        at = slot_after(map, at);
    }
    return at;
}

static void grow(struct map *map)
{
    struct map bigger = {
        .room = map->room == 0 ? ROOM_AT_FIRST : map->room * 2,
        .count = map->count,
        .seed = map->seed,
    };

    bigger.slots = MEM_ARRAY(bigger.room, struct map_slot);
    for (size_t i = 0; i < map->room; i++) {
        if (map->slots[i].value != NULL) {
            bigger.slots[find(&bigger, &map->slots[i])] = map->slots[i];
        }
    }
    mem_free(map->slots);
    *map = bigger;
}

/* Frees the slot and moves back what could not go there because it was taken. */
static void close_gap(struct map *map, size_t gap)
{
    for (size_t at = slot_after(map, gap); map->slots[at].value != NULL; at = slot_after(map, at)) {
        size_t home = home_of(map, &map->slots[at]);

        if (distance(map, home, at) >= distance(map, gap, at)) {
            map->slots[gap] = map->slots[at];
            gap = at;
        }
    }
    map->slots[gap] = (struct map_slot){0};
}

static void *get(const struct map *map, struct map_slot key)
{
    return map->count == 0 ? NULL : map->slots[find(map, &key)].value;
}

static void *put(struct map *map, struct map_slot entry)
{
    assert(entry.value != NULL);
    if (map->count >= map->room / 4 * 3) {
        grow(map);
    }

    struct map_slot *slot = &map->slots[find(map, &entry)];
    void *before = slot->value;

    *slot = entry;
    map->count += before == NULL;
    return before;
}

static void *take(struct map *map, struct map_slot key)
{
    if (map->count == 0) {
        return NULL;
    }

    size_t at = find(map, &key);
    void *value = map->slots[at].value;

    if (value != NULL) {
        close_gap(map, at);
        map->count--;
    }
    return value;
}

void map_init(struct map *map, uint64_t seed)
{
    *map = (struct map){.seed = seed};
}

void map_clear(struct map *map)
{
    mem_free(map->slots);
    map_init(map, map->seed);
}

void *map_get(const struct map *map, struct slice key)
{
    return get(map, key_of_slice(map, key));
}

void *map_get_u64(const struct map *map, uint64_t key)
{
    return get(map, key_of_u64(map, key));
}

void *map_put(struct map *map, struct slice key, void *value)
{
    struct map_slot entry = key_of_slice(map, key);

    entry.value = value;
    return put(map, entry);
}

void *map_put_u64(struct map *map, uint64_t key, void *value)
{
    struct map_slot entry = key_of_u64(map, key);

    entry.value = value;
    return put(map, entry);
}

void *map_remove(struct map *map, struct slice key)
{
    return take(map, key_of_slice(map, key));
}

void *map_remove_u64(struct map *map, uint64_t key)
{
    return take(map, key_of_u64(map, key));
}

void *map_each(const struct map *map, size_t *at)
{
    while (*at < map->room) {
        void *value = map->slots[(*at)++].value;

        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}
