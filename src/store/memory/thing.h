/*
 * The things that a snapshot keeps in its tables. All are immutable once they are in one, and
 * counted.
 */
#ifndef STORE_MEMORY_THING_H
#define STORE_MEMORY_THING_H

#include "model/table.h"
#include "store/engine.h"

/* An event, with how many deliveries it has: event_delivery_id(id, 0 ... deliveries - 1). */
struct kept_event {
    _Atomic uint32_t references;
    struct event *event; /* held */
    struct slice name;   /* owned; the other one by which it is found, empty: none */
    uint32_t deliveries;
    bool has_data; /* not yet removed by age */
};

/* One attempt and those before it. */
struct tried {
    _Atomic uint32_t references;
    struct attempt attempt; /* texts owned */
    struct tried *before;   /* held; NULL: it was the first */
};

/* A delivery belongs to its channel, and there it has its turn. */
struct place {
    struct id channel, delivery;
};

/* Where a delivery stands. */
struct standing {
    _Atomic uint32_t references;
    struct place place;
    struct id event, account;
    bool is_queue;
    enum delivery_state state;
    bool is_fresh;        /* pending, and being tried for the first time out of memory */
    uint32_t attempts;    /* made so far; of a queue delivery: receives */
    uint32_t epoch;       /* of the newest lease */
    struct wall due;      /* when to try; of a queue delivery: when its lease ends */
    struct tried *newest; /* held; NULL: nothing recorded */
};

/* An operation. */
struct kept_operation {
    _Atomic uint32_t references;
    struct operation *operation;        /* owned */
    uint8_t ended_by[STORE_HASH_BYTES]; /* body of the request that ended it; zero before */
};

/* What an idempotency key was used for. */
struct used_key {
    _Atomic uint32_t references;
    uint8_t key[STORE_HASH_BYTES];
    uint8_t body[STORE_HASH_BYTES];
    struct id first; /* the event or operation */
};

extern const struct table_kind thing_events;     /* struct kept_event by id */
extern const struct table_kind thing_standings;  /* struct standing by delivery */
extern const struct table_kind thing_waiting;    /* struct standing by place */
extern const struct table_kind thing_operations; /* struct kept_operation by id */
extern const struct table_kind thing_keys;       /* struct used_key by key */

/* With one reference; holds the event, copies the name. */
struct kept_event *kept_event_new(struct event *event, struct slice name, uint32_t deliveries,
                                  bool has_data);
void kept_event_release(struct kept_event *kept);

/* With one reference; a copy of what is in the literal. */
struct standing *standing_new(const struct standing *from);
void standing_release(struct standing *standing);

/* Whether it has a pending row in the sense of store.h, invariant 3. */
bool standing_is_waiting(const struct standing *standing);

/* Before it is in a table: records an attempt with copies of its texts, and gives it its id. */
void standing_add_attempt(struct standing *standing, const struct engine_batch *batch,
                          struct attempt *attempt);

/* With one reference; copies the operation. ended_by: NULL while it is pending. */
struct kept_operation *kept_operation_new(const struct operation *operation,
                                          const uint8_t *ended_by);
void kept_operation_release(struct kept_operation *kept);

struct used_key *used_key_new(const uint8_t key[STORE_HASH_BYTES],
                              const uint8_t body[STORE_HASH_BYTES], struct id first);
void used_key_release(struct used_key *used);

#endif
