/*
 * Origins: who counts as one, how many connections each may have, and how often it may fail.
 */
#include "base/macro.h"
#include "http/census.h"
#include "http/guard.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <string.h>

static struct origin origin_of(const char *text)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct origin origin;

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        origin_from((const struct sockaddr *)(const void *)&ipv4, &origin);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
        origin_from((const struct sockaddr *)(const void *)&ipv6, &origin);
    }
    return origin;
}

static bool are_one(const char *a, const char *b)
{
    struct origin first = origin_of(a);
    struct origin second = origin_of(b);

    return slice_equal(origin_key(&first), origin_key(&second));
}

static void an_ipv4_address_counts_by_itself(UNUSED void **state)
{
    assert_true(are_one("10.0.0.1", "::ffff:10.0.0.1"));
    assert_false(are_one("10.0.0.1", "10.0.0.2"));
    assert_string_equal(origin_of("::ffff:10.0.0.1").text, "10.0.0.1");
}

static void an_ipv6_network_counts_as_one(UNUSED void **state)
{
    assert_true(are_one("2001:db8:1:2::1", "2001:db8:1:2:ffff::1"));
    assert_false(are_one("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert_false(are_one("ffff:ffff:a00:1::1", "::ffff:10.0.0.2"));
    assert_string_equal(origin_of("2001:db8::1").text, "2001:db8::1");
}

static void a_census_counts_in_all_and_by_origin(UNUSED void **state)
{
    struct census *census = census_new(1, /* connections_max= */ 3, /* per_origin_max= */ 2);
    struct origin a = origin_of("10.0.0.1");
    struct origin b = origin_of("10.0.0.2");

    assert_int_equal(census_enter(census, &a), CENSUS_WELCOME);
    assert_int_equal(census_enter(census, &a), CENSUS_WELCOME);
    assert_int_equal(census_enter(census, &a), CENSUS_ORIGIN_FULL);
    assert_int_equal(census_enter(census, &b), CENSUS_WELCOME);
    assert_int_equal(census_enter(census, &b), CENSUS_FULL);
    census_leave(census, &a);
    assert_int_equal(census_enter(census, &b), CENSUS_WELCOME);
    census_leave(census, &a);
    census_leave(census, &b);
    census_leave(census, &b);
    census_free(census);
}

static void an_origin_may_fail_so_often_a_minute(UNUSED void **state)
{
    struct guard *guard = guard_new(1, /* failures_max= */ 4);
    struct origin origin = origin_of("10.0.0.1");
    struct origin other = origin_of("10.0.0.2");
    struct mono now = {US_PER_SECOND};

    for (int i = 0; i < 4; i++) {
        assert_int_equal(guard_wait_us(guard, &origin, now), 0);
        guard_failed(guard, &origin, now);
    }
    assert_int_equal(guard_wait_us(guard, &origin, now), 15 * US_PER_SECOND);
    assert_int_equal(guard_wait_us(guard, &other, now), 0);
    now.us += 15 * US_PER_SECOND - 1;
    assert_int_equal(guard_wait_us(guard, &origin, now), 1);
    now.us += 1;
    assert_int_equal(guard_wait_us(guard, &origin, now), 0);
    guard_failed(guard, &origin, now); /* one more, and again a quarter of a minute */
    assert_int_equal(guard_wait_us(guard, &origin, now), 15 * US_PER_SECOND);
    now.us += US_PER_MINUTE;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(guard_wait_us(guard, &origin, now), 0);
        guard_failed(guard, &origin, now);
    }
    assert_true(guard_wait_us(guard, &origin, now) > 0);
    guard_free(guard);
}

static void without_a_limit_nobody_waits(UNUSED void **state)
{
    struct guard *guard = guard_new(1, 0);
    struct origin origin = origin_of("10.0.0.1");
    struct mono now = {1};

    for (int i = 0; i < 1000; i++) {
        guard_failed(guard, &origin, now);
    }
    assert_int_equal(guard_wait_us(guard, &origin, now), 0);
    guard_free(guard);
}

static void any_number_of_origins_takes_bounded_memory(UNUSED void **state)
{
    struct guard *guard = guard_new(1, 1);
    struct mono now = {1};

    for (uint32_t i = 0; i < 20000; i++) {
        struct origin origin = {0};

        memcpy(origin.bytes, &i, sizeof i);
        guard_failed(guard, &origin, now);
        assert_int_equal(guard_wait_us(guard, &origin, now), US_PER_MINUTE);
    }
    guard_free(guard);
}

static void a_key_that_was_right_is_known_from_there_only(UNUSED void **state)
{
    struct guard *guard = guard_new(9, 1);
    struct origin origin = origin_of("10.0.0.1");
    struct origin other = origin_of("10.0.0.2");
    uint8_t right[SHA256_BYTES] = {1};
    uint8_t wrong[SHA256_BYTES] = {2};

    assert_false(guard_knows(guard, &origin, right));
    guard_proved(guard, &origin, right);
    assert_true(guard_knows(guard, &origin, right));
    assert_false(guard_knows(guard, &origin, wrong));
    assert_false(guard_knows(guard, &other, right));
    guard_free(guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_address_counts_by_itself),
        cmocka_unit_test(an_ipv6_network_counts_as_one),
        cmocka_unit_test(a_census_counts_in_all_and_by_origin),
        cmocka_unit_test(an_origin_may_fail_so_often_a_minute),
        cmocka_unit_test(without_a_limit_nobody_waits),
        cmocka_unit_test(any_number_of_origins_takes_bounded_memory),
        cmocka_unit_test(a_key_that_was_right_is_known_from_there_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
