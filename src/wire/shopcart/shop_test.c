/*
 * Notifications/TEST: a notification of its own, to the merchant's own URLs and nowhere else,
 * whatever types of events they want otherwise. It is stored as an event like any other, so it is
 * sent and tried again like any other.
 */
#include "base/mem.h"
#include "wire/shopcart/shop.h"
#include "wire/shopcart/shopcart.h"

struct testing {
    struct shop_call *call;
    struct store_publish store;
    struct store_publish_item item;
};

static bool is_notified(const struct channel *channel)
{
    return channel->kind == CHANNEL_WEBHOOK && slice_is(channel->dialect, SHOPCART_NAME) &&
           channel_is_active(channel);
}

/* By way of the store: a button needs no room in memory. */
static void choose_targets(const struct account *account, struct store_publish_item *item)
{
    item->targets = MEM_ARRAY(account->channels_len + 1, struct store_target);
    for (uint32_t i = 0; i < account->channels_len; i++) {
        if (is_notified(account->channels[i])) {
            item->targets[item->targets_len++] = (struct store_target){
                .channel = account->channels[i]->id,
                .way = STORE_WAITING,
            };
        }
    }
}

static void release(void *ctx)
{
    struct testing *testing = ctx;

    event_release(testing->item.event);
    mem_free(testing->item.targets);
}

static void stored(struct store_request *request)
{
    struct testing *testing = CONTAINER_OF(request, struct testing, store.request);
    struct exchange *exchange = testing->call->exchange;

    if (request->err != OK || testing->item.err != OK) {
        shop_reply_fail(exchange, SHOP_ERROR_BUSY);
        return;
    }
    shop_reply_done(exchange);
}

void shop_test(struct shop_call *call)
{
    struct testing *testing = exchange_new(call->exchange, sizeof *testing);
    const struct store *store = exchange_store(call->exchange);
    const struct account *account = exchange_account(call->exchange);

    testing->call = call;
    exchange_on_end(call->exchange, release, testing);
    choose_targets(account, &testing->item);
    if (testing->item.targets_len == 0) {
        shop_reply_fail(call->exchange, SHOP_ERROR_NO_URL);
        return;
    }
    if (store_is_full(store) || store_is_busy(store)) {
        shop_reply_fail(call->exchange, SHOP_ERROR_BUSY);
        return;
    }
    testing->item.event = event_new(&(struct event_parts){
        .account = account->id,
        .account_name = account->name,
        .type = SLICE(SHOPCART_TEST_TYPE),
        .content_type = SLICE("application/json"),
        .data = SLICE("{\"message\":\"Test notification\"}"),
    });
    testing->store.items = &testing->item;
    testing->store.items_len = 1;
    exchange_submit(call->exchange, STORE_CALL_publish, &testing->store.request, stored);
}
