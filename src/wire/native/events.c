/*
 * An account's events: lists by period, and one with its deliveries.
 */
#include "wire/native/event_json.h"
#include "wire/native/listing.h"
#include "wire/native/native.h"
#include "wire/native/query.h"
#include "wire/native/settings_put.h"

/* ---- the list ---- */

static enum err read_type(const struct exchange *exchange, struct store_list_events *list,
                          struct diag *diag)
{
    struct diag why = {0};

    if (!exchange_query(exchange, "type", &list->type)) {
        return OK;
    }
    if (filter_check(list->type, &why) != OK) {
        return diag_field(diag, ERR_INVALID, "type", "%s", why.text);
    }
    return OK;
}

static enum err read_order(const struct exchange *exchange, struct store_list_events *list,
                           struct diag *diag)
{
    struct slice order = SLICE("desc");

    (void)exchange_query(exchange, "order", &order); /* newest first when it is not there */
    list->is_newest_first = slice_is(order, "desc");
    if (!list->is_newest_first && !slice_is(order, "asc")) {
        return diag_field(diag, ERR_INVALID, "order", "expected asc or desc");
    }
    return OK;
}

static enum err read_filters(struct listing *listing, struct diag *diag)
{
    struct store_list_events *list = &listing->events;
    enum err err = read_type(listing->exchange, list, diag);

    list->bytes_max = LISTING_BYTES_MAX;
    return err != OK ? err : read_order(listing->exchange, list, diag);
}

static void put_events(const struct listing *listing, struct json_writer *writer)
{
    const struct store_list_events *list = &listing->events;

    for (size_t i = 0; i < list->events_len; i++) {
        json_begin_object(writer);
        event_json_members(list->events[i], writer);
        json_end_object(writer);
    }
}

void native_events_list(struct exchange *exchange)
{
    static const char *const parameters[] = {"limit", "cursor", "from", "to", "type", "order"};
    static const struct listing_kind kind = {
        .call = STORE_CALL_list_events,
        .ids = ID_EVENT,
        .parameters = parameters,
        .parameters_len = ARRAY_LEN(parameters),
        .read_filters = read_filters,
        .put_items = put_events,
    };

    listing_start(exchange, &kind);
}

/* ---- one event ---- */

struct showing {
    struct exchange *exchange;
    struct store_get_event get;
};

static void put_deliveries(struct exchange *exchange, struct store_get_event *get,
                           struct json_writer *out)
{
    const struct account *account = exchange_account(exchange);
    struct wall now = env_wall(exchange_env(exchange));

    json_key(out, "deliveries");
    json_begin_array(out);
    for (size_t i = 0; i < get->deliveries_len; i++) {
        struct store_delivery *delivery = &get->deliveries[i];
        const struct why_facts facts = {
            .delivery = delivery,
            .channel = account_channel(account, delivery->channel),
            .now = now,
        };

        delivery->event_type = get->found->type;
        json_begin_object(out);
        event_json_delivery(&facts, out);
        json_end_object(out);
    }
    json_end_array(out);
}

static void shown(struct store_request *request)
{
    struct showing *showing = CONTAINER_OF(request, struct showing, get.request);
    struct exchange *exchange = showing->exchange;
    struct json_writer writer;

    if (request->err == OK) {
        json_writer_init(&writer, exchange_out(exchange));
        json_begin_object(&writer);
        event_json_members(showing->get.found, &writer);
        put_deliveries(exchange, &showing->get, &writer);
        json_end_object(&writer);
        exchange_answer_json(exchange, 200);
    } else {
        exchange_store_failed(exchange, request);
    }
    store_request_clear(request);
}

void native_event_get(struct exchange *exchange)
{
    struct id event;

    if (query_is_refused(exchange, NULL, 0) ||
        settings_path_id(exchange, ID_EVENT, "event", &event) != OK) {
        return;
    }
    struct showing *showing = exchange_new(exchange, sizeof *showing);
    showing->exchange = exchange;
    showing->get.account = exchange_account(exchange)->id;
    showing->get.event = event;
    exchange_submit(exchange, STORE_CALL_get_event, &showing->get.request, shown);
}
