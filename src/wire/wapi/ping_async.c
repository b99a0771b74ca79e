/*
 * ping-async: tries the way of notifications out. Answered with 1001 once the notification that it
 * asks for is stored; that goes to the account's channels like any other.
 */
#include "wire/wapi/commands.h"
#include "wire/wapi/reply.h"

enum { DATA_BYTES_MAX = 1024 };

struct ping_async {
    struct wapi_call *call;
    struct store_publish store;
    struct store_publish_item item;
};

/* What an operation's end tells, of one that ended at once. */
static void write_data(const struct wapi_call *call, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_key(&writer, "code");
    json_put_i64(&writer, WAPI_OK);
    json_key(&writer, "result");
    json_put_string(&writer, wapi_code_text(WAPI_OK));
    json_key(&writer, "command");
    json_put_string(&writer, call->request.command);
    json_key(&writer, "origin");
    json_put_text(&writer, wapi_call_origin(call));
    json_key(&writer, "data");
    json_put_raw(&writer, SLICE("{\"round\":\"1\",\"time\":\"0.0\",\"done\":\"1\"}"));
    json_end_object(&writer);
}

static struct event *make_event(const struct wapi_call *call)
{
    const struct account *account = exchange_account(call->exchange);
    struct buf data;

    buf_init(&data, DATA_BYTES_MAX);
    write_data(call, &data);
    struct event *event = event_new(&(struct event_parts){
        .account = account->id,
        .account_name = account->name,
        .type = slice_of(operation_news_type(OPERATION_NEWS_COMPLETED)),
        .content_type = SLICE("application/json"),
        .data = buf_view(&data),
        .client_ref = call->request.client_ref,
        .server_ref = slice_of(call->reference),
    });
    buf_clear(&data);
    return event;
}

static void stored(struct store_request *request)
{
    struct ping_async *ping = CONTAINER_OF(request, struct ping_async, store.request);
    struct wapi_call *call = ping->call;

    intake_end(call->app->dispatch, exchange_account(call->exchange), &ping->item,
               request->err == OK);
    if (request->err != OK) {
        wapi_reply_code(call, WAPI_INTERNAL);
    } else {
        wapi_reply_code(call, WAPI_PENDING);
    }
}

void wapi_ping_async(struct wapi_call *call)
{
    if (call->request.is_test) {
        wapi_reply_code(call, WAPI_PENDING);
        return;
    }
    struct ping_async *ping = exchange_new(call->exchange, sizeof *ping);

    ping->call = call;
    ping->item.event = make_event(call);
    intake_match(call->app->dispatch, exchange_account(call->exchange), &ping->item);
    ping->store.items = &ping->item;
    ping->store.items_len = 1;
    exchange_submit(call->exchange, STORE_CALL_publish, &ping->store.request, stored);
}
