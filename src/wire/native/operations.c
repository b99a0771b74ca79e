/*
 * An account's operations: lists by state and period, and one by its id.
 */
#include "wire/native/listing.h"
#include "wire/native/native.h"
#include "wire/native/operation_json.h"
#include "wire/native/query.h"
#include "wire/native/settings_put.h"

/* ---- the list ---- */

static enum err read_filters(struct listing *listing, struct diag *diag)
{
    struct store_list_operations *list = &listing->operations;
    struct slice word;

    list->bytes_max = LISTING_BYTES_MAX;
    list->has_state = exchange_query(listing->exchange, "state", &word);
    if (list->has_state && operation_state_parse(word, &list->state) != OK) {
        return diag_field(diag, ERR_INVALID, "state",
                          "expected pending, completed, failed or expired");
    }
    return OK;
}

static void put_operations(const struct listing *listing, struct json_writer *writer)
{
    const struct store_list_operations *list = &listing->operations;

    for (size_t i = 0; i < list->operations_len; i++) {
        json_begin_object(writer);
        operation_json_members(list->operations[i], writer);
        json_end_object(writer);
    }
}

void native_operations_list(struct exchange *exchange)
{
    static const char *const parameters[] = {"limit", "cursor", "from", "to", "state"};
    static const struct listing_kind kind = {
        .call = STORE_CALL_list_operations,
        .ids = ID_OPERATION,
        .parameters = parameters,
        .parameters_len = ARRAY_LEN(parameters),
        .read_filters = read_filters,
        .put_items = put_operations,
    };

    listing_start(exchange, &kind);
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
