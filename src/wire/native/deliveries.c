/*
 * An account's deliveries: lists, one with its attempts, and what is done with one by hand.
 */
#include "model/field.h"
#include "wire/native/event_json.h"
#include "wire/native/listing.h"
#include "wire/native/native.h"
#include "wire/native/query.h"
#include "wire/native/settings_put.h"

/* ---- the list ---- */

static enum err read_state(const struct exchange *exchange, struct store_list_deliveries *list,
                           struct diag *diag)
{
    struct slice word;

    list->has_state = exchange_query(exchange, "state", &word);
    if (list->has_state && delivery_state_parse(word, &list->state) != OK) {
        return diag_field(diag, ERR_INVALID, "state",
                          "expected pending, delivered, failed, refused, canceled or expired");
    }
    return OK;
}

static enum err read_channel(const struct exchange *exchange, struct store_list_deliveries *list,
                             struct diag *diag)
{
    struct slice text;

    if (exchange_query(exchange, "channel", &text) &&
        id_parse(ID_CHANNEL, text, &list->channel) != OK) {
        return diag_field(diag, ERR_INVALID, "channel", "expected the id of a channel (chn_...)");
    }
    return OK;
}

static enum err read_filters(struct listing *listing, struct diag *diag)
{
    struct store_list_deliveries *list = &listing->deliveries;
    enum err err = read_state(listing->exchange, list, diag);

    return err != OK ? err : read_channel(listing->exchange, list, diag);
}

static void put_deliveries(const struct listing *listing, struct json_writer *writer)
{
    const struct store_list_deliveries *list = &listing->deliveries;
    const struct account *account = exchange_account(listing->exchange);
    struct wall now = env_wall(exchange_env(listing->exchange));

    for (size_t i = 0; i < list->deliveries_len; i++) {
        const struct why_facts facts = {
            .delivery = &list->deliveries[i],
            .channel = account_channel(account, list->deliveries[i].channel),
            .now = now,
        };

        json_begin_object(writer);
        event_json_delivery(&facts, writer);
        json_end_object(writer);
    }
}

void native_deliveries_list(struct exchange *exchange)
{
    static const char *const parameters[] = {"limit", "cursor", "from", "to", "state", "channel"};
    static const struct listing_kind kind = {
        .call = STORE_CALL_list_deliveries,
        .ids = ID_DELIVERY,
        .parameters = parameters,
        .parameters_len = ARRAY_LEN(parameters),
        .read_filters = read_filters,
        .put_items = put_deliveries,
    };

    listing_start(exchange, &kind);
}

/* ---- one delivery ---- */

struct handling {
    struct exchange *exchange;
    struct store_get_delivery get;
    struct store_steer steer;
};

/* Reads the id in the path; NULL when a problem was answered. */
static struct handling *start_handling(struct exchange *exchange)
{
    struct id delivery;

    if (query_is_refused(exchange, NULL, 0) ||
        settings_path_id(exchange, ID_DELIVERY, "delivery", &delivery) != OK) {
        return NULL;
    }
    struct handling *handling = exchange_new(exchange, sizeof *handling);
    handling->exchange = exchange;
    handling->get.account = exchange_account(exchange)->id;
    handling->get.delivery = delivery;
    return handling;
}

static void answer_delivery(struct exchange *exchange, struct store_get_delivery *get)
{
    const struct why_facts facts = {
        .delivery = &get->found,
        .channel = account_channel(exchange_account(exchange), get->found.channel),
        .last = get->attempts_len > 0 ? &get->attempts[get->attempts_len - 1] : NULL,
        .now = env_wall(exchange_env(exchange)),
    };
    struct json_writer writer;

    get->found.event_type = get->event->type;
    json_writer_init(&writer, exchange_out(exchange));
    json_begin_object(&writer);
    event_json_delivery(&facts, &writer);
    json_key(&writer, "attempts");
    json_begin_array(&writer);
    for (size_t i = 0; i < get->attempts_len; i++) {
        event_json_attempt(&get->attempts[i], &writer);
    }
    json_end_array(&writer);
    json_end_object(&writer);
    exchange_answer_json(exchange, 200);
}

static void shown(struct store_request *request)
{
    struct handling *handling = CONTAINER_OF(request, struct handling, get.request);

    if (request->err == OK) {
        answer_delivery(handling->exchange, &handling->get);
    } else {
        exchange_store_failed(handling->exchange, request);
    }
    store_request_clear(request);
}

void native_delivery_get(struct exchange *exchange)
{
    struct handling *handling = start_handling(exchange);

    if (handling != NULL) {
        exchange_submit(exchange, STORE_CALL_get_delivery, &handling->get.request, shown);
    }
}

/* ---- retry and cancel ---- */

static void steered(struct store_request *request)
{
    struct handling *handling = CONTAINER_OF(request, struct handling, steer.request);
    bool is_retry = handling->steer.kind == STORE_STEER_RETRY;
    struct exchange *exchange = handling->exchange;
    struct json_writer writer;

    if (request->err != OK) {
        exchange_store_failed(exchange, request);
        return;
    }
    json_writer_init(&writer, exchange_out(exchange));
    json_begin_object(&writer);
    json_key(&writer, "id");
    json_put_text(&writer, id_text(ID_DELIVERY, handling->steer.delivery).chars);
    json_key(&writer, "channel");
    json_put_text(&writer, id_text(ID_CHANNEL, handling->steer.channel).chars);
    json_key(&writer, "state");
    json_put_text(&writer, delivery_word(is_retry ? DELIVERY_PENDING : DELIVERY_CANCELED));
    json_end_object(&writer);
    exchange_answer_json(exchange, is_retry ? 202 : 200);
}

static void steer(struct handling *handling, enum store_steer_kind kind)
{
    handling->steer.kind = kind;
    handling->steer.account = handling->get.account;
    handling->steer.delivery = handling->get.delivery;
    exchange_submit(handling->exchange, STORE_CALL_steer, &handling->steer.request, steered);
}

/* Neither call takes settings: the body is empty or {}. */
static bool has_settings(struct exchange *exchange)
{
    struct json settings;
    struct diag diag = {0};

    if (exchange_json(exchange, /* may_be_empty= */ true, &settings) != OK) {
        return true;
    }
    if (field_members(settings, "", NULL, 0, &diag) != OK) {
        exchange_input_failed(exchange, ERR_INVALID, &diag);
        return true;
    }
    return false;
}

void native_delivery_retry(struct exchange *exchange)
{
    struct handling *handling = start_handling(exchange);

    if (handling != NULL && !has_settings(exchange)) {
        steer(handling, STORE_STEER_RETRY);
    }
}

void native_delivery_cancel(struct exchange *exchange)
{
    struct handling *handling = start_handling(exchange);

    if (handling != NULL && !has_settings(exchange)) {
        steer(handling, STORE_STEER_CANCEL);
    }
}
