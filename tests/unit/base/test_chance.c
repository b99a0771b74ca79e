#include "base/chance.h"
#include "base/macro.h"
#include "support/unit.h"

/* The first numbers of splitmix64 from seed 1234567, as other implementations give them. */
static void it_is_splitmix64(UNUSED void **state)
{
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct chance chance;

    chance_init(&chance, 1234567);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_true(chance_next(&chance) == expected[i]);
    }
}

static void the_same_seed_gives_the_same_numbers(UNUSED void **state)
{
    struct chance one, two, other;
    int equal = 0;

    chance_init(&one, 9);
    chance_init(&two, 9);
    chance_init(&other, 10);
    for (int i = 0; i < 1000; i++) {
        uint64_t number = chance_next(&one);

        assert_true(number == chance_next(&two));
        equal += number == chance_next(&other);
    }
    assert_int_equal(equal, 0);
}

static void numbers_stay_below_the_bound(UNUSED void **state)
{
    static const uint64_t bounds[] = {1, 2, 3, 1000, UINT64_C(1) << 63, UINT64_MAX};
    struct chance chance;

    chance_init(&chance, 11);
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        for (int n = 0; n < 1000; n++) {
            assert_true(chance_below(&chance, bounds[i]) < bounds[i]);
        }
    }
}

/* Ten thousand in each of ten: beyond 5 % off would be a chance of one in a million. */
static void numbers_are_spread_evenly(UNUSED void **state)
{
    int counts[10] = {0};
    struct chance chance;

    chance_init(&chance, 12);
    for (int i = 0; i < 100000; i++) {
        counts[chance_below(&chance, ARRAY_LEN(counts))]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        assert_in_range(counts[i], 9500, 10500);
    }
}

/* Three quarters of the range as bound: a plain remainder would give the first third twice as
 * often. */
static void a_large_bound_favours_no_number(UNUSED void **state)
{
    const uint64_t bound = UINT64_C(3) << 62;
    int low = 0;
    struct chance chance;

    chance_init(&chance, 13);
    for (int i = 0; i < 30000; i++) {
        low += chance_below(&chance, bound) < bound / 3;
    }
    assert_in_range(low, 9500, 10500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_splitmix64),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(numbers_stay_below_the_bound),
        cmocka_unit_test(numbers_are_spread_evenly),
        cmocka_unit_test(a_large_bound_favours_no_number),
    };

    return cmocka_run_group_tests_name("chance", tests, NULL, NULL);
}
