#include "base/macro.h"
#include "store/memory/memory_internal.h"

#include <string.h>

const struct used_key *memory_find_key(const struct engine *engine,
                                       const uint8_t key[STORE_HASH_BYTES], struct wall now)
{
    const struct used_key *used = snapshot_key(engine->draft, key);

    return used != NULL && now.us - id_time(used->first).us < engine->idempotency_us ? used : NULL;
}

bool memory_is_known(const struct engine *engine, struct wall now, struct store_publish_item *item)
{
    const struct used_key *used =
        item->is_idempotent ? memory_find_key(engine, item->idempotency, now) : NULL;

    if (used == NULL) {
        return false;
    }
    if (memcmp(used->body, item->body, sizeof used->body) != 0) {
        item->err = ERR_CONFLICT;
        return true;
    }
    item->is_duplicate = true;
    item->id = used->first;
    item->deliveries = snapshot_deliveries(engine->draft, used->first);
    return true;
}

/* The channel may have been deleted since the caller looked: then the delivery ends here. */
static void put_target(struct snapshot *draft, struct wall now,
                       const struct store_publish_item *item, uint32_t index)
{
    const struct store_target *target = &item->targets[index];
    struct id account = item->event->account;
    bool is_fresh = target->way == STORE_FRESH;
    bool is_possible = is_fresh || snapshot_has_channel(draft, account, target->channel);

    snapshot_put_standing(
        draft, standing_new(&(struct standing){
                   .place = {target->channel, event_delivery_id(item->id, index)},
                   .event = item->id,
                   .account = account,
                   .is_queue = target->way == STORE_QUEUE,
                   .state = is_possible ? DELIVERY_PENDING : DELIVERY_CANCELED,
                   .is_fresh = is_fresh,
                   .due.us = target->way == STORE_WAITING ? now.us + target->delay_us : 0,
               }));
}

void memory_publish_new(struct engine *engine, struct wall now,
                        const struct store_publish_item *item)
{
    struct snapshot *draft = engine->draft;

    snapshot_put_event(
        draft, kept_event_new(item->event, item->name, item->targets_len, /* has_data= */ true));
    for (uint32_t i = 0; i < item->targets_len; i++) {
        put_target(draft, now, item, i);
    }
    if (item->is_idempotent) {
        snapshot_put_key(draft, used_key_new(item->idempotency, item->body, item->id));
    }
}

enum err memory_publish(struct engine *engine, const struct engine_batch *batch,
                        struct store_publish *publish)
{
    for (size_t i = 0; i < publish->items_len; i++) {
        struct store_publish_item *item = &publish->items[i];

        if (!memory_is_known(engine, batch->now, item)) {
            memory_publish_new(engine, batch->now, item);
        }
    }
    return OK;
}
