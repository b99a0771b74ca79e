/*
 * The history: GET /notifications?periodStart=&periodEnd=&merchantOrderNumber=&notificationType=
 * &pageSize=&pageToken=
 *
 * The messages of a period, acknowledged or not, oldest first. Reading changes nothing.
 *
 * A page token names the last message that was looked at, in a form that only this server makes and
 * only for this account. Messages are stored in the order of their ids, so what comes while a
 * program pages is behind the token, and each message is on exactly one page. A page looks at a
 * bounded number of messages: with a filter it may be short, or empty, and more may follow.
 */
#include "base/timetext.h"
#include "base/utf8.h"
#include "model/alias.h"
#include "wire/app.h"
#include "wire/checkout/checkout.h"
#include "wire/checkout/merchant.h"
#include "wire/checkout/notification.h"
#include "wire/checkout/parameters.h"

enum {
    PAGE_DEFAULT = 100,
    PAGE_MAX = 250,
    PAGE_BYTES_MAX = 1024 * 1024, /* of one page; some more when its last message is large */
    CALLS_MAX = 16,               /* to the store, for one page */
    LOOK_MAX = 250,               /* messages that one call looks at with a filter */
};

/* One request. Goes with the exchange. */
struct listing {
    struct exchange *exchange;
    struct store_list_events store;
    bool is_new_shape;
    /* the filter */
    struct slice order_number; /* empty: any */
    bool has_type;
    enum notification_type type;
    /* the page so far */
    uint32_t page_max, page_len;
    uint32_t calls;
    struct json_writer writer;
};

static const uint8_t *alias_key(const struct listing *listing)
{
    return app_of(listing->exchange)->settings.alias_key;
}

/* ---- the answer ---- */

static void begin_page(struct listing *listing)
{
    json_writer_init(&listing->writer, exchange_out(listing->exchange));
    json_begin_object(&listing->writer);
    json_key(&listing->writer, listing->is_new_shape ? "messages" : "messagesResponses");
    json_begin_array(&listing->writer);
}

/* The newer shape always has the token, empty at the end; the older one only where it is needed,
 * since programs that were made for it know nothing of pages. */
static void end_page(struct listing *listing, bool has_more)
{
    char token[ALIAS_TOKEN_SIZE] = "";

    json_end_array(&listing->writer);
    if (has_more) {
        alias_token(alias_key(listing), listing->store.page.account, listing->store.page.after,
                    token);
    }
    if (has_more || listing->is_new_shape) {
        json_key(&listing->writer, "nextPageToken");
        json_put_text(&listing->writer, token);
    }
    json_end_object(&listing->writer);
    exchange_answer_json(listing->exchange, 200);
}

static void put_message_info(struct listing *listing, struct id delivery)
{
    struct json_writer *out = &listing->writer;
    char uuid[ALIAS_UUID_SIZE];

    alias_uuid(alias_key(listing), listing->store.page.account, delivery, uuid);
    json_key(out, "messageInfo");
    json_begin_object(out);
    json_key(out, "messageId");
    json_put_text(out, uuid);
    json_key(out, "receiptHandle");
    json_put_text(out, "");
    json_end_object(out);
}

static void put_message(struct listing *listing, const struct event *event, struct id delivery,
                        const struct notification *notification)
{
    struct json_writer *out = &listing->writer;

    json_begin_object(out);
    if (listing->is_new_shape) {
        put_message_info(listing, delivery);
    }
    json_key(out, "createdAt");
    json_put_text(out, timetext_millis(id_time(event->id)).chars);
    notification_put(notification, out);
    json_end_object(out);
    listing->page_len++;
}

/* ---- the page ---- */

static bool has_filter(const struct listing *listing)
{
    return listing->has_type || !slice_is_empty(listing->order_number);
}

static bool is_wanted(const struct listing *listing, const struct notification *notification)
{
    return (!listing->has_type || notification->type == listing->type) &&
           (slice_is_empty(listing->order_number) ||
            notification_is_about(notification, listing->order_number));
}

/* Adds a message if it is one that is wanted; its data may be gone, or be no notification. */
static void look_at(struct listing *listing, const struct event *event, struct id delivery)
{
    struct notification notification;
    struct json_doc doc;

    json_doc_init(&doc);
    if (notification_read(&doc, event, &notification, NULL) == OK &&
        is_wanted(listing, &notification)) {
        put_message(listing, event, delivery, &notification);
    }
    json_doc_clear(&doc);
}

static bool is_full(const struct listing *listing)
{
    return listing->page_len == listing->page_max ||
           exchange_out(listing->exchange)->len >= PAGE_BYTES_MAX;
}

/* Looks at what the store has given, up to the end of the page; store.page.after is then the last
 * that was looked at. Whether there is more behind it. */
static bool look_through(struct listing *listing)
{
    struct store_list_events *store = &listing->store;
    size_t looked = 0;

    while (looked < store->events_len && !is_full(listing)) {
        look_at(listing, store->events[looked], store->deliveries[looked]);
        store->page.after = store->events[looked]->id;
        looked++;
    }
    if (looked < store->events_len) {
        return true;
    }
    store->page.after = store->page.last;
    return store->page.has_more;
}

static void ask(struct listing *listing);

static void listed(struct store_request *request)
{
    struct listing *listing = CONTAINER_OF(request, struct listing, store.request);

    if (request->err != OK) {
        exchange_store_failed(listing->exchange, request);
        store_request_clear(request);
        return;
    }
    bool has_more = look_through(listing);
    store_request_clear(request);
    if (has_more && !is_full(listing) && listing->calls < CALLS_MAX) {
        ask(listing);
    } else {
        end_page(listing, has_more);
    }
}

static void ask(struct listing *listing)
{
    listing->calls++;
    exchange_submit(listing->exchange, STORE_CALL_list_events, &listing->store.request, listed);
}

/* ---- the request ---- */

static enum err read_period(struct listing *listing, struct diag *diag)
{
    const struct exchange *exchange = listing->exchange;
    int64_t window_us = app_of(exchange)->settings.checkout.window_us;
    const struct wall oldest = {env_wall(exchange_env(exchange)).us - window_us};
    struct wall start = {INT64_MIN}, end = WALL_NEVER;
    enum err err = parameter_time(exchange, "periodStart", &start, diag);

    if (err == OK) {
        err = parameter_time(exchange, "periodEnd", &end, diag);
    }
    if (err != OK) {
        return err;
    }
    if (start.us == INT64_MIN) {
        start = oldest;
    } else if (start.us < oldest.us) {
        return diag_field(diag, ERR_INVALID, "periodStart", "value must lie within the last %s",
                          duration_text(window_us).chars);
    } else if (end.us < start.us) {
        return diag_field(diag, ERR_INVALID, "periodEnd", "value must not be before periodStart");
    }
    listing->store.page.from = id_floor(start);
    listing->store.page.to = id_floor(end);
    return OK;
}

static enum err read_filter(struct listing *listing, struct diag *diag)
{
    const struct exchange *exchange = listing->exchange;
    struct slice type = {NULL, 0};
    enum err err = parameter_text(exchange, "merchantOrderNumber", &listing->order_number, diag);

    if (err == OK) {
        err = parameter_text(exchange, "notificationType", &type, diag);
    }
    if (err != OK) {
        return err;
    }
    if (utf8_count(listing->order_number) > MERCHANT_REFERENCE_MAX) {
        return diag_field(diag, ERR_INVALID, "merchantOrderNumber",
                          "value must have at most %d characters", MERCHANT_REFERENCE_MAX);
    }
    listing->has_type = !slice_is_empty(type);
    if (listing->has_type && notification_type_parse(type, &listing->type) != OK) {
        return diag_field(diag, ERR_INVALID, "notificationType",
                          "value must be NOTIFICATION_TYPE_ORDER, NOTIFICATION_TYPE_TOKEN or "
                          "NOTIFICATION_TYPE_PROFILE");
    }
    return OK;
}

static enum err read_page(struct listing *listing, struct diag *diag)
{
    const struct exchange *exchange = listing->exchange;
    struct slice token = {NULL, 0};
    int32_t size = PAGE_DEFAULT;
    enum err err = parameter_number(exchange, "pageSize", 1, &size, diag);

    if (err == OK) {
        err = parameter_text(exchange, "pageToken", &token, diag);
    }
    if (err != OK) {
        return err;
    }
    if (!slice_is_empty(token) && alias_from_token(alias_key(listing), listing->store.page.account,
                                                   token, &listing->store.page.after) != OK) {
        return diag_field(diag, ERR_INVALID, "pageToken",
                          "value must be the nextPageToken of the page before");
    }
    listing->page_max = size < PAGE_MAX ? (uint32_t)size : PAGE_MAX;
    return OK;
}

static enum err read_parameters(struct listing *listing, struct diag *diag)
{
    static const char *const names[] = {"periodStart",      "periodEnd", "merchantOrderNumber",
                                        "notificationType", "pageSize",  "pageToken"};
    enum err err = parameters_are_known(listing->exchange, names, ARRAY_LEN(names), diag);

    if (err == OK) {
        err = read_period(listing, diag);
    }
    if (err == OK) {
        err = read_filter(listing, diag);
    }
    return err != OK ? err : read_page(listing, diag);
}

void checkout_history(struct exchange *exchange)
{
    struct diag diag = {0};

    if (!merchant_is_known(exchange)) {
        return;
    }
    struct listing *listing = exchange_new(exchange, sizeof *listing);
    const struct channel *channel = merchant_channel(exchange);
    listing->exchange = exchange;
    listing->is_new_shape = app_of(exchange)->settings.checkout.has_new_history;
    listing->store.page.account = exchange_account(exchange)->id;
    if (read_parameters(listing, &diag) != OK) {
        exchange_refuse(exchange, PROBLEM_INVALID, &diag);
        return;
    }
    begin_page(listing);
    if (channel == NULL || listing->store.page.to.value <= listing->store.page.from.value) {
        end_page(listing, /* has_more= */ false);
        return;
    }
    listing->store.channel = channel->id;
    listing->store.page.max = has_filter(listing) ? LOOK_MAX : listing->page_max;
    listing->store.bytes_max = PAGE_BYTES_MAX;
    ask(listing);
}
