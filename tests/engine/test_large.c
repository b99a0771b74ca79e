/*
 * Lists in a store with many events: a call looks at a bounded number of them, and its cursor must
 * lead to the rest.
 */
#include "base/mem.h"
#include "harness.h"

enum { EVENTS = 20000, EACH = 1000, RARE = 40, STEP = EVENTS / RARE };

/* Two accounts: one event in STEP is the customer's, all the others are the crowd's. */
struct shop {
    struct harness *harness;
    struct id customer, crowd;
    struct id channel; /* the crowd's */
    struct id *events; /* owned: all, in the order of their ids */
};

static void publish_each(struct shop *shop, size_t first)
{
    struct store_publish_item *items = MEM_ARRAY(EACH, struct store_publish_item);
    struct store_publish publish = {.items = items, .items_len = EACH};
    struct store_target target = {.channel = shop->channel, .way = STORE_WAITING};

    for (size_t i = 0; i < EACH; i++) {
        bool is_rare = (first + i) % STEP == 0;

        items[i].event = make_event(is_rare ? shop->customer : shop->crowd,
                                    is_rare ? "order.created" : "stock.changed", SLICE("1"));
        items[i].targets = &target;
        items[i].targets_len = is_rare ? 0 : 1;
    }
    assert_int_equal(CALL(shop->harness, publish, &publish), OK);
    for (size_t i = 0; i < EACH; i++) {
        shop->events[first + i] = items[i].id;
        event_release(items[i].event);
    }
    mem_free(items);
}

static struct shop make_shop(void **state)
{
    struct shop shop = {.harness = *state, .events = MEM_ARRAY(EVENTS, struct id)};

    shop.customer = make_account(shop.harness, "customer");
    shop.crowd = make_account(shop.harness, "crowd");
    shop.channel = make_webhook(shop.harness, shop.crowd);
    for (size_t i = 0; i < EVENTS; i += EACH) {
        harness_advance(shop.harness, US_PER_SECOND);
        publish_each(&shop, i);
    }
    return shop;
}

/* Walks to the end and counts; each must be the next in its direction. */
static size_t walk_events(struct harness *harness, struct store_list_events list)
{
    struct id last = ID_NONE;
    size_t seen = 0;
    size_t calls = 0;

    do {
        assert_int_equal(CALL(harness, list_events, &list), OK);
        assert_true(++calls < EVENTS);
        for (size_t i = 0; i < list.events_len; i++, seen++) {
            uint64_t id = list.events[i]->id.value;

            assert_int_equal(list.events[i]->account.value, list.page.account.value);
            assert_true(seen == 0 || (list.is_newest_first ? id < last.value : id > last.value));
            last.value = id;
        }
        list.page.after = list.page.last;
        store_request_clear(&list.request);
    } while (list.page.has_more);
    return seen;
}

static void the_few_events_of_one_account_are_found_among_all(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = {.page.account = shop.customer,
                                     .page.to = {UINT64_MAX >> 1},
                                     .page.max = 7,
                                     .bytes_max = 1000000};

    assert_int_equal(walk_events(shop.harness, list), RARE);
    list.is_newest_first = true;
    assert_int_equal(walk_events(shop.harness, list), RARE);
    list.page.from = shop.events[5 * STEP];
    list.page.to = shop.events[EVENTS - 5 * STEP];
    assert_int_equal(walk_events(shop.harness, list), RARE - 10);
    list.is_newest_first = false;
    assert_int_equal(walk_events(shop.harness, list), RARE - 10);
    mem_free(shop.events);
}

static void all_of_many_events_come_once_each(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = {.page.account = shop.crowd,
                                     .page.to = {UINT64_MAX >> 1},
                                     .page.max = 250,
                                     .bytes_max = 1000000};

    assert_int_equal(walk_events(shop.harness, list), EVENTS - RARE);
    list.is_newest_first = true;
    assert_int_equal(walk_events(shop.harness, list), EVENTS - RARE);
    mem_free(shop.events);
}

static void a_filter_that_matches_nothing_comes_to_an_end(void **state)
{
    struct shop shop = make_shop(state);
    struct store_list_events list = {.page.account = shop.crowd,
                                     .page.to = {UINT64_MAX >> 1},
                                     .type = SLICE("order.created"),
                                     .page.max = 250,
                                     .bytes_max = 1000000};

    assert_int_equal(walk_events(shop.harness, list), 0);
    list.is_newest_first = true;
    assert_int_equal(walk_events(shop.harness, list), 0);
    mem_free(shop.events);
}

static size_t walk_deliveries(struct harness *harness, struct store_list_deliveries list)
{
    size_t seen = 0;
    size_t calls = 0;

    do {
        assert_int_equal(CALL(harness, list_deliveries, &list), OK);
        assert_true(++calls < EVENTS);
        seen += list.deliveries_len;
        list.page.after = list.page.last;
        store_request_clear(&list.request);
    } while (list.page.has_more);
    return seen;
}

static void the_few_deliveries_in_a_state_are_found_among_all(void **state)
{
    static const size_t failed[] = {1, EVENTS / 2 + 1, EVENTS - 1};
    struct shop shop = make_shop(state);
    struct store_list_deliveries list = {.page.account = shop.crowd,
                                         .page.to = {UINT64_MAX >> 1},
                                         .has_state = true,
                                         .state = DELIVERY_FAILED,
                                         .page.max = 250};

    for (size_t i = 0; i < ARRAY_LEN(failed); i++) {
        settle_final(shop.harness, shop.crowd, shop.channel,
                     event_delivery_id(shop.events[failed[i]], 0), false, DELIVERY_FAILED);
    }
    assert_int_equal(walk_deliveries(shop.harness, list), ARRAY_LEN(failed));
    list.state = DELIVERY_PENDING;
    assert_int_equal(walk_deliveries(shop.harness, list), EVENTS - RARE - ARRAY_LEN(failed));
    list.state = DELIVERY_DELIVERED;
    assert_int_equal(walk_deliveries(shop.harness, list), 0);
    mem_free(shop.events);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(the_few_events_of_one_account_are_found_among_all),
        ENGINE_TEST(all_of_many_events_come_once_each),
        ENGINE_TEST(a_filter_that_matches_nothing_comes_to_an_end),
        ENGINE_TEST(the_few_deliveries_in_a_state_are_found_among_all),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
