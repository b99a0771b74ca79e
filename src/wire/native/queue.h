/*
 * A channel as a queue: what receiving and answering have in common.
 */
#ifndef WIRE_NATIVE_QUEUE_H
#define WIRE_NATIVE_QUEUE_H

#include "http/exchange.h"
#include "model/channel.h"

/* Longest wait of one receive: below what proxies and clients commonly allow a request. */
#define QUEUE_WAIT_MAX_MS INT64_C(20000)
/* A lease is as short as anybody likes. */
#define QUEUE_LEASE_MAX_MS (STORE_LEASE_US_MAX / US_PER_MS)

/*
 * The channel of the path, lent by the exchange, when it is a queue; otherwise NULL and 404 or 409
 * was answered.
 */
struct channel *queue_of_path(struct exchange *exchange);

/* Reads the member lease_ms of a request; the channel's own lease when it is not there. */
enum err queue_lease(struct json settings, const struct channel *channel, int64_t *out_us,
                     struct diag *diag) MUST_CHECK;

#endif
