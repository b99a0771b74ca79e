#include "base/chance.h"
#include "base/heap.h"
#include "base/macro.h"
#include "support/unit.h"

enum { MANY = 1000 };

/* That every link knows its place and none has a smaller key than its parent. */
static void assert_well_formed(const struct heap *heap)
{
    for (size_t at = 1; at <= heap->count; at++) {
        assert_int_equal(heap->links[at - 1]->at, at);
        if (at > 1) {
            assert_true(heap->links[at / 2 - 1]->key <= heap->links[at - 1]->key);
        }
    }
}

/* Takes everything out; that the keys come in order. */
static void assert_drains_in_order(struct heap *heap, size_t count)
{
    int64_t key_before = INT64_MIN;

    assert_int_equal(heap->count, count);
    for (size_t i = 0; i < count; i++) {
        struct heap_link *first = heap_first(heap);

        assert_non_null(first);
        assert_true(first->key >= key_before);
        key_before = first->key;
        heap_remove(heap, first);
        assert_false(heap_link_is_in(first));
    }
    assert_null(heap_first(heap));
}

static void an_empty_heap_has_no_first(UNUSED void **state)
{
    struct heap heap;

    heap_init(&heap);
    assert_null(heap_first(&heap));
    heap_clear(&heap);
    assert_null(heap_first(&heap));
}

static void keys_come_out_in_order_whatever_order_they_went_in(UNUSED void **state)
{
    static struct heap_link links[MANY];
    struct chance chance;
    struct heap heap;

    chance_init(&chance, 1);
    heap_init(&heap);
    for (size_t i = 0; i < MANY; i++) {
        /* Few enough values that many are equal; negative ones too. */
        heap_insert(&heap, &links[i], (int64_t)chance_below(&chance, 300) - 150);
    }
    assert_well_formed(&heap);
    assert_drains_in_order(&heap, MANY);
    heap_clear(&heap);
}

static void extreme_keys_are_ordered(UNUSED void **state)
{
    struct heap_link low = {0}, zero = {0}, high = {0};
    struct heap heap;

    heap_init(&heap);
    heap_insert(&heap, &high, INT64_MAX);
    heap_insert(&heap, &low, INT64_MIN);
    heap_insert(&heap, &zero, 0);
    assert_ptr_equal(heap_first(&heap), &low);
    heap_remove(&heap, &low);
    assert_ptr_equal(heap_first(&heap), &zero);
    heap_remove(&heap, &zero);
    assert_ptr_equal(heap_first(&heap), &high);
    heap_clear(&heap);
}

static void a_moved_link_finds_its_new_place(UNUSED void **state)
{
    struct heap_link one = {0}, two = {0}, three = {0};
    struct heap heap;

    heap_init(&heap);
    heap_insert(&heap, &one, 10);
    heap_insert(&heap, &two, 20);
    heap_insert(&heap, &three, 30);

    heap_move(&heap, &three, 5);
    assert_ptr_equal(heap_first(&heap), &three);
    heap_move(&heap, &three, 15);
    assert_ptr_equal(heap_first(&heap), &one);
    heap_move(&heap, &one, 40);
    assert_ptr_equal(heap_first(&heap), &three);
    assert_int_equal(heap.count, 3);
    heap_clear(&heap);
}

static void moving_a_link_that_is_in_no_heap_inserts_it(UNUSED void **state)
{
    struct heap_link link = {0};
    struct heap heap;

    heap_init(&heap);
    heap_move(&heap, &link, 3);
    assert_true(heap_link_is_in(&link));
    assert_ptr_equal(heap_first(&heap), &link);
    assert_int_equal(link.key, 3);
    heap_clear(&heap);
}

static void removing_a_link_that_is_in_no_heap_does_nothing(UNUSED void **state)
{
    struct heap_link link = {0}, other = {0};
    struct heap heap;

    heap_init(&heap);
    heap_insert(&heap, &other, 1);
    heap_remove(&heap, &link);
    heap_remove(&heap, &other);
    heap_remove(&heap, &other);
    assert_int_equal(heap.count, 0);
    heap_clear(&heap);
}

static void any_mix_of_changes_keeps_the_order(UNUSED void **state)
{
    static struct heap_link links[MANY];
    struct chance chance;
    struct heap heap;
    size_t count = 0;

    chance_init(&chance, 2);
    heap_init(&heap);
    for (int i = 0; i < 20 * MANY; i++) {
        struct heap_link *link = &links[chance_below(&chance, MANY)];

        if (chance_below(&chance, 3) == 0) {
            count -= heap_link_is_in(link);
            heap_remove(&heap, link);
        } else {
            count += !heap_link_is_in(link);
            heap_move(&heap, link, (int64_t)chance_below(&chance, 10000));
        }
        if (i % 100 == 0) {
            assert_well_formed(&heap);
        }
    }
    assert_drains_in_order(&heap, count);
    heap_clear(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_has_no_first),
        cmocka_unit_test(keys_come_out_in_order_whatever_order_they_went_in),
        cmocka_unit_test(extreme_keys_are_ordered),
        cmocka_unit_test(a_moved_link_finds_its_new_place),
        cmocka_unit_test(moving_a_link_that_is_in_no_heap_inserts_it),
        cmocka_unit_test(removing_a_link_that_is_in_no_heap_does_nothing),
        cmocka_unit_test(any_mix_of_changes_keeps_the_order),
    };

    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
