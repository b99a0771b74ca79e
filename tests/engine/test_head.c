/*
 * A queue in strict order: its head is shown again and again until it is acknowledged.
 */
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
    harness_advance(shop->harness, US_PER_MS);
    return publish_one(shop->harness, shop->account, shop->queue, STORE_QUEUE);
}

/* Shows the head, which must be this one (ID_NONE: the queue is empty); lent parts are gone. */
static struct store_message show(const struct shop *shop, struct id wanted)
{
    struct store_show show = {.account = shop->account, .channel = shop->queue};

    assert_int_equal(CALL(shop->harness, show, &show), OK);
    assert_int_equal(show.message.delivery.value, wanted.value);
    assert_int_equal(show.message.event != NULL, wanted.value != 0);
    if (wanted.value != 0) {
        assert_int_equal(show.message.event->id.value, event_of(wanted).value);
        assert_slice_is(show.message.event->data, PLAIN_DATA);
    }
    store_request_clear(&show.request);
    assert_null(show.message.event);
    return show.message;
}

static enum err answer(const struct shop *shop, enum store_answer_kind kind, struct id delivery,
                       uint32_t epoch)
{
    struct store_answer_item item = {.delivery = delivery, .epoch = epoch};
    struct store_answer answer = {
        .account = shop->account,
        .channel = shop->queue,
        .kind = kind,
        .items = &item,
        .items_len = 1,
    };

    assert_int_equal(CALL(shop->harness, answer, &answer), OK);
    return item.err;
}

/* Acknowledges what must be the head and must have been shown. */
static enum err acknowledge(const struct shop *shop, struct id delivery)
{
    return answer(shop, STORE_ACK_HEAD, delivery, 1);
}

/* Leases the oldest available message, and gives its epoch. */
static uint32_t lease(const struct shop *shop, struct id wanted)
{
    struct store_receive receive = {
        .account = shop->account,
        .channel = shop->queue,
        .max = 1,
        .bytes_max = SIZE_MAX >> 1,
        .lease_us = LEASE_US,
    };

    assert_int_equal(CALL(shop->harness, receive, &receive), OK);
    assert_int_equal(receive.messages_len, 1);
    assert_int_equal(receive.messages[0].delivery.value, wanted.value);
    uint32_t epoch = receive.messages[0].epoch;
    store_request_clear(&receive.request);
    return epoch;
}

/* ---- Showing --------------------------------------------------------------------------------- */

static void an_empty_queue_shows_nothing(void **state)
{
    struct shop shop = make_shop(state);

    (void)show(&shop, ID_NONE);
    struct id message = put(&shop);
    (void)show(&shop, message);
    assert_int_equal(acknowledge(&shop, message), OK);
    (void)show(&shop, ID_NONE);
}

static void the_head_is_shown_until_it_is_acknowledged_and_then_the_next(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop), put(&shop)};

    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        for (int round = 0; round < 3; round++) {
            (void)show(&shop, messages[i]);
            harness_advance(shop.harness, US_PER_DAY);
        }
        harness_reopen(shop.harness);
        (void)show(&shop, messages[i]);
        assert_int_equal(acknowledge(&shop, messages[i]), OK);
        assert_state(shop.harness, shop.account, messages[i], DELIVERY_DELIVERED);
    }
    (void)show(&shop, ID_NONE);
    assert_int_equal(count_pending(shop.harness), 0);
}

static void only_the_first_showing_counts(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);

    for (int round = 0; round < 3; round++) {
        struct store_message shown = show(&shop, message);

        assert_int_equal(shown.attempt, 1);
        assert_int_equal(shown.epoch, 1);
        assert_int_equal(see_delivery(shop.harness, shop.account, message).attempts, 1);
        assert_state(shop.harness, shop.account, message, DELIVERY_PENDING);
        harness_reopen(shop.harness);
    }
}

/* Both ways may be used by turns: what a lease hides from other consumers is still the head. */
static void a_lease_hides_the_head_from_nobody_who_is_shown_it(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);

    (void)put(&shop);
    for (uint32_t receives = 1; receives <= 3; receives++) {
        uint32_t epoch = lease(&shop, message);
        struct store_message shown = show(&shop, message);

        assert_int_equal(shown.attempt, receives);
        assert_int_equal(shown.epoch, epoch);
        harness_advance(shop.harness, LEASE_US);
    }
    assert_int_equal(answer(&shop, STORE_ACK, message, 3), OK);
}

static void showing_leaves_a_lease_as_it_is(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop)};

    assert_int_equal(answer(&shop, STORE_UNDO, messages[0], lease(&shop, messages[0])), OK);
    assert_int_equal(show(&shop, messages[0]).epoch, 2);
    assert_int_equal(show(&shop, messages[0]).attempt, 1);
    uint32_t epoch = lease(&shop, messages[0]);
    (void)show(&shop, messages[0]);
    (void)lease(&shop, messages[1]);
    assert_int_equal(answer(&shop, STORE_ACK, messages[0], epoch), OK);
}

static void what_was_canceled_makes_room_for_the_next(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop)};
    struct store_steer steer = {
        .kind = STORE_STEER_CANCEL, .account = shop.account, .delivery = messages[0]};

    (void)show(&shop, messages[0]);
    assert_int_equal(CALL(shop.harness, steer, &steer), OK);
    assert_int_equal(acknowledge(&shop, messages[0]), ERR_NOT_FOUND);
    (void)show(&shop, messages[1]);
}

static void what_expired_by_age_makes_room_for_the_next(void **state)
{
    struct shop shop = make_shop(state);
    struct id old = put(&shop);

    (void)show(&shop, old);
    harness_advance(shop.harness, US_PER_DAY);
    struct id young = put(&shop);
    (void)retain_all(shop.harness,
                     &(struct store_retain){
                         .payloads_before = {harness_now(shop.harness).us - US_PER_HOUR},
                         .max = 100,
                     });
    assert_state(shop.harness, shop.account, old, DELIVERY_EXPIRED);
    assert_int_equal(acknowledge(&shop, old), ERR_NOT_FOUND);
    (void)show(&shop, young);
}

static void what_is_sent_again_by_hand_has_its_old_place(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop)};
    struct store_steer steer = {
        .kind = STORE_STEER_RETRY, .account = shop.account, .delivery = messages[0]};

    (void)show(&shop, messages[0]);
    assert_int_equal(acknowledge(&shop, messages[0]), OK);
    (void)show(&shop, messages[1]);
    assert_int_equal(CALL(shop.harness, steer, &steer), OK);
    assert_int_equal(acknowledge(&shop, messages[1]), ERR_NOT_FOUND);
    (void)show(&shop, messages[0]);
    assert_int_equal(acknowledge(&shop, messages[0]), OK);
    assert_int_equal(acknowledge(&shop, messages[1]), OK);
}

static void an_account_is_shown_only_its_own(void **state)
{
    struct shop shop = make_shop(state);
    struct shop thief = shop;
    struct shop other = shop;
    struct id message = put(&shop);

    thief.account = make_account(shop.harness, "thief");
    other.queue = make_queue(shop.harness, shop.account);
    (void)show(&thief, ID_NONE);
    (void)show(&other, ID_NONE);
    (void)show(&shop, message);
    assert_int_equal(acknowledge(&thief, message), ERR_NOT_FOUND);
    assert_int_equal(acknowledge(&other, message), ERR_NOT_FOUND);
    assert_int_equal(acknowledge(&shop, message), OK);
}

static void what_is_to_be_sent_is_never_shown(void **state)
{
    struct shop shop = make_shop(state);

    shop.queue = make_webhook(shop.harness, shop.account);
    struct id delivery = publish_one(shop.harness, shop.account, shop.queue, STORE_WAITING);
    (void)show(&shop, ID_NONE);
    assert_int_equal(answer(&shop, STORE_ACK_HEAD, delivery, 0), ERR_NOT_FOUND);
    assert_state(shop.harness, shop.account, delivery, DELIVERY_PENDING);
}

/* ---- Acknowledging --------------------------------------------------------------------------- */

static void nothing_behind_the_head_is_acknowledged(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop), put(&shop)};

    (void)show(&shop, messages[0]);
    for (size_t i = 1; i < ARRAY_LEN(messages); i++) {
        assert_int_equal(answer(&shop, STORE_ACK_HEAD, messages[i], 0), ERR_NOT_FOUND);
        assert_state(shop.harness, shop.account, messages[i], DELIVERY_PENDING);
    }
    assert_int_equal(acknowledge(&shop, messages[0]), OK);
}

static void a_second_acknowledgement_finds_nothing_and_spares_the_next(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop)};

    (void)show(&shop, messages[0]);
    assert_int_equal(acknowledge(&shop, messages[0]), OK);
    assert_int_equal(acknowledge(&shop, messages[0]), ERR_NOT_FOUND);
    assert_int_equal(acknowledge(&shop, messages[1]), ERR_NOT_FOUND); /* not shown yet */
    (void)show(&shop, messages[1]);
    assert_int_equal(acknowledge(&shop, messages[0]), ERR_NOT_FOUND);
    (void)show(&shop, messages[1]);
}

static void a_head_that_was_not_shown_is_acknowledged_only_by_who_need_not_see_it(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = put(&shop);

    assert_int_equal(acknowledge(&shop, message), ERR_NOT_FOUND);
    assert_state(shop.harness, shop.account, message, DELIVERY_PENDING);
    assert_int_equal(answer(&shop, STORE_ACK_HEAD, message, 0), OK);
    assert_state(shop.harness, shop.account, message, DELIVERY_DELIVERED);
}

/* An acknowledgement implies that it came; and the delivery shows in one way for both. */
static void an_acknowledged_head_has_one_attempt_whether_it_was_shown_or_not(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop)};

    (void)show(&shop, messages[0]);
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct store_get_delivery get = {.account = shop.account, .delivery = messages[i]};

        assert_int_equal(answer(&shop, STORE_ACK_HEAD, messages[i], 0), OK);
        assert_int_equal(CALL(shop.harness, get_delivery, &get), OK);
        assert_int_equal(get.found.state, DELIVERY_DELIVERED);
        assert_int_equal(get.found.attempts, 1);
        assert_int_equal(get.attempts_len, 1);
        assert_int_equal(get.attempts[0].number, 1);
        assert_int_equal(get.attempts[0].outcome, ATTEMPT_DELIVERED);
        store_request_clear(&get.request);
    }
}

static void one_request_acknowledges_several_each_of_which_is_the_head_by_then(void **state)
{
    struct shop shop = make_shop(state);
    const struct id messages[] = {put(&shop), put(&shop), put(&shop)};
    struct store_answer_item items[] = {
        {.delivery = messages[0]},
        {.delivery = messages[2]},
        {.delivery = messages[1]},
        {.delivery = messages[0]},
    };
    struct store_answer answer = {
        .account = shop.account,
        .channel = shop.queue,
        .kind = STORE_ACK_HEAD,
        .items = items,
        .items_len = ARRAY_LEN(items),
    };

    assert_int_equal(CALL(shop.harness, answer, &answer), OK);
    assert_int_equal(items[0].err, OK);
    assert_int_equal(items[1].err, ERR_NOT_FOUND);
    assert_int_equal(items[2].err, OK);
    assert_int_equal(items[3].err, ERR_NOT_FOUND);
    (void)show(&shop, messages[2]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(an_empty_queue_shows_nothing),
        ENGINE_TEST(the_head_is_shown_until_it_is_acknowledged_and_then_the_next),
        ENGINE_TEST(only_the_first_showing_counts),
        ENGINE_TEST(a_lease_hides_the_head_from_nobody_who_is_shown_it),
        ENGINE_TEST(showing_leaves_a_lease_as_it_is),
        ENGINE_TEST(what_was_canceled_makes_room_for_the_next),
        ENGINE_TEST(what_expired_by_age_makes_room_for_the_next),
        ENGINE_TEST(what_is_sent_again_by_hand_has_its_old_place),
        ENGINE_TEST(an_account_is_shown_only_its_own),
        ENGINE_TEST(what_is_to_be_sent_is_never_shown),
        ENGINE_TEST(nothing_behind_the_head_is_acknowledged),
        ENGINE_TEST(a_second_acknowledgement_finds_nothing_and_spares_the_next),
        ENGINE_TEST(a_head_that_was_not_shown_is_acknowledged_only_by_who_need_not_see_it),
        ENGINE_TEST(an_acknowledged_head_has_one_attempt_whether_it_was_shown_or_not),
        ENGINE_TEST(one_request_acknowledges_several_each_of_which_is_the_head_by_then),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
