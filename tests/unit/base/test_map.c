#include "base/chance.h"
#include "base/macro.h"
#include "base/map.h"
#include "support/unit.h"

#include <stdio.h>

enum { MANY = 5000 };

struct entry {
    char key[24];
    uint64_t number;
    bool is_in;
};

static struct slice key_of(const struct entry *entry)
{
    return slice_of(entry->key);
}

static struct entry *make_entries(void)
{
    static struct entry entries[MANY];

    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(entries[i].key, sizeof entries[i].key, "account-%zu", i);
        entries[i].number = i * 4096; /* ids of one millisecond each: the low bits are all zero */
        entries[i].is_in = false;
    }
    return entries;
}

static void an_empty_map_has_nothing(UNUSED void **state)
{
    struct map map;
    size_t at = 0;

    map_init(&map, 1);
    assert_null(map_get(&map, SLICE("a")));
    assert_null(map_get_u64(&map, 0));
    assert_null(map_remove(&map, SLICE("a")));
    assert_null(map_remove_u64(&map, 0));
    assert_null(map_each(&map, &at));
    map_clear(&map);
}

static void what_was_put_is_found_under_its_key_alone(UNUSED void **state)
{
    int one = 1, two = 2, none = 0;
    struct map map;

    map_init(&map, 1);
    assert_null(map_put(&map, SLICE("a"), &one));
    assert_null(map_put(&map, SLICE("ab"), &two));
    assert_null(map_put(&map, SLICE(""), &none));
    assert_ptr_equal(map_get(&map, SLICE("a")), &one);
    assert_ptr_equal(map_get(&map, SLICE("ab")), &two);
    assert_ptr_equal(map_get(&map, (struct slice){0}), &none);
    assert_null(map_get(&map, SLICE("b")));
    assert_null(map_get(&map, SLICE("a\0")));
    map_clear(&map);
    assert_null(map_get(&map, SLICE("a")));
}

static void a_second_put_replaces_value_and_key(UNUSED void **state)
{
    char key_before[] = "key";
    char key_after[] = "key";
    int one = 1, two = 2;
    struct map map;

    map_init(&map, 1);
    assert_null(map_put(&map, slice_of(key_before), &one));
    assert_ptr_equal(map_put(&map, slice_of(key_after), &two), &one);
    assert_int_equal(map.count, 1);

    key_before[0] = '?'; /* it is the newer key that is looked at */
    assert_ptr_equal(map_get(&map, SLICE("key")), &two);
    map_clear(&map);
}

static void numbers_and_bytes_are_different_keys(UNUSED void **state)
{
    int number = 1, bytes = 2;
    struct map map;

    map_init(&map, 0);
    assert_null(map_put_u64(&map, 0, &number));
    assert_null(map_put(&map, SLICE(""), &bytes));
    assert_ptr_equal(map_get_u64(&map, 0), &number);
    assert_ptr_equal(map_get(&map, SLICE("")), &bytes);
    assert_ptr_equal(map_remove_u64(&map, 0), &number);
    assert_ptr_equal(map_get(&map, SLICE("")), &bytes);
    map_clear(&map);
}

static void many_numbers_are_found_again(UNUSED void **state)
{
    struct entry *entries = make_entries();
    struct map map;

    map_init(&map, 3);
    for (size_t i = 0; i < MANY; i++) {
        assert_null(map_put_u64(&map, entries[i].number, &entries[i]));
    }
    assert_int_equal(map.count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(map_get_u64(&map, entries[i].number), &entries[i]);
        assert_null(map_get_u64(&map, entries[i].number + 1));
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(map_remove_u64(&map, entries[i].number), &entries[i]);
        assert_null(map_remove_u64(&map, entries[i].number));
    }
    assert_int_equal(map.count, 0);
    map_clear(&map);
}

/* A thousand at a time come and go at random: after each round exactly those that are in are
 * found. */
static void removals_lose_no_other_entry(UNUSED void **state)
{
    struct entry *entries = make_entries();
    struct chance chance;
    struct map map;

    chance_init(&chance, 4);
    map_init(&map, 5);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 1000; i++) {
            struct entry *entry = &entries[chance_below(&chance, MANY)];
            void *expected = entry->is_in ? entry : NULL;

            if (chance_below(&chance, 2) == 0) {
                assert_ptr_equal(map_remove(&map, key_of(entry)), expected);
                entry->is_in = false;
            } else {
                assert_ptr_equal(map_put(&map, key_of(entry), entry), expected);
                entry->is_in = true;
            }
        }
        for (size_t i = 0; i < MANY; i++) {
            assert_ptr_equal(map_get(&map, key_of(&entries[i])),
                             entries[i].is_in ? &entries[i] : NULL);
        }
    }
    map_clear(&map);
}

static void coming_and_going_does_not_make_it_grow(UNUSED void **state)
{
    struct entry *entries = make_entries();
    struct map map;

    map_init(&map, 6);
    for (size_t i = 0; i < MANY; i++) {
        assert_null(map_put(&map, key_of(&entries[i]), &entries[i]));
        if (i >= 10) {
            assert_ptr_equal(map_remove(&map, key_of(&entries[i - 10])), &entries[i - 10]);
        }
    }
    assert_int_equal(map.count, 10);
    assert_int_equal(map.room, 16);
    map_clear(&map);
}

static void each_value_is_visited_once(UNUSED void **state)
{
    struct entry *entries = make_entries();
    struct map map;
    size_t at = 0, count = 0;

    map_init(&map, 7);
    for (size_t i = 0; i < MANY; i += 3) {
        assert_null(map_put(&map, key_of(&entries[i]), &entries[i]));
    }
    for (struct entry *entry = map_each(&map, &at); entry != NULL; entry = map_each(&map, &at)) {
        assert_false(entry->is_in);
        entry->is_in = true;
        count++;
    }
    assert_int_equal(count, map.count);
    assert_int_equal(count, (MANY + 2) / 3);
    map_clear(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(what_was_put_is_found_under_its_key_alone),
        cmocka_unit_test(a_second_put_replaces_value_and_key),
        cmocka_unit_test(numbers_and_bytes_are_different_keys),
        cmocka_unit_test(many_numbers_are_found_again),
        cmocka_unit_test(removals_lose_no_other_entry),
        cmocka_unit_test(coming_and_going_does_not_make_it_grow),
        cmocka_unit_test(each_value_is_visited_once),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
