/*
 * Receiving from a queue: POST .../channels/{channel}/receive
 */
#include "wire/native/queue.h"

#include "model/field.h"
#include "model/receipt.h"
#include "wire/native/event_json.h"
#include "wire/native/native.h"
#include "wire/native/query.h"
#include "wire/native/settings_put.h"
#include "wire/queue_receive.h"

enum {
    MESSAGES_DEFAULT = 10,
    MESSAGES_MAX = 100,
    BYTES_MAX = 1024 * 1024, /* of data in one answer */
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

/* ---- reading the request ---- */

static enum err read_number(struct json settings, const char *name, int64_t min, int64_t max,
                            int64_t *number, struct diag *diag)
{
    struct json value = json_member(settings, name);

    return json_exists(value) ? field_number(value, name, min, max, number, diag) : OK;
}

static enum err read_settings(struct queue_receive *receive, struct json settings,
                              const struct channel *channel, struct diag *diag)
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
        err = queue_lease(settings, channel, &store->lease_us, diag);
    }
    if (err == OK && json_exists(auto_ack)) {
        err = field_flag(auto_ack, "auto_ack", &store->is_auto_ack, diag);
    }
    store->max = (uint32_t)max;
    store->bytes_max = (size_t)bytes_max;
    receive->wait_us = wait_ms * US_PER_MS;
    return err;
}

/* ---- answering ---- */

static void put_receipt(const struct queue_receive *receive, const struct store_message *message,
                        struct buf *scratch, struct json_writer *out)
{
    const struct receipt receipt = {
        .delivery = message->delivery,
        .channel = receive->store.channel,
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

static void put_message(const struct queue_receive *receive, const struct store_message *message,
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

static void answer(struct queue_receive *receive)
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

void native_queue_receive(struct exchange *exchange)
{
    struct queue_receive *receive = exchange_new(exchange, sizeof *receive);
    const struct channel *channel = NULL;
    struct json settings;
    struct diag diag = {0};

    if (query_is_refused(exchange, NULL, 0) || (channel = queue_of_path(exchange)) == NULL ||
        exchange_json(exchange, /* may_be_empty= */ true, &settings) != OK) {
        return;
    }
    receive->exchange = exchange;
    receive->answer = answer;
    if (read_settings(receive, settings, channel, &diag) != OK) {
        exchange_input_failed(exchange, ERR_INVALID, &diag);
        return;
    }
    receive->store.account = exchange_account(exchange)->id;
    receive->store.channel = channel->id;
    receive->store.max_receives = channel->max_receives;
    queue_receive_start(receive);
}
