/*
 * The dialect `shopcart`: thin notifications in XML, and the API by which a merchant's program then
 * pulls the details.
 *
 * Push: an event becomes a root element with one child, such as
 * <NewOrder><Token>...</Token></NewOrder>, posted raw to the merchant's URL. The status 200 alone
 * is delivered; the gaps between attempts double from one minute on. Which types of events become
 * which elements is the operator's setting (struct shopcart_settings); one that is not mapped
 * cannot travel. The type shopcart.test is always the element Test.
 *
 * A token is computed from the event's id (model/alias.h): the same in all attempts and after a
 * restart, different for two events of one order, worthless without the merchant's own key.
 *
 * Pull: /API/{merchant}/..., whose calls stand in shop_call.c. Everything is answered with the
 * status 200 and the element Response, whose attribute success tells whether it went well.
 */
#ifndef WIRE_SHOPCART_SHOPCART_H
#define WIRE_SHOPCART_SHOPCART_H

#include "dispatch/dialect.h"
#include "http/router.h"

#define SHOPCART_NAME "shopcart" /* of the dialect, and of an account's credentials for it */
#define SHOPCART_TEST_TYPE "shopcart.test"

extern const struct dialect dialect_shopcart;

/* shop_call.c */
extern const struct route_table shopcart_routes;

#endif
