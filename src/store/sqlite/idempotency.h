/*
 * Idempotency keys: what each was used for, an event or an operation. They are random, so their
 * table is the one whose inserts fall anywhere.
 */
#ifndef STORE_SQLITE_IDEMPOTENCY_H
#define STORE_SQLITE_IDEMPOTENCY_H

#include "store/sqlite/sqlite_internal.h"

/* A key, and what must be the same when it is used again: STORE_HASH_BYTES each. */
struct idempotency_key {
    const uint8_t *key, *body;
};

/* What a key was used for before. */
struct idempotency_use {
    struct id id; /* ID_NONE: not used, or too long ago to count */
    bool is_same_body;
};

enum err idempotency_find(struct engine *engine, struct idempotency_key key, struct wall now,
                          struct idempotency_use *out) MUST_CHECK;

/* From now on the key stands for this id. */
enum err idempotency_put(struct database *db, struct idempotency_key key, struct id id) MUST_CHECK;

/* Only while it stands for this id: the same key may have been used anew since. */
enum err idempotency_drop(struct database *db, const uint8_t *key, struct id id) MUST_CHECK;

#endif
