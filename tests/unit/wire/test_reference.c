#include "base/mem.h"
#include "os/thread.h"
#include "support/unit.h"
#include "wire/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW ((struct wall){INT64_C(1760000000) * US_PER_SECOND + 999999})

static void has_seconds_a_count_chance_and_the_node(void **state)
{
    struct env_manual clock;
    struct references references;
    char first[REFERENCE_SIZE], second[REFERENCE_SIZE], expected[REFERENCE_SIZE];

    (void)state;
    env_manual_init(&clock, NOW, 1);
    references_init(&references, &clock.env, 7);
    reference_make(&references, NOW, first);
    reference_make(&references, NOW, second);
    (void)snprintf(expected, sizeof expected, "1760000000.1.%u.7", references.chance);
    assert_string_equal(first, expected);
    (void)snprintf(expected, sizeof expected, "1760000000.2.%u.7", references.chance);
    assert_string_equal(second, expected);
}

static void the_largest_numbers_fit(void **state)
{
    struct references references = {
        .count = UINT64_MAX - 1, .chance = UINT32_MAX, .node = UINT32_MAX};
    char text[REFERENCE_SIZE];

    (void)state;
    reference_make(&references, (struct wall){INT64_MIN}, text);
    assert_string_equal(text, "-9223372036854.18446744073709551615.4294967295.4294967295");
}

static void of_two_starts_at_one_time_they_differ(void **state)
{
    struct references before, after;
    char first[REFERENCE_SIZE], second[REFERENCE_SIZE];

    (void)state;
    references_init(&before, env_system(), 0);
    references_init(&after, env_system(), 0);
    reference_make(&before, NOW, first);
    reference_make(&after, NOW, second);
    assert_string_not_equal(first, second);
}

enum { MAKERS = 4, EACH = 5000 };

struct maker {
    struct thread thread;
    struct references *references;
    char (*made)[REFERENCE_SIZE];
};

static void make_many(void *ctx)
{
    struct maker *maker = ctx;

    for (int i = 0; i < EACH; i++) {
        reference_make(maker->references, NOW, maker->made[i]);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void of_threads_at_one_time_they_differ(void **state)
{
    struct references references;
    struct maker makers[MAKERS];
    char(*made)[REFERENCE_SIZE] = mem_new((size_t)MAKERS * EACH, sizeof *made);

    (void)state;
    references_init(&references, env_system(), 0);
    for (int i = 0; i < MAKERS; i++) {
        makers[i] = (struct maker){.references = &references, .made = made + i * EACH};
        thread_start(&makers[i].thread, "maker", make_many, &makers[i]);
    }
    for (int i = 0; i < MAKERS; i++) {
        thread_join(&makers[i].thread);
    }
    qsort(made, (size_t)MAKERS * EACH, sizeof *made, compare);
    for (int i = 1; i < MAKERS * EACH; i++) {
        assert_string_not_equal(made[i - 1], made[i]);
    }
    mem_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_seconds_a_count_chance_and_the_node),
        cmocka_unit_test(the_largest_numbers_fit),
        cmocka_unit_test(of_two_starts_at_one_time_they_differ),
        cmocka_unit_test(of_threads_at_one_time_they_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
