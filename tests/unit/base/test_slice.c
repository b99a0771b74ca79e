#include "base/macro.h"
#include "base/slice.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static const struct slice none = {NULL, 0};

static void equal_is_the_same_bytes(UNUSED void **state)
{
    assert_true(slice_equal(SLICE("abc"), slice_from("abcd", 3)));
    assert_true(slice_equal(SLICE("a\0b"), slice_from("a\0b", 3)));
    assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
    assert_false(slice_equal(SLICE("ab"), SLICE("abc")));
    assert_true(slice_equal(none, SLICE("")));
    assert_true(slice_is(SLICE("abc"), "abc"));
    assert_false(slice_is(SLICE("a\0b"), "a"));
    assert_true(slice_is_empty(slice_of(NULL)));
    assert_false(slice_is_empty(SLICE(" ")));
}

static void case_is_ignored_for_ascii_letters_alone(UNUSED void **state)
{
    assert_true(slice_equal_nocase(SLICE("Content-TYPE"), SLICE("content-type")));
    assert_false(slice_equal_nocase(SLICE("a"), SLICE("b")));
    assert_false(slice_equal_nocase(SLICE("a"), SLICE("ab")));
    assert_false(slice_equal_nocase(SLICE("["), SLICE("{"))); /* as far apart as 'A' and 'a' */
    assert_false(slice_equal_nocase(SLICE("@"), SLICE("`")));
    assert_false(slice_equal_nocase(SLICE("\xc3\x84"), SLICE("\xc3\xa4")));
    assert_true(slice_equal_nocase(none, none));
}

static void the_order_is_that_of_unsigned_bytes_and_shorter_first(UNUSED void **state)
{
    static const struct slice ordered[] = {
        {NULL, 0}, {"\0", 1}, {"a", 1}, {"a\0", 2}, {"aa", 2}, {"b", 1}, {"\x80", 1}, {"\xff", 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
        for (size_t j = 0; j < ARRAY_LEN(ordered); j++) {
            int order = slice_compare(ordered[i], ordered[j]);

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void starts_and_ends_are_compared_whole(UNUSED void **state)
{
    assert_true(slice_starts(SLICE("evt_1"), SLICE("evt_")));
    assert_true(slice_starts(SLICE("a"), none));
    assert_true(slice_starts(none, none));
    assert_false(slice_starts(SLICE("ev"), SLICE("evt_")));
    assert_true(slice_ends(SLICE("a.json"), SLICE(".json")));
    assert_true(slice_ends(SLICE("a"), SLICE("a")));
    assert_false(slice_ends(SLICE("json"), SLICE(".json")));
    assert_true(slice_ends(none, none));
}

static void a_part_is_cut_to_what_is_there(UNUSED void **state)
{
    struct slice text = SLICE("abcdef");

    assert_slice_is(slice_sub(text, 0, 3), "abc");
    assert_slice_is(slice_sub(text, 4, 99), "ef");
    assert_slice_is(slice_sub(text, 4, SIZE_MAX), "ef");
    assert_slice_is(slice_sub(text, 6, 1), "");
    assert_slice_is(slice_sub(text, SIZE_MAX, SIZE_MAX), "");
    assert_slice_is(slice_sub(none, 3, 3), "");
}

static void spaces_and_tabs_are_trimmed_at_both_ends(UNUSED void **state)
{
    assert_slice_is(slice_trim(SLICE(" \t a b\t ")), "a b");
    assert_slice_is(slice_trim(SLICE(" \t ")), "");
    assert_slice_is(slice_trim(SLICE("\na\r")), "\na\r");
    assert_slice_is(slice_trim(none), "");
}

/* Cuts text at commas and joins the parts with '|'. */
static const char *cut_all(struct slice text)
{
    static char joined[100];
    struct slice part;
    size_t len = 0;

    joined[0] = '\0';
    while (slice_cut(&text, ',', &part)) {
        len += (size_t)snprintf(joined + len, sizeof joined - len, "%.*s|", SLICE_ARGS(part));
    }
    return joined;
}

static void cutting_gives_each_part_also_the_empty_ones(UNUSED void **state)
{
    assert_string_equal(cut_all(SLICE("a,,b")), "a||b|");
    assert_string_equal(cut_all(SLICE("abc")), "abc|");
    assert_string_equal(cut_all(SLICE(",")), "||");
    assert_string_equal(cut_all(SLICE("a,")), "a||");
    assert_string_equal(cut_all(SLICE("")), "|");
    assert_string_equal(cut_all(none), "");
}

static void assert_i64(const char *text, int64_t expected)
{
    int64_t number = 77;

    assert_int_equal(slice_to_i64(slice_of(text), &number), OK);
    assert_true(number == expected);
}

static void assert_no_i64(const char *text, enum err expected)
{
    int64_t number = 77;

    assert_int_equal(slice_to_i64(slice_of(text), &number), expected);
    assert_true(number == 77);
}

static void whole_numbers_are_read_to_their_limits(UNUSED void **state)
{
    assert_i64("0", 0);
    assert_i64("-0", 0);
    assert_i64("007", 7);
    assert_i64("9223372036854775807", INT64_MAX);
    assert_i64("-9223372036854775808", INT64_MIN);
    assert_no_i64("9223372036854775808", ERR_LIMIT);
    assert_no_i64("-9223372036854775809", ERR_LIMIT);
    assert_no_i64("99999999999999999999999999", ERR_LIMIT);
}

static void what_is_no_whole_number_is_refused(UNUSED void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "--1",
                                      "1-",
                                      "0x1",
                                      "1.",
                                      "1e3",
                                      "1,000",
                                      "\xd9\xa1",
                                      "99999999999999999999x"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_no_i64(bad[i], ERR_INVALID);
    }
}

static void unsigned_numbers_have_no_sign_and_one_bit_more(UNUSED void **state)
{
    uint64_t number = 77;

    assert_int_equal(slice_to_u64(SLICE("-1"), &number), ERR_INVALID);
    assert_int_equal(slice_to_u64(SLICE("1\0"), &number), ERR_INVALID);
    assert_int_equal(slice_to_u64(SLICE("18446744073709551616"), &number), ERR_LIMIT);
    assert_int_equal(slice_to_u64(SLICE("30000000000000000000"), &number), ERR_LIMIT);
    /* Past 2^64 by a digit that makes it zero again, and another one behind. */
    assert_int_equal(slice_to_u64(SLICE("184467440737095516160"), &number), ERR_LIMIT);
    assert_true(number == 77);
    assert_int_equal(slice_to_u64(SLICE("18446744073709551615"), &number), OK);
    assert_true(number == UINT64_MAX);
}

static void equal_bytes_hash_alike_wherever_they_are(UNUSED void **state)
{
    char text[40] = "xaccount-0123456789";

    assert_true(slice_hash(slice_from(text + 1, 18), 5) ==
                slice_hash(SLICE("account-0123456789"), 5));
    assert_true(slice_hash(none, 5) == slice_hash(SLICE(""), 5));
}

static void length_seed_and_each_bit_change_the_hash(UNUSED void **state)
{
    char zeros[24] = "";
    uint64_t before = slice_hash(slice_from(zeros, sizeof zeros), 1);

    assert_true(before != slice_hash(slice_from(zeros, sizeof zeros), 2));
    for (size_t len = 0; len < sizeof zeros; len++) {
        assert_true(before != slice_hash(slice_from(zeros, len), 1));
    }
    for (size_t bit = 0; bit < sizeof zeros * 8; bit++) {
        zeros[bit / 8] = (char)(1 << bit % 8);
        uint64_t after = slice_hash(slice_from(zeros, sizeof zeros), 1);
        zeros[bit / 8] = 0;
        /* About half of the 64 bits; 10 or fewer would come about once in a hundred million. */
        assert_in_range(__builtin_popcountll(before ^ after), 10, 54);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_is_the_same_bytes),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_alone),
        cmocka_unit_test(the_order_is_that_of_unsigned_bytes_and_shorter_first),
        cmocka_unit_test(starts_and_ends_are_compared_whole),
        cmocka_unit_test(a_part_is_cut_to_what_is_there),
        cmocka_unit_test(spaces_and_tabs_are_trimmed_at_both_ends),
        cmocka_unit_test(cutting_gives_each_part_also_the_empty_ones),
        cmocka_unit_test(whole_numbers_are_read_to_their_limits),
        cmocka_unit_test(what_is_no_whole_number_is_refused),
        cmocka_unit_test(unsigned_numbers_have_no_sign_and_one_bit_more),
        cmocka_unit_test(equal_bytes_hash_alike_wherever_they_are),
        cmocka_unit_test(length_seed_and_each_bit_change_the_hash),
    };

    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
