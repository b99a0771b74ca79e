/*
 * A hash map from bytes or 64-bit numbers to pointers, open addressing, for one thread.
 *
 * Keys are borrowed: they must live (usually inside the value) as long as the entry does.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot; /* private */

struct map {
    struct map_slot *slots; /* owned */
    size_t count, room;
    uint64_t seed; /* from chance where peers choose keys */
};

void map_init(struct map *map, uint64_t seed);
void map_clear(struct map *map); /* frees the slots, not the values */

/* NULL when absent. */
void *map_get(const struct map *map, struct slice key);
void *map_get_u64(const struct map *map, uint64_t key);

/* Puts value (not NULL), returns the value that was there before or NULL. The new key replaces the
 * old one too. */
void *map_put(struct map *map, struct slice key, void *value);
void *map_put_u64(struct map *map, uint64_t key, void *value);

/* Takes the entry out and returns its value, NULL when absent. */
void *map_remove(struct map *map, struct slice key);
void *map_remove_u64(struct map *map, uint64_t key);

/* All values in no particular order: start with *at = 0; NULL at the end. The map must not change
 * meanwhile. */
void *map_each(const struct map *map, size_t *at);

#endif
