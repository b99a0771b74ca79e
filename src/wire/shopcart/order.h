/*
 * Orders, as an account's events tell of them.
 *
 * The operator maps types of events to elements (struct shopcart_settings), and from that follows
 * what an event says of orders:
 *
 *   child "Token"               it announces an order: what can be pulled by that token, is listed
 *                               and counted
 *   root "Order...", such as    it tells a newer state of an order: the newest of these and those
 *   OrderStatusChange           above is what is pulled by the order's number
 *   any other                   nothing
 *
 * The order's number is the member Id of the event's data or, without one, OrderId: a string or a
 * number in JSON, a child of the root in XML.
 */
#ifndef WIRE_SHOPCART_ORDER_H
#define WIRE_SHOPCART_ORDER_H

#include "base/buf.h"
#include "base/json.h"
#include "base/xml.h"
#include "model/event.h"
#include "wire/settings.h"

#include <stdbool.h>

enum { ORDER_NUMBER_BYTES_MAX = 64 }; /* a longer one is none */

/* How a type travels; NULL when it is not mapped. */
const struct shopcart_type *order_type(const struct shopcart_settings *settings, struct slice type);
bool order_is_announced(const struct shopcart_type *type);
bool order_is_told(const struct shopcart_type *type); /* announced, or its newer state told */

/* Appends the name by which the store finds the newest event of an order (store_find_event). */
void order_name(struct slice number, struct buf *out);

/* ---- An event's data, taken apart ---- */

enum order_form {
    ORDER_GONE,    /* retention has removed it */
    ORDER_MEMBERS, /* a JSON object */
    ORDER_VALUE,   /* any other JSON */
    ORDER_XML,
    ORDER_BROKEN, /* says that it is XML and is not */
    ORDER_TEXT,
    ORDER_BYTES, /* neither text nor XML nor JSON */
};

/* Borrows the event. */
struct order_data {
    enum order_form form;
    struct slice bytes;
    struct json_doc json;
    struct xml_doc *xml;
};

void order_data_open(struct order_data *data, const struct event *event);
void order_data_close(struct order_data *data);

/* Appends the text of a member that is a string or a number; false when there is none. */
bool order_data_member(const struct order_data *data, const char *name, struct buf *out);

/* Writes the order's number into out, which must be empty. */
bool order_data_number(const struct order_data *data, struct buf *out);

/* Writes what the order is called in lists: its number or, when it has none, the event's token. out
 * must be empty and have room for ORDER_NUMBER_BYTES_MAX. */
void order_data_title(const struct order_data *data, const uint8_t *alias_key,
                      const struct event *event, struct buf *out);

#endif
