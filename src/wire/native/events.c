/*
 * An account's events: lists by period, and one with its deliveries.
 */
#include "http/page.h"
#include "wire/native/event_json.h"
#include "wire/native/native.h"
#include "wire/native/query.h"
#include "wire/native/settings_put.h"

/*
 * Of data in one page: a page of large events is shorter than its limit, and so takes bounded
 * memory.
 */
enum { PAGE_BYTES_MAX = 1024 * 1024 };

/* ---- the list ---- */

struct listing {
    struct exchange *exchange;
    struct store_list_events list;
};

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

static enum err read_list(const struct exchange *exchange, struct store_list_events *list,
                          struct diag *diag)
{
    struct page_range range = {0};
    enum err err = page_range(exchange, ID_EVENT, &range, diag);

    if (err == OK) {
        err = read_type(exchange, list, diag);
    }
    if (err == OK) {
        err = read_order(exchange, list, diag);
    }
    list->account = exchange_account(exchange)->id;
    list->max = range.max;
    list->after = range.after;
    list->from = range.from;
    list->to = range.to;
    list->bytes_max = PAGE_BYTES_MAX;
    return err;
}

static void answer_list(struct exchange *exchange, const struct store_list_events *list)
{
    struct json_writer writer;

    page_begin(exchange, &writer);
    for (size_t i = 0; i < list->events_len; i++) {
        json_begin_object(&writer);
        event_json_members(list->events[i], &writer);
        json_end_object(&writer);
    }
    page_end_id(exchange, &writer, list->has_more, ID_EVENT, list->last);
}

static void listed(struct store_request *request)
{
    struct listing *listing = CONTAINER_OF(request, struct listing, list.request);

    if (request->err == OK) {
        answer_list(listing->exchange, &listing->list);
    } else {
        exchange_store_failed(listing->exchange, request);
    }
    store_request_clear(request);
}

void native_events_list(struct exchange *exchange)
{
    static const char *const names[] = {"limit", "cursor", "from", "to", "type", "order"};
    struct diag diag = {0};

    if (query_is_refused(exchange, names, ARRAY_LEN(names))) {
        return;
    }
    struct listing *listing = exchange_new(exchange, sizeof *listing);
    listing->exchange = exchange;
    enum err err = read_list(exchange, &listing->list, &diag);
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    exchange_submit(exchange, STORE_CALL_list_events, &listing->list.request, listed);
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
