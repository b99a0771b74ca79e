/*
 * Orders/{token or number}/READ: one order's detail.
 *
 * A token leads to the very event that it came with. Whatever is no token of this merchant is
 * looked up as a number, so that a token of somebody else, one that was made up and a number that
 * does not exist take the same way and get the same answer.
 */
#include "model/alias.h"
#include "wire/shopcart/order.h"
#include "wire/shopcart/order_detail.h"
#include "wire/shopcart/shop.h"

struct reading {
    struct shop_call *call;
    struct store_get_event get;
    struct store_find_event find;
    struct buf name; /* of the order, for find */
};

static const struct wire_settings *settings_of(const struct shop_call *call)
{
    return &app_of(call->exchange)->settings;
}

static void answer_data(struct shop_call *call, const struct event *event,
                        const struct order_data *data)
{
    struct buf number;

    if (data->form == ORDER_GONE || data->form == ORDER_BROKEN) {
        shop_reply_fail(call->exchange,
                        data->form == ORDER_GONE ? SHOP_ERROR_ORDER : SHOP_ERROR_DATA);
        return;
    }
    buf_init(&number, ORDER_NUMBER_BYTES_MAX);
    order_data_title(data, settings_of(call)->alias_key, event, &number);
    order_detail_put(data, buf_view(&number), call->merchant, shop_reply_begin(call->exchange));
    shop_reply_end(call->exchange);
    buf_clear(&number);
}

/* event is NULL when there is none. */
static void answer(struct shop_call *call, const struct event *event,
                   bool (*is_asked)(const struct shopcart_type *type))
{
    const struct shopcart_type *type =
        event != NULL ? order_type(&settings_of(call)->shopcart, event->type) : NULL;
    struct order_data data;

    if (type == NULL || !is_asked(type)) {
        shop_reply_fail(call->exchange, SHOP_ERROR_ORDER);
        return;
    }
    order_data_open(&data, event);
    answer_data(call, event, &data);
    order_data_close(&data);
}

static void found_by_number(struct store_request *request)
{
    struct reading *reading = CONTAINER_OF(request, struct reading, find.request);

    if (request->err != OK && request->err != ERR_NOT_FOUND) {
        shop_reply_fail(reading->call->exchange, SHOP_ERROR_BUSY);
    } else {
        answer(reading->call, request->err == OK ? reading->find.found : NULL, order_is_told);
    }
    store_request_clear(request);
}

static void found_by_token(struct store_request *request)
{
    struct reading *reading = CONTAINER_OF(request, struct reading, get.request);

    if (request->err != OK && request->err != ERR_NOT_FOUND) {
        shop_reply_fail(reading->call->exchange, SHOP_ERROR_BUSY);
    } else {
        answer(reading->call, request->err == OK ? reading->get.found : NULL, order_is_announced);
    }
    store_request_clear(request);
}

static void release(void *ctx)
{
    struct reading *reading = ctx;
    buf_clear(&reading->name);
}

void shop_read(struct shop_call *call)
{
    struct reading *reading = exchange_new(call->exchange, sizeof *reading);
    struct id account = exchange_account(call->exchange)->id;

    reading->call = call;
    buf_init(&reading->name, EVENT_REFERENCE_BYTES_MAX);
    exchange_on_end(call->exchange, release, reading);
    reading->get.account = account;
    reading->find.account = account;
    if (alias_from_token(settings_of(call)->alias_key, account, call->item, &reading->get.event) ==
        OK) {
        exchange_submit(call->exchange, STORE_CALL_get_event, &reading->get.request,
                        found_by_token);
        return;
    }
    order_name(slice_sub(call->item, 0, ORDER_NUMBER_BYTES_MAX + 1), &reading->name);
    reading->find.name = buf_view(&reading->name);
    exchange_submit(call->exchange, STORE_CALL_find_event, &reading->find.request, found_by_number);
}
