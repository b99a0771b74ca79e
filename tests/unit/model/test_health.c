#include "base/macro.h"
#include "model/health.h"
#include "support/unit.h"

static const struct health_limits limits = {
    .warn_after_us = US_PER_DAY,
    .disable_after_us = 5 * US_PER_DAY,
};

static struct wall day(int number)
{
    return (struct wall){(100 + number) * US_PER_DAY};
}

/* A channel that has failed since day 0. */
static struct health failing(void)
{
    struct health health = {HEALTH_HEALTHY, {0}, {0}};

    assert_true(health_failure(&health, &limits, day(0)));
    return health;
}

static void starts_to_fail_with_the_first_failure(UNUSED void **state)
{
    struct health health = failing();

    assert_int_equal(health.state, HEALTH_FAILING);
    assert_int_equal(health.failing_since.us, day(0).us);
    assert_int_equal(health.changed_at.us, day(0).us);
    assert_false(health_failure(&health, &limits, day(0)));
}

static void warns_at_a_day_of_failures_and_not_before(UNUSED void **state)
{
    struct health health = failing();

    assert_false(health_failure(&health, &limits, (struct wall){day(1).us - 1}));
    assert_true(health_failure(&health, &limits, day(1)));
    assert_int_equal(health.state, HEALTH_WARNED);
    assert_int_equal(health.failing_since.us, day(0).us);
    assert_int_equal(health.changed_at.us, day(1).us);
}

static void is_disabled_after_five_days_of_failures(UNUSED void **state)
{
    struct health health = failing();

    assert_true(health_failure(&health, &limits, day(2)));
    assert_false(health_failure(&health, &limits, (struct wall){day(5).us - 1}));
    assert_true(health_failure(&health, &limits, day(5)));
    assert_int_equal(health.state, HEALTH_DISABLED);
    assert_false(health_failure(&health, &limits, day(6)));
}

static void is_warned_before_it_is_disabled_however_late_the_failure(UNUSED void **state)
{
    struct health health = failing();

    assert_true(health_failure(&health, &limits, day(50)));
    assert_int_equal(health.state, HEALTH_WARNED);
    assert_true(health_failure(&health, &limits, day(50)));
    assert_int_equal(health.state, HEALTH_DISABLED);
}

static void is_warned_in_time_when_disabling_comes_before_the_warning(UNUSED void **state)
{
    struct health_limits odd = {.warn_after_us = 9 * US_PER_DAY, .disable_after_us = US_PER_DAY};
    struct health health = failing();

    assert_true(health_failure(&health, &odd, day(1)));
    assert_int_equal(health.state, HEALTH_WARNED);
}

static void is_never_disabled_when_the_limit_is_zero(UNUSED void **state)
{
    struct health_limits never = {.warn_after_us = US_PER_DAY, .disable_after_us = 0};
    struct health health = failing();

    assert_true(health_failure(&health, &never, day(2)));
    assert_false(health_failure(&health, &never, day(2000)));
    assert_int_equal(health.state, HEALTH_WARNED);
}

static void a_success_heals_and_the_count_starts_anew(UNUSED void **state)
{
    struct health health = failing();

    assert_true(health_success(&health, day(1)));
    assert_int_equal(health.state, HEALTH_HEALTHY);
    assert_int_equal(health.failing_since.us, 0);
    assert_false(health_success(&health, day(1)));
    assert_true(health_failure(&health, &limits, day(4)));
    assert_int_equal(health.failing_since.us, day(4).us);
    assert_false(health_failure(&health, &limits, day(4)));
}

static void gone_disables_at_once_from_any_state(UNUSED void **state)
{
    struct health healthy = {HEALTH_HEALTHY, {0}, {0}};
    struct health health = failing();

    assert_true(health_gone(&healthy, day(3)));
    assert_int_equal(healthy.state, HEALTH_DISABLED);
    assert_int_equal(healthy.failing_since.us, day(3).us);
    assert_true(health_gone(&health, day(3)));
    assert_int_equal(health.failing_since.us, day(0).us);
    assert_false(health_gone(&health, day(4)));
}

static void once_disabled_only_a_hand_brings_it_back(UNUSED void **state)
{
    struct health health = failing();

    assert_true(health_gone(&health, day(1)));
    assert_false(health_success(&health, day(2)));
    assert_int_equal(health.state, HEALTH_DISABLED);
    assert_true(health_enable(&health, day(3)));
    assert_int_equal(health.state, HEALTH_HEALTHY);
    assert_int_equal(health.failing_since.us, 0);
    assert_false(health_enable(&health, day(3)));
}

static void a_clock_that_steps_back_moves_nothing(UNUSED void **state)
{
    struct health health = failing();

    assert_false(health_failure(&health, &limits, day(-50)));
    assert_int_equal(health.state, HEALTH_FAILING);
}

static void each_state_has_a_word(UNUSED void **state)
{
    assert_string_equal(health_word(HEALTH_HEALTHY), "healthy");
    assert_string_equal(health_word(HEALTH_FAILING), "failing");
    assert_string_equal(health_word(HEALTH_WARNED), "warned");
    assert_string_equal(health_word(HEALTH_DISABLED), "disabled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_to_fail_with_the_first_failure),
        cmocka_unit_test(warns_at_a_day_of_failures_and_not_before),
        cmocka_unit_test(is_disabled_after_five_days_of_failures),
        cmocka_unit_test(is_warned_before_it_is_disabled_however_late_the_failure),
        cmocka_unit_test(is_warned_in_time_when_disabling_comes_before_the_warning),
        cmocka_unit_test(is_never_disabled_when_the_limit_is_zero),
        cmocka_unit_test(a_success_heals_and_the_count_starts_anew),
        cmocka_unit_test(gone_disables_at_once_from_any_state),
        cmocka_unit_test(once_disabled_only_a_hand_brings_it_back),
        cmocka_unit_test(a_clock_that_steps_back_moves_nothing),
        cmocka_unit_test(each_state_has_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
