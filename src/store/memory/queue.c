/*
 * Receiving, showing and answering. A queue channel's messages are what waits in it, in the order
 * of their ids; a lease is a standing's `due`, and its epoch tells it from those before.
 */
#include "base/mem.h"
#include "store/memory/memory_internal.h"

enum { MESSAGES_MAX = 1000 }; /* one receive gives */

/* The end of a delivery by its consumer's word: what an attempt is to a send channel. */
static void acknowledge(const struct engine_batch *batch, struct standing *standing)
{
    struct attempt attempt = {
        .number = standing->attempts > 0 ? standing->attempts : 1, /* it was received by this */
        .began = batch->now,
        .outcome = ATTEMPT_DELIVERED,
    };

    standing_add_attempt(standing, batch, &attempt);
    standing->state = DELIVERY_DELIVERED;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

struct receiving {
    struct snapshot *draft;
    const struct engine_batch *batch;
    struct store_receive *receive;
    size_t bytes; /* of data in receive->messages */
};

/* One that ends beyond the longest lease was given by a clock that has been set back. */
static bool is_leased(const struct standing *standing, struct wall now)
{
    return standing->due.us > now.us && standing->due.us <= now.us + STORE_LEASE_US_MAX;
}

static bool has_room(const struct receiving *receiving, const struct event *event)
{
    const struct store_receive *receive = receiving->receive;

    return receive->messages_len < receive->max &&
           (receive->messages_len == 0 || receiving->bytes + event->data.len <= receive->bytes_max);
}

static void add_message(struct receiving *receiving, const struct standing *before,
                        struct event *event)
{
    struct store_receive *receive = receiving->receive;
    struct standing *after = standing_new(before);

    after->attempts++;
    after->epoch++;
    if (receive->is_auto_ack) {
        acknowledge(receiving->batch, after);
    } else if (receive->lease_us > 0) {
        after->due.us = receiving->batch->now.us + receive->lease_us;
    }
    receive->messages[receive->messages_len++] = (struct store_message){
        .event = event_hold(event),
        .delivery = after->place.delivery,
        .epoch = after->epoch,
        .attempt = after->attempts,
    };
    receiving->bytes += event->data.len;
    snapshot_put_standing(receiving->draft, after);
}

static void fail(struct receiving *receiving, const struct standing *before)
{
    struct standing *after = standing_new(before);

    after->state = DELIVERY_FAILED;
    snapshot_put_standing(receiving->draft, after);
}

static void look_at(struct receiving *receiving, const struct standing *standing)
{
    struct store_receive *receive = receiving->receive;
    struct event *event = snapshot_event(receiving->draft, standing->event)->event;

    if (standing->account.value != receive->account.value) {
        return;
    }
    if (is_leased(standing, receiving->batch->now)) {
        if (standing->due.us < receive->next_available.us) {
            receive->next_available = standing->due;
        }
    } else if (receive->max_receives > 0 && standing->attempts >= receive->max_receives) {
        fail(receiving, standing);
    } else if (has_room(receiving, event)) {
        add_message(receiving, standing, event);
    } else {
        receive->has_more = true;
        receive->next_available = receiving->batch->now;
    }
}

enum err memory_receive(struct engine *engine, const struct engine_batch *batch,
                        struct store_receive *receive)
{
    struct receiving receiving = {.draft = engine->draft, .batch = batch, .receive = receive};
    const struct standing *standing = NULL;
    struct snapshot_walk walk;

    receive->max = receive->max < MESSAGES_MAX ? receive->max : MESSAGES_MAX;
    receive->messages = MEM_ARRAY(receive->max, struct store_message);
    receive->messages_len = 0;
    receive->has_more = false;
    receive->next_available = WALL_NEVER;
    snapshot_walk_channel(&walk, engine->draft, receive->channel, receive->after);
    while (!receive->has_more &&
           (standing = snapshot_walk_next_in(&walk, receive->channel)) != NULL) {
        look_at(&receiving, standing);
    }
    snapshot_walk_end(&walk);
    return OK;
}

/* ---- The head of a queue in strict order ----------------------------------------------------- */

/* Lent; NULL when the queue is empty. */
static const struct standing *find_head(const struct snapshot *draft, struct id channel)
{
    struct snapshot_walk walk;

    snapshot_walk_channel(&walk, draft, channel, ID_NONE);
    const struct standing *head = snapshot_walk_next_in(&walk, channel);
    snapshot_walk_end(&walk);
    return head;
}

static const struct standing *note_shown(struct snapshot *draft, const struct standing *before)
{
    struct standing *after = standing_new(before);

    after->attempts = 1;
    after->epoch++;
    snapshot_put_standing(draft, after);
    return after;
}

enum err memory_show(struct engine *engine, const struct engine_batch *batch,
                     struct store_show *show)
{
    const struct standing *head = find_head(engine->draft, show->channel);

    (void)batch;
    show->message = (struct store_message){0};
    if (head == NULL || !head->is_queue || head->account.value != show->account.value) {
        return OK;
    }
    if (head->attempts == 0 && !show->is_look) {
        head = note_shown(engine->draft, head);
    }
    show->message = (struct store_message){
        .event = event_hold(snapshot_event(engine->draft, head->event)->event),
        .delivery = head->place.delivery,
        .epoch = head->epoch,
        .attempt = head->attempts,
    };
    return OK;
}

/* ---- Answering ------------------------------------------------------------------------------- */

static enum err check_named(const struct store_answer *answer, const struct standing *standing)
{
    bool is_done = standing->state == DELIVERY_DELIVERED;

    return (is_done || standing_is_waiting(standing)) &&
                   id_time(standing->event).us >= answer->since.us
               ? OK
               : ERR_NOT_FOUND;
}

static enum err check_head(const struct snapshot *draft, const struct store_answer_item *item,
                           const struct standing *standing)
{
    return standing == find_head(draft, standing->place.channel) &&
                   standing->attempts >= item->epoch
               ? OK
               : ERR_NOT_FOUND;
}

static enum err check_receipt(const struct store_answer_item *item, const struct standing *standing)
{
    if (!standing_is_waiting(standing)) {
        return ERR_NOT_FOUND;
    }
    return standing->epoch == item->epoch ? OK : ERR_STALE;
}

static enum err check_item(const struct snapshot *draft, const struct store_answer *answer,
                           const struct store_answer_item *item, const struct standing *standing)
{
    if (standing == NULL || !standing->is_queue ||
        standing->place.channel.value != answer->channel.value ||
        standing->account.value != answer->account.value) {
        return ERR_NOT_FOUND;
    }
    switch (answer->kind) {
    case STORE_ACK_NAMED:
        return check_named(answer, standing);
    case STORE_ACK_HEAD:
        return check_head(draft, item, standing);
    case STORE_ACK:
    case STORE_RELEASE:
    case STORE_EXTEND:
    case STORE_UNDO:
        break;
    }
    return check_receipt(item, standing);
}

static void answer_item(struct snapshot *draft, const struct engine_batch *batch,
                        const struct store_answer *answer, struct store_answer_item *item)
{
    const struct standing *before = snapshot_standing(draft, item->delivery);

    item->err = check_item(draft, answer, item, before);
    if (item->err != OK || before->state == DELIVERY_DELIVERED) {
        return;
    }
    struct standing *after = standing_new(before);
    switch (answer->kind) {
    case STORE_ACK:
    case STORE_ACK_NAMED:
    case STORE_ACK_HEAD:
        acknowledge(batch, after);
        break;
    case STORE_RELEASE:
        after->due = (struct wall){0};
        break;
    case STORE_EXTEND:
        after->due.us = batch->now.us + answer->lease_us;
        break;
    case STORE_UNDO:
        after->due = (struct wall){0};
        after->attempts--;
        break;
    }
    snapshot_put_standing(draft, after);
}

enum err memory_answer(struct engine *engine, const struct engine_batch *batch,
                       struct store_answer *answer)
{
    for (size_t i = 0; i < answer->items_len; i++) {
        answer_item(engine->draft, batch, answer, &answer->items[i]);
    }
    return OK;
}
