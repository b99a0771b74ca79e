/*
 * An account's operations: lists by state and period, and one by its id.
 */
#include "http/page.h"
#include "wire/native/native.h"
#include "wire/native/operation_json.h"
#include "wire/native/query.h"
#include "wire/native/settings_put.h"

/* Of data in one page, which then is shorter than its limit: it takes bounded memory. */
enum { PAGE_BYTES_MAX = 1024 * 1024 };

/* ---- the list ---- */

struct listing {
    struct exchange *exchange;
    struct store_list_operations list;
};

static enum err read_state(const struct exchange *exchange, struct store_list_operations *list,
                           struct diag *diag)
{
    struct slice word;

    list->has_state = exchange_query(exchange, "state", &word);
    if (list->has_state && operation_state_parse(word, &list->state) != OK) {
        return diag_field(diag, ERR_INVALID, "state",
                          "expected pending, completed, failed or expired");
    }
    return OK;
}

static enum err read_list(const struct exchange *exchange, struct store_list_operations *list,
                          struct diag *diag)
{
    struct page_range range = {0};
    enum err err = page_range(exchange, ID_OPERATION, &range, diag);

    if (err == OK) {
        err = read_state(exchange, list, diag);
    }
    list->account = exchange_account(exchange)->id;
    list->max = range.max;
    list->after = range.after;
    list->from = range.from;
    list->to = range.to;
    list->bytes_max = PAGE_BYTES_MAX;
    return err;
}

static void answer_list(struct exchange *exchange, const struct store_list_operations *list)
{
    struct json_writer writer;

    page_begin(exchange, &writer);
    for (size_t i = 0; i < list->operations_len; i++) {
        json_begin_object(&writer);
        operation_json_members(list->operations[i], &writer);
        json_end_object(&writer);
    }
    page_end_id(exchange, &writer, list->has_more, ID_OPERATION, list->last);
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

void native_operations_list(struct exchange *exchange)
{
    static const char *const names[] = {"limit", "cursor", "from", "to", "state"};
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
    exchange_submit(exchange, STORE_CALL_list_operations, &listing->list.request, listed);
}

/* ---- one operation ---- */

struct showing {
    struct exchange *exchange;
    struct store_get_operation get;
};

static void shown(struct store_request *request)
{
    struct showing *showing = CONTAINER_OF(request, struct showing, get.request);
    struct exchange *exchange = showing->exchange;
    struct json_writer writer;

    if (request->err == OK) {
        json_writer_init(&writer, exchange_out(exchange));
        json_begin_object(&writer);
        operation_json_members(showing->get.found, &writer);
        json_end_object(&writer);
        exchange_answer_json(exchange, 200);
    } else {
        exchange_store_failed(exchange, request);
    }
    store_request_clear(request);
}

void native_operation_get(struct exchange *exchange)
{
    struct id operation;

    if (query_is_refused(exchange, NULL, 0) ||
        settings_path_id(exchange, ID_OPERATION, "operation", &operation) != OK) {
        return;
    }
    struct showing *showing = exchange_new(exchange, sizeof *showing);
    showing->exchange = exchange;
    showing->get.account = exchange_account(exchange)->id;
    showing->get.operation = operation;
    exchange_submit(exchange, STORE_CALL_get_operation, &showing->get.request, shown);
}
