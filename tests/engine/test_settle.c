/*
 * What becomes of a delivery when the outcome of an attempt is recorded.
 */
#include "harness.h"

#include <string.h>

/* An account with a webhook, and one delivery of it. */
struct one {
    struct harness *harness;
    struct id account, channel, delivery;
};

static struct one one_delivery(void **state, enum store_way way)
{
    struct one one = {.harness = *state};

    one.account = make_account(one.harness, "acme");
    one.channel = make_webhook(one.harness, one.account);
    one.delivery = publish_one(one.harness, one.account, one.channel, way);
    return one;
}

static struct store_settle_item item_of(const struct one *one, uint32_t number)
{
    return settle_item(one->account, one->channel, one->delivery, number);
}

static struct store_delivery see(const struct one *one)
{
    return see_delivery(one->harness, one->account, one->delivery);
}

static struct wall in_an_hour(const struct one *one)
{
    return (struct wall){harness_now(one->harness).us + US_PER_HOUR};
}

/* Asks for the attempts, and expects that many. */
static void read_attempts(const struct one *one, struct store_get_delivery *get, size_t len)
{
    *get = (struct store_get_delivery){.account = one->account, .delivery = one->delivery};
    assert_int_equal(CALL(one->harness, get_delivery, get), OK);
    assert_int_equal(get->attempts_len, len);
}

/* ---- Fresh ones ------------------------------------------------------------------------------ */

static void a_fresh_delivery_is_pending_and_says_so(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);
    struct store_delivery found = see(&one);

    assert_int_equal(found.state, DELIVERY_PENDING);
    assert_true(found.is_fresh);
    assert_int_equal(found.attempts, 0);
    assert_int_equal(count_pending(one.harness), 0);
}

static void a_first_attempt_that_succeeds_ends_it(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);

    settle_final(one.harness, one.account, one.channel, one.delivery, true, DELIVERY_DELIVERED);
    struct store_delivery found = see(&one);
    assert_int_equal(found.state, DELIVERY_DELIVERED);
    assert_false(found.is_fresh);
    assert_int_equal(found.attempts, 1);
    harness_reopen(one.harness);
    assert_int_equal(see(&one).state, DELIVERY_DELIVERED);
    assert_int_equal(count_pending(one.harness), 0);
}

/* Every final state there is, from every way a delivery may have gone. */
static void each_final_state_is_kept(void **state)
{
    static const enum delivery_state finals[] = {DELIVERY_DELIVERED, DELIVERY_FAILED,
                                                 DELIVERY_REFUSED, DELIVERY_CANCELED};
    static const enum store_way ways[] = {STORE_FRESH, STORE_WAITING};
    struct one one = one_delivery(state, STORE_FRESH);

    for (size_t i = 0; i < ARRAY_LEN(finals); i++) {
        for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
            one.delivery = publish_one(one.harness, one.account, one.channel, ways[way]);
            settle_final(one.harness, one.account, one.channel, one.delivery,
                         ways[way] == STORE_FRESH, finals[i]);
            struct store_delivery found = see(&one);
            assert_int_equal(found.state, finals[i]);
            assert_int_equal(found.attempts, 1);
            assert_false(found.is_fresh);
        }
    }
    assert_int_equal(count_pending(one.harness), 0);
}

static void a_first_attempt_that_fails_makes_it_pending(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);
    struct store_settle_item item = item_of(&one, 1);

    item.is_fresh = true;
    item.next = STORE_RETRY;
    item.due = in_an_hour(&one);
    settle(one.harness, item);
    struct store_delivery found = see(&one);
    assert_int_equal(found.state, DELIVERY_PENDING);
    assert_false(found.is_fresh);
    assert_int_equal(found.attempts, 1);
    assert_int_equal(found.due.us, item.due.us);
    assert_int_equal(count_pending(one.harness), 1);
}

static void a_final_outcome_without_an_attempt_is_kept(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);
    struct store_settle_item item = item_of(&one, 0);

    item.is_fresh = true;
    item.has_attempt = false;
    item.next = STORE_FINAL;
    item.state = DELIVERY_CANCELED;
    settle(one.harness, item);
    struct store_delivery found = see(&one);
    assert_int_equal(found.state, DELIVERY_CANCELED);
    assert_int_equal(found.attempts, 0);
    assert_false(found.is_fresh);
}

/* ---- Parked ones: store.h, invariant 4 ------------------------------------------------------- */

static void park(const struct one *one, struct wall due)
{
    struct store_settle_item item = item_of(one, 0);

    item.is_fresh = true;
    item.has_attempt = false;
    item.next = STORE_PARK;
    item.due = due;
    settle(one->harness, item);
}

static void a_parked_delivery_is_pending_without_an_attempt(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);

    park(&one, WALL_NEVER);
    struct store_delivery found = see(&one);
    assert_int_equal(found.state, DELIVERY_PENDING);
    assert_false(found.is_fresh);
    assert_int_equal(found.attempts, 0);
    assert_int_equal(found.due.us, WALL_NEVER.us);
    assert_int_equal(count_pending(one.harness), 1);
}

static void a_parked_delivery_can_end(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);

    park(&one, in_an_hour(&one));
    settle_final(one.harness, one.account, one.channel, one.delivery, false, DELIVERY_DELIVERED);
    assert_int_equal(see(&one).state, DELIVERY_DELIVERED);
    assert_int_equal(count_pending(one.harness), 0);
    harness_reopen(one.harness);
    assert_int_equal(see(&one).state, DELIVERY_DELIVERED);
    assert_int_equal(see(&one).attempts, 1);
}

static void parking_a_pending_one_only_moves_it(void **state)
{
    struct one one = one_delivery(state, STORE_WAITING);
    struct store_settle_item item = item_of(&one, 0);

    item.has_attempt = false;
    item.next = STORE_PARK;
    item.due = WALL_NEVER;
    settle(one.harness, item);
    assert_int_equal(see(&one).due.us, WALL_NEVER.us);
    assert_int_equal(see(&one).attempts, 0);
    assert_int_equal(count_pending(one.harness), 1);
}

/* ---- Retries --------------------------------------------------------------------------------- */

static void each_retry_counts_and_moves_the_due_time(void **state)
{
    struct one one = one_delivery(state, STORE_WAITING);

    for (uint32_t number = 1; number <= 3; number++) {
        struct store_settle_item item = item_of(&one, number);

        harness_advance(one.harness, US_PER_MINUTE);
        item.next = STORE_RETRY;
        item.due = in_an_hour(&one);
        settle(one.harness, item);
        assert_int_equal(see(&one).attempts, number);
        assert_int_equal(see(&one).due.us, item.due.us);
        assert_int_equal(count_pending(one.harness), 1);
    }
    settle_final(one.harness, one.account, one.channel, one.delivery, false, DELIVERY_FAILED);
    assert_int_equal(see(&one).state, DELIVERY_FAILED);
    assert_int_equal(see(&one).attempts, 4);
    assert_int_equal(count_pending(one.harness), 0);
}

static void attempts_are_told_oldest_first_with_all_they_had(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);
    struct store_settle_item item = item_of(&one, 1);
    struct store_get_delivery get;

    item.is_fresh = true;
    item.next = STORE_RETRY;
    item.due = in_an_hour(&one);
    item.attempt.answer = slice_from("\0\xff\n", 3);
    settle(one.harness, item);
    harness_reopen(one.harness);
    settle_final(one.harness, one.account, one.channel, one.delivery, false, DELIVERY_DELIVERED);
    read_attempts(&one, &get, 2);
    const struct attempt *first = &get.attempts[0];
    assert_int_equal(first->number, 1);
    assert_int_equal(first->began.us, item.attempt.began.us);
    assert_int_equal(first->took_us, item.attempt.took_us);
    assert_int_equal(first->outcome, ATTEMPT_ANSWER);
    assert_int_equal(first->status, 503);
    assert_slice_is(first->detail, "HTTP 503");
    assert_int_equal(first->answer.len, 3);
    assert_memory_equal(first->answer.ptr, "\0\xff\n", 3);
    assert_int_equal(get.attempts[1].number, 2);
    assert_int_equal(get.attempts[1].outcome, ATTEMPT_DELIVERED);
    assert_true(get.attempts[1].id.value > first->id.value);
    store_request_clear(&get.request);
}

static void the_attempt_of_a_delivery_that_went_at_once_is_found(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);
    struct store_get_delivery get;

    settle_final(one.harness, one.account, one.channel, one.delivery, true, DELIVERY_DELIVERED);
    harness_reopen(one.harness);
    read_attempts(&one, &get, 1);
    assert_int_equal(get.attempts[0].outcome, ATTEMPT_DELIVERED);
    assert_int_equal(get.attempts[0].status, 200);
    store_request_clear(&get.request);
}

static void an_attempt_gets_an_id(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);
    struct store_settle_item item = item_of(&one, 1);
    struct store_settle settle = {.items = &item, .items_len = 1};

    item.is_fresh = true;
    item.next = STORE_FINAL;
    item.state = DELIVERY_DELIVERED;
    assert_int_equal(CALL(one.harness, settle, &settle), OK);
    assert_true(item.attempt.id.value > one.delivery.value);
}

static void of_many_attempts_the_newest_hundred_are_told(void **state)
{
    enum { ATTEMPTS = STORE_ATTEMPTS_MAX + 20 };
    struct one one = one_delivery(state, STORE_WAITING);
    struct store_get_delivery get;

    for (uint32_t number = 1; number <= ATTEMPTS; number++) {
        struct store_settle_item item = item_of(&one, number);

        item.next = STORE_RETRY;
        item.due = in_an_hour(&one);
        settle(one.harness, item);
    }
    read_attempts(&one, &get, STORE_ATTEMPTS_MAX);
    for (uint32_t i = 0; i < STORE_ATTEMPTS_MAX; i++) {
        assert_int_equal(get.attempts[i].number, ATTEMPTS - STORE_ATTEMPTS_MAX + 1 + i);
    }
    assert_int_equal(get.found.attempts, ATTEMPTS);
    store_request_clear(&get.request);
}

/* ---- What happened meanwhile ----------------------------------------------------------------- */

static void cancel(const struct one *one)
{
    struct store_steer steer = {
        .kind = STORE_STEER_CANCEL, .account = one->account, .delivery = one->delivery};

    assert_int_equal(CALL(one->harness, steer, &steer), OK);
}

static void a_late_outcome_of_a_canceled_one_is_recorded_and_changes_nothing(void **state)
{
    static const enum store_next nexts[] = {STORE_FINAL, STORE_RETRY};
    struct one one = one_delivery(state, STORE_WAITING);
    struct store_get_delivery get;

    cancel(&one);
    for (uint32_t i = 0; i < ARRAY_LEN(nexts); i++) {
        struct store_settle_item item = item_of(&one, i + 1);

        item.next = nexts[i];
        item.state = DELIVERY_DELIVERED;
        item.due = in_an_hour(&one);
        settle(one.harness, item);
        assert_int_equal(see(&one).state, DELIVERY_CANCELED);
    }
    assert_int_equal(count_pending(one.harness), 0);
    read_attempts(&one, &get, 2);
    assert_int_equal(get.found.attempts, 2);
    store_request_clear(&get.request);
}

static void a_fresh_retry_of_a_channel_that_is_gone_is_canceled(void **state)
{
    static const enum store_next nexts[] = {STORE_RETRY, STORE_PARK};
    struct one one = one_delivery(state, STORE_FRESH);
    struct id parked = publish_one(one.harness, one.account, one.channel, STORE_FRESH);
    const struct id deliveries[] = {one.delivery, parked};

    remove_channel(one.harness, one.account, one.channel);
    for (size_t i = 0; i < ARRAY_LEN(nexts); i++) {
        one.delivery = deliveries[i];
        struct store_settle_item item = item_of(&one, 1);

        item.is_fresh = true;
        item.has_attempt = nexts[i] == STORE_RETRY;
        item.next = nexts[i];
        item.due = in_an_hour(&one);
        settle(one.harness, item);
        assert_int_equal(see(&one).state, DELIVERY_CANCELED);
    }
    assert_int_equal(count_pending(one.harness), 0);
}

static void a_fresh_success_counts_although_its_channel_is_gone(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);

    remove_channel(one.harness, one.account, one.channel);
    settle_final(one.harness, one.account, one.channel, one.delivery, true, DELIVERY_DELIVERED);
    assert_int_equal(see(&one).state, DELIVERY_DELIVERED);
}

static void the_outcome_of_a_delivery_nobody_knows_is_no_error(void **state)
{
    struct one one = one_delivery(state, STORE_WAITING);
    struct store_settle_item item = item_of(&one, 1);

    item.next = STORE_FINAL;
    item.state = DELIVERY_DELIVERED;
    item.event = id_offset(one.delivery, 1000);
    item.delivery = event_delivery_id(item.event, 0);
    settle(one.harness, item);
    assert_int_equal(see(&one).state, DELIVERY_PENDING);
}

/* ---- Many in one request --------------------------------------------------------------------- */

static void one_request_settles_many_each_in_its_way(void **state)
{
    struct one one = one_delivery(state, STORE_FRESH);
    struct store_settle_item items[3];
    struct store_settle settle = {.items = items, .items_len = ARRAY_LEN(items)};
    struct id deliveries[] = {one.delivery,
                              publish_one(one.harness, one.account, one.channel, STORE_FRESH),
                              publish_one(one.harness, one.account, one.channel, STORE_WAITING)};

    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        items[i] = settle_item(one.account, one.channel, deliveries[i], 1);
        items[i].is_fresh = i < 2;
        items[i].next = i == 1 ? STORE_RETRY : STORE_FINAL;
        items[i].state = i == 0 ? DELIVERY_DELIVERED : DELIVERY_REFUSED;
        items[i].due = in_an_hour(&one);
    }
    assert_int_equal(CALL(one.harness, settle, &settle), OK);
    assert_state(one.harness, one.account, deliveries[0], DELIVERY_DELIVERED);
    assert_state(one.harness, one.account, deliveries[1], DELIVERY_PENDING);
    assert_state(one.harness, one.account, deliveries[2], DELIVERY_REFUSED);
    assert_true(items[0].attempt.id.value < items[1].attempt.id.value);
    assert_true(items[1].attempt.id.value < items[2].attempt.id.value);
}

static void a_channel_s_health_moves_with_an_outcome(void **state)
{
    struct one one = one_delivery(state, STORE_WAITING);
    struct store_settle_health health = {
        .account = one.account,
        .channel = one.channel,
        .health = {.state = HEALTH_WARNED, .failing_since = {123}, .changed_at = {456}},
    };
    struct store_settle settle = {.health = &health, .health_len = 1};

    assert_int_equal(CALL(one.harness, settle, &settle), OK);
    for (int round = 0; round < 2; round++) {
        const struct channel *channel = see_channel(one.harness, one.account, one.channel);

        assert_int_equal(channel->health.state, HEALTH_WARNED);
        assert_int_equal(channel->health.failing_since.us, 123);
        assert_int_equal(channel->health.changed_at.us, 456);
        harness_reopen(one.harness); /* and so it stays */
    }
}

static void what_tells_of_a_move_is_stored_with_it(void **state)
{
    struct one one = one_delivery(state, STORE_WAITING);
    struct store_target target = {.channel = make_queue(one.harness, one.account),
                                  .way = STORE_QUEUE};
    struct store_publish_item notice = {
        .event = event_new(&(struct event_parts){
            .account = one.account, .type = SLICE("tidings.a"), .data = SLICE("{}")}),
        .targets = &target,
        .targets_len = 1,
    };
    struct store_settle_health health = {.account = one.account,
                                         .channel = one.channel,
                                         .health = {.state = HEALTH_DISABLED},
                                         .notice = &notice};
    struct store_settle settle = {.health = &health, .health_len = 1};

    assert_int_equal(CALL(one.harness, settle, &settle), OK);
    assert_int_equal(notice.err, OK);
    assert_int_equal(notice.event->id.value, notice.id.value);
    event_release(notice.event);
    harness_reopen(one.harness);
    assert_state(one.harness, one.account, event_delivery_id(notice.id, 0), DELIVERY_PENDING);
    assert_int_equal(see_channel(one.harness, one.account, one.channel)->health.state,
                     HEALTH_DISABLED);
}

static void the_health_of_a_channel_that_is_gone_is_no_error(void **state)
{
    struct one one = one_delivery(state, STORE_WAITING);
    struct store_publish_item notice = {.event = event_new(&(struct event_parts){
                                            .account = one.account, .type = SLICE("tidings.a")})};
    struct store_settle_health health = {
        .account = one.account, .channel = one.channel, .notice = &notice};
    struct store_settle settle = {.health = &health, .health_len = 1};

    remove_channel(one.harness, one.account, one.channel);
    assert_int_equal(CALL(one.harness, settle, &settle), OK);
    assert_null(see_channel(one.harness, one.account, one.channel));
    assert_int_equal(notice.err, ERR_NOT_FOUND);
    assert_int_equal(notice.event->id.value, 0);
    event_release(notice.event);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_fresh_delivery_is_pending_and_says_so),
        ENGINE_TEST(a_first_attempt_that_succeeds_ends_it),
        ENGINE_TEST(each_final_state_is_kept),
        ENGINE_TEST(a_first_attempt_that_fails_makes_it_pending),
        ENGINE_TEST(a_final_outcome_without_an_attempt_is_kept),
        ENGINE_TEST(a_parked_delivery_is_pending_without_an_attempt),
        ENGINE_TEST(a_parked_delivery_can_end),
        ENGINE_TEST(parking_a_pending_one_only_moves_it),
        ENGINE_TEST(each_retry_counts_and_moves_the_due_time),
        ENGINE_TEST(attempts_are_told_oldest_first_with_all_they_had),
        ENGINE_TEST(the_attempt_of_a_delivery_that_went_at_once_is_found),
        ENGINE_TEST(an_attempt_gets_an_id),
        ENGINE_TEST(of_many_attempts_the_newest_hundred_are_told),
        ENGINE_TEST(a_late_outcome_of_a_canceled_one_is_recorded_and_changes_nothing),
        ENGINE_TEST(a_fresh_retry_of_a_channel_that_is_gone_is_canceled),
        ENGINE_TEST(a_fresh_success_counts_although_its_channel_is_gone),
        ENGINE_TEST(the_outcome_of_a_delivery_nobody_knows_is_no_error),
        ENGINE_TEST(one_request_settles_many_each_in_its_way),
        ENGINE_TEST(a_channel_s_health_moves_with_an_outcome),
        ENGINE_TEST(what_tells_of_a_move_is_stored_with_it),
        ENGINE_TEST(the_health_of_a_channel_that_is_gone_is_no_error),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
