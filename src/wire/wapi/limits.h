/*
 * How much the command API takes from an account and from an address.
 *
 * An account may make so many requests in a clock hour. An address may fail so many times; each
 * failure beyond blocks it: the first for one minute, the second for two, and so on up to an hour.
 * Which answers are failures stands in codes.h. One failure is forgotten every six minutes (with 10
 * allowed; an hour is shared evenly), so who makes a mistake now and then is never blocked.
 *
 * Any thread may call.
 */
#ifndef WIRE_WAPI_LIMITS_H
#define WIRE_WAPI_LIMITS_H

#include "base/id.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct limits;

struct limits_options {
    uint64_t seed;         /* from chance */
    uint32_t hourly_max;   /* requests of an account in a clock hour */
    uint32_t failures_max; /* of an address, before it is blocked */
};

struct limits *limits_new(const struct limits_options *options);
void limits_free(struct limits *limits); /* NULL is fine */

/* Counts a request of an account; false when it is one too many in this hour. */
bool limits_take(struct limits *limits, struct id account, struct wall now);

/* origin is what limits count an address by (exchange_peer_key). */
bool limits_is_blocked(struct limits *limits, struct slice origin, struct mono now);
void limits_failed(struct limits *limits, struct slice origin, struct mono now);

#endif
