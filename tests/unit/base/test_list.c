#include "base/list.h"
#include "support/unit.h"

struct item {
    int number;
    struct list_link link;
};

/* That the list holds the numbers in this order, forwards and backwards. */
static void assert_list(const struct list *list, const int *numbers, size_t count)
{
    const struct list_link *link = list_first(list);
    const struct list_link *previous = &list->head;

    assert_int_equal(list->count, count);
    assert_int_equal(list_is_empty(list), count == 0);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(link);
        assert_int_equal(CONTAINER_OF(link, struct item, link)->number, numbers[i]);
        assert_ptr_equal(link->previous, previous);
        previous = link;
        link = list_after(list, link);
    }
    assert_null(link);
    assert_ptr_equal(list->head.previous, previous);
}

#define ASSERT_LIST(list, ...)                                                                     \
    assert_list(list, (const int[]){__VA_ARGS__}, ARRAY_LEN(((const int[]){__VA_ARGS__})))

static void a_new_list_is_empty(UNUSED void **state)
{
    struct list list;

    list_init(&list);
    assert_list(&list, NULL, 0);
    assert_null(list_pop_front(&list));
}

static void members_stand_where_they_were_put(UNUSED void **state)
{
    struct item one = {.number = 1}, two = {.number = 2}, three = {.number = 3},
                four = {.number = 4};
    struct list list;

    list_init(&list);
    list_push_back(&list, &two.link);
    ASSERT_LIST(&list, 2);
    list_push_back(&list, &four.link);
    ASSERT_LIST(&list, 2, 4);
    list_push_front(&list, &one.link);
    ASSERT_LIST(&list, 1, 2, 4);
    list_insert_before(&list, &four.link, &three.link);
    ASSERT_LIST(&list, 1, 2, 3, 4);
}

static void any_member_can_be_removed(UNUSED void **state)
{
    struct item items[] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    struct list list;

    list_init(&list);
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        list_push_back(&list, &items[i].link);
    }
    list_remove(&list, &items[1].link);
    ASSERT_LIST(&list, 0, 2, 3);
    list_remove(&list, &items[3].link);
    ASSERT_LIST(&list, 0, 2);
    list_remove(&list, &items[0].link);
    ASSERT_LIST(&list, 2);
    list_remove(&list, &items[2].link);
    assert_list(&list, NULL, 0);
}

static void members_leave_from_the_front(UNUSED void **state)
{
    struct item one = {.number = 1}, two = {.number = 2};
    struct list list;

    list_init(&list);
    list_push_back(&list, &one.link);
    list_push_back(&list, &two.link);
    assert_ptr_equal(list_pop_front(&list), &one.link);
    assert_ptr_equal(list_pop_front(&list), &two.link);
    assert_null(list_pop_front(&list));
}

static void a_link_knows_whether_it_is_in_a_list(UNUSED void **state)
{
    struct item item = {.number = 1};
    struct list list, other;

    list_init(&list);
    list_init(&other);
    assert_false(list_link_is_in(&item.link));
    list_push_back(&list, &item.link);
    assert_true(list_link_is_in(&item.link));
    list_remove(&list, &item.link);
    assert_false(list_link_is_in(&item.link));

    list_push_front(&other, &item.link); /* so it may go into another */
    ASSERT_LIST(&other, 1);
}

static void a_link_leads_to_its_item_and_no_link_to_none(UNUSED void **state)
{
    struct item item = {.number = 1};
    struct list list;

    list_init(&list);
    assert_null(LIST_ITEM(list_first(&list), struct item, link));
    list_push_back(&list, &item.link);
    assert_ptr_equal(LIST_ITEM(list_first(&list), struct item, link), &item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_list_is_empty),
        cmocka_unit_test(members_stand_where_they_were_put),
        cmocka_unit_test(any_member_can_be_removed),
        cmocka_unit_test(members_leave_from_the_front),
        cmocka_unit_test(a_link_knows_whether_it_is_in_a_list),
        cmocka_unit_test(a_link_leads_to_its_item_and_no_link_to_none),
    };

    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
