/*
 * A conversion rate as text, by exact arithmetic on its decimal digits: no floating point, which
 * would make 0.1 something else.
 *
 * A rate is a number as JSON writes one (1, 1.0, 1.000000, 15e-1), not negative, of at most
 * RATE_TEXT_BYTES_MAX bytes and RATE_WHOLE_DIGITS_MAX digits in front of the point.
 */
#ifndef WIRE_CASHIER_RATE_H
#define WIRE_CASHIER_RATE_H

#include "base/err.h"
#include "base/slice.h"

enum {
    RATE_TEXT_BYTES_MAX = 64,   /* far more digits than any rate has */
    RATE_DECIMALS = 6,          /* of decimal(16,6), in which merchants keep it */
    RATE_WHOLE_DIGITS_MAX = 23, /* with the point and six decimals the 30 of varchar(30) */
    RATE_SIZE = 160,            /* the longest text: "shortest" of 1e-63 and the like */
};

struct rate_text {
    char chars[RATE_SIZE];
};

/*
 * With exactly six decimals: 1e0 is 1.000000. What has more is rounded, half up: 0.0000005 is
 * 0.000001. ERR_INVALID: it is no rate.
 */
enum err rate_six_decimals(struct slice text, struct rate_text *out) MUST_CHECK;

/*
 * The same number in as few characters as it can be written without an exponent: 1.000000 is 1,
 * 0.10 is 0.1, 15e-1 is 1.5. Nothing is rounded. ERR_INVALID: it is no rate, or needs more than
 * RATE_TEXT_BYTES_MAX decimals.
 */
enum err rate_shortest(struct slice text, struct rate_text *out) MUST_CHECK;

#endif
