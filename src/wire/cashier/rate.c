#include "wire/cashier/rate.h"

#include <stdbool.h>
#include <string.h>

/*
 * Exponents beyond are as good as these: no digit of RATE_TEXT_BYTES_MAX bytes comes near the
 * point.
 */
enum { EXPONENT_MAX = 1000 };

/* 0.d1d2d3... times ten to the power of point; digits are values, not characters. */
struct decimal {
    char digits[RATE_TEXT_BYTES_MAX];
    int len;
    int point;
};

/* ---- reading ---- */

static bool is_digit(struct slice text, size_t at)
{
    return at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';
}

/* Takes digits from *at on. False: there is none. */
static bool take_digits(struct slice text, size_t *at, struct decimal *out)
{
    size_t from = *at;

    while (is_digit(text, *at)) {
        out->digits[out->len++] = (char)(text.ptr[(*at)++] - '0');
    }
    return *at > from;
}

static bool take_exponent(struct slice text, size_t *at, struct decimal *out)
{
    int exponent = 0;

    (*at)++;
    bool is_negative = *at < text.len && text.ptr[*at] == '-';
    if (*at < text.len && (text.ptr[*at] == '-' || text.ptr[*at] == '+')) {
        (*at)++;
    }
    if (!is_digit(text, *at)) {
        return false;
    }
    for (; is_digit(text, *at); (*at)++) {
        exponent = exponent < EXPONENT_MAX ? exponent * 10 + (text.ptr[*at] - '0') : EXPONENT_MAX;
    }
    out->point += is_negative ? -exponent : exponent;
    return true;
}

static void drop_leading_zeros(struct decimal *decimal)
{
    int zeros = 0;

    while (zeros < decimal->len && decimal->digits[zeros] == 0) {
        zeros++;
    }
    memmove(decimal->digits, decimal->digits + zeros, (size_t)(decimal->len - zeros));
    decimal->len -= zeros;
    decimal->point = decimal->len == 0 ? 0 : decimal->point - zeros;
}

static void drop_trailing_zeros(struct decimal *decimal)
{
    while (decimal->len > 0 && decimal->digits[decimal->len - 1] == 0) {
        decimal->len--;
    }
}

/* RFC 8259 section 6, without the minus. */
static bool parse(struct slice text, struct decimal *out)
{
    size_t at = 0;

    *out = (struct decimal){.len = 0};
    if (text.len > RATE_TEXT_BYTES_MAX || !take_digits(text, &at, out) ||
        (out->len > 1 && text.ptr[0] == '0')) {
        return false;
    }
    out->point = out->len;
    if (at < text.len && text.ptr[at] == '.') {
        at++;
        if (!take_digits(text, &at, out)) {
            return false;
        }
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E') &&
        !take_exponent(text, &at, out)) {
        return false;
    }
    drop_leading_zeros(out);
    return at == text.len && out->point <= RATE_WHOLE_DIGITS_MAX;
}

/* ---- rounding and writing ---- */

/* Adds one to the last digit. */
static void carry(struct decimal *decimal)
{
    int at = decimal->len - 1;

    while (at >= 0 && decimal->digits[at] == 9) {
        decimal->digits[at--] = 0;
    }
    if (at >= 0) {
        decimal->digits[at]++;
        return;
    }
    /* 999 has become 000: it is 1000 with as many digits, and the point one further. */
    memmove(decimal->digits + 1, decimal->digits, (size_t)decimal->len);
    decimal->digits[0] = 1;
    decimal->len++;
    decimal->point++;
}

/* Leaves at most so many decimals; half is rounded up. */
static void round_to(struct decimal *decimal, int decimals)
{
    int kept = decimal->point + decimals;

    if (kept >= decimal->len) {
        return;
    }
    bool goes_up = kept >= 0 && decimal->digits[kept] >= 5;
    decimal->len = kept > 0 ? kept : 0;
    if (decimal->len == 0) {
        decimal->point = -decimals;
    }
    if (goes_up) {
        carry(decimal);
    }
}

/* The digit that stands `place` places behind the point (negative: before it). */
static char digit_at(const struct decimal *decimal, int place)
{
    int at = decimal->point + place;
    return (char)('0' + (at >= 0 && at < decimal->len ? decimal->digits[at] : 0));
}

static void put(const struct decimal *decimal, int decimals, struct rate_text *out)
{
    int whole = decimal->point > 0 ? decimal->point : 1;
    char *to = out->chars;

    for (int place = -whole; place < decimals; place++) {
        if (place == 0) {
            *to++ = '.';
        }
        *to++ = digit_at(decimal, place);
    }
    *to = '\0';
}

enum err rate_six_decimals(struct slice text, struct rate_text *out)
{
    struct decimal decimal;

    if (!parse(text, &decimal)) {
        return ERR_INVALID;
    }
    round_to(&decimal, RATE_DECIMALS);
    if (decimal.point > RATE_WHOLE_DIGITS_MAX) {
        return ERR_INVALID; /* rounded up past it */
    }
    put(&decimal, RATE_DECIMALS, out);
    return OK;
}

enum err rate_shortest(struct slice text, struct rate_text *out)
{
    struct decimal decimal;

    if (!parse(text, &decimal)) {
        return ERR_INVALID;
    }
    drop_trailing_zeros(&decimal);
    int decimals = decimal.len > decimal.point ? decimal.len - decimal.point : 0;
    if (decimals > RATE_TEXT_BYTES_MAX) {
        return ERR_INVALID;
    }
    put(&decimal, decimals, out);
    return OK;
}
