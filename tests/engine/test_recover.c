/*
 * What a restart makes of deliveries that were under way: store.h, invariants 3 and 4.
 */
#include "base/mem.h"
#include "harness.h"

struct shop {
    struct harness *harness;
    struct id account, channel;
};

static struct shop make_shop(void **state)
{
    struct shop shop = {.harness = *state};

    shop.account = make_account(shop.harness, "acme");
    shop.channel = make_webhook(shop.harness, shop.account);
    return shop;
}

static struct id publish_fresh(const struct shop *shop)
{
    return publish_one(shop->harness, shop->account, shop->channel, STORE_FRESH);
}

static void deliver(const struct shop *shop, struct id delivery)
{
    settle_final(shop->harness, shop->account, shop->channel, delivery, true, DELIVERY_DELIVERED);
}

static void assert_pending_due(const struct shop *shop, struct id delivery, struct wall due)
{
    struct store_delivery found = see_delivery(shop->harness, shop->account, delivery);

    assert_int_equal(found.state, DELIVERY_PENDING);
    assert_false(found.is_fresh);
    assert_int_equal(found.due.us, due.us);
}

static void what_was_in_the_air_is_pending_and_due_now(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_fresh(&shop);

    harness_advance(shop.harness, US_PER_HOUR);
    harness_reopen(shop.harness);
    assert_pending_due(&shop, delivery, harness_now(shop.harness));
    assert_int_equal(see_delivery(shop.harness, shop.account, delivery).attempts, 0);
    assert_int_equal(count_pending(shop.harness), 1);
}

static void what_ended_stays_as_it_ended(void **state)
{
    struct shop shop = make_shop(state);
    struct id hanging = publish_fresh(&shop); /* keeps the mark below all the others */
    struct id delivered = publish_fresh(&shop);
    struct id refused = publish_fresh(&shop);

    deliver(&shop, delivered);
    settle_final(shop.harness, shop.account, shop.channel, refused, true, DELIVERY_REFUSED);
    harness_reopen(shop.harness);
    assert_state(shop.harness, shop.account, delivered, DELIVERY_DELIVERED);
    assert_state(shop.harness, shop.account, refused, DELIVERY_REFUSED);
    assert_pending_due(&shop, hanging, harness_now(shop.harness));
    assert_int_equal(count_pending(shop.harness), 1);
}

static void what_waited_keeps_its_time(void **state)
{
    struct shop shop = make_shop(state);
    struct id hanging = publish_fresh(&shop);
    struct id retried = publish_fresh(&shop);
    struct id parked = publish_fresh(&shop);
    struct wall due = {harness_now(shop.harness).us + US_PER_DAY};
    struct store_settle_item item = settle_item(shop.account, shop.channel, retried, 1);

    item.is_fresh = true;
    item.next = STORE_RETRY;
    item.due = due;
    settle(shop.harness, item);
    item = settle_item(shop.account, shop.channel, parked, 0);
    item.is_fresh = true;
    item.has_attempt = false;
    item.next = STORE_PARK;
    item.due = WALL_NEVER;
    settle(shop.harness, item);
    harness_advance(shop.harness, US_PER_MINUTE);
    harness_reopen(shop.harness);
    assert_pending_due(&shop, retried, due);
    assert_pending_due(&shop, parked, WALL_NEVER); /* once: it was not in the air any more */
    assert_pending_due(&shop, hanging, harness_now(shop.harness));
    assert_int_equal(see_delivery(shop.harness, shop.account, retried).attempts, 1);
    assert_int_equal(count_pending(shop.harness), 3);
}

static void of_one_event_only_what_was_in_the_air_is_tried_again(void **state)
{
    struct shop shop = make_shop(state);
    struct store_target targets[] = {
        {.channel = shop.channel, .way = STORE_FRESH},
        {.channel = make_webhook(shop.harness, shop.account), .way = STORE_FRESH},
        {.channel = make_webhook(shop.harness, shop.account), .way = STORE_WAITING},
        {.channel = make_queue(shop.harness, shop.account), .way = STORE_QUEUE},
    };
    struct event *event = make_event(shop.account, "a.b", SLICE("1"));
    struct id id = publish_to(shop.harness, event, targets, ARRAY_LEN(targets)).id;

    deliver(&shop, event_delivery_id(id, 0));
    harness_advance(shop.harness, US_PER_MINUTE);
    struct wall published = see_delivery(shop.harness, shop.account, event_delivery_id(id, 2)).due;
    harness_reopen(shop.harness);
    assert_state(shop.harness, shop.account, event_delivery_id(id, 0), DELIVERY_DELIVERED);
    assert_pending_due(&shop, event_delivery_id(id, 1), harness_now(shop.harness));
    assert_pending_due(&shop, event_delivery_id(id, 2), published);
    assert_int_equal(count_pending(shop.harness), 3);
}

static void a_second_restart_finds_nothing_more_to_do(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_fresh(&shop);

    harness_reopen(shop.harness);
    struct wall due = see_delivery(shop.harness, shop.account, delivery).due;
    harness_advance(shop.harness, US_PER_HOUR);
    harness_reopen(shop.harness);
    assert_pending_due(&shop, delivery, due);
    assert_int_equal(count_pending(shop.harness), 1);
}

static void what_was_tried_again_after_a_restart_can_end(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_fresh(&shop);

    harness_reopen(shop.harness);
    settle_final(shop.harness, shop.account, shop.channel, delivery, false, DELIVERY_DELIVERED);
    harness_reopen(shop.harness);
    assert_state(shop.harness, shop.account, delivery, DELIVERY_DELIVERED);
    assert_int_equal(count_pending(shop.harness), 0);
}

static void what_was_in_the_air_for_a_channel_that_is_gone_is_canceled(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_fresh(&shop);

    remove_channel(shop.harness, shop.account, shop.channel);
    harness_reopen(shop.harness);
    (void)retain_all(shop.harness, &(struct store_retain){.max = 100});
    assert_state(shop.harness, shop.account, delivery, DELIVERY_CANCELED);
    assert_int_equal(count_pending(shop.harness), 0);
}

enum { EVENTS = 3000, HANG_EACH = 7 };

/* Many more than fit between two moves of the mark. */
static void among_thousands_each_that_hung_is_found_and_no_other(void **state)
{
    struct shop shop = make_shop(state);
    struct id *deliveries = MEM_ARRAY(EVENTS, struct id);

    for (size_t i = 0; i < EVENTS; i++) {
        harness_advance(shop.harness, US_PER_MS);
        deliveries[i] = publish_fresh(&shop);
        if (i % HANG_EACH != 0) {
            deliver(&shop, deliveries[i]);
        }
    }
    harness_reopen(shop.harness);
    assert_int_equal(count_pending(shop.harness), (EVENTS + HANG_EACH - 1) / HANG_EACH);
    for (size_t i = 0; i < EVENTS; i++) {
        assert_state(shop.harness, shop.account, deliveries[i],
                     i % HANG_EACH == 0 ? DELIVERY_PENDING : DELIVERY_DELIVERED);
    }
    mem_free(deliveries);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(what_was_in_the_air_is_pending_and_due_now),
        ENGINE_TEST(what_ended_stays_as_it_ended),
        ENGINE_TEST(what_waited_keeps_its_time),
        ENGINE_TEST(of_one_event_only_what_was_in_the_air_is_tried_again),
        ENGINE_TEST(a_second_restart_finds_nothing_more_to_do),
        ENGINE_TEST(what_was_tried_again_after_a_restart_can_end),
        ENGINE_TEST(what_was_in_the_air_for_a_channel_that_is_gone_is_canceled),
        ENGINE_TEST(among_thousands_each_that_hung_is_found_and_no_other),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
