/*
 * Receiving: GET /notifications/receive?maxNumberMessages=&timeoutMs=&autoAck=
 *
 * The oldest messages that are not acknowledged and not too old, at once or as soon as one comes.
 * They come again with every call until they are acknowledged. With autoAck they are acknowledged,
 * on disk, before the answer leaves: what was acknowledged so cannot have failed, so the list of
 * failures is always empty.
 */
#include "base/timetext.h"
#include "model/alias.h"
#include "model/receipt.h"
#include "wire/app.h"
#include "wire/checkout/checkout.h"
#include "wire/checkout/merchant.h"
#include "wire/checkout/notification.h"
#include "wire/checkout/parameters.h"
#include "wire/queue_receive.h"

enum {
    MESSAGES_DEFAULT = 10,
    BYTES_MAX = 1024 * 1024, /* of data in one answer; the rest comes with the next one */
};

/* ---- the answer ---- */

static void put_message_info(const struct queue_receive *receive,
                             const struct store_message *message, struct buf *scratch,
                             struct json_writer *out)
{
    struct exchange *exchange = receive->exchange;
    char uuid[ALIAS_UUID_SIZE];
    const struct receipt receipt = {
        .delivery = message->delivery,
        .channel = receive->store.channel,
        .epoch = message->epoch,
    };

    alias_uuid(app_of(exchange)->settings.alias_key, receive->store.account, message->delivery,
               uuid);
    buf_reset(scratch);
    receipt_format(store_receipt_key(exchange_store(exchange)), &receipt, scratch);
    json_key(out, "messageInfo");
    json_begin_object(out);
    json_key(out, "messageId");
    json_put_text(out, uuid);
    json_key(out, "receiptHandle");
    json_put_string(out, buf_view(scratch));
    json_end_object(out);
}

static void put_message(const struct queue_receive *receive, const struct store_message *message,
                        struct buf *scratch, struct json_writer *out)
{
    struct notification notification;
    struct json_doc doc;

    json_doc_init(&doc);
    /* It was read before, when it was looked whether it can be told. */
    if (notification_read(&doc, message->event, &notification, NULL) == OK) {
        json_begin_object(out);
        put_message_info(receive, message, scratch, out);
        json_key(out, "createdAt");
        json_put_text(out, timetext_millis(id_time(message->event->id)).chars);
        notification_put(&notification, out);
        json_end_object(out);
    }
    json_doc_clear(&doc);
}

static void answer(struct queue_receive *receive)
{
    struct json_writer writer;
    struct buf scratch;

    buf_init(&scratch, RECEIPT_TEXT_BYTES);
    json_writer_init(&writer, exchange_out(receive->exchange));
    json_begin_object(&writer);
    json_key(&writer, "messages");
    json_begin_array(&writer);
    for (size_t i = 0; i < receive->store.messages_len; i++) {
        put_message(receive, &receive->store.messages[i], &scratch, &writer);
    }
    json_end_array(&writer);
    json_key(&writer, "autoAckFailedMessages");
    json_begin_array(&writer);
    json_end_array(&writer);
    json_end_object(&writer);
    buf_clear(&scratch);
    exchange_answer_json(receive->exchange, 200);
}

/* ---- an account without a queue ---- */

static void woken_without_queue(UNUSED struct exchange *exchange, void *ctx)
{
    struct queue_receive *receive = ctx;

    if (merchant_is_still_known(receive->exchange)) {
        answer(receive);
    }
}

/* Nothing can come, but a program that asks again and again must not be made to spin. */
static void wait_without_queue(struct queue_receive *receive)
{
    exchange_listen(receive->exchange, receive->store.account.value); /* nobody rings there */
    exchange_wait(receive->exchange, receive->wait_us, woken_without_queue, receive);
}

/* ---- the request ---- */

static enum err read_parameters(struct queue_receive *receive, struct diag *diag)
{
    static const char *const names[] = {"maxNumberMessages", "timeoutMs", "autoAck"};
    const struct exchange *exchange = receive->exchange;
    const struct checkout_settings *settings = &app_of(exchange)->settings.checkout;
    int32_t max = MESSAGES_DEFAULT;
    int32_t timeout_ms = 0;
    enum err err = parameters_are_known(exchange, names, ARRAY_LEN(names), diag);

    if (err == OK) {
        err = parameter_number(exchange, "maxNumberMessages", 1, &max, diag);
    }
    if (err == OK) {
        err = parameter_number(exchange, "timeoutMs", 0, &timeout_ms, diag);
    }
    if (err == OK) {
        err = parameter_flag(exchange, "autoAck", &receive->store.is_auto_ack, diag);
    }
    receive->store.max =
        (uint32_t)max < settings->messages_max ? (uint32_t)max : settings->messages_max;
    receive->wait_us = timeout_ms * US_PER_MS;
    if (receive->wait_us > settings->wait_max_us) {
        receive->wait_us = settings->wait_max_us;
    }
    return err;
}

static void start(struct queue_receive *receive, const struct channel *channel)
{
    const struct checkout_settings *settings = &app_of(receive->exchange)->settings.checkout;
    struct wall now = env_wall(exchange_env(receive->exchange));
    struct id oldest = id_floor((struct wall){now.us - settings->window_us});

    receive->store.channel = channel->id;
    receive->store.max_receives = channel->max_receives;
    receive->store.after.value = oldest.value > 0 ? oldest.value - 1 : 0;
    receive->store.bytes_max = BYTES_MAX;
    receive->store.lease_us = settings->visibility_us;
    queue_receive_start(receive);
}

void checkout_receive(struct exchange *exchange)
{
    struct diag diag = {0};

    if (slice_is(exchange_method(exchange), "HEAD")) {
        /* It would acknowledge what its caller does not get to see. */
        exchange_put_header(exchange, "Allow", SLICE("GET"));
        exchange_refuse(exchange, PROBLEM_METHOD, NULL);
        return;
    }
    if (!merchant_is_known(exchange)) {
        return;
    }
    struct queue_receive *receive = exchange_new(exchange, sizeof *receive);
    const struct channel *channel = merchant_channel(exchange);
    receive->exchange = exchange;
    receive->answer = answer;
    receive->can_tell = notification_is_in;
    receive->may_go_on = merchant_is_still_known;
    receive->store.account = exchange_account(exchange)->id;
    if (read_parameters(receive, &diag) != OK) {
        exchange_refuse(exchange, PROBLEM_INVALID, &diag);
    } else if (channel == NULL) {
        wait_without_queue(receive);
    } else {
        start(receive, channel);
    }
}
