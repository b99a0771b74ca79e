#include "support/unit.h"
#include "wire/shopcart/decimal.h"

#include <string.h>

static int compare(const char *a, const char *b)
{
    struct decimal first, second;

    assert_int_equal(decimal_parse(slice_of(a), &first), OK);
    assert_int_equal(decimal_parse(slice_of(b), &second), OK);
    int order = decimal_compare(&first, &second);
    int turned = decimal_compare(&second, &first);
    assert_true((order > 0) == (turned < 0) && (order == 0) == (turned == 0));
    return (order > 0) - (order < 0);
}

static void one_number_is_itself_however_it_is_written(UNUSED void **state)
{
    static const char *const same[][2] = {
        {"49.9", "49.90"}, {"0", "-0.00"},  {"007", "7"},     {".5", "0.5"},     {"5.", "5"},
        {"1e2", "100"},    {"1E+2", "1e2"}, {"12e-1", "1.2"}, {"0e999999", "0"}, {"+3", "3"},
    };

    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        assert_int_equal(compare(same[i][0], same[i][1]), 0);
    }
}

static void order_is_that_of_the_digits_and_not_of_binary_fractions(UNUSED void **state)
{
    static const char *const ascending[] = {
        "-1e10",
        "-100.01",
        "-100",
        "-0.1",
        "0",
        "0.000001",
        "0.09",
        "0.1",
        "9.99",
        "49.90",
        "49.91",
        "100",
        /* alike as binary floating point: */
        "90071992547409920.1",
        "90071992547409920.2",
        "1e999999",
    };

    for (size_t i = 1; i < ARRAY_LEN(ascending); i++) {
        assert_int_equal(compare(ascending[i - 1], ascending[i]), -1);
    }
}

static void what_is_no_decimal_number_is_refused(UNUSED void **state)
{
    static const char *const bad[] = {"",    ".",   "-",   "1.2.3", "1,50", "1e",        "e5",
                                      "1e-", "--1", "0x1", "12 ",   "NaN",  "1e1234567", "1e+-5"};
    char long_one[DECIMAL_DIGITS_MAX + 2];
    struct decimal number = {.point = 42};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(decimal_parse(slice_of(bad[i]), &number), ERR_INVALID);
    }
    memset(long_one, '7', sizeof long_one);
    assert_int_equal(decimal_parse(slice_from(long_one, sizeof long_one), &number), ERR_LIMIT);
    assert_int_equal(number.point, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_number_is_itself_however_it_is_written),
        cmocka_unit_test(order_is_that_of_the_digits_and_not_of_binary_fractions),
        cmocka_unit_test(what_is_no_decimal_number_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
