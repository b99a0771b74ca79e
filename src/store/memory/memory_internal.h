/*
 * What the files of the memory engine share: the engine, its readers, and the calls that engine.c
 * puts into its table.
 */
#ifndef STORE_MEMORY_MEMORY_INTERNAL_H
#define STORE_MEMORY_MEMORY_INTERNAL_H

#include "store/engine.h"
#include "store/memory/shelf.h"
#include "store/memory/snapshot.h"

struct engine {
    struct shelf *shelf;    /* borrowed: it outlives the engine */
    struct snapshot *draft; /* of the running transaction; NULL outside */
    struct id_maker *ids;   /* borrowed during a transaction */
    struct channel_defaults channel_defaults;
    int64_t idempotency_us;
};

struct engine_reader {
    struct engine *engine;
};

#define MEMORY_WRITES(name)                                                                        \
    enum err memory_##name(struct engine *engine, const struct engine_batch *batch,                \
                           struct store_##name *name)
#define MEMORY_READS(name)                                                                         \
    enum err memory_##name(struct engine_reader *reader, struct wall now, struct store_##name *name)

MEMORY_WRITES(publish);
MEMORY_WRITES(settle);
MEMORY_WRITES(receive);
MEMORY_WRITES(answer);
MEMORY_WRITES(steer);
MEMORY_WRITES(show);
MEMORY_WRITES(open_operation);
MEMORY_WRITES(advance);
MEMORY_WRITES(put_account);
MEMORY_WRITES(put_channel);
MEMORY_WRITES(put_key);
MEMORY_WRITES(retain);
enum err memory_remove(struct engine *engine, const struct engine_batch *batch,
                       struct store_remove *target); /* remove() is libc's */
MEMORY_READS(get_event);
MEMORY_READS(list_events);
MEMORY_READS(get_delivery);
MEMORY_READS(list_deliveries);
MEMORY_READS(find_event);
MEMORY_READS(get_operation);
MEMORY_READS(list_operations);
MEMORY_READS(due_operations);
MEMORY_READS(take);
MEMORY_READS(lanes);
MEMORY_READS(stats);

#undef MEMORY_WRITES
#undef MEMORY_READS

enum err memory_load(struct engine *engine, struct engine_state *state, struct diag *diag);

/* What an idempotency key was used for, NULL when it does not count; lent from the draft. */
const struct used_key *memory_find_key(const struct engine *engine,
                                       const uint8_t key[STORE_HASH_BYTES], struct wall now);

/* One event into the draft, whichever call brings it: whether its key was used before, then the
 * item has the answer; and if not, the event with its deliveries. */
bool memory_is_known(const struct engine *engine, struct wall now, struct store_publish_item *item);
void memory_publish_new(struct engine *engine, struct wall now,
                        const struct store_publish_item *item);

/* What settle does besides: a channel's new health. One that is gone meanwhile needs none. */
void memory_put_health(struct engine *engine, const struct store_settle_health *item);

#endif
