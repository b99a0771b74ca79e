/*
 * The notification queue of an account: its enabled channel of this dialect, if that is a queue.
 */
#ifndef WIRE_WAPI_QUEUE_H
#define WIRE_WAPI_QUEUE_H

#include "wire/wapi/call.h"

/* Lent by the exchange; NULL: its notifications go another way, and WAPI_NO_QUEUE was answered. */
const struct channel *wapi_queue(struct wapi_call *call);

/* Asks for the oldest notification; in test mode without recording that it was shown. */
void wapi_queue_show(struct wapi_call *call, const struct channel *queue, struct store_show *show,
                     store_done_fn *done);

#endif
