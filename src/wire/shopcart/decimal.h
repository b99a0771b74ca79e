/*
 * Decimal numbers as their digits say, of any length: amounts of money are compared exactly, never
 * by way of binary floating point.
 */
#ifndef WIRE_SHOPCART_DECIMAL_H
#define WIRE_SHOPCART_DECIMAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { DECIMAL_DIGITS_MAX = 64 };

/* 0.digits times ten to the power of point. Zero has no digits, and no sign. */
struct decimal {
    bool is_negative;
    int64_t point;
    uint8_t digits_len;
    char digits[DECIMAL_DIGITS_MAX]; /* no zero at either end */
};

/*
 * Reads "49.90", "-5", ".5", "1e3": digits with at most one point, an exponent of at most six
 * digits. ERR_INVALID for anything else; ERR_LIMIT: more digits than there is room for.
 */
enum err decimal_parse(struct slice text, struct decimal *out) MUST_CHECK;

/* Below zero: a is the smaller; 0: they are the same number, however written. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

#endif
