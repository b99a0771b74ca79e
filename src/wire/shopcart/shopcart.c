#include "wire/shopcart/shopcart.h"

#include "base/timetext.h"
#include "base/xml.h"
#include "model/alias.h"
#include "wire/settings.h"
#include "wire/shopcart/order.h"
#include "wire/shopcart/shop_merchant.h"

enum {
    NAME_BYTES_MAX = 128,   /* of an element in the settings; a longer one is in no data */
    CHILD_BYTES_MAX = 1024, /* of what a notification tells of the data: a number, a word */
};

static const struct shopcart_settings *settings_of(const void *settings)
{
    return &((const struct wire_settings *)settings)->shopcart;
}

/* ---- encoding ---- */

static void put_element(struct buf *out, struct slice name, struct slice text)
{
    xml_begin(out, name);
    xml_escape(out, text, /* is_attribute= */ false);
    xml_end(out, name);
}

/* The time is that of the event, so every attempt carries the same text. */
static void put_test(const struct event *event, struct buf *out)
{
    struct civil at = civil_from_wall(id_time(event->id));
    char text[64];

    (void)snprintf(text, sizeof text, "Test notification queued at %04d-%02d-%02d %02d:%02d:%02d",
                   at.year, at.month, at.day, at.hour, at.minute, at.second);
    put_element(out, SLICE("Test"), slice_of(text));
}

static void put_token(const struct dialect_attempt *attempt, const struct shopcart_type *type,
                      struct buf *out)
{
    const struct wire_settings *settings = attempt->settings;
    char token[ALIAS_TOKEN_SIZE];

    alias_token(settings->alias_key, attempt->account->id, attempt->event->id, token);
    put_element(out, type->child, slice_of(token));
}

static enum err put_member(const struct event *event, const struct shopcart_type *type,
                           struct buf *out, struct diag *diag)
{
    char name[NAME_BYTES_MAX + 1];
    struct order_data data;
    struct buf text;

    (void)snprintf(name, sizeof name, "%.*s", SLICE_ARGS(type->child));
    buf_init(&text, CHILD_BYTES_MAX);
    order_data_open(&data, event);
    bool is_there = order_data_member(&data, name, &text) && text.len > 0 && buf_check(&text) == OK;
    if (is_there) {
        put_element(out, type->child, buf_view(&text));
    }
    order_data_close(&data);
    buf_clear(&text);
    return is_there ? OK
                    : diag_set(diag, ERR_INVALID, "the event's data has no %.*s to tell",
                               SLICE_ARGS(type->child));
}

static enum err put_notification(const struct dialect_attempt *attempt,
                                 const struct shopcart_type *type, struct buf *out,
                                 struct diag *diag)
{
    enum err err = OK;

    xml_begin(out, type->root);
    if (order_is_announced(type)) {
        put_token(attempt, type, out);
    } else {
        err = put_member(attempt->event, type, out, diag);
    }
    xml_end(out, type->root);
    return err;
}

static enum err encode(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                       struct diag *diag)
{
    const struct event *event = attempt->event;
    const struct shopcart_type *type = order_type(settings_of(attempt->settings), event->type);

    dialect_add_header(draft, SLICE("content-type"), SLICE("text/xml; charset=utf-8"));
    if (slice_is(event->type, SHOPCART_TEST_TYPE)) {
        put_test(event, draft->body);
        return OK;
    }
    if (type == NULL) {
        return diag_set(diag, ERR_INVALID,
                        "events of the type %.*s have no element in this dialect: it takes one in "
                        "the server's settings",
                        SLICE_ARGS(event->type));
    }
    return put_notification(attempt, type, draft->body, diag);
}

/* ---- judging ---- */

/* 200 and nothing else; and the gaps double whatever the receiver asks for. */
static struct dialect_judgement judge(const struct dialect_attempt *attempt,
                                      const struct outbound_result *result, struct buf *detail)
{
    (void)attempt;
    (void)detail;
    return (struct dialect_judgement){
        .verdict = result->status == 200 ? VERDICT_DELIVERED : VERDICT_RETRY,
    };
}

/* ---- naming ---- */

static bool name_event(const struct account *account, const struct event *event,
                       const void *settings, struct buf *out)
{
    const struct shopcart_type *type = order_type(settings_of(settings), event->type);
    struct order_data data;
    struct buf number;

    if (type == NULL || !order_is_told(type) ||
        slice_is_empty(account_credentials(account, SHOPCART_NAME))) {
        return false;
    }
    buf_init(&number, ORDER_NUMBER_BYTES_MAX);
    order_data_open(&data, event);
    bool is_numbered = order_data_number(&data, &number);
    if (is_numbered) {
        order_name(buf_view(&number), out);
    }
    order_data_close(&data);
    buf_clear(&number);
    return is_numbered;
}

const struct dialect dialect_shopcart = {
    .name = SHOPCART_NAME,
    .kinds = 1U << CHANNEL_WEBHOOK,
    .rules =
        {
            .login = "merchant_id",
            .check_credentials = shop_merchant_check,
            .retry_json = "{\"first\": \"1m\", \"factor\": 2, \"max\": \"24h\", \"for\": \"7d\", "
                          "\"jitter\": 0}",
            .timeout_us = 30 * US_PER_SECOND,
            /* They are tried as long as their schedule lasts: what a disabled channel misses,
             * nobody would tell the merchant. */
            .is_never_disabled = true,
        },
    .name_event = name_event,
    .encode = encode,
    .judge = judge,
};
