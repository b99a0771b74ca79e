#include "base/macro.h"
#include "send/lookups.h"
#include "support/unit.h"

static const struct mono start = {1000};

static void there_are_only_so_many_at_once(UNUSED void **state)
{
    struct lookups lookups = {.under_way = 0};

    for (int i = 0; i < LOOKUPS_MAX; i++) {
        assert_true(lookups_begin(&lookups, start));
    }
    assert_false(lookups_begin(&lookups, start));
    lookups_end(&lookups);
    assert_true(lookups_begin(&lookups, start));
    assert_false(lookups_begin(&lookups, start));
}

static void an_abandoned_one_counts_until_the_system_has_given_up(UNUSED void **state)
{
    struct lookups lookups = {.under_way = 0};
    struct mono before = {start.us + 30 * US_PER_SECOND - 1};
    struct mono after = {start.us + 30 * US_PER_SECOND};

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < LOOKUPS_MAX; i++) {
            assert_true(lookups_begin(&lookups, start));
            lookups_abandon(&lookups, start);
        }
        assert_int_equal(lookups.under_way, 0);
        assert_false(lookups_begin(&lookups, before));
        assert_true(lookups_begin(&lookups, after));
        lookups_end(&lookups);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_only_so_many_at_once),
        cmocka_unit_test(an_abandoned_one_counts_until_the_system_has_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
