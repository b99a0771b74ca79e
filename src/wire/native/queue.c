/*
 * Receiving from a queue: POST .../channels/{channel}/receive
 *
 *   ask the store --messages--> answer
 *      ^    |
 *      |    '--nothing there--> sleep --the wait is over--> answer with none
 *      |                          |
 *      '--rung, or a lease ended--'
 *
 * 1. The exchange listens before it asks, so a message that comes between the store's answer and
 *    falling asleep is not missed.
 * 2. One ring wakes one consumer, which takes what it was rung for or, if there is more, rings for
 *    the next one.
 * 3. As long as anybody waits, somebody who waits knows when the first lease ends: of a lease that
 *    starts meanwhile and may end before the waits do, one learns by a ring; and who stops waiting
 *    rings for the next one.
 * 4. Nothing stays leased to a peer that is known to be gone.
 */
#include "wire/native/queue.h"

#include "base/mem.h"
#include "model/field.h"
#include "model/receipt.h"
#include "wire/app.h"
#include "wire/native/event_json.h"
#include "wire/native/native.h"
#include "wire/native/query.h"
#include "wire/native/settings_put.h"

enum {
    MESSAGES_DEFAULT = 10,
    MESSAGES_MAX = 100,
    BYTES_MAX = 1024 * 1024, /* of data in one answer */
};

/* One request. Goes with the exchange. */
struct receive {
    struct exchange *exchange;
    const struct channel *channel; /* lent by the exchange */
    struct store_receive store;
    struct store_answer undo;             /* gives back what nobody waits for any more */
    struct store_answer_item *undo_items; /* owned */
    bool waits;                           /* it may sleep until deadline */
    struct mono deadline;
    bool waits_for_lease; /* the newest sleep ends when a lease does */
};

/* ---- shared with queue_answer.c ---- */

struct channel *queue_of_path(struct exchange *exchange)
{
    struct channel *channel = settings_path_channel(exchange);
    struct diag diag = {0};

    if (channel == NULL || channel->kind == CHANNEL_QUEUE) {
        return channel;
    }
    (void)diag_set(&diag, ERR_CONFLICT, "this channel is of kind %s, only a queue holds messages",
                   channel_kind_word(channel->kind));
    exchange_problem(exchange, PROBLEM_CONFLICT, &diag);
    return NULL;
}

enum err queue_lease(struct json settings, const struct channel *channel, int64_t *out_us,
                     struct diag *diag)
{
    struct json value = json_member(settings, "lease_ms");
    int64_t lease_ms = channel->lease_us / US_PER_MS;
    enum err err = OK;

    if (json_exists(value)) {
        err = field_number(value, "lease_ms", 1, QUEUE_LEASE_MAX_MS, &lease_ms, diag);
    }
    *out_us = lease_ms * US_PER_MS;
    return err;
}

void queue_ring(struct exchange *exchange, const struct channel *channel)
{
    server_ring(app_of(exchange)->server, channel->id.value, 1);
}

bool queue_lease_is_short(int64_t lease_us)
{
    return lease_us < QUEUE_WAIT_MAX_MS * US_PER_MS;
}

/* ---- reading the request ---- */

static enum err read_number(struct json settings, const char *name, int64_t min, int64_t max,
                            int64_t *number, struct diag *diag)
{
    struct json value = json_member(settings, name);

    return json_exists(value) ? field_number(value, name, min, max, number, diag) : OK;
}

static enum err read_settings(struct receive *receive, struct json settings, struct diag *diag)
{
    static const char *const names[] = {"max", "max_bytes", "wait_ms", "lease_ms", "auto_ack"};
    struct store_receive *store = &receive->store;
    struct json auto_ack = json_member(settings, "auto_ack");
    int64_t max = MESSAGES_DEFAULT;
    int64_t bytes_max = BYTES_MAX;
    int64_t wait_ms = 0;
    enum err err = field_members(settings, "", names, ARRAY_LEN(names), diag);

    if (err == OK) {
        err = read_number(settings, "max", 1, MESSAGES_MAX, &max, diag);
    }
    if (err == OK) {
        err = read_number(settings, "max_bytes", 1, BYTES_MAX, &bytes_max, diag);
    }
    if (err == OK) {
        err = read_number(settings, "wait_ms", 0, QUEUE_WAIT_MAX_MS, &wait_ms, diag);
    }
    if (err == OK) {
        err = queue_lease(settings, receive->channel, &store->lease_us, diag);
    }
    if (err == OK && json_exists(auto_ack)) {
        err = field_flag(auto_ack, "auto_ack", &store->is_auto_ack, diag);
    }
    store->max = (uint32_t)max;
    store->bytes_max = (size_t)bytes_max;
    receive->waits = wait_ms > 0;
    receive->deadline.us = env_mono(exchange_env(receive->exchange)).us + wait_ms * US_PER_MS;
    return err;
}

/* ---- answering ---- */

static void put_receipt(const struct receive *receive, const struct store_message *message,
                        struct buf *scratch, struct json_writer *out)
{
    const struct receipt receipt = {
        .delivery = message->delivery,
        .channel = receive->channel->id,
        .epoch = message->epoch,
    };

    json_key(out, "receipt");
    if (receive->store.is_auto_ack) {
        json_put_null(out); /* there is nothing left to acknowledge */
        return;
    }
    buf_reset(scratch);
    receipt_format(store_receipt_key(exchange_store(receive->exchange)), &receipt, scratch);
    json_put_string(out, buf_view(scratch));
}

static void put_message(const struct receive *receive, const struct store_message *message,
                        struct buf *scratch, struct json_writer *out)
{
    json_begin_object(out);
    put_receipt(receive, message, scratch, out);
    json_key(out, "event");
    json_begin_object(out);
    event_json_members(message->event, out);
    json_end_object(out);
    json_key(out, "delivery");
    json_put_text(out, id_text(ID_DELIVERY, message->delivery).chars);
    json_key(out, "attempt");
    json_put_i64(out, message->attempt);
    json_end_object(out);
}

/* Answers with the messages that the store has given, if any. */
static void answer(struct receive *receive)
{
    const struct store_receive *store = &receive->store;
    struct json_writer writer;
    struct buf scratch;

    buf_init(&scratch, RECEIPT_TEXT_BYTES);
    json_writer_init(&writer, exchange_out(receive->exchange));
    json_begin_object(&writer);
    json_key(&writer, "messages");
    json_begin_array(&writer);
    for (size_t i = 0; i < store->messages_len; i++) {
        put_message(receive, &store->messages[i], &scratch, &writer);
    }
    json_end_array(&writer);
    json_key(&writer, "more");
    json_put_bool(&writer, store->has_more);
    json_end_object(&writer);
    buf_clear(&scratch);
    exchange_answer_json(receive->exchange, 200);
}

static void answer_with_none(struct receive *receive)
{
    receive->store.has_more = false;
    answer(receive);
}

/* ---- a peer that is gone ---- */

static void given_back(struct store_request *request)
{
    struct receive *receive = CONTAINER_OF(request, struct receive, undo.request);

    /* If that failed the leases end by themselves. The store has rung for others. */
    mem_free(receive->undo_items);
    store_request_clear(&receive->store.request);
    answer_with_none(receive);
}

/* Undoes the lease of what a peer that has gone meanwhile did not get (invariant 4). */
static void give_back(struct receive *receive)
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

/* ---- asking and waiting ---- */

static void ask(struct receive *receive);

/*
 * The wait is over and nothing came. Whoever waits on must learn what only this one may know
 * (invariant 3).
 */
static void give_up(struct receive *receive)
{
    if (receive->waits && receive->store.next_available.us < WALL_NEVER.us) {
        queue_ring(receive->exchange, receive->channel);
    }
    answer_with_none(receive);
}

static void woken(struct exchange *exchange, void *ctx)
{
    struct receive *receive = ctx;
    bool has_news = exchange_was_rung(exchange) || receive->waits_for_lease;

    if (has_news && !exchange_is_gone(exchange) && !exchange_is_draining(exchange)) {
        ask(receive);
    } else {
        give_up(receive);
    }
}

/* Sleeps until there may be something, for at most wait_us. */
static void sleep_on(struct receive *receive, int64_t wait_us)
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

static void hand_out(struct receive *receive)
{
    const struct store_receive *store = &receive->store;

    if (!store->is_auto_ack && exchange_is_gone(receive->exchange)) {
        give_back(receive);
        return;
    }
    if (store->has_more || (!store->is_auto_ack && queue_lease_is_short(store->lease_us))) {
        queue_ring(receive->exchange, receive->channel); /* invariant 3 */
    }
    answer(receive);
    store_request_clear(&receive->store.request);
}

static void asked(struct store_request *request)
{
    struct receive *receive = CONTAINER_OF(request, struct receive, store.request);
    struct exchange *exchange = receive->exchange;
    int64_t wait_us = receive->deadline.us - env_mono(exchange_env(exchange)).us;

    if (request->err == OK && receive->store.messages_len > 0) {
        hand_out(receive);
        return;
    }
    store_request_clear(request);
    if (request->err != OK) {
        exchange_store_failed(exchange, request);
    } else if (receive->waits && wait_us > 0 && !exchange_is_draining(exchange)) {
        sleep_on(receive, wait_us);
    } else {
        give_up(receive);
    }
}

static void ask(struct receive *receive)
{
    exchange_submit(receive->exchange, STORE_CALL_receive, &receive->store.request, asked);
}

void native_queue_receive(struct exchange *exchange)
{
    struct receive *receive = exchange_new(exchange, sizeof *receive);
    struct json settings;
    struct diag diag = {0};

    if (query_is_refused(exchange, NULL, 0) ||
        (receive->channel = queue_of_path(exchange)) == NULL ||
        exchange_json(exchange, /* may_be_empty= */ true, &settings) != OK) {
        return;
    }
    receive->exchange = exchange;
    if (read_settings(receive, settings, &diag) != OK) {
        exchange_input_failed(exchange, ERR_INVALID, &diag);
        return;
    }
    receive->store.account = exchange_account(exchange)->id;
    receive->store.channel = receive->channel->id;
    receive->store.max_receives = receive->channel->max_receives;
    if (receive->waits) {
        exchange_listen(exchange, receive->channel->id.value); /* invariant 1 */
    }
    ask(receive);
}
