#include "wire/shopcart/decimal.h"

#include <string.h>

enum { EXPONENT_DIGITS_MAX = 6 };

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool take_byte(struct slice *rest, const char *set)
{
    if (rest->len == 0 || rest->ptr[0] == '\0' || strchr(set, rest->ptr[0]) == NULL) {
        return false;
    }
    *rest = slice_sub(*rest, 1, rest->len);
    return true;
}

/* What is left behind the digits may be "e" and a number. */
static enum err take_exponent(struct slice rest, int64_t *out)
{
    bool is_negative = slice_starts(slice_sub(rest, 1, 1), SLICE("-"));

    if (rest.len == 0) {
        *out = 0;
        return OK;
    }
    if (!take_byte(&rest, "eE")) {
        return ERR_INVALID;
    }
    (void)take_byte(&rest, "+-"); /* need not be there */
    if (rest.len == 0 || rest.len > EXPONENT_DIGITS_MAX || !is_digit(rest.ptr[0]) ||
        slice_to_i64(rest, out) != OK) {
        return ERR_INVALID;
    }
    *out = is_negative ? -*out : *out;
    return OK;
}

/* One digit more, of which the zeros in front do not count. */
static enum err add_digit(struct decimal *number, char digit, bool is_fraction)
{
    if (number->digits_len == 0 && digit == '0') {
        number->point -= is_fraction;
        return OK;
    }
    if (number->digits_len == DECIMAL_DIGITS_MAX) {
        return ERR_LIMIT;
    }
    number->digits[number->digits_len++] = digit;
    number->point += !is_fraction;
    return OK;
}

/* Digits and at most one point among them, off the start of *rest. */
static enum err take_digits(struct slice *rest, struct decimal *number)
{
    bool is_fraction = false;
    bool has_digit = false;
    enum err err = OK;

    while (err == OK && rest->len > 0 &&
           (is_digit(rest->ptr[0]) || (rest->ptr[0] == '.' && !is_fraction))) {
        if (rest->ptr[0] == '.') {
            is_fraction = true;
        } else {
            has_digit = true;
            err = add_digit(number, rest->ptr[0], is_fraction);
        }
        *rest = slice_sub(*rest, 1, rest->len);
    }
    return err == OK && !has_digit ? ERR_INVALID : err;
}

static void drop_last_zeros(struct decimal *number)
{
    while (number->digits_len > 0 && number->digits[number->digits_len - 1] == '0') {
        number->digits_len--;
    }
}

enum err decimal_parse(struct slice text, struct decimal *out)
{
    struct decimal number = {.is_negative = slice_starts(text, SLICE("-"))};
    int64_t exponent = 0;

    (void)take_byte(&text, "+-"); /* need not be there */
    enum err err = take_digits(&text, &number);
    if (err == OK) {
        err = take_exponent(text, &exponent);
    }
    if (err != OK) {
        return err;
    }
    drop_last_zeros(&number);
    number.point += exponent;
    *out = number.digits_len > 0 ? number : (struct decimal){0};
    return OK;
}

/* Below zero where a is the smaller. */
static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int sign_of(const struct decimal *number)
{
    return number->digits_len == 0 ? 0 : number->is_negative ? -1 : 1;
}

/* Of two that are not zero, without their signs. */
static int compare_sizes(const struct decimal *a, const struct decimal *b)
{
    int order = compare_i64(a->point, b->point);

    return order != 0 ? order
                      : slice_compare(slice_from(a->digits, a->digits_len),
                                      slice_from(b->digits, b->digits_len));
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    int order = compare_i64(sign_of(a), sign_of(b));

    if (order != 0 || sign_of(a) == 0) {
        return order;
    }
    return sign_of(a) * compare_sizes(a, b);
}
