#include "base/macro.h"
#include "store/memory/memory_internal.h"

/* Answers an item whose key counts still, in the item itself. False: it is a new event. */
static bool answer_by_key(const struct engine *engine, struct wall now,
                          struct store_publish_item *item)
{
    const struct snapshot *draft = engine->draft;
    const struct used_key *used = snapshot_key(draft, item->idempotency);

    if (used == NULL || now.us - id_time(used->event).us >= engine->idempotency_us) {
        return false;
    }
    if (!slice_equal(slice_from(used->body, sizeof used->body),
                     slice_from(item->body, sizeof item->body))) {
        item->err = ERR_CONFLICT;
        return true;
    }
    const struct kept_event *first = snapshot_event(draft, used->event);
    item->is_duplicate = true;
    item->id = used->event;
    item->deliveries = first != NULL ? first->deliveries : 0;
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

static void publish_item(struct engine *engine, struct wall now, struct store_publish_item *item)
{
    struct snapshot *draft = engine->draft;

    if (item->is_idempotent && answer_by_key(engine, now, item)) {
        return;
    }
    snapshot_put_event(draft, kept_event_new(item->event, item->targets_len, /* has_data= */ true));
    for (uint32_t i = 0; i < item->targets_len; i++) {
        put_target(draft, now, item, i);
    }
    if (item->is_idempotent) {
        snapshot_put_key(draft, used_key_new(item));
    }
}

enum err memory_publish(struct engine *engine, const struct engine_batch *batch,
                        struct store_publish *publish)
{
    for (size_t i = 0; i < publish->items_len; i++) {
        publish_item(engine, batch->now, &publish->items[i]);
    }
    return OK;
}
