/*
 * poll-req: the oldest notification, in the format of this request, whatever its own was. It stays
 * the oldest until poll-ack.
 *
 *   show --> one that can be told --> answered
 *    ^ '--> none --> answered with 1003
 *    '-- refused for good <-- one that cannot be told
 *
 * What cannot be told got in before the channel spoke this dialect; it must not stand in front of
 * all others for ever.
 */
#include "wire/wapi/commands.h"
#include "wire/wapi/notify.h"
#include "wire/wapi/queue.h"
#include "wire/wapi/reply.h"

struct poll_req {
    struct wapi_call *call;
    const struct channel *queue; /* lent by the exchange */
    struct store_show show;
    struct store_settle refusal;
    struct store_settle_item refused;
    struct diag reason;
};

static void ask(struct poll_req *poll);

static void settled(struct store_request *request)
{
    struct poll_req *poll = CONTAINER_OF(request, struct poll_req, refusal.request);

    store_request_clear(&poll->show.request);
    if (request->err != OK) {
        wapi_reply_code(poll->call, WAPI_INTERNAL);
    } else {
        ask(poll);
    }
}

static void refuse(struct poll_req *poll)
{
    const struct store_message *message = &poll->show.message;

    poll->refused = (struct store_settle_item){
        .account = poll->show.account,
        .channel = poll->show.channel,
        .delivery = message->delivery,
        .event = message->event->id,
        .next = STORE_FINAL,
        .state = DELIVERY_REFUSED,
        .has_attempt = true,
        .attempt = {.number = message->attempt > 0 ? message->attempt : 1,
                    .began = poll->call->now,
                    .outcome = ATTEMPT_INVALID,
                    .detail = slice_sub(slice_of(poll->reason.text), 0, ATTEMPT_DETAIL_BYTES_MAX)},
    };
    poll->refusal.items = &poll->refused;
    poll->refusal.items_len = 1;
    exchange_submit(poll->call->exchange, STORE_CALL_settle, &poll->refusal.request, settled);
}

/* False: it cannot be told, and nothing is answered. */
static bool tell(struct poll_req *poll)
{
    const struct store_message *message = &poll->show.message;
    struct document document;

    wapi_reply_begin(poll->call, WAPI_OK, &document);
    if (notify_put(&document, message->event, message->delivery, &poll->reason) != OK) {
        return false;
    }
    if (buf_check(exchange_out(poll->call->exchange)) != OK) {
        (void)diag_set(&poll->reason, ERR_INVALID, "too long to be told in an answer");
        return false;
    }
    wapi_reply_end(poll->call, &document);
    return true;
}

static void shown(struct store_request *request)
{
    struct poll_req *poll = CONTAINER_OF(request, struct poll_req, show.request);

    if (request->err != OK) {
        wapi_reply_code(poll->call, WAPI_INTERNAL);
    } else if (poll->show.message.event == NULL) {
        wapi_reply_code(poll->call, WAPI_QUEUE_EMPTY);
    } else if (!tell(poll)) {
        refuse(poll); /* the message is still needed */
        return;
    }
    store_request_clear(request);
}

static void ask(struct poll_req *poll)
{
    wapi_queue_show(poll->call, poll->queue, &poll->show, shown);
}

void wapi_poll_req(struct wapi_call *call)
{
    const struct channel *queue = wapi_queue(call);

    if (queue == NULL) {
        return;
    }
    struct poll_req *poll = exchange_new(call->exchange, sizeof *poll);

    poll->call = call;
    poll->queue = queue;
    ask(poll);
}
