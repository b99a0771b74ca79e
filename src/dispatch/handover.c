/*
 * Hand-over: from the committer's thread to the workers, one message a worker and commit.
 */
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

enum handover_kind { HANDOVER_FRESH, HANDOVER_SPILLED, HANDOVER_NUDGED, HANDOVER_CHANGED };

struct handover_item {
    enum handover_kind kind;
    struct event *event; /* HANDOVER_FRESH: one reference */
    struct id account, channel, delivery;
    struct wall due; /* HANDOVER_SPILLED */
};

struct handover {
    struct message message;
    struct worker *worker;
    struct handover_item *items; /* owned */
    size_t len, room;
};

static void nudge(struct worker *worker, const struct handover_item *item)
{
    struct lane *lane = worker_lane(worker, item->account, item->channel);

    lane_drop(lane, item->delivery);
    lane_spilled(lane, (struct wall){0});
}

static void take_over(struct worker *worker, const struct handover_item *item)
{
    struct lane *lane;

    if (worker->dispatch->store == NULL) {
        event_release(item->event); /* the end has come: the next start finds it in the store */
        return;
    }
    switch (item->kind) {
    case HANDOVER_FRESH:
        lane = worker_lane(worker, item->account, item->channel);
        lane_add_fresh(lane, item->event, item->delivery);
        return;
    case HANDOVER_SPILLED:
        lane_spilled(worker_lane(worker, item->account, item->channel), item->due);
        return;
    case HANDOVER_NUDGED:
        nudge(worker, item);
        return;
    case HANDOVER_CHANGED:
        lane = map_get_u64(&worker->lanes, item->channel.value);
        if (lane != NULL) {
            worker_make_ready(worker, lane); /* it looks at its channel when it is its turn */
        }
        return;
    }
}

static void arrive(struct message *message)
{
    struct handover *handover = CONTAINER_OF(message, struct handover, message);

    for (size_t i = 0; i < handover->len; i++) {
        take_over(handover->worker, &handover->items[i]);
    }
    mem_free(handover->items);
    mem_free(handover);
}

static struct handover *handover_new(struct worker *worker)
{
    struct handover *handover = MEM_NEW(struct handover);

    handover->message.run = arrive;
    handover->worker = worker;
    return handover;
}

static void handover_add(struct handover *handover, const struct handover_item *item)
{
    if (handover->len == handover->room) {
        handover->room = handover->room == 0 ? 16 : 2 * handover->room;
        handover->items = mem_resize(handover->items, handover->room, sizeof(struct handover_item));
    }
    handover->items[handover->len++] = *item;
}

static void handover_post(struct handover *handover)
{
    mailbox_post(handover->worker->mailbox, &handover->message);
}

/*
 * Adds one event's send targets to the messages of their workers, which are made when first needed.
 */
static void add_event(struct dispatch *dispatch, struct handover **handovers,
                      const struct store_publish_item *item)
{
    for (uint32_t i = 0; i < item->targets_len; i++) {
        const struct store_target *target = &item->targets[i];
        if (target->way == STORE_QUEUE) {
            continue;
        }
        bool is_fresh = target->way == STORE_FRESH;
        struct worker *worker = dispatch_worker_for(dispatch, target->channel);
        if (handovers[worker->index] == NULL) {
            handovers[worker->index] = handover_new(worker);
        }
        handover_add(handovers[worker->index],
                     &(struct handover_item){
                         .kind = is_fresh ? HANDOVER_FRESH : HANDOVER_SPILLED,
                         .event = is_fresh ? event_hold(item->event) : NULL,
                         .account = item->event->account,
                         .channel = target->channel,
                         .delivery = event_delivery_id(item->event->id, i),
                         .due.us = env_wall(dispatch->env).us + target->delay_us,
                     });
    }
}

void dispatch_published(struct dispatch *dispatch, struct store_publish_item *const *items,
                        size_t len)
{
    struct handover *handovers[DISPATCH_THREADS_MAX] = {NULL};

    for (size_t i = 0; i < len; i++) {
        add_event(dispatch, handovers, items[i]);
    }
    for (uint32_t i = 0; i < dispatch->workers_len; i++) {
        if (handovers[i] != NULL) {
            handover_post(handovers[i]);
        }
    }
}

void dispatch_nudged(struct dispatch *dispatch, struct id account, struct id channel,
                     struct id delivery)
{
    struct handover *handover = handover_new(dispatch_worker_for(dispatch, channel));

    handover_add(handover, &(struct handover_item){.kind = HANDOVER_NUDGED,
                                                   .account = account,
                                                   .channel = channel,
                                                   .delivery = delivery});
    handover_post(handover);
}

void dispatch_changed(struct dispatch *dispatch, struct id account, struct id channel)
{
    /*
     * A whole account that goes takes its channels along; their lanes notice when they next look.
     */
    if (channel.value == 0) {
        return;
    }
    struct handover *handover = handover_new(dispatch_worker_for(dispatch, channel));
    handover_add(handover, &(struct handover_item){
                               .kind = HANDOVER_CHANGED, .account = account, .channel = channel});
    handover_post(handover);
}
