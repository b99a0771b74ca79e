#include "wire/wapi/queue.h"

#include "wire/wapi/dialect.h"
#include "wire/wapi/reply.h"

const struct channel *wapi_queue(struct wapi_call *call)
{
    const struct channel *channel =
        account_channel_of_dialect(exchange_account(call->exchange), dialect_wapi.name);

    if (channel == NULL || channel->kind != CHANNEL_QUEUE) {
        wapi_reply_code(call, WAPI_NO_QUEUE);
        return NULL;
    }
    return channel;
}

void wapi_queue_show(struct wapi_call *call, const struct channel *queue, struct store_show *show,
                     store_done_fn *done)
{
    show->account = exchange_account(call->exchange)->id;
    show->channel = queue->id;
    show->is_look = call->request.is_test;
    exchange_submit(call->exchange, STORE_CALL_show, &show->request, done);
}
