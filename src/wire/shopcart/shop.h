/*
 * A call of the merchants' API, and the handlers of each; the table of them is in shop_call.c.
 */
#ifndef WIRE_SHOPCART_SHOP_H
#define WIRE_SHOPCART_SHOP_H

#include "wire/app.h"
#include "wire/shopcart/shop_input.h"
#include "wire/shopcart/shop_reply.h"

/* One request. Goes with the exchange, whose account is the merchant's once the key was right. */
struct shop_call {
    struct exchange *exchange;
    struct slice merchant;
    struct slice item; /* what stands between the group and READ */
    struct shop_input input;
};

typedef void shop_handle_fn(struct shop_call *call);

/* What each does stands above it in its file. */
shop_handle_fn shop_list, shop_count, shop_read, shop_test, shop_errors;

#endif
