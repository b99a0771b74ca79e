/*
 * What dispatch asks: what is due for a channel, which channels have something, how much there is.
 */
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

/* A pending delivery that is due `in_us` from now. */
static struct id make_due(const struct shop *shop, int64_t in_us)
{
    struct id delivery = publish_one(shop->harness, shop->account, shop->channel, STORE_WAITING);
    struct store_settle_item item = settle_item(shop->account, shop->channel, delivery, 1);

    item.next = STORE_RETRY;
    item.due.us = harness_now(shop->harness).us + in_us;
    settle(shop->harness, item);
    return delivery;
}

static struct store_take take_of(const struct shop *shop)
{
    return (struct store_take){
        .channel = shop->channel,
        .now = harness_now(shop->harness),
        .max = 100,
        .bytes_max = SIZE_MAX >> 1,
    };
}

/* Takes, and expects these deliveries in this order. */
static void assert_taken(const struct shop *shop, struct store_take *take, const struct id *wanted,
                         size_t wanted_len)
{
    assert_int_equal(CALL(shop->harness, take, take), OK);
    assert_int_equal(take->items_len, wanted_len);
    for (size_t i = 0; i < wanted_len; i++) {
        assert_int_equal(take->items[i].delivery.value, wanted[i].value);
        assert_int_equal(take->items[i].event->id.value, event_of(wanted[i]).value);
        assert_slice_is(take->items[i].event->data, PLAIN_DATA);
    }
    store_request_clear(&take->request);
}

static void what_is_due_comes_by_its_time(void **state)
{
    struct shop shop = make_shop(state);
    struct id last = make_due(&shop, -1 * US_PER_SECOND);
    struct id first = make_due(&shop, -3 * US_PER_SECOND);
    struct id second = make_due(&shop, -2 * US_PER_SECOND);
    const struct id wanted[] = {first, second, last};
    struct store_take take = take_of(&shop);

    assert_taken(&shop, &take, wanted, 3);
    assert_int_equal(take.next_due.us, WALL_NEVER.us);
}

static void what_is_due_at_one_time_comes_by_its_id(void **state)
{
    struct shop shop = make_shop(state);
    struct id wanted[5];
    struct store_take take;

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        wanted[i] = make_due(&shop, 0);
    }
    take = take_of(&shop);
    assert_taken(&shop, &take, wanted, ARRAY_LEN(wanted));
}

static void what_is_due_later_only_tells_when(void **state)
{
    struct shop shop = make_shop(state);
    struct id now = make_due(&shop, 0);
    struct store_take take;

    (void)make_due(&shop, 2 * US_PER_HOUR);
    (void)make_due(&shop, US_PER_HOUR);
    take = take_of(&shop);
    assert_taken(&shop, &take, &now, 1);
    assert_int_equal(take.next_due.us, harness_now(shop.harness).us + US_PER_HOUR);
}

static void a_delivery_tells_how_often_and_since_when(void **state)
{
    struct shop shop = make_shop(state);
    struct store_take take;

    (void)make_due(&shop, -5);
    take = take_of(&shop);
    assert_int_equal(CALL(shop.harness, take, &take), OK);
    assert_int_equal(take.items_len, 1);
    assert_int_equal(take.items[0].attempts, 1);
    assert_int_equal(take.items[0].due.us, harness_now(shop.harness).us - 5);
    store_request_clear(&take.request);
}

/* It was recorded while the clock was far ahead. It must not hide behind what is due later, nor be
 * taken before what is due. */
static void what_is_due_too_far_ahead_is_due_now(void **state)
{
    struct shop shop = make_shop(state);
    const struct id due[] = {make_due(&shop, -1), make_due(&shop, STORE_DUE_US_MAX + US_PER_DAY),
                             make_due(&shop, 400 * US_PER_DAY)};
    struct store_take take = take_of(&shop);

    (void)make_due(&shop, STORE_DUE_US_MAX);
    (void)make_due(&shop, US_PER_HOUR);
    assert_taken(&shop, &take, due, ARRAY_LEN(due));
    assert_int_equal(take.next_due.us, harness_now(shop.harness).us + US_PER_HOUR);
    take.max = 2;
    assert_taken(&shop, &take, due, 2);
    assert_int_equal(take.next_due.us, harness_now(shop.harness).us);
}

static void an_ordered_channel_gets_the_oldest_whatever_its_time(void **state)
{
    struct shop shop = make_shop(state);
    const struct id wanted[] = {make_due(&shop, US_PER_DAY), make_due(&shop, -US_PER_SECOND)};
    struct store_take take = take_of(&shop);

    take.is_ordered = true;
    assert_taken(&shop, &take, wanted, 2);
    take.max = 1;
    assert_taken(&shop, &take, wanted, 1);
    assert_int_equal(take.next_due.us, harness_now(shop.harness).us - US_PER_SECOND);
}

static void what_is_held_does_not_come_again(void **state)
{
    struct shop shop = make_shop(state);
    const struct id due[] = {make_due(&shop, -3), make_due(&shop, -2), make_due(&shop, -1)};
    const struct id held[] = {due[0], due[2]};
    struct store_take take = take_of(&shop);

    take.held = held;
    take.held_len = 2;
    assert_taken(&shop, &take, &due[1], 1);
    assert_int_equal(take.next_due.us, WALL_NEVER.us); /* they are not beyond, they are held */
    take.is_ordered = true;
    assert_taken(&shop, &take, &due[1], 1);
}

static void no_more_come_than_wanted(void **state)
{
    struct shop shop = make_shop(state);
    const struct id due[] = {make_due(&shop, -3), make_due(&shop, -2), make_due(&shop, -1)};
    struct store_take take = take_of(&shop);

    take.max = 2;
    assert_taken(&shop, &take, due, 2);
    assert_int_equal(take.next_due.us, harness_now(shop.harness).us - 1); /* more is due now */
}

static void no_more_bytes_come_than_wanted_but_one_does(void **state)
{
    struct shop shop = make_shop(state);
    const struct id due[] = {make_due(&shop, -3), make_due(&shop, -2), make_due(&shop, -1)};
    struct store_take take = take_of(&shop);

    take.bytes_max = 2 * SLICE(PLAIN_DATA).len;
    assert_taken(&shop, &take, due, 2);
    take.bytes_max = 1;
    assert_taken(&shop, &take, due, 1);
    assert_int_equal(take.next_due.us, harness_now(shop.harness).us - 2);
}

static void a_channel_gets_only_its_own(void **state)
{
    struct shop shop = make_shop(state);
    struct shop other = shop;
    struct id mine = make_due(&shop, 0);
    struct store_take take = take_of(&shop);

    other.channel = make_webhook(other.harness, other.account);
    (void)make_due(&other, 0);
    assert_taken(&shop, &take, &mine, 1);
    take.channel = other.account; /* nobody's */
    assert_taken(&shop, &take, NULL, 0);
    assert_int_equal(take.next_due.us, WALL_NEVER.us);
}

static void what_is_fresh_or_has_ended_does_not_come(void **state)
{
    struct shop shop = make_shop(state);
    struct id ended = make_due(&shop, 0);
    struct store_take take = take_of(&shop);

    (void)publish_one(shop.harness, shop.account, shop.channel, STORE_FRESH);
    settle_final(shop.harness, shop.account, shop.channel, ended, false, DELIVERY_FAILED);
    assert_taken(&shop, &take, NULL, 0);
}

static void it_comes_after_a_restart_too(void **state)
{
    struct shop shop = make_shop(state);
    struct id fresh = publish_one(shop.harness, shop.account, shop.channel, STORE_FRESH);
    struct store_take take;

    harness_reopen(shop.harness);
    take = take_of(&shop);
    assert_taken(&shop, &take, &fresh, 1);
}

/* ---- lanes and stats ------------------------------------------------------------------------- */

static const struct store_lane *find_lane(const struct store_lanes *lanes, struct id channel)
{
    const struct store_lane *found = NULL;

    for (size_t i = 0; i < lanes->lanes_len; i++) {
        if (lanes->lanes[i].channel.value == channel.value) {
            assert_null(found); /* each channel once */
            found = &lanes->lanes[i];
        }
    }
    return found;
}

static void every_send_channel_with_something_pending_is_a_lane(void **state)
{
    struct shop shop = make_shop(state);
    struct shop idle = shop;
    struct shop second = shop;
    struct store_lanes lanes = {0};

    idle.channel = make_webhook(shop.harness, shop.account);
    second.account = make_account(shop.harness, "second");
    second.channel = make_webhook(shop.harness, second.account);
    (void)make_due(&shop, 2 * US_PER_HOUR);
    (void)make_due(&shop, US_PER_HOUR);
    (void)make_due(&second, -US_PER_HOUR);
    (void)publish_one(shop.harness, shop.account, idle.channel, STORE_FRESH);
    (void)publish_one(shop.harness, shop.account, make_queue(shop.harness, shop.account),
                      STORE_QUEUE);
    assert_int_equal(CALL(shop.harness, lanes, &lanes), OK);
    assert_int_equal(lanes.lanes_len, 2);
    const struct store_lane *lane = find_lane(&lanes, shop.channel);
    assert_non_null(lane);
    assert_int_equal(lane->account.value, shop.account.value);
    assert_int_equal(lane->next_due.us, harness_now(shop.harness).us + US_PER_HOUR);
    lane = find_lane(&lanes, second.channel);
    assert_non_null(lane);
    assert_int_equal(lane->account.value, second.account.value);
    assert_int_equal(lane->next_due.us, harness_now(shop.harness).us - US_PER_HOUR);
    store_request_clear(&lanes.request);
}

static void a_lane_with_something_too_far_ahead_is_due_now(void **state)
{
    struct shop shop = make_shop(state);
    struct store_lanes lanes = {0};

    (void)make_due(&shop, US_PER_HOUR);
    (void)make_due(&shop, 400 * US_PER_DAY);
    assert_int_equal(CALL(shop.harness, lanes, &lanes), OK);
    assert_int_equal(lanes.lanes_len, 1);
    assert_int_equal(lanes.lanes[0].next_due.us, harness_now(shop.harness).us);
    store_request_clear(&lanes.request);
}

/* ---- Lists beside it ------------------------------------------------------------------------- */

static struct hold list_hold = HOLD_INIT;

static enum err list_and_hold(UNUSED struct engine_reader *reader, UNUSED struct wall now,
                              UNUSED struct store_list_deliveries *list)
{
    hold_here(&list_hold);
    return ERR_TIMEOUT;
}

static void lists_do_not_hold_up_what_is_due(void **state)
{
    struct shop shop = make_shop(state);
    struct engine_ops ops = *harness_engine();
    struct store_list_deliveries lists[5] = {0};
    struct id due = make_due(&shop, 0);
    struct store_take take = take_of(&shop);
    struct store_lanes lanes = {0};

    ops.list_deliveries = list_and_hold;
    harness_close(shop.harness);
    shop.harness->options.engine = &ops;
    harness_open(shop.harness);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        harness_send(shop.harness, STORE_CALL_list_deliveries, &lists[i].request);
    }
    hold_wait(&list_hold);
    assert_taken(&shop, &take, &due, 1);
    assert_int_equal(CALL(shop.harness, lanes, &lanes), OK);
    assert_int_equal(lanes.lanes_len, 1);
    store_request_clear(&lanes.request);
    hold_end(&list_hold);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        assert_int_equal(harness_await(shop.harness, &lists[i].request), ERR_TIMEOUT);
    }
    harness_close(shop.harness); /* before ops goes */
}

static void an_empty_store_has_no_lanes(void **state)
{
    struct harness *harness = *state;
    struct store_lanes lanes = {0};

    assert_int_equal(CALL(harness, lanes, &lanes), OK);
    assert_int_equal(lanes.lanes_len, 0);
    store_request_clear(&lanes.request);
}

static void stats_count_what_waits_and_what_it_takes(void **state)
{
    struct shop shop = make_shop(state);
    struct store_stats stats = {0};

    (void)make_due(&shop, 0);
    (void)make_due(&shop, US_PER_HOUR);
    (void)publish_one(shop.harness, shop.account, make_queue(shop.harness, shop.account),
                      STORE_QUEUE);
    assert_int_equal(CALL(shop.harness, stats, &stats), OK);
    assert_int_equal(stats.pending, 3);
    assert_true(stats.bytes > 0);
    harness_reopen(shop.harness);
    assert_int_equal(count_pending(shop.harness), 3);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(what_is_due_comes_by_its_time),
        ENGINE_TEST(what_is_due_at_one_time_comes_by_its_id),
        ENGINE_TEST(what_is_due_later_only_tells_when),
        ENGINE_TEST(a_delivery_tells_how_often_and_since_when),
        ENGINE_TEST(what_is_due_too_far_ahead_is_due_now),
        ENGINE_TEST(an_ordered_channel_gets_the_oldest_whatever_its_time),
        ENGINE_TEST(what_is_held_does_not_come_again),
        ENGINE_TEST(no_more_come_than_wanted),
        ENGINE_TEST(no_more_bytes_come_than_wanted_but_one_does),
        ENGINE_TEST(a_channel_gets_only_its_own),
        ENGINE_TEST(what_is_fresh_or_has_ended_does_not_come),
        ENGINE_TEST(it_comes_after_a_restart_too),
        ENGINE_TEST(every_send_channel_with_something_pending_is_a_lane),
        ENGINE_TEST(a_lane_with_something_too_far_ahead_is_due_now),
        ENGINE_TEST(lists_do_not_hold_up_what_is_due),
        ENGINE_TEST(an_empty_store_has_no_lanes),
        ENGINE_TEST(stats_count_what_waits_and_what_it_takes),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
