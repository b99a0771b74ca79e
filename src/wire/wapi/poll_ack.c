/*
 * poll-ack: the notification that poll-req shows is done with. Only the oldest one can be named:
 * any other id, also one that waits further back, does not exist.
 */
#include "wire/wapi/commands.h"
#include "wire/wapi/queue.h"
#include "wire/wapi/reply.h"

enum { ID_TEXT_BYTES_MAX = 64 };

struct poll_ack {
    struct wapi_call *call;
    struct store_answer store;
    struct store_answer_item item;
    struct store_show show; /* test mode */
};

/* data.id: a whole number, in JSON as a number or a string. */
static enum wapi_code read_id(struct json data, struct id *out)
{
    struct json value = json_member(data, "id");
    struct slice text = json_raw(value);
    struct buf scratch;

    if (json_is_null(value)) {
        return WAPI_NO_PARAMETER;
    }
    buf_init(&scratch, ID_TEXT_BYTES_MAX);
    if (json_type(value) == JSON_STRING) {
        text = json_string(value, &scratch);
    }
    bool is_missing = text.len == 0;
    enum err err = buf_check(&scratch) == OK ? slice_to_u64(text, &out->value) : ERR_INVALID;
    buf_clear(&scratch);
    if (err == ERR_LIMIT) { /* a number, but of no notification */
        *out = ID_NONE;
        return WAPI_OK;
    }
    if (is_missing) {
        return WAPI_NO_PARAMETER;
    }
    return err == OK ? WAPI_OK : WAPI_WRONG_PARAMETER;
}

static void acknowledged(struct store_request *request)
{
    struct poll_ack *ack = CONTAINER_OF(request, struct poll_ack, store.request);

    if (request->err != OK) {
        wapi_reply_code(ack->call, WAPI_INTERNAL);
    } else {
        wapi_reply_code(ack->call, ack->item.err == OK ? WAPI_ACQUIRED : WAPI_NO_NOTIFICATION);
    }
}

/* Test mode: says what would come of it. */
static void looked(struct store_request *request)
{
    struct poll_ack *ack = CONTAINER_OF(request, struct poll_ack, show.request);
    const struct store_message *head = &ack->show.message;
    bool is_head = head->event != NULL && head->delivery.value == ack->item.delivery.value &&
                   head->attempt >= ack->item.epoch;

    if (request->err != OK) {
        wapi_reply_code(ack->call, WAPI_INTERNAL);
    } else {
        wapi_reply_code(ack->call, is_head ? WAPI_ACQUIRED : WAPI_NO_NOTIFICATION);
    }
    store_request_clear(request);
}

void wapi_poll_ack(struct wapi_call *call)
{
    struct poll_ack *ack = exchange_new(call->exchange, sizeof *ack);
    enum wapi_code code = read_id(call->request.data, &ack->item.delivery);
    const struct channel *queue = NULL;

    if (code != WAPI_OK) {
        wapi_reply_code(call, code);
        return;
    }
    if ((queue = wapi_queue(call)) == NULL) {
        return;
    }
    ack->call = call;
    ack->item.epoch = call->app->settings.wapi.ack_needs_poll ? 1 : 0;
    if (call->request.is_test) {
        wapi_queue_show(call, queue, &ack->show, looked);
        return;
    }
    ack->store.account = exchange_account(call->exchange)->id;
    ack->store.channel = queue->id;
    ack->store.kind = STORE_ACK_HEAD;
    ack->store.items = &ack->item;
    ack->store.items_len = 1;
    exchange_submit(call->exchange, STORE_CALL_answer, &ack->store.request, acknowledged);
}
