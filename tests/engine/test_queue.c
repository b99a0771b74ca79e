/*
 * The queue: receiving under a lease, and answering.
 */
#include "base/mem.h"
#include "harness.h"

#define LEASE_US US_PER_MINUTE

struct shop {
    struct harness *harness;
    struct id account, queue;
};

static struct shop make_shop(void **state)
{
    struct shop shop = {.harness = *state};

    shop.account = make_account(shop.harness, "acme");
    shop.queue = make_queue(shop.harness, shop.account);
    return shop;
}

static struct id put(const struct shop *shop)
{
    return publish_one(shop->harness, shop->account, shop->queue, STORE_QUEUE);
}

static struct store_receive receive_of(const struct shop *shop)
{
    return (struct store_receive){
        .account = shop->account,
        .channel = shop->queue,
        .max = 10,
        .bytes_max = SIZE_MAX >> 1,
        .lease_us = LEASE_US,
    };
}

/* Receives, and expects these messages in this order. */
static void assert_received(const struct shop *shop, struct store_receive *receive,
                            const struct id *wanted, size_t wanted_len)
{
    assert_int_equal(CALL(shop->harness, receive, receive), OK);
    assert_int_equal(receive->messages_len, wanted_len);
    for (size_t i = 0; i < wanted_len; i++) {
        assert_int_equal(receive->messages[i].delivery.value, wanted[i].value);
        assert_int_equal(receive->messages[i].event->id.value, event_of(wanted[i]).value);
        assert_slice_is(receive->messages[i].event->data, PLAIN_DATA);
    }
}

static void expect(const struct shop *shop, const struct id *wanted, size_t wanted_len)
{
    struct store_receive receive = receive_of(shop);

    assert_received(shop, &receive, wanted, wanted_len);
    store_request_clear(&receive.request);
}

/* Receives one message, which must be this one, and gives its epoch. */
static uint32_t receive_one(const struct shop *shop, struct id wanted)
{
    struct store_receive receive = receive_of(shop);

    receive.max = 1;
    assert_received(shop, &receive, &wanted, 1);
    uint32_t epoch = receive.messages[0].epoch;
    store_request_clear(&receive.request);
    return epoch;
}

static enum err answer(const struct shop *shop, enum store_answer_kind kind, struct id delivery,
                       uint32_t epoch)
{
    struct store_answer_item item = {.delivery = delivery, .epoch = epoch};
    struct store_answer answer = {
        .account = shop->account,
        .channel = shop->queue,
        .kind = kind,
        .lease_us = LEASE_US,
        .items = &item,
        .items_len = 1,
    };

    assert_int_equal(CALL(shop->harness, answer, &answer), OK);
    return item.err;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static void messages_come_in_the_order_in_which_they_were_published(void **state)
{
    struct shop shop = make_shop(state);
    struct id wanted[5];

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        wanted[i] = put(&shop);
        harness_advance(shop.harness, US_PER_SECOND);
    }
    expect(&shop, wanted, ARRAY_LEN(wanted));
}

static void a_leased_message_is_hidden_until_its_lease_ends_and_not_longer(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);

    (void)receive_one(&shop, message);
    harness_advance(shop.harness, LEASE_US - 1);
    expect(&shop, NULL, 0);
    harness_advance(shop.harness, 1);
    expect(&shop, &message, 1);
}

static void each_lease_counts(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);

    for (uint32_t i = 1; i <= 3; i++) {
        struct store_receive receive = receive_of(&shop);

        assert_received(&shop, &receive, &message, 1);
        assert_int_equal(receive.messages[0].attempt, i);
        assert_int_equal(receive.messages[0].epoch, i);
        store_request_clear(&receive.request);
        harness_advance(shop.harness, LEASE_US);
    }
    assert_int_equal(see_delivery(shop.harness, shop.account, message).attempts, 3);
}

static void a_message_whose_lease_ended_comes_before_younger_ones(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop)};

    (void)receive_one(&shop, messages[0]);
    harness_advance(shop.harness, LEASE_US);
    expect(&shop, messages, 2);
}

static void an_empty_queue_says_so(void **state)
{
    struct shop shop = make_shop(state);
    struct store_receive receive = receive_of(&shop);

    assert_received(&shop, &receive, NULL, 0);
    assert_false(receive.has_more);
    assert_int_equal(receive.next_available.us, WALL_NEVER.us);
    store_request_clear(&receive.request);
}

static void when_all_is_leased_the_end_of_the_first_lease_is_told(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop)};
    struct store_receive receive = receive_of(&shop);
    struct wall first_ends = {harness_now(shop.harness).us + LEASE_US};

    (void)receive_one(&shop, messages[0]);
    harness_advance(shop.harness, US_PER_SECOND);
    (void)receive_one(&shop, messages[1]);
    assert_received(&shop, &receive, NULL, 0);
    assert_false(receive.has_more);
    assert_int_equal(receive.next_available.us, first_ends.us);
    store_request_clear(&receive.request);
}

static void no_more_messages_come_than_wanted(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop), put(&shop)};
    struct store_receive receive = receive_of(&shop);

    receive.max = 2;
    assert_received(&shop, &receive, messages, 2);
    assert_true(receive.has_more);
    store_request_clear(&receive.request);
    receive = receive_of(&shop);
    receive.max = 1;
    assert_received(&shop, &receive, &messages[2], 1);
    assert_false(receive.has_more);
    store_request_clear(&receive.request);
}

static void no_more_bytes_come_than_wanted_but_one_message_does(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop), put(&shop), put(&shop)};
    struct store_receive receive = receive_of(&shop);

    receive.bytes_max = 1;
    assert_received(&shop, &receive, messages, 1);
    assert_true(receive.has_more);
    store_request_clear(&receive.request);
    receive = receive_of(&shop);
    receive.bytes_max = 2 * SLICE(PLAIN_DATA).len;
    assert_received(&shop, &receive, &messages[1], 2);
    assert_true(receive.has_more);
    store_request_clear(&receive.request);
}

static void without_a_lease_a_message_is_only_shown(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);
    struct store_receive receive = receive_of(&shop);

    receive.lease_us = 0;
    assert_received(&shop, &receive, &message, 1);
    store_request_clear(&receive.request);
    expect(&shop, &message, 1);
}

static void two_queues_have_each_its_own_messages(void **state)
{
    struct shop shop = make_shop(state);
    struct shop other = shop;

    other.queue = make_queue(shop.harness, shop.account);
    struct id mine = put(&shop);
    struct id theirs = put(&other);
    expect(&other, &theirs, 1);
    expect(&shop, &mine, 1);
    assert_int_equal(answer(&shop, STORE_ACK, theirs, 1), ERR_NOT_FOUND);
    assert_int_equal(answer(&other, STORE_ACK, theirs, 1), OK);
}

static void an_account_receives_and_answers_only_its_own(void **state)
{
    struct shop shop = make_shop(state);
    struct shop thief = shop;
    struct id message = put(&shop);

    thief.account = make_account(shop.harness, "thief");
    expect(&thief, NULL, 0);
    uint32_t epoch = receive_one(&shop, message);
    assert_int_equal(answer(&thief, STORE_ACK, message, epoch), ERR_NOT_FOUND);
    assert_int_equal(answer(&shop, STORE_ACK, message, epoch), OK);
}

static void automatic_acknowledgement_delivers_at_once(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);
    struct store_receive receive = receive_of(&shop);

    receive.is_auto_ack = true;
    assert_received(&shop, &receive, &message, 1);
    assert_int_equal(receive.messages[0].attempt, 1);
    store_request_clear(&receive.request);
    assert_state(shop.harness, shop.account, message, DELIVERY_DELIVERED);
    assert_int_equal(count_pending(shop.harness), 0);
    harness_reopen(shop.harness);
    expect(&shop, NULL, 0);
    assert_state(shop.harness, shop.account, message, DELIVERY_DELIVERED);
}

static void a_message_received_too_often_fails_and_the_next_one_comes(void **state)
{
    struct shop shop = make_shop(state);
    struct id poison = put(&shop);
    struct id good = put(&shop);
    struct store_receive receive = receive_of(&shop);

    for (int i = 0; i < 2; i++) {
        assert_int_equal(receive_one(&shop, poison), i + 1);
        harness_advance(shop.harness, LEASE_US);
    }
    receive.max_receives = 2;
    assert_received(&shop, &receive, &good, 1);
    store_request_clear(&receive.request);
    assert_state(shop.harness, shop.account, poison, DELIVERY_FAILED);
    assert_int_equal(see_delivery(shop.harness, shop.account, poison).attempts, 2);
    assert_int_equal(count_pending(shop.harness), 1);
}

/* A lease is never longer than STORE_LEASE_US_MAX: what says so was given by another clock. */
static void a_clock_set_back_far_frees_what_was_leased(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);

    (void)receive_one(&shop, message);
    env_manual_step_wall(&shop.harness->clock, -2 * STORE_LEASE_US_MAX);
    expect(&shop, &message, 1);
}

/* ---- Answering ------------------------------------------------------------------------------- */

static void an_acknowledged_message_is_delivered_and_never_comes_again(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);

    assert_int_equal(answer(&shop, STORE_ACK, message, receive_one(&shop, message)), OK);
    assert_state(shop.harness, shop.account, message, DELIVERY_DELIVERED);
    assert_int_equal(count_pending(shop.harness), 0);
    for (int round = 0; round < 2; round++) {
        harness_advance(shop.harness, 2 * LEASE_US);
        expect(&shop, NULL, 0);
        assert_state(shop.harness, shop.account, message, DELIVERY_DELIVERED);
        harness_reopen(shop.harness);
    }
}

static void acknowledging_twice_finds_nothing(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);
    uint32_t epoch = receive_one(&shop, message);

    assert_int_equal(answer(&shop, STORE_ACK, message, epoch), OK);
    assert_int_equal(answer(&shop, STORE_ACK, message, epoch), ERR_NOT_FOUND);
    assert_int_equal(answer(&shop, STORE_EXTEND, message, epoch), ERR_NOT_FOUND);
    assert_int_equal(answer(&shop, STORE_RELEASE, message, epoch), ERR_NOT_FOUND);
}

static void only_the_newest_lease_answers(void **state)
{
    static const enum store_answer_kind kinds[] = {STORE_ACK, STORE_RELEASE, STORE_EXTEND};
    struct shop shop = make_shop(state);
    struct id message = put(&shop);
    uint32_t old = receive_one(&shop, message);

    harness_advance(shop.harness, LEASE_US);
    uint32_t newest = receive_one(&shop, message);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        assert_int_equal(answer(&shop, kinds[i], message, old), ERR_STALE);
    }
    assert_state(shop.harness, shop.account, message, DELIVERY_PENDING);
    assert_int_equal(answer(&shop, STORE_ACK, message, newest), OK);
}

static void a_lease_that_ended_still_answers_while_nobody_else_has_the_message(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);
    uint32_t epoch = receive_one(&shop, message);

    harness_advance(shop.harness, 2 * LEASE_US);
    assert_int_equal(answer(&shop, STORE_ACK, message, epoch), OK);
    expect(&shop, NULL, 0);
}

static void a_released_message_comes_again_at_once(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop)};
    uint32_t epoch = receive_one(&shop, messages[0]);

    assert_int_equal(answer(&shop, STORE_RELEASE, messages[0], epoch), OK);
    expect(&shop, messages, 2); /* and in its old place */
    assert_int_equal(answer(&shop, STORE_ACK, messages[0], epoch), ERR_STALE);
}

/* Nobody got it, so it does not count against the receives; but its receipt is worth nothing. */
static void a_receive_that_was_undone_does_not_count(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);
    struct store_receive receive = receive_of(&shop);

    receive.max_receives = 1;
    for (int round = 0; round < 3; round++) {
        assert_received(&shop, &receive, &message, 1);
        uint32_t epoch = receive.messages[0].epoch;
        assert_int_equal(receive.messages[0].attempt, 1);
        store_request_clear(&receive.request);
        assert_int_equal(answer(&shop, STORE_UNDO, message, epoch - 1), ERR_STALE);
        assert_int_equal(answer(&shop, STORE_UNDO, message, epoch), OK);
    }
    assert_received(&shop, &receive, &message, 1);
    assert_int_equal(receive.messages[0].epoch, 4);
    store_request_clear(&receive.request);
    assert_int_equal(answer(&shop, STORE_ACK, message, 3), ERR_STALE);
    assert_int_equal(answer(&shop, STORE_ACK, message, 4), OK);
}

static void an_extended_lease_holds_from_now_on(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);
    uint32_t epoch = receive_one(&shop, message);

    harness_advance(shop.harness, LEASE_US / 2);
    assert_int_equal(answer(&shop, STORE_EXTEND, message, epoch), OK);
    harness_advance(shop.harness, LEASE_US - 1);
    expect(&shop, NULL, 0);
    assert_int_equal(answer(&shop, STORE_EXTEND, message, epoch), OK); /* the same receipt */
    harness_advance(shop.harness, LEASE_US);
    expect(&shop, &message, 1);
}

static void one_request_answers_many_each_on_its_own(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop), put(&shop)};
    struct store_answer_item items[] = {
        {.delivery = messages[0], .epoch = 1}, {.delivery = messages[1], .epoch = 7},
        {.delivery = messages[0], .epoch = 1}, {.delivery = shop.queue, .epoch = 1},
        {.delivery = messages[2], .epoch = 1},
    };
    struct store_answer answer = {
        .account = shop.account,
        .channel = shop.queue,
        .kind = STORE_ACK,
        .items = items,
        .items_len = ARRAY_LEN(items),
    };

    expect(&shop, messages, 3);
    assert_int_equal(CALL(shop.harness, answer, &answer), OK);
    assert_int_equal(items[0].err, OK);
    assert_int_equal(items[1].err, ERR_STALE);
    assert_int_equal(items[2].err, ERR_NOT_FOUND);
    assert_int_equal(items[3].err, ERR_NOT_FOUND);
    assert_int_equal(items[4].err, OK);
    assert_int_equal(count_pending(shop.harness), 1);
}

static void a_send_delivery_is_no_message(void **state)
{
    struct shop shop = make_shop(state);
    struct shop sending = shop;

    sending.queue = make_webhook(shop.harness, shop.account);
    struct id delivery = publish_one(shop.harness, shop.account, sending.queue, STORE_WAITING);
    assert_int_equal(answer(&sending, STORE_ACK, delivery, 0), ERR_NOT_FOUND);
    assert_state(shop.harness, shop.account, delivery, DELIVERY_PENDING);
}

static void an_acknowledgement_shows_as_an_attempt(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);
    struct store_get_delivery get = {.account = shop.account, .delivery = message};

    (void)receive_one(&shop, message);
    harness_advance(shop.harness, LEASE_US);
    assert_int_equal(answer(&shop, STORE_ACK, message, receive_one(&shop, message)), OK);
    assert_int_equal(CALL(shop.harness, get_delivery, &get), OK);
    assert_int_equal(get.found.attempts, 2);
    assert_int_equal(get.attempts_len, 1);
    assert_int_equal(get.attempts[0].number, 2);
    assert_int_equal(get.attempts[0].outcome, ATTEMPT_DELIVERED);
    assert_int_equal(get.attempts[0].began.us, harness_now(shop.harness).us);
    store_request_clear(&get.request);
}

/* ---- Restarts, and many ---------------------------------------------------------------------- */

static void leases_outlive_a_restart(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop)};
    uint32_t epoch = receive_one(&shop, messages[0]);

    harness_reopen(shop.harness);
    expect(&shop, &messages[1], 1);
    assert_int_equal(answer(&shop, STORE_ACK, messages[0], epoch), OK);
    harness_advance(shop.harness, LEASE_US);
    expect(&shop, &messages[1], 1);
}

enum { MANY = 3000, EACH = 100 };

/* Whoever holds the oldest thousands must not hide what comes behind them. */
static void each_of_thousands_comes_once_and_in_order(void **state)
{
    struct shop shop = make_shop(state);
    struct id *messages = MEM_ARRAY(MANY, struct id);
    size_t received = 0;

    for (size_t i = 0; i < MANY; i++) {
        harness_advance(shop.harness, US_PER_MS);
        messages[i] = put(&shop);
    }
    while (received < MANY) {
        struct store_receive receive = receive_of(&shop);

        receive.max = EACH;
        assert_received(&shop, &receive, &messages[received], EACH);
        received += receive.messages_len;
        assert_int_equal(receive.has_more, received < MANY);
        store_request_clear(&receive.request);
    }
    expect(&shop, NULL, 0);
    assert_int_equal(answer(&shop, STORE_RELEASE, messages[0], 1), OK);
    expect(&shop, &messages[0], 1); /* one in front of all the leased ones */
    mem_free(messages);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(messages_come_in_the_order_in_which_they_were_published),
        ENGINE_TEST(a_leased_message_is_hidden_until_its_lease_ends_and_not_longer),
        ENGINE_TEST(each_lease_counts),
        ENGINE_TEST(a_message_whose_lease_ended_comes_before_younger_ones),
        ENGINE_TEST(an_empty_queue_says_so),
        ENGINE_TEST(when_all_is_leased_the_end_of_the_first_lease_is_told),
        ENGINE_TEST(no_more_messages_come_than_wanted),
        ENGINE_TEST(no_more_bytes_come_than_wanted_but_one_message_does),
        ENGINE_TEST(without_a_lease_a_message_is_only_shown),
        ENGINE_TEST(two_queues_have_each_its_own_messages),
        ENGINE_TEST(an_account_receives_and_answers_only_its_own),
        ENGINE_TEST(automatic_acknowledgement_delivers_at_once),
        ENGINE_TEST(a_message_received_too_often_fails_and_the_next_one_comes),
        ENGINE_TEST(a_clock_set_back_far_frees_what_was_leased),
        ENGINE_TEST(an_acknowledged_message_is_delivered_and_never_comes_again),
        ENGINE_TEST(acknowledging_twice_finds_nothing),
        ENGINE_TEST(only_the_newest_lease_answers),
        ENGINE_TEST(a_lease_that_ended_still_answers_while_nobody_else_has_the_message),
        ENGINE_TEST(a_released_message_comes_again_at_once),
        ENGINE_TEST(a_receive_that_was_undone_does_not_count),
        ENGINE_TEST(an_extended_lease_holds_from_now_on),
        ENGINE_TEST(one_request_answers_many_each_on_its_own),
        ENGINE_TEST(a_send_delivery_is_no_message),
        ENGINE_TEST(an_acknowledgement_shows_as_an_attempt),
        ENGINE_TEST(leases_outlive_a_restart),
        ENGINE_TEST(each_of_thousands_comes_once_and_in_order),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
