/*
 * Polling without leases: reading on behind a message, and acknowledging by name.
 */
#include "harness.h"

#define LEASE_US US_PER_MINUTE

struct shop {
    struct harness *harness;
    struct id account, queue;
    struct id messages[6];
};

static struct id put(const struct shop *shop)
{
    harness_advance(shop->harness, US_PER_MS);
    return publish_one(shop->harness, shop->account, shop->queue, STORE_QUEUE);
}

/* A queue with messages in it. */
static struct shop make_shop(void **state)
{
    struct shop shop = {.harness = *state};

    shop.account = make_account(shop.harness, "acme");
    shop.queue = make_queue(shop.harness, shop.account);
    for (size_t i = 0; i < ARRAY_LEN(shop.messages); i++) {
        shop.messages[i] = put(&shop);
    }
    return shop;
}

static struct store_receive receive_of(const struct shop *shop)
{
    return (struct store_receive){
        .account = shop->account,
        .channel = shop->queue,
        .max = 10,
        .bytes_max = SIZE_MAX >> 1,
    };
}

/* Receives, and expects `len` of the shop's messages from `first` on. */
static void expect_by(const struct shop *shop, struct store_receive *receive, size_t first,
                      size_t len)
{
    assert_int_equal(CALL(shop->harness, receive, receive), OK);
    assert_int_equal(receive->messages_len, len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(receive->messages[i].delivery.value, shop->messages[first + i].value);
    }
    store_request_clear(&receive->request);
}

static void expect(const struct shop *shop, int64_t lease_us, size_t first, size_t len)
{
    struct store_receive receive = receive_of(shop);

    receive.lease_us = lease_us;
    expect_by(shop, &receive, first, len);
}

static void expect_after(const struct shop *shop, struct id after, int64_t lease_us, size_t first,
                         size_t len)
{
    struct store_receive receive = receive_of(shop);

    receive.after = after;
    receive.lease_us = lease_us;
    expect_by(shop, &receive, first, len);
}

/* ---- Reading on ------------------------------------------------------------------------------ */

static void behind_a_message_only_later_ones_come(void **state)
{
    struct shop shop = make_shop(state);

    for (int round = 0; round < 2; round++) {
        expect_after(&shop, shop.messages[2], 0, 3, 3);
        expect_after(&shop, event_of(shop.messages[2]), 0, 2, 4);
        expect_after(&shop, shop.messages[5], 0, 0, 0);
        expect(&shop, 0, 0, 6);
    }
}

static void reading_on_goes_through_all_of_them(void **state)
{
    struct shop shop = make_shop(state);
    struct store_receive receive = receive_of(&shop);

    receive.max = 2;
    for (size_t i = 0; i < ARRAY_LEN(shop.messages); i += 2) {
        expect_by(&shop, &receive, i, 2);
        assert_int_equal(receive.has_more, i + 2 < ARRAY_LEN(shop.messages));
        receive.after = shop.messages[i + 1];
    }
    expect_by(&shop, &receive, 0, 0);
    assert_false(receive.has_more);
}

/* What was leased behind a message must not hide what stands before it. */
static void what_was_passed_over_still_comes_to_who_does_not_pass_it_over(void **state)
{
    struct shop shop = make_shop(state);

    expect_after(&shop, shop.messages[3], LEASE_US, 4, 2);
    expect(&shop, LEASE_US, 0, 4);
    expect(&shop, LEASE_US, 0, 0);
    harness_advance(shop.harness, LEASE_US);
    expect(&shop, LEASE_US, 0, 6);
}

static void what_stands_between_two_leases_still_comes(void **state)
{
    struct shop shop = make_shop(state);
    struct store_receive receive = receive_of(&shop);

    receive.max = 2;
    receive.lease_us = LEASE_US;
    expect_by(&shop, &receive, 0, 2);
    expect_after(&shop, shop.messages[3], LEASE_US, 4, 2);
    expect_after(&shop, shop.messages[0], LEASE_US, 2, 2);
    expect(&shop, LEASE_US, 0, 0);
}

static void behind_a_message_the_first_lease_that_ends_there_is_told(void **state)
{
    struct shop shop = make_shop(state);
    struct store_receive receive = receive_of(&shop);

    receive.max = 1;
    receive.lease_us = LEASE_US;
    expect_by(&shop, &receive, 0, 1);
    expect_after(&shop, shop.messages[3], 3 * LEASE_US, 4, 2);
    receive = receive_of(&shop);
    receive.after = shop.messages[3];
    expect_by(&shop, &receive, 0, 0);
    assert_int_equal(receive.next_available.us, harness_now(shop.harness).us + 3 * LEASE_US);
    receive.after = shop.messages[5];
    expect_by(&shop, &receive, 0, 0);
    assert_int_equal(receive.next_available.us, WALL_NEVER.us);
}

/* ---- By name --------------------------------------------------------------------------------- */

static enum err answer_since(const struct shop *shop, struct id delivery, struct wall since)
{
    struct store_answer_item item = {.delivery = delivery, .epoch = 1000, .err = ERR_STALE};
    struct store_answer answer = {
        .account = shop->account,
        .channel = shop->queue,
        .kind = STORE_ACK_NAMED,
        .since = since,
        .items = &item,
        .items_len = 1,
    };

    assert_int_equal(CALL(shop->harness, answer, &answer), OK);
    return item.err;
}

static enum err acknowledge(const struct shop *shop, struct id delivery)
{
    return answer_since(shop, delivery, (struct wall){0});
}

static void a_message_is_acknowledged_by_its_name_however_often_it_came(void **state)
{
    struct shop shop = make_shop(state);

    expect(&shop, 0, 0, 6);
    expect(&shop, 0, 0, 6);
    assert_int_equal(acknowledge(&shop, shop.messages[0]), OK);
    assert_state(shop.harness, shop.account, shop.messages[0], DELIVERY_DELIVERED);
    expect(&shop, 0, 1, 5);
}

static void and_while_somebody_holds_a_lease_on_it(void **state)
{
    struct shop shop = make_shop(state);

    expect(&shop, LEASE_US, 0, 6);
    assert_int_equal(acknowledge(&shop, shop.messages[3]), OK);
    assert_state(shop.harness, shop.account, shop.messages[3], DELIVERY_DELIVERED);
    harness_advance(shop.harness, LEASE_US);
    expect_after(&shop, shop.messages[3], LEASE_US, 4, 2);
    expect(&shop, LEASE_US, 0, 3);
}

static void and_before_it_ever_came(void **state)
{
    struct shop shop = make_shop(state);
    struct store_get_delivery get = {.account = shop.account, .delivery = shop.messages[5]};

    assert_int_equal(acknowledge(&shop, shop.messages[5]), OK);
    assert_int_equal(CALL(shop.harness, get_delivery, &get), OK);
    assert_int_equal(get.found.state, DELIVERY_DELIVERED);
    assert_int_equal(get.found.attempts, 1);
    assert_int_equal(get.attempts_len, 1);
    store_request_clear(&get.request);
    expect(&shop, 0, 0, 5);
}

static void acknowledging_again_is_fine_and_changes_nothing(void **state)
{
    struct shop shop = make_shop(state);
    struct store_get_delivery get = {.account = shop.account};

    expect(&shop, LEASE_US, 0, 6);
    harness_advance(shop.harness, LEASE_US);
    expect(&shop, 0, 0, 6);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(shop.messages); i++) {
            assert_int_equal(acknowledge(&shop, shop.messages[i]), OK);
            get.delivery = shop.messages[i];
            assert_int_equal(CALL(shop.harness, get_delivery, &get), OK);
            assert_int_equal(get.found.state, DELIVERY_DELIVERED);
            assert_int_equal(get.found.attempts, 2);
            assert_int_equal(get.attempts_len, 1);
            store_request_clear(&get.request);
        }
        harness_reopen(shop.harness);
    }
    expect(&shop, 0, 0, 0);
}

static void what_was_acknowledged_automatically_may_be_acknowledged_too(void **state)
{
    struct shop shop = make_shop(state);
    struct store_receive receive = receive_of(&shop);

    receive.is_auto_ack = true;
    expect_by(&shop, &receive, 0, 6);
    assert_int_equal(acknowledge(&shop, shop.messages[0]), OK);
}

static void one_request_may_name_a_message_twice(void **state)
{
    struct shop shop = make_shop(state);
    struct store_answer_item items[] = {
        {.delivery = shop.messages[1]},
        {.delivery = shop.queue},
        {.delivery = shop.messages[1]},
        {.delivery = shop.messages[2]},
    };
    struct store_answer answer = {
        .account = shop.account,
        .channel = shop.queue,
        .kind = STORE_ACK_NAMED,
        .items = items,
        .items_len = ARRAY_LEN(items),
    };

    assert_int_equal(CALL(shop.harness, answer, &answer), OK);
    assert_int_equal(items[0].err, OK);
    assert_int_equal(items[1].err, ERR_NOT_FOUND);
    assert_int_equal(items[2].err, OK);
    assert_int_equal(items[3].err, OK);
    assert_int_equal(count_pending(shop.harness), 4);
}

static void what_ended_otherwise_cannot_be_acknowledged(void **state)
{
    struct shop shop = make_shop(state);
    struct id canceled = shop.messages[1];
    struct store_receive receive = receive_of(&shop);
    struct store_steer steer = {
        .kind = STORE_STEER_CANCEL, .account = shop.account, .delivery = canceled};

    receive.max = 1;
    expect_by(&shop, &receive, 0, 1);
    assert_int_equal(CALL(shop.harness, steer, &steer), OK);
    receive.max_receives = 1;
    expect_by(&shop, &receive, 2, 1); /* the first has failed by this */
    assert_int_equal(acknowledge(&shop, canceled), ERR_NOT_FOUND);
    assert_int_equal(acknowledge(&shop, shop.messages[0]), ERR_NOT_FOUND);
    assert_state(shop.harness, shop.account, canceled, DELIVERY_CANCELED);
    assert_state(shop.harness, shop.account, shop.messages[0], DELIVERY_FAILED);
}

static void what_was_ended_or_removed_by_age_cannot_be_acknowledged(void **state)
{
    struct shop shop = make_shop(state);
    struct store_retain limits = {.max = 100};

    assert_int_equal(acknowledge(&shop, shop.messages[0]), OK);
    harness_advance(shop.harness, US_PER_DAY);
    (void)put(&shop);
    limits.payloads_before.us = harness_now(shop.harness).us - US_PER_HOUR;
    (void)retain_all(shop.harness, &limits);
    assert_int_equal(acknowledge(&shop, shop.messages[0]), OK);
    assert_int_equal(acknowledge(&shop, shop.messages[1]), ERR_NOT_FOUND);
    assert_state(shop.harness, shop.account, shop.messages[1], DELIVERY_EXPIRED);
    limits.rest_before = limits.payloads_before;
    (void)retain_all(shop.harness, &limits);
    assert_int_equal(acknowledge(&shop, shop.messages[0]), ERR_NOT_FOUND);
}

/* By the age of the event, and whether it was acknowledged before or not. */
static void what_is_too_old_cannot_be_acknowledged(void **state)
{
    struct shop shop = make_shop(state);
    struct wall made = id_time(event_of(shop.messages[3]));
    const struct wall behind = {made.us + 1};

    assert_int_equal(acknowledge(&shop, shop.messages[2]), OK);
    assert_int_equal(answer_since(&shop, shop.messages[2], made), ERR_NOT_FOUND);
    assert_int_equal(answer_since(&shop, shop.messages[3], behind), ERR_NOT_FOUND);
    assert_state(shop.harness, shop.account, shop.messages[3], DELIVERY_PENDING);
    assert_int_equal(answer_since(&shop, shop.messages[3], made), OK);
    assert_int_equal(answer_since(&shop, shop.messages[3], made), OK);
    assert_int_equal(answer_since(&shop, shop.messages[4], made), OK);
}

static void what_is_not_of_this_queue_and_account_cannot_be_acknowledged(void **state)
{
    struct shop shop = make_shop(state);
    struct shop thief = shop;
    struct shop other = shop;

    thief.account = make_account(shop.harness, "thief");
    other.queue = make_queue(shop.harness, shop.account);
    assert_int_equal(acknowledge(&shop, shop.messages[0]), OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(acknowledge(&thief, shop.messages[i]), ERR_NOT_FOUND);
        assert_int_equal(acknowledge(&other, shop.messages[i]), ERR_NOT_FOUND);
    }
    assert_int_equal(acknowledge(&shop, ID_NONE), ERR_NOT_FOUND);
    assert_int_equal(acknowledge(&shop, event_of(shop.messages[1])), ERR_NOT_FOUND);
    assert_int_equal(acknowledge(&shop, (struct id){UINT64_MAX >> 1}), ERR_NOT_FOUND);
    assert_int_equal(count_pending(shop.harness), 5);
}

static void a_delivery_that_is_sent_cannot_be_acknowledged(void **state)
{
    struct shop shop = make_shop(state);

    shop.queue = make_webhook(shop.harness, shop.account);
    struct id delivered = publish_one(shop.harness, shop.account, shop.queue, STORE_FRESH);
    struct id waiting = publish_one(shop.harness, shop.account, shop.queue, STORE_WAITING);
    settle_final(shop.harness, shop.account, shop.queue, delivered, true, DELIVERY_DELIVERED);
    assert_int_equal(acknowledge(&shop, delivered), ERR_NOT_FOUND);
    assert_int_equal(acknowledge(&shop, waiting), ERR_NOT_FOUND);
    assert_state(shop.harness, shop.account, waiting, DELIVERY_PENDING);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(behind_a_message_only_later_ones_come),
        ENGINE_TEST(reading_on_goes_through_all_of_them),
        ENGINE_TEST(what_was_passed_over_still_comes_to_who_does_not_pass_it_over),
        ENGINE_TEST(what_stands_between_two_leases_still_comes),
        ENGINE_TEST(behind_a_message_the_first_lease_that_ends_there_is_told),
        ENGINE_TEST(a_message_is_acknowledged_by_its_name_however_often_it_came),
        ENGINE_TEST(and_while_somebody_holds_a_lease_on_it),
        ENGINE_TEST(and_before_it_ever_came),
        ENGINE_TEST(acknowledging_again_is_fine_and_changes_nothing),
        ENGINE_TEST(what_was_acknowledged_automatically_may_be_acknowledged_too),
        ENGINE_TEST(one_request_may_name_a_message_twice),
        ENGINE_TEST(what_ended_otherwise_cannot_be_acknowledged),
        ENGINE_TEST(what_was_ended_or_removed_by_age_cannot_be_acknowledged),
        ENGINE_TEST(what_is_too_old_cannot_be_acknowledged),
        ENGINE_TEST(what_is_not_of_this_queue_and_account_cannot_be_acknowledged),
        ENGINE_TEST(a_delivery_that_is_sent_cannot_be_acknowledged),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
