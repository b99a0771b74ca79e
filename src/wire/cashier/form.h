/*
 * The form of a cashier's notification: what an event's data and the merchant's credentials become.
 *
 *   merchant_id, application_key, conversion_rate, customer, session, transaction, version,
 *   timestamp, and behind these all other members of the data
 *
 * Values pass byte for byte, with one exception: the three rates (conversion_rate of the data, of
 * its session and of its transaction), unless they are null, are written with six decimals.
 * Members of the data that have the name of something that is added here are left out.
 */
#ifndef WIRE_CASHIER_FORM_H
#define WIRE_CASHIER_FORM_H

#include "base/buf.h"
#include "base/json.h"
#include "base/time.h"

#include <stdbool.h>

struct form {
    struct json data;        /* what the event tells, see payload_news */
    struct json credentials; /* of the merchant, which were checked when they were set */
    struct wall now;         /* becomes the timestamp */
    bool has_number_rates;   /* a rate is a number, not a string */
};

/*
 * Appends the message. ERR_INVALID: the data lacks customer or session, or something of the form
 * cannot be what it is; the diag names it.
 */
enum err form_put(const struct form *form, struct buf *out, struct diag *diag) MUST_CHECK;

#endif
