/*
 * The queues that come with credentials: a customer of a dialect that is polled can poll as soon as
 * the account has credentials for it.
 */
#ifndef WIRE_NATIVE_ACCOUNT_QUEUES_H
#define WIRE_NATIVE_ACCOUNT_QUEUES_H

#include "http/exchange.h"

/* failed: what the store said to a queue that could not be made; NULL: all are there. */
typedef void account_queues_done_fn(void *ctx, const struct store_request *failed);

/*
 * Makes a queue channel for each dialect whose credentials settings gives, whose rules want one and
 * of which the account has no channel (of an exclusive one: none that is enabled); then calls done,
 * once, perhaps from inside this call.
 * settings must stay until then.
 */
void account_queues_make(struct exchange *exchange, struct id account, struct json settings,
                         account_queues_done_fn *done, void *ctx);

#endif
