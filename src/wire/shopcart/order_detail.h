/*
 * An order's detail: the data of its event as XML.
 *
 * XML data goes through as it is, but for its declaration. All else becomes the element OrderInfo:
 *
 *   a JSON object   its members (wire/xml_data.h), Id and MerchantId put in front where missing; an
 *                   array is an element with one child an item, named by order_item_name
 *   other JSON, text, and what is neither: in one child Data, or in base64 in DataBase64
 */
#ifndef WIRE_SHOPCART_ORDER_DETAIL_H
#define WIRE_SHOPCART_ORDER_DETAIL_H

#include "wire/shopcart/order.h"

/*
 * Appends the name of an array's items: LineItems has LineItemInfo, Categories CategoryInfo, Data
 * DataInfo. Without a plural's s (but not of ss), with y for ies, and Info behind it.
 */
void order_item_name(struct slice array, struct buf *out);

/* number is what the order is called where its data does not say. data is neither gone nor
 * broken. */
void order_detail_put(const struct order_data *data, struct slice number, struct slice merchant,
                      struct buf *out);

#endif
