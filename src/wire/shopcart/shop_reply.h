/*
 * Answers of the merchants' API: always the status 200 and the element Response.
 *
 * All errors are fixed texts. Nothing that a caller sent is ever repeated in one, and what must not
 * be told apart has one text: every fault of a key, and every order that is not the caller's.
 */
#ifndef WIRE_SHOPCART_SHOP_REPLY_H
#define WIRE_SHOPCART_SHOP_REPLY_H

#include "http/exchange.h"

/* X(name, text) */
#define SHOP_ERRORS(X)                                                                             \
    X(KEY, "Invalid merchant key")                                                                 \
    X(REQUEST, "Invalid request: expected the element Request with a Key and parameters in it")    \
    X(REFUSED, "This HTTP request is not accepted: its method, size or form is wrong")             \
    X(GROUP, "Unknown group")                                                                      \
    X(METHOD, "Unknown method of this group")                                                      \
    X(ORDER, "Order not found")                                                                    \
    X(DATA, "The order's data cannot be told as XML")                                              \
    X(LIMIT_COUNT, "LimitCount must be a whole number from 1 to 100")                              \
    X(LIMIT_OFFSET, "LimitOffset must be a whole number that is not negative")                     \
    X(LIMIT_DATE, "LimitStartDate and LimitEndDate must be MM/dd/yyyy or MM/dd/yyyy HH:mm:ss")     \
    X(PERIOD, "LimitEndDate must not be before LimitStartDate")                                    \
    X(SORT_COLUMN, "SortColumn must be GrandTotal")                                                \
    X(SORT_ORDER, "SortOrder must be ASC or DESC")                                                 \
    X(TOO_MANY, "Too many orders to look at: narrow LimitStartDate and LimitEndDate")              \
    X(NO_URL, "No notification URL is set")                                                        \
    X(BUSY, "Temporarily not possible: try again later")

enum shop_error {
    SHOP_OK,
#define SHOP_ENUM(name, text) SHOP_ERROR_##name,
    SHOP_ERRORS(SHOP_ENUM)
#undef SHOP_ENUM
        SHOP_ERROR_END
};

const char *shop_error_text(enum shop_error error);

/* Writes the start of a good answer, to be continued in what it returns: exchange_out. */
struct buf *shop_reply_begin(struct exchange *exchange);
/* Ends and sends it, if it is not too large. */
void shop_reply_end(struct exchange *exchange);
/* Sends a good answer that has nothing in it. */
void shop_reply_done(struct exchange *exchange);

void shop_reply_fail(struct exchange *exchange, enum shop_error error);

/* route.refuse: in place of the machinery's own words. */
void shop_reply_refuse(struct exchange *exchange, enum problem problem, const struct diag *diag);

/*
 * Appends <name xlink:href="base/path/id">text</name>; id and what is before it are empty when
 * there is none. base as shop_reply_base gives it.
 */
struct shop_link {
    const char *name;
    struct slice base, path, id, text;
};
void shop_reply_put_link(struct buf *out, const struct shop_link *link);

/*
 * Where merchants reach this API, as they would write it: "https://shop.example/API/700123". From
 * the settings, or else from the request's Host, if that is a host. Lent by the exchange.
 */
struct slice shop_reply_base(struct exchange *exchange, struct slice merchant);

#endif
