#include "base/time.h"
#include "support/unit.h"
#include "wire/shopcart/shop_limits.h"

static const struct wall at_2026_01_31 = {1769817600 * US_PER_SECOND};

static enum shop_error read_one(enum shop_parameter parameter, const char *text,
                                struct shop_limits *limits)
{
    *limits = (struct shop_limits){.count = 0};
    limits->given[parameter] = slice_of(text);
    return shop_limits_read(limits);
}

static enum shop_error read_period_of(const char *start, const char *end,
                                      struct shop_limits *limits)
{
    *limits = (struct shop_limits){.count = 0};
    limits->given[SHOP_LIMIT_START] = slice_of(start);
    limits->given[SHOP_LIMIT_END] = slice_of(end);
    return shop_limits_read(limits);
}

static void nothing_given_is_the_first_hundred_newest_of_all_times(UNUSED void **state)
{
    struct shop_limits limits = {.count = 0};

    assert_int_equal(shop_limits_read(&limits), SHOP_OK);
    assert_int_equal(limits.count, 100);
    assert_int_equal(limits.offset, 0);
    assert_int_equal(limits.from.value, 0);
    assert_true(limits.to.value == UINT64_MAX);
    assert_true(limits.is_descending && !limits.is_by_total);
}

static void a_count_is_from_1_to_100(UNUSED void **state)
{
    static const char *const bad[] = {"0",   "101", "-1", "abc",
                                      "1.0", "1 0", "+5", "99999999999999999999"};
    struct shop_limits limits;

    assert_int_equal(read_one(SHOP_LIMIT_COUNT, "1", &limits), SHOP_OK);
    assert_int_equal(limits.count, 1);
    assert_int_equal(read_one(SHOP_LIMIT_COUNT, "100", &limits), SHOP_OK);
    assert_int_equal(limits.count, 100);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(read_one(SHOP_LIMIT_COUNT, bad[i], &limits), SHOP_ERROR_LIMIT_COUNT);
    }
}

static void an_offset_is_any_number_that_is_not_negative(UNUSED void **state)
{
    struct shop_limits limits;

    assert_int_equal(read_one(SHOP_LIMIT_OFFSET, "9223372036854775807", &limits), SHOP_OK);
    assert_true(limits.offset == INT64_MAX);
    assert_int_equal(read_one(SHOP_LIMIT_OFFSET, "9223372036854775808", &limits),
                     SHOP_ERROR_LIMIT_OFFSET);
    assert_int_equal(read_one(SHOP_LIMIT_OFFSET, "-1", &limits), SHOP_ERROR_LIMIT_OFFSET);
    assert_int_equal(read_one(SHOP_LIMIT_OFFSET, "two", &limits), SHOP_ERROR_LIMIT_OFFSET);
}

static void an_end_takes_its_whole_day_or_its_whole_second(UNUSED void **state)
{
    struct shop_limits limits;
    struct wall noon = {at_2026_01_31.us + 12 * US_PER_HOUR};

    assert_int_equal(read_period_of("01/31/2026", "01/31/2026", &limits), SHOP_OK);
    assert_true(limits.from.value == id_floor(at_2026_01_31).value);
    assert_true(limits.to.value == id_floor((struct wall){at_2026_01_31.us + US_PER_DAY}).value);
    assert_int_equal(read_period_of("01/31/2026 12:00:00", "01/31/2026 12:00:00", &limits),
                     SHOP_OK);
    assert_true(limits.from.value == id_floor(noon).value);
    assert_true(limits.to.value == id_floor((struct wall){noon.us + US_PER_SECOND}).value);
}

static void an_end_may_not_be_before_the_start(UNUSED void **state)
{
    struct shop_limits limits;

    assert_int_equal(read_period_of("02/01/2026", "01/31/2026", &limits), SHOP_ERROR_PERIOD);
    assert_int_equal(read_period_of("01/31/2026 12:00:01", "01/31/2026 12:00:00", &limits),
                     SHOP_ERROR_PERIOD);
    /* The day of the end ends behind the start. */
    assert_int_equal(read_period_of("01/31/2026 12:00:01", "01/31/2026", &limits), SHOP_OK);
}

static void a_date_is_one_of_the_calendar_in_its_one_form(UNUSED void **state)
{
    static const char *const bad[] = {
        "02/30/2026",
        "02/29/2025",
        "13/01/2026",
        "00/10/2026",
        "1/31/2026",
        "01/31/26",
        "2026-01-31",
        "31/01/2026",
        "01/31/2026 24:00:00",
        "01/31/2026 12:60:00",
        "01/31/2026 12:00",
        "01/31/2026T12:00:00",
        "01/31/2026 ",
        "01/31/2026  1:00:00",
        "01/31/2026 12:00:00Z",
        "01/3a/2026",
        "01-31-2026",
        "/",
        "today",
        "01/31/2026 12:00:-1",
    };
    struct shop_limits limits;

    assert_int_equal(read_one(SHOP_LIMIT_START, "02/29/2024", &limits), SHOP_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(read_one(SHOP_LIMIT_START, bad[i], &limits), SHOP_ERROR_LIMIT_DATE);
        assert_int_equal(read_one(SHOP_LIMIT_END, bad[i], &limits), SHOP_ERROR_LIMIT_DATE);
    }
}

static void words_of_the_order_count_in_any_case(UNUSED void **state)
{
    struct shop_limits limits;

    assert_int_equal(read_one(SHOP_SORT_COLUMN, "grandtotal", &limits), SHOP_OK);
    assert_true(limits.is_by_total && !limits.is_descending);
    assert_int_equal(read_one(SHOP_SORT_ORDER, "asc", &limits), SHOP_OK);
    assert_true(!limits.is_by_total && !limits.is_descending);
    assert_int_equal(read_one(SHOP_SORT_ORDER, "Desc", &limits), SHOP_OK);
    assert_true(limits.is_descending);
    assert_int_equal(read_one(SHOP_SORT_ORDER, "upwards", &limits), SHOP_ERROR_SORT_ORDER);
    assert_int_equal(read_one(SHOP_SORT_COLUMN, "LastName", &limits), SHOP_ERROR_SORT_COLUMN);
}

static void the_next_call_repeats_what_was_given(UNUSED void **state)
{
    struct shop_limits limits = {
        .given = {[SHOP_LIMIT_COUNT] = SLICE("02"),
                  [SHOP_LIMIT_OFFSET] = SLICE("4"),
                  [SHOP_LIMIT_START] = SLICE("01/31/2026 08:00:00"),
                  [SHOP_SORT_COLUMN] = SLICE("GrandTotal"),
                  [SHOP_SORT_ORDER] = SLICE("DESC")},
    };
    struct buf out;

    buf_init(&out, 1024);
    assert_int_equal(shop_limits_read(&limits), SHOP_OK);
    shop_limits_put_next(&limits, &out);
    assert_slice_is(buf_view(&out), "<NextRecordSet><LimitCount>2</LimitCount>"
                                    "<LimitOffset>6</LimitOffset>"
                                    "<LimitStartDate>01/31/2026 08:00:00</LimitStartDate>"
                                    "<SortColumn>GrandTotal</SortColumn>"
                                    "<SortOrder>DESC</SortOrder></NextRecordSet>");
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_is_the_first_hundred_newest_of_all_times),
        cmocka_unit_test(a_count_is_from_1_to_100),
        cmocka_unit_test(an_offset_is_any_number_that_is_not_negative),
        cmocka_unit_test(an_end_takes_its_whole_day_or_its_whole_second),
        cmocka_unit_test(an_end_may_not_be_before_the_start),
        cmocka_unit_test(a_date_is_one_of_the_calendar_in_its_one_form),
        cmocka_unit_test(words_of_the_order_count_in_any_case),
        cmocka_unit_test(the_next_call_repeats_what_was_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
