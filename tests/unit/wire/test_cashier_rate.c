#include "support/unit.h"
#include "wire/cashier/rate.h"

static const char *six(const char *text)
{
    static struct rate_text rate;
    return rate_six_decimals(slice_of(text), &rate) == OK ? rate.chars : NULL;
}

static const char *shortest(const char *text)
{
    static struct rate_text rate;
    return rate_shortest(slice_of(text), &rate) == OK ? rate.chars : NULL;
}

static void a_rate_gets_exactly_six_decimals(UNUSED void **state)
{
    static const char *const pairs[][2] = {
        {"1", "1.000000"},
        {"1.0", "1.000000"},
        {"1.000000", "1.000000"},
        {"0.10", "0.100000"},
        {"0", "0.000000"},
        {"0.000", "0.000000"},
        {"12.5", "12.500000"},
        {"1e0", "1.000000"},
        {"1E0", "1.000000"},
        {"15e-1", "1.500000"},
        {"1.5e3", "1500.000000"},
        {"1.5e+3", "1500.000000"},
        {"0.0015e3", "1.500000"},
        {"0.9183", "0.918300"},
        {"100e-8", "0.000001"},
        {"0e999999999", "0.000000"},
        {"1e-999999999999999999999", "0.000000"},
        {"0.123456789012345", "0.123457"},
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_non_null(six(pairs[i][0]));
        assert_string_equal(six(pairs[i][0]), pairs[i][1]);
    }
}

static void what_lies_behind_six_decimals_is_rounded_half_up(UNUSED void **state)
{
    static const char *const pairs[][2] = {
        {"0.0000005", "0.000001"},
        {"0.00000049999999999999999999", "0.000000"},
        {"0.9999995", "1.000000"},
        {"9.9999999", "10.000000"},
        {"999.9999995", "1000.000000"},
        {"1.0000004999999", "1.000000"},
        {"1.0000015", "1.000002"},
        {"0.1234565", "0.123457"},
        {"5e-7", "0.000001"},
        {"5e-8", "0.000000"},
        /* 1.0000005 lies below its half as a double: arithmetic in binary would lose it. */
        {"1.0000005", "1.000001"},
        {"99999999999999999999999.0000001", "99999999999999999999999.000000"},
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_non_null(six(pairs[i][0]));
        assert_string_equal(six(pairs[i][0]), pairs[i][1]);
    }
}

static void thirty_characters_are_the_most(UNUSED void **state)
{
    assert_string_equal(six("12345678901234567890123"), "12345678901234567890123.000000");
    assert_string_equal(six("1e22"), "10000000000000000000000.000000");
    assert_null(six("123456789012345678901234"));
    assert_null(six("1e23"));
    assert_null(six("1e999999999999999999999"));
    assert_null(six("99999999999999999999999.9999995")); /* would be a digit longer */
}

static void what_is_no_number_of_json_or_negative_is_no_rate(UNUSED void **state)
{
    static const char *const bad[] = {
        "",
        "-1",
        "-0",
        "+1",
        ".5",
        "1.",
        "01",
        "1e",
        "1e+",
        "1.e1",
        " 1",
        "1 ",
        "1,0",
        "0x1",
        "NaN",
        "1.0.0",
        "1e1.",
        "abc",
        "null",
        "1_0",
        "\xd9\xa1",
        "1.00000000000000000000000000000000000000000000000000000000000000000", /* 67 bytes */
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (six(bad[i]) != NULL || shortest(bad[i]) != NULL) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

static void the_shortest_form_is_what_parsers_print(UNUSED void **state)
{
    static const char *const pairs[][2] = {
        {"1.000000", "1"},
        {"1.0", "1"},
        {"1", "1"},
        {"0.10", "0.1"},
        {"0.0", "0"},
        {"100", "100"},
        {"1e2", "100"},
        {"15e-1", "1.5"},
        {"1e0", "1"},
        {"10.50", "10.5"},
        {"0.123456789012345", "0.123456789012345"},
        {"1e-7", "0.0000001"},
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_non_null(shortest(pairs[i][0]));
        assert_string_equal(shortest(pairs[i][0]), pairs[i][1]);
    }
    assert_null(shortest("1e-65"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_gets_exactly_six_decimals),
        cmocka_unit_test(what_lies_behind_six_decimals_is_rounded_half_up),
        cmocka_unit_test(thirty_characters_are_the_most),
        cmocka_unit_test(what_is_no_number_of_json_or_negative_is_no_rate),
        cmocka_unit_test(the_shortest_form_is_what_parsers_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
