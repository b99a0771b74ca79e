#include "base/macro.h"
#include "os/env.h"
#include "os/thread.h"
#include "support/unit.h"

#include <stdatomic.h>
#include <string.h>

static const struct wall start = {INT64_C(1770114030) * US_PER_SECOND};

static struct env_manual manual_with_seed(uint64_t seed)
{
    struct env_manual manual;

    env_manual_init(&manual, start, seed);
    return manual;
}

static void the_systems_monotonic_clock_never_steps_back(UNUSED void **state)
{
    struct mono before = env_mono(env_system());

    for (int i = 0; i < 100000; i++) {
        struct mono now = env_mono(env_system());

        assert_true(now.us >= before.us);
        before = now;
    }
}

static void the_systems_wall_clock_counts_from_1970(UNUSED void **state)
{
    const int64_t in_2025 = INT64_C(1735689600) * US_PER_SECOND;

    assert_true(env_wall(env_system()).us > in_2025);
    assert_true(env_wall(env_system()).us < in_2025 + 100 * 366 * US_PER_DAY);
}

/* Each byte is drawn often enough that one left out would stand out: still zero after 64 rounds. */
static void the_systems_random_fills_every_byte(UNUSED void **state)
{
    unsigned char bytes[1000];
    unsigned char seen[1000] = {0};

    for (int round = 0; round < 64; round++) {
        memset(bytes, 0, sizeof bytes);
        env_system()->random(env_system(), bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i++) {
            seen[i] |= bytes[i];
        }
    }
    for (size_t i = 0; i < sizeof seen; i++) {
        assert_int_not_equal(seen[i], 0);
    }
    assert_true(env_random_u64(env_system()) != env_random_u64(env_system()));
}

static void a_manual_clock_stands_until_it_is_moved(UNUSED void **state)
{
    struct env_manual manual = manual_with_seed(1);
    struct mono mono = env_mono(&manual.env);

    assert_int_equal(env_wall(&manual.env).us, start.us);
    assert_int_equal(env_mono(&manual.env).us, mono.us);

    env_manual_advance(&manual, 5 * US_PER_SECOND);
    assert_int_equal(env_wall(&manual.env).us, start.us + 5 * US_PER_SECOND);
    assert_int_equal(env_mono(&manual.env).us, mono.us + 5 * US_PER_SECOND);
}

static void a_step_moves_the_wall_clock_alone(UNUSED void **state)
{
    struct env_manual manual = manual_with_seed(1);
    struct mono mono = env_mono(&manual.env);

    env_manual_step_wall(&manual, -US_PER_DAY);
    assert_int_equal(env_wall(&manual.env).us, start.us - US_PER_DAY);
    env_manual_step_wall(&manual, 3653 * US_PER_DAY);
    assert_int_equal(env_wall(&manual.env).us, start.us + 3652 * US_PER_DAY);
    assert_int_equal(env_mono(&manual.env).us, mono.us);
}

static void manual_chance_is_repeated_by_its_seed(UNUSED void **state)
{
    struct env_manual one = manual_with_seed(7), two = manual_with_seed(7),
                      other = manual_with_seed(8);
    int equal = 0;

    for (int i = 0; i < 1000; i++) {
        uint64_t number = env_random_u64(&one.env);

        assert_true(number == env_random_u64(&two.env));
        equal += number == env_random_u64(&other.env);
    }
    assert_int_equal(equal, 0);
}

static void manual_chance_fills_what_was_asked_and_no_more(UNUSED void **state)
{
    struct env_manual manual = manual_with_seed(1);

    for (size_t len = 0; len <= 20; len++) {
        char bytes[24];
        char untouched[24];

        memset(bytes, '?', sizeof bytes);
        memset(untouched, '?', sizeof untouched);
        manual.env.random(&manual.env, bytes, len);
        assert_memory_equal(bytes + len, untouched + len, sizeof bytes - len);
        if (len >= sizeof(uint64_t)) {
            assert_memory_not_equal(bytes, untouched, len);
        }
    }
}

enum { READS = 10000 };

static void read_clocks(void *ctx)
{
    struct env *env = ctx;
    struct mono before = env_mono(env);

    for (int i = 0; i < READS; i++) {
        struct mono now = env_mono(env);

        assert_true(now.us >= before.us);
        before = now;
        (void)env_random_u64(env);
    }
}

static void any_thread_may_read_while_one_moves(UNUSED void **state)
{
    struct env_manual manual = manual_with_seed(1);
    struct thread reader = {0};

    thread_start(&reader, "reader", read_clocks, &manual.env);
    for (int i = 0; i < READS; i++) {
        env_manual_advance(&manual, 1);
        (void)env_random_u64(&manual.env);
    }
    thread_join(&reader);
    assert_int_equal(env_wall(&manual.env).us, start.us + READS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_systems_monotonic_clock_never_steps_back),
        cmocka_unit_test(the_systems_wall_clock_counts_from_1970),
        cmocka_unit_test(the_systems_random_fills_every_byte),
        cmocka_unit_test(a_manual_clock_stands_until_it_is_moved),
        cmocka_unit_test(a_step_moves_the_wall_clock_alone),
        cmocka_unit_test(manual_chance_is_repeated_by_its_seed),
        cmocka_unit_test(manual_chance_fills_what_was_asked_and_no_more),
        cmocka_unit_test(any_thread_may_read_while_one_moves),
    };

    return cmocka_run_group_tests_name("env", tests, NULL, NULL);
}
