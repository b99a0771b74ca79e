#include "base/chance.h"
#include "base/macro.h"
#include "base/mem.h"
#include "model/table.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

enum { SEED = 77, MANY = 5000 };

/* A thing that counts how many hold it. */
struct word {
    char text[16];
    int holders;
};

static struct slice word_key(const void *thing)
{
    return slice_of(((const struct word *)thing)->text);
}

static void word_hold(void *thing)
{
    ((struct word *)thing)->holders++;
}

static void word_release(void *thing)
{
    ((struct word *)thing)->holders--;
}

static const struct table_kind kind = {word_key, slice_compare, word_hold, word_release};

static struct word make_word(int number)
{
    struct word word = {.holders = 0};

    (void)snprintf(word.text, sizeof word.text, "w%05d", number); /* fits */
    return word;
}

/* Many words and a table with all of them, put in an order of chance. */
struct world {
    struct word words[MANY];
    struct table *table;
};

static struct world *world_new(void)
{
    struct world *world = MEM_NEW(struct world);
    struct chance chance;
    int order[MANY] = {0};

    chance_init(&chance, SEED);
    world->table = table_new(&kind, SEED);
    for (int i = 0; i < MANY; i++) {
        int k = (int)chance_below(&chance, (uint64_t)i + 1);

        world->words[i] = make_word(i);
        order[i] = order[k];
        order[k] = i;
    }
    for (int i = 0; i < MANY; i++) {
        table_put(world->table, &world->words[order[i]]);
    }
    return world;
}

/* Frees the world, whose words nobody may hold any more. */
static void world_free(struct world *world)
{
    table_release(world->table);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(world->words[i].holders, 0);
    }
    mem_free(world);
}

static size_t count_shared_shards(const struct table *a, const struct table *b)
{
    size_t count = 0;

    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        count += a->shards[i] == b->shards[i];
    }
    return count;
}

static void finds_all_that_was_put_and_nothing_else(UNUSED void **state)
{
    struct world *world = world_new();

    assert_int_equal(world->table->count, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_ptr_equal(table_get(world->table, slice_of(world->words[i].text)), &world->words[i]);
    }
    assert_null(table_get(world->table, SLICE("")));
    assert_null(table_get(world->table, SLICE("w0000")));
    assert_null(table_get(world->table, SLICE("w99999")));
    world_free(world);
}

static void an_empty_one_has_nothing(UNUSED void **state)
{
    struct table *table = table_new(&kind, SEED);
    struct table_walk walk;

    assert_null(table_get(table, SLICE("a")));
    table_remove(table, SLICE("a"));
    table_walk_init(&walk, table, NULL);
    assert_null(table_walk_next(&walk));
    table_release(table);
    table_release(NULL);
}

static void a_thing_put_again_replaces_the_old_one(UNUSED void **state)
{
    struct table *table = table_new(&kind, SEED);
    struct word old = make_word(1);
    struct word new = make_word(1);

    table_put(table, &old);
    table_put(table, &old);
    assert_int_equal(old.holders, 1);
    table_put(table, &new);
    assert_int_equal(table->count, 1);
    assert_int_equal(old.holders, 0);
    assert_ptr_equal(table_get(table, SLICE("w00001")), &new);
    table_release(table);
    assert_int_equal(new.holders, 0);
}

static void what_was_removed_is_gone(UNUSED void **state)
{
    struct world *world = world_new();

    for (int i = 0; i < MANY; i += 2) {
        table_remove(world->table, slice_of(world->words[i].text));
        assert_int_equal(world->words[i].holders, 0);
    }
    assert_int_equal(world->table->count, MANY / 2);
    for (int i = 0; i < MANY; i++) {
        bool is_there = table_get(world->table, slice_of(world->words[i].text)) != NULL;

        assert_int_equal(is_there, i % 2 == 1);
    }
    world_free(world);
}

static void a_change_of_a_copy_copies_one_shard(UNUSED void **state)
{
    struct world *world = world_new();
    struct table *copy = table_copy(world->table);
    struct word other = make_word(MANY);

    assert_int_equal(count_shared_shards(copy, world->table), TABLE_SHARDS);
    table_put(copy, &other);
    assert_int_equal(count_shared_shards(copy, world->table), TABLE_SHARDS - 1);
    assert_null(table_get(world->table, SLICE("w05000")));
    assert_ptr_equal(table_get(copy, SLICE("w05000")), &other);
    table_remove(copy, SLICE("w05000"));
    assert_int_equal(count_shared_shards(copy, world->table), TABLE_SHARDS - 1);
    assert_int_equal(copy->count, MANY);
    table_release(copy);
    world_free(world);
}

static void the_old_one_may_go_before_the_copy(UNUSED void **state)
{
    struct world *world = world_new();
    struct table *copy = table_copy(world->table);

    table_remove(copy, SLICE("w00000"));
    table_release(world->table);
    world->table = copy;
    assert_null(table_get(copy, SLICE("w00000")));
    assert_ptr_equal(table_get(copy, SLICE("w00001")), &world->words[1]);
    world_free(world);
}

static void a_shard_no_longer_shared_is_changed_in_place(UNUSED void **state)
{
    struct world *world = world_new();
    struct table *copy = table_copy(world->table);
    struct table before;

    table_release(world->table);
    world->table = copy;
    memcpy(&before, copy, sizeof before);
    table_remove(copy, SLICE("w00000"));
    table_put(copy, &world->words[0]);
    assert_int_equal(count_shared_shards(copy, &before), TABLE_SHARDS);
    world_free(world);
}

static void a_walk_goes_through_all_in_order(UNUSED void **state)
{
    struct world *world = world_new();
    struct table_walk walk;

    table_walk_init(&walk, world->table, NULL);
    for (int i = 0; i < MANY; i++) {
        assert_ptr_equal(table_walk_next(&walk), &world->words[i]);
    }
    assert_null(table_walk_next(&walk));
    assert_null(table_walk_next(&walk));
    world_free(world);
}

static void a_walk_begins_behind_a_key_that_need_not_be_there(UNUSED void **state)
{
    static const struct {
        const char *after;
        int first;
    } cases[] = {{"", 0},           {"a", 0},        {"w00000", 1},        {"w01233", 1234},
                 {"w01233x", 1234}, {"w0123", 1230}, {"w04998", MANY - 1}, {"w04999", MANY}};
    struct world *world = world_new();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice after = slice_of(cases[i].after);
        struct word *expected = cases[i].first < MANY ? &world->words[cases[i].first] : NULL;
        struct table_walk walk;

        table_walk_init(&walk, world->table, &after);
        assert_ptr_equal(table_walk_next(&walk), expected);
    }
    world_free(world);
}

static void count_one(void *ctx, UNUSED void *thing)
{
    ++*(size_t *)ctx;
}

static void each_visits_all_once(UNUSED void **state)
{
    struct world *world = world_new();
    size_t count = 0;

    table_each(world->table, count_one, &count);
    assert_int_equal(count, MANY);
    world_free(world);
}

static void another_seed_spreads_the_same_keys_another_way(UNUSED void **state)
{
    struct table *first = table_new(&kind, SEED);
    struct table *second = table_new(&kind, SEED + 1);
    struct word words[20];
    size_t same = 0;

    for (int i = 0; i < 20; i++) {
        words[i] = make_word(i);
        table_put(first, &words[i]);
        table_put(second, &words[i]);
    }
    for (size_t i = 0; i < TABLE_SHARDS; i++) {
        same += first->shards[i] != NULL && second->shards[i] != NULL;
    }
    assert_true(same < 15);
    table_release(first);
    table_release(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_all_that_was_put_and_nothing_else),
        cmocka_unit_test(an_empty_one_has_nothing),
        cmocka_unit_test(a_thing_put_again_replaces_the_old_one),
        cmocka_unit_test(what_was_removed_is_gone),
        cmocka_unit_test(a_change_of_a_copy_copies_one_shard),
        cmocka_unit_test(the_old_one_may_go_before_the_copy),
        cmocka_unit_test(a_shard_no_longer_shared_is_changed_in_place),
        cmocka_unit_test(a_walk_goes_through_all_in_order),
        cmocka_unit_test(a_walk_begins_behind_a_key_that_need_not_be_there),
        cmocka_unit_test(each_visits_all_once),
        cmocka_unit_test(another_seed_spreads_the_same_keys_another_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
