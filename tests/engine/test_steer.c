/*
 * Retrying and canceling by hand, from each state a delivery may be in.
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

static struct id publish_way(const struct shop *shop, enum store_way way)
{
    return publish_one(shop->harness, shop->account, shop->channel, way);
}

static enum err steer(const struct shop *shop, enum store_steer_kind kind, struct id delivery)
{
    struct store_steer steer = {.kind = kind, .account = shop->account, .delivery = delivery};
    enum err err = CALL(shop->harness, steer, &steer);

    if (err == OK) {
        assert_int_equal(steer.channel.value, shop->channel.value);
    } else {
        assert_true(steer.request.diag.text[0] != '\0'); /* a person is told why */
    }
    return err;
}

static enum err retry(const struct shop *shop, struct id delivery)
{
    return steer(shop, STORE_STEER_RETRY, delivery);
}

static enum err cancel(const struct shop *shop, struct id delivery)
{
    return steer(shop, STORE_STEER_CANCEL, delivery);
}

static void make_wait(const struct shop *shop, struct id delivery, struct wall due)
{
    struct store_settle_item item = settle_item(shop->account, shop->channel, delivery, 1);

    item.next = STORE_RETRY;
    item.due = due;
    settle(shop->harness, item);
}

/* ---- Retry ----------------------------------------------------------------------------------- */

static void a_pending_one_is_due_now(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_way(&shop, STORE_WAITING);

    make_wait(&shop, delivery, WALL_NEVER);
    harness_advance(shop.harness, US_PER_MINUTE);
    assert_int_equal(retry(&shop, delivery), OK);
    struct store_delivery found = see_delivery(shop.harness, shop.account, delivery);
    assert_int_equal(found.state, DELIVERY_PENDING);
    assert_int_equal(found.due.us, harness_now(shop.harness).us);
    assert_int_equal(found.attempts, 1);
    assert_int_equal(count_pending(shop.harness), 1);
}

static void a_fresh_one_is_being_tried_anyway(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_way(&shop, STORE_FRESH);

    assert_int_equal(retry(&shop, delivery), OK);
    assert_true(see_delivery(shop.harness, shop.account, delivery).is_fresh);
    settle_final(shop.harness, shop.account, shop.channel, delivery, true, DELIVERY_DELIVERED);
    assert_state(shop.harness, shop.account, delivery, DELIVERY_DELIVERED);
}

/* From every final state, with the attempts it had; and it can end again. */
static void a_final_one_is_pending_again(void **state)
{
    static const enum delivery_state finals[] = {DELIVERY_DELIVERED, DELIVERY_FAILED,
                                                 DELIVERY_REFUSED, DELIVERY_CANCELED};
    struct shop shop = make_shop(state);

    for (size_t i = 0; i < ARRAY_LEN(finals); i++) {
        struct id delivery = publish_way(&shop, STORE_FRESH);
        struct store_get_delivery get = {.account = shop.account, .delivery = delivery};

        settle_final(shop.harness, shop.account, shop.channel, delivery, true, finals[i]);
        assert_int_equal(retry(&shop, delivery), OK);
        struct store_delivery found = see_delivery(shop.harness, shop.account, delivery);
        assert_int_equal(found.state, DELIVERY_PENDING);
        assert_false(found.is_fresh);
        assert_int_equal(found.due.us, harness_now(shop.harness).us);
        assert_int_equal(found.attempts, 1);
        assert_int_equal(count_pending(shop.harness), 1);
        harness_reopen(shop.harness);
        settle_final(shop.harness, shop.account, shop.channel, delivery, false, DELIVERY_DELIVERED);
        assert_int_equal(CALL(shop.harness, get_delivery, &get), OK);
        assert_int_equal(get.found.state, DELIVERY_DELIVERED);
        assert_int_equal(get.attempts_len, 2);
        assert_int_equal(get.attempts[0].number, 1);
        assert_int_equal(get.attempts[1].number, 2);
        store_request_clear(&get.request);
    }
    assert_int_equal(count_pending(shop.harness), 0);
}

static void a_retried_one_is_taken(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_way(&shop, STORE_FRESH);
    struct store_take take = {.channel = shop.channel, .max = 10, .bytes_max = 1000};

    settle_final(shop.harness, shop.account, shop.channel, delivery, true, DELIVERY_DELIVERED);
    assert_int_equal(retry(&shop, delivery), OK);
    take.now = harness_now(shop.harness);
    assert_int_equal(CALL(shop.harness, take, &take), OK);
    assert_int_equal(take.items_len, 1);
    assert_int_equal(take.items[0].delivery.value, delivery.value);
    assert_int_equal(take.items[0].attempts, 1);
    store_request_clear(&take.request);
}

static void a_retry_is_refused_when_the_channel_is_gone(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_way(&shop, STORE_FRESH);

    settle_final(shop.harness, shop.account, shop.channel, delivery, true, DELIVERY_FAILED);
    remove_channel(shop.harness, shop.account, shop.channel);
    assert_int_equal(retry(&shop, delivery), ERR_CONFLICT);
    assert_state(shop.harness, shop.account, delivery, DELIVERY_FAILED);
}

static void what_nobody_knows_is_not_found(void **state)
{
    struct shop shop = make_shop(state);
    struct shop thief = shop;
    struct id delivery = publish_way(&shop, STORE_WAITING);

    thief.account = make_account(shop.harness, "thief");
    assert_int_equal(retry(&thief, delivery), ERR_NOT_FOUND);
    assert_int_equal(cancel(&thief, delivery), ERR_NOT_FOUND);
    assert_int_equal(retry(&shop, event_of(delivery)), ERR_NOT_FOUND);
    assert_int_equal(cancel(&shop, event_delivery_id(event_of(delivery), 1)), ERR_NOT_FOUND);
    assert_state(shop.harness, shop.account, delivery, DELIVERY_PENDING);
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

static void a_pending_one_is_canceled(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_way(&shop, STORE_WAITING);

    make_wait(&shop, delivery, WALL_NEVER);
    assert_int_equal(cancel(&shop, delivery), OK);
    assert_state(shop.harness, shop.account, delivery, DELIVERY_CANCELED);
    assert_int_equal(see_delivery(shop.harness, shop.account, delivery).attempts, 1);
    assert_int_equal(count_pending(shop.harness), 0);
    harness_reopen(shop.harness);
    assert_state(shop.harness, shop.account, delivery, DELIVERY_CANCELED);
}

static void a_fresh_one_cannot_be_canceled(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_way(&shop, STORE_FRESH);

    assert_int_equal(cancel(&shop, delivery), ERR_CONFLICT);
    assert_true(see_delivery(shop.harness, shop.account, delivery).is_fresh);
}

static void a_final_one_cannot_be_canceled(void **state)
{
    static const enum delivery_state finals[] = {DELIVERY_DELIVERED, DELIVERY_FAILED,
                                                 DELIVERY_REFUSED, DELIVERY_CANCELED};
    struct shop shop = make_shop(state);

    for (size_t i = 0; i < ARRAY_LEN(finals); i++) {
        struct id delivery = publish_way(&shop, STORE_FRESH);

        settle_final(shop.harness, shop.account, shop.channel, delivery, true, finals[i]);
        assert_int_equal(cancel(&shop, delivery), ERR_CONFLICT);
        assert_state(shop.harness, shop.account, delivery, finals[i]);
    }
}

/* ---- The queue's ----------------------------------------------------------------------------- */

static struct shop make_queue_shop(void **state)
{
    struct shop shop = make_shop(state);

    shop.channel = make_queue(shop.harness, shop.account);
    return shop;
}

/* Receives one message and gives its epoch; 0 when none came. */
static uint32_t receive(const struct shop *shop)
{
    struct store_receive receive = {
        .account = shop->account,
        .channel = shop->channel,
        .max = 1,
        .bytes_max = 1000,
        .lease_us = US_PER_HOUR,
    };

    assert_int_equal(CALL(shop->harness, receive, &receive), OK);
    uint32_t epoch = receive.messages_len > 0 ? receive.messages[0].epoch : 0;
    store_request_clear(&receive.request);
    return epoch;
}

static enum err acknowledge(const struct shop *shop, struct id delivery, uint32_t epoch)
{
    struct store_answer_item item = {.delivery = delivery, .epoch = epoch};
    struct store_answer answer = {.account = shop->account,
                                  .channel = shop->channel,
                                  .kind = STORE_ACK,
                                  .items = &item,
                                  .items_len = 1};

    assert_int_equal(CALL(shop->harness, answer, &answer), OK);
    return item.err;
}

static void a_retry_frees_a_leased_message(void **state)
{
    struct shop shop = make_queue_shop(state);
    struct id message = publish_way(&shop, STORE_QUEUE);
    struct store_steer steer = {
        .kind = STORE_STEER_RETRY, .account = shop.account, .delivery = message};

    assert_int_equal(receive(&shop), 1);
    assert_int_equal(receive(&shop), 0);
    assert_int_equal(CALL(shop.harness, steer, &steer), OK);
    assert_true(steer.is_queue);
    assert_int_equal(receive(&shop), 2);
}

static void an_acknowledged_message_can_be_had_again(void **state)
{
    struct shop shop = make_queue_shop(state);
    struct id message = publish_way(&shop, STORE_QUEUE);

    assert_int_equal(acknowledge(&shop, message, receive(&shop)), OK);
    assert_int_equal(retry(&shop, message), OK);
    assert_state(shop.harness, shop.account, message, DELIVERY_PENDING);
    assert_true(receive(&shop) > 0);
    assert_int_equal(count_pending(shop.harness), 1);
}

/* Else a consumer that fell asleep removes what another now works on. */
static void a_receipt_from_before_a_retry_is_stale(void **state)
{
    struct shop shop = make_queue_shop(state);
    struct id message = publish_way(&shop, STORE_QUEUE);
    uint32_t old = receive(&shop);

    assert_int_equal(acknowledge(&shop, message, old), OK);
    assert_int_equal(retry(&shop, message), OK);
    uint32_t newest = receive(&shop);
    assert_int_equal(acknowledge(&shop, message, old), ERR_STALE);
    assert_state(shop.harness, shop.account, message, DELIVERY_PENDING);
    assert_int_equal(acknowledge(&shop, message, newest), OK);
}

static void a_canceled_message_does_not_come_and_cannot_be_acknowledged(void **state)
{
    struct shop shop = make_queue_shop(state);
    struct id message = publish_way(&shop, STORE_QUEUE);
    uint32_t epoch = receive(&shop);

    assert_int_equal(cancel(&shop, message), OK);
    assert_int_equal(acknowledge(&shop, message, epoch), ERR_NOT_FOUND);
    harness_advance(shop.harness, 2 * US_PER_HOUR);
    assert_int_equal(receive(&shop), 0);
    assert_state(shop.harness, shop.account, message, DELIVERY_CANCELED);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_pending_one_is_due_now),
        ENGINE_TEST(a_fresh_one_is_being_tried_anyway),
        ENGINE_TEST(a_final_one_is_pending_again),
        ENGINE_TEST(a_retried_one_is_taken),
        ENGINE_TEST(a_retry_is_refused_when_the_channel_is_gone),
        ENGINE_TEST(what_nobody_knows_is_not_found),
        ENGINE_TEST(a_pending_one_is_canceled),
        ENGINE_TEST(a_fresh_one_cannot_be_canceled),
        ENGINE_TEST(a_final_one_cannot_be_canceled),
        ENGINE_TEST(a_retry_frees_a_leased_message),
        ENGINE_TEST(an_acknowledged_message_can_be_had_again),
        ENGINE_TEST(a_receipt_from_before_a_retry_is_stale),
        ENGINE_TEST(a_canceled_message_does_not_come_and_cannot_be_acknowledged),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
