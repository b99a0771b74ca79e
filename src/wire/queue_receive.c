/*
 *   ask the store --messages--> those that can be told --> answer
 *      ^    |                     |
 *      |    '--nothing there--.   '--none: refuse them, ask again
 *      |                      v
 *      |                    sleep --the wait is over--> answer with none
 *      |                      |
 *      '--rung, or a lease ended
 *
 * 1. The exchange listens before it asks, so a message that comes between the store's answer and
 *    falling asleep is not missed.
 * 2. One ring wakes one consumer, which takes what it was rung for or, if there is more for others
 *    to have, rings for the next one.
 * 3. As long as anybody waits, somebody who waits knows when the first lease ends: of a lease that
 *    starts meanwhile and may end before the waits do, one learns by a ring; and who stops waiting
 *    rings for the next one. What is received without a lease is offered to all who wait in the
 *    same way, one after the other.
 * 4. Nothing stays leased to a peer that is known to be gone.
 */
#include "wire/queue_receive.h"

#include "base/mem.h"
#include "wire/app.h"

#include <assert.h>

void queue_receive_ring(struct exchange *exchange, struct id channel)
{
    server_ring(app_of(exchange)->server, channel.value, 1);
}

bool queue_receive_lease_is_short(int64_t lease_us)
{
    return lease_us < QUEUE_RECEIVE_WAIT_US_MAX;
}

static void ask(struct queue_receive *receive);

static void ring(const struct queue_receive *receive)
{
    queue_receive_ring(receive->exchange, receive->store.channel);
}

static void answer_with_none(struct queue_receive *receive)
{
    receive->store.has_more = false;
    receive->answer(receive);
}

/* ---- a peer that is gone ---- */

static void given_back(struct store_request *request)
{
    struct queue_receive *receive = CONTAINER_OF(request, struct queue_receive, undo.request);

    /* If that failed the leases end by themselves. The store has rung for others. */
    mem_free(receive->undo_items);
    store_request_clear(&receive->store.request);
    answer_with_none(receive);
}

/* Undoes the lease of what a peer that has gone meanwhile did not get (invariant 4). */
static void give_back(struct queue_receive *receive)
{
    struct store_receive *store = &receive->store;

    receive->undo_items = MEM_ARRAY(store->messages_len, struct store_answer_item);
    for (size_t i = 0; i < store->messages_len; i++) {
        receive->undo_items[i].delivery = store->messages[i].delivery;
        receive->undo_items[i].epoch = store->messages[i].epoch;
    }
    receive->undo.account = store->account;
    receive->undo.channel = store->channel;
    receive->undo.kind = STORE_UNDO;
    receive->undo.items = receive->undo_items;
    receive->undo.items_len = store->messages_len;
    exchange_submit(receive->exchange, STORE_CALL_answer, &receive->undo.request, given_back);
}

/* ---- handing out ---- */

static void hand_out(struct queue_receive *receive)
{
    const struct store_receive *store = &receive->store;

    if (!store->is_auto_ack && exchange_is_gone(receive->exchange)) {
        give_back(receive);
        return;
    }
    if (store->has_more || (!store->is_auto_ack && queue_receive_lease_is_short(store->lease_us))) {
        ring(receive); /* invariant 3 */
    }
    receive->answer(receive);
    store_request_clear(&receive->store.request);
}

/* ---- what cannot be told ---- */

/* With the reason as the attempt's words. */
static void note_refusal(struct queue_receive *receive, const struct store_message *message,
                         const struct diag *reason)
{
    struct diag *words = &receive->reasons[receive->refusal.items_len];

    *words = *reason;
    receive->refused[receive->refusal.items_len++] = (struct store_settle_item){
        .account = receive->store.account,
        .channel = receive->store.channel,
        .delivery = message->delivery,
        .event = message->event->id,
        .next = STORE_FINAL,
        .state = DELIVERY_REFUSED,
        .has_attempt = true,
        .attempt =
            {
                .number = message->attempt,
                .began = env_wall(exchange_env(receive->exchange)),
                .outcome = ATTEMPT_INVALID,
                .detail = slice_sub(slice_of(words->text), 0, ATTEMPT_DETAIL_BYTES_MAX),
            },
    };
}

/* Takes what cannot be told out of the messages, and notes it as to be refused. */
static void sort_out(struct queue_receive *receive)
{
    struct store_receive *store = &receive->store;
    size_t kept = 0;

    receive->refused = MEM_ARRAY(store->messages_len, struct store_settle_item);
    receive->reasons = MEM_ARRAY(store->messages_len, struct diag);
    receive->refusal.items_len = 0;
    for (size_t i = 0; i < store->messages_len; i++) {
        struct diag reason = {0};

        if (receive->can_tell(store->messages[i].event, &reason)) {
            store->messages[kept++] = store->messages[i];
        } else {
            note_refusal(receive, &store->messages[i], &reason);
            event_release(store->messages[i].event);
        }
    }
    store->messages_len = kept;
    receive->refusal.items = receive->refused;
}

static void forget_refusals(struct queue_receive *receive)
{
    mem_free(receive->refused);
    mem_free(receive->reasons);
    receive->refused = NULL;
    receive->reasons = NULL;
}

static void go_on(struct queue_receive *receive)
{
    if (receive->store.messages_len > 0) {
        hand_out(receive);
    } else {
        store_request_clear(&receive->store.request);
        ask(receive);
    }
}

static void refused(struct store_request *request)
{
    struct queue_receive *receive = CONTAINER_OF(request, struct queue_receive, refusal.request);

    forget_refusals(receive);
    if (request->err != OK && receive->store.messages_len == 0) {
        store_request_clear(&receive->store.request);
        exchange_store_failed(receive->exchange, request);
    } else {
        go_on(receive); /* if that failed, it is tried again when they come the next time */
    }
}

static void look_through(struct queue_receive *receive)
{
    if (receive->can_tell != NULL) {
        sort_out(receive);
        if (receive->refusal.items_len > 0 && !receive->store.is_auto_ack) {
            exchange_submit(receive->exchange, STORE_CALL_settle, &receive->refusal.request,
                            refused);
            return;
        }
        forget_refusals(receive);
    }
    go_on(receive);
}

/* ---- asking and waiting ---- */

/*
 * The wait is over and nothing came. Whoever waits on must learn what only this one may know
 * (invariant 3).
 */
static void give_up(struct queue_receive *receive)
{
    if (receive->wait_us > 0 && receive->store.next_available.us < WALL_NEVER.us) {
        ring(receive);
    }
    answer_with_none(receive);
}

static void woken(struct exchange *exchange, void *ctx)
{
    struct queue_receive *receive = ctx;
    bool has_news = exchange_was_rung(exchange) || receive->waits_for_lease;

    if (receive->may_go_on != NULL && !receive->may_go_on(exchange)) {
        ring(receive); /* what it knows, or was rung for, is for the next one */
        return;
    }
    if (has_news && !exchange_is_gone(exchange) && !exchange_is_draining(exchange)) {
        ask(receive);
    } else {
        give_up(receive);
    }
}

/* Sleeps until there may be something, for at most wait_us. */
static void sleep_on(struct queue_receive *receive, int64_t wait_us)
{
    struct wall now = env_wall(exchange_env(receive->exchange));
    int64_t lease_us = receive->store.next_available.us - now.us;

    receive->waits_for_lease = lease_us < wait_us;
    if (receive->waits_for_lease) {
        /* A little later than it ends: the store's clock is asked again then. */
        wait_us = lease_us > 0 ? lease_us + US_PER_MS : US_PER_MS;
    }
    exchange_wait(receive->exchange, wait_us, woken, receive);
}

static void asked(struct store_request *request)
{
    struct queue_receive *receive = CONTAINER_OF(request, struct queue_receive, store.request);
    struct exchange *exchange = receive->exchange;
    int64_t wait_us = receive->deadline.us - env_mono(exchange_env(exchange)).us;

    if (request->err == OK && receive->store.messages_len > 0) {
        look_through(receive);
        return;
    }
    store_request_clear(request);
    if (request->err != OK) {
        exchange_store_failed(exchange, request);
    } else if (receive->wait_us > 0 && wait_us > 0 && !exchange_is_draining(exchange)) {
        sleep_on(receive, wait_us);
    } else {
        give_up(receive);
    }
}

static void ask(struct queue_receive *receive)
{
    exchange_submit(receive->exchange, STORE_CALL_receive, &receive->store.request, asked);
}

void queue_receive_start(struct queue_receive *receive)
{
    struct exchange *exchange = receive->exchange;

    assert(receive->wait_us <= QUEUE_RECEIVE_WAIT_US_MAX);
    receive->deadline.us = env_mono(exchange_env(exchange)).us + receive->wait_us;
    if (receive->wait_us > 0) {
        exchange_listen(exchange, receive->store.channel.value); /* invariant 1 */
    }
    ask(receive);
}
