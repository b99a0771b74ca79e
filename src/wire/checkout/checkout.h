/*
 * The checkout dialect: a merchant fetches its notifications, acknowledges them, and lists those of
 * a period. Paths, parameters and shapes are those of the Checkout API that merchants know; the
 * documentation is docs/checkout.md.
 *
 * Notifications wait in a queue channel of the dialect. A message that was fetched is not hidden:
 * it comes with every poll until it is acknowledged or too old.
 */
#ifndef WIRE_CHECKOUT_CHECKOUT_H
#define WIRE_CHECKOUT_CHECKOUT_H

#include "dispatch/dialect.h"
#include "http/router.h"

extern const struct dialect dialect_checkout;
extern const struct route_table checkout_routes;

/* Handlers; what each does stands above it in its file. */
handle_fn checkout_receive, checkout_ack, checkout_history;

/* All refusals of the dialect's paths: {"code", "message", "details"}, the code one of gRPC. */
refuse_fn checkout_refuse;

#endif
