#include "support/unit.h"
#include "wire/wapi/codes.h"
#include "wire/wapi/limits.h"

#include <stdio.h>

static const struct slice origin = SLICE("\xff\xff\xff\xff\xc6\x33\x64\x07");
static const struct slice other = SLICE("\xff\xff\xff\xff\xc6\x33\x64\x08");
static const struct mono start = {US_PER_DAY};

static struct limits *make(uint32_t hourly_max, uint32_t failures_max)
{
    return limits_new(&(struct limits_options){
        .seed = 1, .hourly_max = hourly_max, .failures_max = failures_max});
}

static void fail_often(struct limits *limits, int count, struct mono now)
{
    for (int i = 0; i < count; i++) {
        limits_failed(limits, origin, now);
    }
}

static struct mono later(int64_t us)
{
    return (struct mono){start.us + us};
}

static void an_account_may_ask_so_often_in_a_clock_hour(UNUSED void **state)
{
    struct limits *limits = make(3, 10);
    struct wall now = {1000 * US_PER_HOUR + US_PER_MINUTE};
    struct wall end = {1001 * US_PER_HOUR - 1};

    for (int i = 0; i < 3; i++) {
        assert_true(limits_take(limits, (struct id){7}, now));
    }
    assert_false(limits_take(limits, (struct id){7}, now));
    assert_true(limits_take(limits, (struct id){8}, now)); /* another's count */
    assert_false(limits_take(limits, (struct id){7}, end));
    assert_true(limits_take(limits, (struct id){7}, (struct wall){end.us + 1}));
    limits_free(limits);
}

static void so_many_failures_do_not_block(UNUSED void **state)
{
    struct limits *limits = make(1000, 10);

    fail_often(limits, 10, start);
    assert_false(limits_is_blocked(limits, origin, start));
    limits_free(limits);
}

static void each_failure_beyond_blocks_for_a_minute_more(UNUSED void **state)
{
    struct limits *limits = make(1000, 10);

    fail_often(limits, 11, start);
    assert_true(limits_is_blocked(limits, origin, later(US_PER_MINUTE - 1)));
    assert_false(limits_is_blocked(limits, origin, later(US_PER_MINUTE)));
    assert_false(limits_is_blocked(limits, other, start));
    fail_often(limits, 1, later(US_PER_MINUTE));
    assert_true(limits_is_blocked(limits, origin, later(3 * US_PER_MINUTE - 1)));
    assert_false(limits_is_blocked(limits, origin, later(3 * US_PER_MINUTE)));
    limits_free(limits);
}

static void no_block_is_longer_than_an_hour(UNUSED void **state)
{
    struct limits *limits = make(1000, 10);

    fail_often(limits, 10000, start);
    assert_true(limits_is_blocked(limits, origin, later(US_PER_HOUR - 1)));
    assert_false(limits_is_blocked(limits, origin, later(US_PER_HOUR)));
    limits_free(limits);
}

static void failures_are_forgotten_one_by_one(UNUSED void **state)
{
    struct limits *limits = make(1000, 10);

    fail_often(limits, 10, start);
    fail_often(limits, 1, later(6 * US_PER_MINUTE)); /* one was forgotten */
    assert_false(limits_is_blocked(limits, origin, later(6 * US_PER_MINUTE)));
    fail_often(limits, 1, later(11 * US_PER_MINUTE)); /* none more was */
    assert_true(limits_is_blocked(limits, origin, later(11 * US_PER_MINUTE)));
    limits_free(limits);
}

static void a_mistake_now_and_then_never_blocks(UNUSED void **state)
{
    struct limits *limits = make(1000, 10);

    for (int i = 0; i < 1000; i++) {
        struct mono now = later(i * 6 * US_PER_MINUTE);

        fail_often(limits, 1, now);
        assert_false(limits_is_blocked(limits, origin, now));
    }
    limits_free(limits);
}

/* An attacker with many addresses does not make it grow, and the newest are known. */
static void only_so_many_addresses_are_remembered(UNUSED void **state)
{
    struct limits *limits = make(1000, 1);
    char address[9] = "";

    fail_often(limits, 2, start);
    assert_true(limits_is_blocked(limits, origin, start));
    for (int i = 0; i < 4096; i++) {
        (void)snprintf(address, sizeof address, "%08x", i);
        limits_failed(limits, slice_of(address), start);
        limits_failed(limits, slice_of(address), start);
    }
    assert_false(limits_is_blocked(limits, origin, start));
    assert_true(limits_is_blocked(limits, slice_of(address), start));
    limits_free(limits);
}

static void the_texts_of_codes_are_exact(UNUSED void **state)
{
    assert_slice_is(wapi_code_text(1002), "Notification aquired");
    assert_slice_is(wapi_code_text(1003), "Empty notifications queue");
    assert_slice_is(wapi_code_text(2052),
                    "IP adress temporarily blocked due to too many failed requests");
    assert_slice_is(wapi_code_text(2150), "Notification polling not allowed for this account");
    assert_slice_is(wapi_code_text(1234), "");
}

static void failures_are_requests_for_nobody_and_wrong_passwords(UNUSED void **state)
{
    static const int32_t failures[] = {2000, 2001, 2002, 2003, 2004, 2005,
                                       2007, 2008, 2009, 2050, 2051, 2102};
    static const int32_t others[] = {1000, 1001, 1002, 1003, 2006, 2010, 2011,
                                     2052, 2100, 2101, 2150, 2151, 4000};

    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        assert_true(wapi_code_counts(failures[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(wapi_code_counts(others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_may_ask_so_often_in_a_clock_hour),
        cmocka_unit_test(so_many_failures_do_not_block),
        cmocka_unit_test(each_failure_beyond_blocks_for_a_minute_more),
        cmocka_unit_test(no_block_is_longer_than_an_hour),
        cmocka_unit_test(failures_are_forgotten_one_by_one),
        cmocka_unit_test(a_mistake_now_and_then_never_blocks),
        cmocka_unit_test(only_so_many_addresses_are_remembered),
        cmocka_unit_test(the_texts_of_codes_are_exact),
        cmocka_unit_test(failures_are_requests_for_nobody_and_wrong_passwords),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
