/*
 * What time ends: payloads, queue messages, idempotency keys, and at last everything.
 */
#include "harness.h"

#include <string.h>

#define PAYLOAD_AGE_US (30 * US_PER_DAY)
#define REST_AGE_US (90 * US_PER_DAY)

struct shop {
    struct harness *harness;
    struct id account, channel, queue;
};

static struct shop make_shop(void **state)
{
    struct shop shop = {.harness = *state};

    shop.account = make_account(shop.harness, "acme");
    shop.channel = make_webhook(shop.harness, shop.account);
    shop.queue = make_queue(shop.harness, shop.account);
    return shop;
}

static struct id publish_way(const struct shop *shop, enum store_way way)
{
    return publish_one(shop->harness, shop->account,
                       way == STORE_QUEUE ? shop->queue : shop->channel, way);
}

static struct id publish_delivered(const struct shop *shop)
{
    struct id delivery = publish_way(shop, STORE_FRESH);

    settle_final(shop->harness, shop->account, shop->channel, delivery, true, DELIVERY_DELIVERED);
    return delivery;
}

/* What the keeper would ask for at this hour, in slices of max. */
static uint64_t retain_by(const struct shop *shop, uint32_t max)
{
    int64_t now_us = harness_now(shop->harness).us;

    return retain_all(shop->harness, &(struct store_retain){
                                         .payloads_before = {now_us - PAYLOAD_AGE_US},
                                         .rest_before = {now_us - REST_AGE_US},
                                         .idempotency_before = {now_us - STORE_IDEMPOTENCY_US},
                                         .max = max,
                                     });
}

static uint64_t retain(const struct shop *shop)
{
    return retain_by(shop, 1000);
}

/* The delivery's event as it is now; one reference; NULL when it is gone. */
static struct event *read_event(const struct shop *shop, struct id delivery)
{
    struct store_get_event get = {.account = shop->account, .event = event_of(delivery)};
    struct event *event = NULL;

    if (CALL(shop->harness, get_event, &get) == OK) {
        event = event_hold(get.found);
        assert_int_equal(get.deliveries_len, 1);
    }
    store_request_clear(&get.request);
    return event;
}

static bool has_data(const struct shop *shop, struct id delivery)
{
    struct event *event = read_event(shop, delivery);

    assert_non_null(event);
    bool has = event->data.len > 0;
    event_release(event);
    return has;
}

static bool is_gone(const struct shop *shop, struct id delivery)
{
    struct store_get_delivery get = {.account = shop->account, .delivery = delivery};
    struct event *event = read_event(shop, delivery);
    bool is_gone = CALL(shop->harness, get_delivery, &get) == ERR_NOT_FOUND;

    assert_int_equal(event == NULL, is_gone); /* they go together */
    store_request_clear(&get.request);
    event_release(event);
    return is_gone;
}

static bool comes(const struct shop *shop)
{
    struct store_receive receive = {
        .account = shop->account, .channel = shop->queue, .max = 1, .bytes_max = 1000};

    assert_int_equal(CALL(shop->harness, receive, &receive), OK);
    bool has_come = receive.messages_len > 0;
    store_request_clear(&receive.request);
    return has_come;
}

/* ---- Payloads -------------------------------------------------------------------------------- */

static void an_old_event_loses_its_data_and_nothing_else(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_delivered(&shop);

    harness_advance(shop.harness, PAYLOAD_AGE_US + US_PER_DAY);
    assert_true(retain(&shop) > 0);
    for (int round = 0; round < 2; round++) {
        struct event *event = read_event(&shop, delivery);
        struct store_get_delivery get = {.account = shop.account, .delivery = delivery};

        assert_int_equal(event->data.len, 0);
        assert_slice_is(event->type, "order.created");
        assert_slice_is(event->content_type, "application/json");
        event_release(event);
        assert_int_equal(CALL(shop.harness, get_delivery, &get), OK);
        assert_int_equal(get.found.state, DELIVERY_DELIVERED);
        assert_int_equal(get.attempts_len, 1);
        store_request_clear(&get.request);
        harness_reopen(shop.harness);
    }
}

static void a_young_event_keeps_its_data(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_delivered(&shop);

    harness_advance(shop.harness, PAYLOAD_AGE_US - US_PER_DAY);
    (void)retain(&shop);
    assert_true(has_data(&shop, delivery));
}

static void an_event_keeps_its_data_while_a_delivery_is_pending(void **state)
{
    struct shop shop = make_shop(state);
    struct id waiting = publish_way(&shop, STORE_WAITING);
    struct id fresh = publish_way(&shop, STORE_FRESH);

    harness_advance(shop.harness, PAYLOAD_AGE_US + US_PER_DAY);
    (void)retain(&shop);
    assert_true(has_data(&shop, waiting));
    assert_true(has_data(&shop, fresh));
    assert_state(shop.harness, shop.account, waiting, DELIVERY_PENDING);
    settle_final(shop.harness, shop.account, shop.channel, waiting, false, DELIVERY_FAILED);
    settle_final(shop.harness, shop.account, shop.channel, fresh, true, DELIVERY_DELIVERED);
    harness_advance(shop.harness, US_PER_DAY);
    (void)retain(&shop);
    assert_false(has_data(&shop, waiting)); /* and then it goes */
    assert_false(has_data(&shop, fresh));
}

static void data_that_is_gone_cannot_be_sent_again(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_delivered(&shop);
    struct store_steer steer = {
        .kind = STORE_STEER_RETRY, .account = shop.account, .delivery = delivery};

    harness_advance(shop.harness, PAYLOAD_AGE_US + US_PER_DAY);
    (void)retain(&shop);
    assert_int_equal(CALL(shop.harness, steer, &steer), ERR_CONFLICT);
    assert_state(shop.harness, shop.account, delivery, DELIVERY_DELIVERED);
}

/* ---- The queue ------------------------------------------------------------------------------- */

static void old_queue_messages_expire(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = publish_way(&shop, STORE_QUEUE);

    harness_advance(shop.harness, PAYLOAD_AGE_US - US_PER_DAY);
    (void)retain(&shop);
    assert_true(comes(&shop));
    harness_advance(shop.harness, 2 * US_PER_DAY);
    (void)retain(&shop);
    assert_false(comes(&shop));
    assert_state(shop.harness, shop.account, message, DELIVERY_EXPIRED);
    assert_int_equal(count_pending(shop.harness), 0);
    assert_false(has_data(&shop, message));
    harness_reopen(shop.harness);
    assert_false(comes(&shop));
    assert_state(shop.harness, shop.account, message, DELIVERY_EXPIRED);
}

static void messages_that_wait_for_ever_outlive_their_age(void **state)
{
    struct shop shop = make_shop(state);

    shop.queue =
        make_channel(shop.harness, shop.account, "{\"kind\":\"queue\",\"dialect\":\"wapi\"}");
    struct id message = publish_way(&shop, STORE_QUEUE);
    for (int year = 0; year < 3; year++) {
        harness_advance(shop.harness, 365 * US_PER_DAY);
        (void)retain(&shop);
        assert_true(comes(&shop));
        assert_true(has_data(&shop, message));
        harness_reopen(shop.harness);
    }
    assert_state(shop.harness, shop.account, message, DELIVERY_PENDING);
}

static void what_waited_past_its_age_loses_its_data_when_it_is_fetched(void **state)
{
    struct shop shop = make_shop(state);
    struct store_answer_item item = {0};
    struct store_answer answer = {
        .account = shop.account, .kind = STORE_ACK_NAMED, .items = &item, .items_len = 1};

    shop.queue =
        make_channel(shop.harness, shop.account, "{\"kind\":\"queue\",\"dialect\":\"wapi\"}");
    item.delivery = publish_way(&shop, STORE_QUEUE);
    answer.channel = shop.queue;
    harness_advance(shop.harness, PAYLOAD_AGE_US + US_PER_DAY);
    (void)retain(&shop);
    assert_true(has_data(&shop, item.delivery));
    assert_int_equal(CALL(shop.harness, answer, &answer), OK);
    assert_int_equal(item.err, OK);
    (void)retain(&shop);
    assert_false(has_data(&shop, item.delivery));
    assert_state(shop.harness, shop.account, item.delivery, DELIVERY_DELIVERED);
    harness_advance(shop.harness, REST_AGE_US);
    (void)retain(&shop);
    assert_null(read_event(&shop, item.delivery));
}

/* ---- Idempotency keys ------------------------------------------------------------------------ */

static struct id publish_keyed(const struct shop *shop)
{
    struct event *event = make_event(shop->account, "a.b", SLICE("1"));
    struct store_publish_item item = {
        .event = event, .is_idempotent = true, .idempotency = {1}, .body = {1}};
    struct store_publish publish = {.items = &item, .items_len = 1};

    assert_int_equal(CALL(shop->harness, publish, &publish), OK);
    assert_int_equal(item.err, OK);
    event_release(event);
    return item.id;
}

/* Also after the key was used anew: what time ends is the first use, not the second. */
static void a_key_goes_when_it_does_not_count_any_more(void **state)
{
    struct shop shop = make_shop(state);
    struct id first = publish_keyed(&shop);

    (void)retain(&shop);
    assert_int_equal(publish_keyed(&shop).value, first.value);
    harness_advance(shop.harness, STORE_IDEMPOTENCY_US + US_PER_SECOND);
    struct id second = publish_keyed(&shop);
    assert_true(second.value > first.value);
    (void)retain(&shop);
    assert_int_equal(publish_keyed(&shop).value, second.value);
    harness_advance(shop.harness, STORE_IDEMPOTENCY_US + US_PER_SECOND);
    assert_true(retain(&shop) > 0);
    assert_true(publish_keyed(&shop).value > second.value);
}

/* As the options say; and no longer, whether or not retain has run. */
static void a_key_counts_as_long_as_the_options_say(void **state)
{
    struct shop shop = make_shop(state);

    harness_close(shop.harness);
    shop.harness->options.idempotency_us = 3 * STORE_IDEMPOTENCY_US;
    harness_open(shop.harness);
    struct id first = publish_keyed(&shop);
    harness_advance(shop.harness, 2 * STORE_IDEMPOTENCY_US);
    assert_int_equal(publish_keyed(&shop).value, first.value);
    harness_advance(shop.harness, 2 * STORE_IDEMPOTENCY_US);
    assert_true(publish_keyed(&shop).value > first.value);
}

/* ---- Everything ------------------------------------------------------------------------------ */

static void a_very_old_event_goes_with_all_that_belongs_to_it(void **state)
{
    struct shop shop = make_shop(state);
    struct id old = publish_delivered(&shop);
    struct id failed = publish_way(&shop, STORE_FRESH);
    struct id message = publish_way(&shop, STORE_QUEUE);
    struct store_list_events list = {.page.account = shop.account,
                                     .page.to = {UINT64_MAX >> 1},
                                     .page.max = 10,
                                     .bytes_max = 1000};

    settle_final(shop.harness, shop.account, shop.channel, failed, true, DELIVERY_FAILED);
    harness_advance(shop.harness, PAYLOAD_AGE_US + US_PER_DAY);
    (void)retain(&shop);
    struct id young = publish_delivered(&shop);
    harness_advance(shop.harness, REST_AGE_US - PAYLOAD_AGE_US);
    assert_true(retain(&shop) > 0);
    for (int round = 0; round < 2; round++) {
        assert_true(is_gone(&shop, old));
        assert_true(is_gone(&shop, failed));
        assert_true(is_gone(&shop, message));
        assert_false(is_gone(&shop, young));
        assert_int_equal(CALL(shop.harness, list_events, &list), OK);
        assert_int_equal(list.events_len, 1);
        assert_int_equal(list.events[0]->id.value, event_of(young).value);
        store_request_clear(&list.request);
        harness_reopen(shop.harness);
    }
}

/* However old it is; and it goes in a later round, when its delivery has ended. */
static void a_very_old_event_stays_while_a_delivery_is_to_be_sent(void **state)
{
    struct shop shop = make_shop(state);
    struct id gone[] = {publish_delivered(&shop), ID_NONE};
    struct id waiting = publish_way(&shop, STORE_WAITING);

    gone[1] = publish_delivered(&shop);
    harness_advance(shop.harness, REST_AGE_US + US_PER_DAY);
    (void)publish_delivered(&shop);
    for (uint32_t max = 1; max < 5; max++) {
        (void)retain_by(&shop, max);
        assert_true(is_gone(&shop, gone[0]));
        assert_true(is_gone(&shop, gone[1]));
        assert_true(has_data(&shop, waiting));
        assert_state(shop.harness, shop.account, waiting, DELIVERY_PENDING);
    }
    settle_final(shop.harness, shop.account, shop.channel, waiting, false, DELIVERY_FAILED);
    (void)retain(&shop);
    assert_true(is_gone(&shop, waiting));
}

static void what_is_being_tried_for_the_first_time_is_left_alone(void **state)
{
    struct shop shop = make_shop(state);
    struct id fresh = publish_way(&shop, STORE_FRESH);

    harness_advance(shop.harness, REST_AGE_US + US_PER_DAY);
    (void)publish_way(&shop, STORE_WAITING);
    (void)retain(&shop);
    assert_true(has_data(&shop, fresh));
    assert_true(see_delivery(shop.harness, shop.account, fresh).is_fresh);
    settle_final(shop.harness, shop.account, shop.channel, fresh, true, DELIVERY_DELIVERED);
    assert_state(shop.harness, shop.account, fresh, DELIVERY_DELIVERED);
}

/* The outcome of what was canceled long ago comes when nothing is left of it. */
static void a_very_late_outcome_is_no_error(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_way(&shop, STORE_WAITING);
    struct store_settle_item item = settle_item(shop.account, shop.channel, delivery, 1);

    settle_final(shop.harness, shop.account, shop.channel, delivery, false, DELIVERY_CANCELED);
    harness_advance(shop.harness, REST_AGE_US + US_PER_DAY);
    (void)retain(&shop);
    assert_true(is_gone(&shop, delivery));
    item.next = STORE_RETRY;
    item.due = harness_now(shop.harness);
    settle(shop.harness, item);
    assert_true(is_gone(&shop, delivery));
    assert_int_equal(count_pending(shop.harness), 0);
}

/* ---- Channels that were deleted -------------------------------------------------------------- */

static void what_was_pending_for_a_deleted_channel_is_canceled(void **state)
{
    struct shop shop = make_shop(state);
    struct id waiting = publish_way(&shop, STORE_WAITING);
    struct id message = publish_way(&shop, STORE_QUEUE);
    struct id other = make_webhook(shop.harness, shop.account);
    struct id kept = publish_one(shop.harness, shop.account, other, STORE_WAITING);

    remove_channel(shop.harness, shop.account, shop.channel);
    remove_channel(shop.harness, shop.account, shop.queue);
    harness_reopen(shop.harness); /* it is not forgotten over that */
    (void)retain(&shop);
    assert_state(shop.harness, shop.account, waiting, DELIVERY_CANCELED);
    assert_state(shop.harness, shop.account, message, DELIVERY_CANCELED);
    assert_state(shop.harness, shop.account, kept, DELIVERY_PENDING);
    assert_int_equal(count_pending(shop.harness), 1);
}

static void what_was_pending_for_a_deleted_account_is_canceled(void **state)
{
    struct shop shop = make_shop(state);
    struct store_remove target = {.account = shop.account};

    (void)publish_way(&shop, STORE_WAITING);
    (void)publish_way(&shop, STORE_QUEUE);
    assert_int_equal(CALL(shop.harness, remove, &target), OK);
    (void)retain(&shop);
    assert_int_equal(count_pending(shop.harness), 0);
}

/* ---- Slices ---------------------------------------------------------------------------------- */

enum { EVENTS = 60, SLICE_MAX = 7 };

static void many_small_slices_do_all_that_one_does(void **state)
{
    struct shop shop = make_shop(state);
    struct id deliveries[EVENTS];
    struct store_retain first = {
        .payloads_before = WALL_NEVER, .idempotency_before = WALL_NEVER, .max = SLICE_MAX};

    for (size_t i = 0; i < EVENTS; i++) {
        harness_advance(shop.harness, US_PER_SECOND);
        deliveries[i] = i % 3 == 0 ? publish_way(&shop, STORE_QUEUE) : publish_delivered(&shop);
    }
    harness_advance(shop.harness, PAYLOAD_AGE_US + US_PER_DAY);
    assert_int_equal(CALL(shop.harness, retain, &first), OK);
    assert_true(first.has_more);
    assert_true(has_data(&shop, deliveries[EVENTS - 1])); /* a slice is a slice */
    (void)retain_by(&shop, SLICE_MAX);
    for (size_t i = 0; i < EVENTS; i++) {
        assert_false(has_data(&shop, deliveries[i]));
        assert_state(shop.harness, shop.account, deliveries[i],
                     i % 3 == 0 ? DELIVERY_EXPIRED : DELIVERY_DELIVERED);
    }
    harness_advance(shop.harness, REST_AGE_US);
    (void)retain_by(&shop, SLICE_MAX);
    for (size_t i = 0; i < EVENTS; i++) {
        assert_true(is_gone(&shop, deliveries[i]));
    }
    assert_int_equal(count_pending(shop.harness), 0);
}

enum { WIDE_EVENTS = 4, WIDE_TARGETS = 10 };

/* What an event's deliveries cost counts too. */
static void a_slice_ends_early_where_events_have_many_deliveries(void **state)
{
    struct shop shop = make_shop(state);
    struct store_target targets[WIDE_TARGETS];
    struct store_get_event get = {.account = shop.account};
    struct store_retain first = {.rest_before = WALL_NEVER, .max = WIDE_TARGETS + 2};

    for (size_t i = 0; i < WIDE_TARGETS; i++) {
        targets[i] = (struct store_target){.channel = shop.queue, .way = STORE_QUEUE};
    }
    for (size_t i = 0; i < WIDE_EVENTS; i++) {
        struct event *event = make_event(shop.account, "a.b", SLICE("1"));

        get.event = publish_to(shop.harness, event, targets, WIDE_TARGETS).id;
    }
    harness_advance(shop.harness, US_PER_DAY);
    (void)publish_way(&shop, STORE_WAITING);
    assert_int_equal(CALL(shop.harness, retain, &first), OK);
    assert_true(first.has_more);
    assert_int_equal(CALL(shop.harness, get_event, &get), OK);
    store_request_clear(&get.request);
    (void)retain_all(shop.harness, &first);
    assert_int_equal(CALL(shop.harness, get_event, &get), ERR_NOT_FOUND);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(an_old_event_loses_its_data_and_nothing_else),
        ENGINE_TEST(a_young_event_keeps_its_data),
        ENGINE_TEST(an_event_keeps_its_data_while_a_delivery_is_pending),
        ENGINE_TEST(data_that_is_gone_cannot_be_sent_again),
        ENGINE_TEST(old_queue_messages_expire),
        ENGINE_TEST(messages_that_wait_for_ever_outlive_their_age),
        ENGINE_TEST(what_waited_past_its_age_loses_its_data_when_it_is_fetched),
        ENGINE_TEST(a_key_goes_when_it_does_not_count_any_more),
        ENGINE_TEST(a_key_counts_as_long_as_the_options_say),
        ENGINE_TEST(a_very_old_event_goes_with_all_that_belongs_to_it),
        ENGINE_TEST(a_very_old_event_stays_while_a_delivery_is_to_be_sent),
        ENGINE_TEST(what_is_being_tried_for_the_first_time_is_left_alone),
        ENGINE_TEST(a_very_late_outcome_is_no_error),
        ENGINE_TEST(what_was_pending_for_a_deleted_channel_is_canceled),
        ENGINE_TEST(what_was_pending_for_a_deleted_account_is_canceled),
        ENGINE_TEST(many_small_slices_do_all_that_one_does),
        ENGINE_TEST(a_slice_ends_early_where_events_have_many_deliveries),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
