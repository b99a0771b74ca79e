#include "base/macro.h"
#include "model/pacing.h"
#include "support/unit.h"

static const struct pacing_limit ten = {.per_second = 10, .burst = 3};

static int take_all(struct pacing *pacing, struct pacing_limit limit, struct mono now)
{
    int64_t wait_us = 0;
    int count = 0;

    while (pacing_take(pacing, limit, now, &wait_us)) {
        count++;
    }
    return count;
}

static void without_a_limit_there_is_always_one(UNUSED void **state)
{
    struct pacing pacing = {{0}};
    int64_t wait_us = 0;

    for (int i = 0; i < 1000; i++) {
        assert_true(pacing_take(&pacing, (struct pacing_limit){0}, (struct mono){0}, &wait_us));
    }
}

static void starts_with_a_full_burst(UNUSED void **state)
{
    struct pacing pacing = {{0}};

    assert_int_equal(take_all(&pacing, ten, (struct mono){5}), 3);
}

static void tells_how_long_until_the_next_one_exactly(UNUSED void **state)
{
    struct pacing pacing = {{0}};
    struct mono now = {1000};
    int64_t wait_us = 0;

    (void)take_all(&pacing, ten, now);
    assert_false(pacing_take(&pacing, ten, now, &wait_us));
    assert_int_equal(wait_us, 100000);
    now.us += wait_us - 1;
    assert_false(pacing_take(&pacing, ten, now, &wait_us));
    assert_int_equal(wait_us, 1);
    now.us += 1;
    assert_true(pacing_take(&pacing, ten, now, &wait_us));
    assert_false(pacing_take(&pacing, ten, now, &wait_us));
}

static void saves_up_a_burst_and_no_more(UNUSED void **state)
{
    struct pacing pacing = {{0}};

    (void)take_all(&pacing, ten, (struct mono){0});
    assert_int_equal(take_all(&pacing, ten, (struct mono){200 * US_PER_MS}), 2);
    assert_int_equal(take_all(&pacing, ten, (struct mono){US_PER_DAY}), 3);
}

static void never_lets_more_than_its_rate_through(UNUSED void **state)
{
    static const uint32_t rates[] = {1, 3, 7, 999, 70000, PACING_PER_SECOND_MAX};

    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct pacing_limit limit = {.per_second = rates[i], .burst = 1};
        struct pacing pacing = {{0}};
        struct mono now = {0};
        uint32_t count = 0;
        int64_t wait_us = 0;

        while (now.us < US_PER_SECOND) {
            if (pacing_take(&pacing, limit, now, &wait_us)) {
                count++;
            } else {
                now.us += wait_us;
            }
        }
        assert_in_range(count, (uint64_t)rates[i] * 9 / 10, rates[i]);
    }
}

static void a_largest_burst_at_the_slowest_rate_does_not_overflow(UNUSED void **state)
{
    struct pacing_limit limit = {.per_second = 1, .burst = PACING_BURST_MAX};
    struct pacing pacing = {{0}};

    assert_int_equal(take_all(&pacing, limit, (struct mono){US_PER_DAY}), PACING_BURST_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_there_is_always_one),
        cmocka_unit_test(starts_with_a_full_burst),
        cmocka_unit_test(tells_how_long_until_the_next_one_exactly),
        cmocka_unit_test(saves_up_a_burst_and_no_more),
        cmocka_unit_test(never_lets_more_than_its_rate_through),
        cmocka_unit_test(a_largest_burst_at_the_slowest_rate_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
