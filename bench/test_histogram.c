#include "histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void gives_zero_for_nothing(void **state)
{
    static const struct histogram empty;

    (void)state;
    assert_int_equal(histogram_quantile(&empty, 500), 0);
    assert_int_equal(histogram_quantile(&empty, 1000), 0);
}

static void is_exact_for_small_durations(void **state)
{
    static struct histogram histogram;

    (void)state;
    for (int64_t us = 1; us <= 200; us++) {
        histogram_add(&histogram, us);
    }
    assert_int_equal(histogram_quantile(&histogram, 0), 1);
    assert_int_equal(histogram_quantile(&histogram, 500), 100);
    assert_int_equal(histogram_quantile(&histogram, 990), 198);
    assert_int_equal(histogram_quantile(&histogram, 1000), 200);
}

/* Each alone in the middle of three, so that the quantile is its bucket and not the maximum. */
static void is_less_than_one_per_cent_off_for_any_duration(void **state)
{
    (void)state;
    for (int64_t us = 1; us < INT64_C(1) << 35; us += us / 13 + 1) {
        static const struct histogram empty;
        static struct histogram histogram;

        histogram = empty;
        histogram_add(&histogram, 0);
        histogram_add(&histogram, us);
        histogram_add(&histogram, us * 2);
        int64_t median = histogram_quantile(&histogram, 500);
        assert_true(median >= us);
        assert_true((median - us) * 100 <= us);
    }
}

static void counts_what_is_out_of_range_at_its_ends(void **state)
{
    static struct histogram histogram;

    (void)state;
    histogram_add(&histogram, -5);
    assert_int_equal(histogram_quantile(&histogram, 1000), 0);
    histogram_add(&histogram, INT64_MAX);
    assert_int_equal(histogram_quantile(&histogram, 1000), (INT64_C(1) << HISTOGRAM_BITS_MAX) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zero_for_nothing),
        cmocka_unit_test(is_exact_for_small_durations),
        cmocka_unit_test(is_less_than_one_per_cent_off_for_any_duration),
        cmocka_unit_test(counts_what_is_out_of_range_at_its_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
