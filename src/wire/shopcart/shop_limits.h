/*
 * Which part of a list a caller wants: its parameters, read strictly, and written again for the
 * call that gets the next part.
 */
#ifndef WIRE_SHOPCART_SHOP_LIMITS_H
#define WIRE_SHOPCART_SHOP_LIMITS_H

#include "base/buf.h"
#include "base/id.h"
#include "wire/shopcart/shop_reply.h"

#include <stdbool.h>
#include <stdint.h>

enum { SHOP_LIMIT_COUNT_MAX = 100 }; /* also what is given to who names no number */

/* In the order in which NextRecordSet repeats them. */
enum shop_parameter {
    SHOP_LIMIT_COUNT,
    SHOP_LIMIT_OFFSET,
    SHOP_LIMIT_START,
    SHOP_LIMIT_END,
    SHOP_SORT_COLUMN,
    SHOP_SORT_ORDER,
    SHOP_PARAMETER_END
};

extern const char *const shop_parameter_names[SHOP_PARAMETER_END];

struct shop_limits {
    struct slice given[SHOP_PARAMETER_END]; /* as the caller wrote them; empty: absent */
    uint32_t count;
    uint64_t offset;
    struct id from, to; /* of the events: [from, to) */
    bool is_by_total;   /* otherwise by time */
    bool is_descending; /* the newest or largest first */
};

/*
 * Reads limits->given into the rest. Dates are UTC; an end without a time takes its whole day, one
 * with a time its whole second. Without SortColumn the order is by time, the newest first unless
 * SortOrder is ASC; with it the smallest first unless it is DESC.
 */
enum shop_error shop_limits_read(struct shop_limits *limits) MUST_CHECK;

/* Appends NextRecordSet: what was given, with the offset behind this part. */
void shop_limits_put_next(const struct shop_limits *limits, struct buf *out);

#endif
