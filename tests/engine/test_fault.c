/*
 * Full and broken disks, by an engine that fails on a plan around the one under test.
 */
#include "harness.h"
#include "store/fault/fault.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the store under test follows. Not in a test's frame: the store is closed behind the test. */
static struct fault_plan plan;

struct shop {
    struct harness *harness;
    struct id account, webhook, queue;
};

/* Opens the store again on the plan, which fails nothing yet. */
static void plan_faults(struct shop *shop)
{
    harness_close(shop->harness);
    plan = (struct fault_plan){.inner = harness_engine()};
    shop->harness->options.engine = fault_engine(&plan);
    harness_open(shop->harness);
}

static void make_shop(void **state, struct shop *shop)
{
    *shop = (struct shop){.harness = *state};
    shop->account = make_account(shop->harness, "acme");
    shop->webhook = make_webhook(shop->harness, shop->account);
    shop->queue = make_queue(shop->harness, shop->account);
    plan_faults(shop);
}

static struct channel *read_channel(const struct harness *harness, const char *settings)
{
    struct channel *channel = NULL;
    struct json_doc doc;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, slice_of(settings), NULL), OK);
    assert_int_equal(channel_from_json(json_root(&doc), NULL, &harness->options.channel_defaults,
                                       &channel, NULL),
                     OK);
    json_doc_clear(&doc);
    return channel;
}

/* From the next call on. */
static void fail_next(enum fault_kind kind, enum err err, uint64_t in_calls)
{
    plan.fail_at = plan.calls + in_calls;
    plan.err = err;
    plan.kind = kind;
}

static void mend(struct shop *shop)
{
    plan.is_mended = true;
    harness_advance(shop->harness, 10 * US_PER_SECOND); /* the store looks again now and then */
}

static enum err try_publish(struct shop *shop, struct id *id)
{
    struct event *event = make_event(shop->account, "a.b", SLICE("1"));
    struct store_publish_item item = {.event = event};
    struct store_publish publish = {.items = &item, .items_len = 1};
    enum err err = CALL(shop->harness, publish, &publish);

    assert_int_equal(event->id.value, err == OK ? item.id.value : 0);
    event_release(event);
    *id = item.id;
    return err;
}

static size_t count_events(struct shop *shop)
{
    struct store_list_events list = {.page.account = shop->account,
                                     .page.to = {UINT64_MAX >> 1},
                                     .page.max = 1000,
                                     .bytes_max = 1000000};

    assert_int_equal(CALL(shop->harness, list_events, &list), OK);
    size_t len = list.events_len;
    store_request_clear(&list.request);
    return len;
}

static void acknowledge_one(struct shop *shop, struct id message)
{
    struct store_receive receive = {.account = shop->account,
                                    .channel = shop->queue,
                                    .max = 1,
                                    .bytes_max = 1000,
                                    .lease_us = US_PER_HOUR};

    assert_int_equal(CALL(shop->harness, receive, &receive), OK);
    assert_int_equal(receive.messages_len, 1);
    struct store_answer_item item = {message, receive.messages[0].epoch, OK};
    struct store_answer answer = {.account = shop->account,
                                  .channel = shop->queue,
                                  .kind = STORE_ACK,
                                  .items = &item,
                                  .items_len = 1};
    assert_int_equal(CALL(shop->harness, answer, &answer), OK);
    assert_int_equal(item.err, OK);
    store_request_clear(&receive.request);
}

/* What must have been shown. */
static enum err acknowledge_head(struct shop *shop, struct id message)
{
    struct store_answer_item item = {message, 1, OK};
    struct store_answer answer = {.account = shop->account,
                                  .channel = shop->queue,
                                  .kind = STORE_ACK_HEAD,
                                  .items = &item,
                                  .items_len = 1};

    assert_int_equal(CALL(shop->harness, answer, &answer), OK);
    return item.err;
}

/* ---- Full ------------------------------------------------------------------------------------ */

static void on_a_full_disk_events_are_refused_and_the_rest_goes_on(void **state)
{
    struct shop shop;
    struct id id;

    make_shop(state, &shop);
    struct id fresh = publish_one(shop.harness, shop.account, shop.webhook, STORE_FRESH);
    struct id message = publish_one(shop.harness, shop.account, shop.queue, STORE_QUEUE);
    fail_next(FAULT_ROOM, ERR_FULL, 1);
    assert_int_equal(try_publish(&shop, &id), ERR_FULL);
    assert_true(store_is_full(shop.harness->store));
    settle_final(shop.harness, shop.account, shop.webhook, fresh, true, DELIVERY_DELIVERED);
    acknowledge_one(&shop, message);
    assert_int_equal(try_publish(&shop, &id), ERR_FULL);
    assert_state(shop.harness, shop.account, fresh, DELIVERY_DELIVERED);
    assert_state(shop.harness, shop.account, message, DELIVERY_DELIVERED);
    assert_int_equal(count_events(&shop), 2);
}

/* Whether it is rolled back by its own failure or by that of the commit. */
static void a_show_that_was_rolled_back_hands_out_nothing_and_notes_nothing(void **state)
{
    struct shop shop;

    make_shop(state, &shop);
    struct id message = publish_one(shop.harness, shop.account, shop.queue, STORE_QUEUE);
    struct store_show show = {.account = shop.account, .channel = shop.queue};

    for (uint64_t in_calls = 2; in_calls <= 3; in_calls++) {
        plan.is_mended = false;
        fail_next(FAULT_LASTING, ERR_FULL, in_calls);
        assert_int_equal(CALL(shop.harness, show, &show), ERR_FULL);
        assert_null(show.message.event);
        mend(&shop);
        assert_int_equal(acknowledge_head(&shop, message), ERR_NOT_FOUND);
    }
    assert_int_equal(CALL(shop.harness, show, &show), OK);
    assert_int_equal(show.message.delivery.value, message.value);
    assert_int_equal(show.message.attempt, 1);
    store_request_clear(&show.request);
}

/* Once: it is written again without room for events. */
static void on_a_full_disk_the_head_of_a_queue_is_shown_and_acknowledged(void **state)
{
    struct shop shop;

    make_shop(state, &shop);
    struct id message = publish_one(shop.harness, shop.account, shop.queue, STORE_QUEUE);
    struct store_show show = {.account = shop.account, .channel = shop.queue};

    fail_next(FAULT_ONCE, ERR_FULL, 3);
    assert_int_equal(CALL(shop.harness, show, &show), OK);
    assert_int_equal(show.message.delivery.value, message.value);
    assert_int_equal(show.message.attempt, 1);
    store_request_clear(&show.request);
    assert_true(store_is_full(shop.harness->store));
    assert_int_equal(acknowledge_head(&shop, message), OK);
    assert_state(shop.harness, shop.account, message, DELIVERY_DELIVERED);
}

static void events_are_taken_again_when_there_is_room(void **state)
{
    struct shop shop;
    struct id id;

    make_shop(state, &shop);
    fail_next(FAULT_ROOM, ERR_FULL, 1);
    assert_int_equal(try_publish(&shop, &id), ERR_FULL);
    mend(&shop);
    assert_int_equal(try_publish(&shop, &id), OK);
    assert_false(store_is_full(shop.harness->store));
    harness_reopen(shop.harness);
    assert_int_equal(count_events(&shop), 1);
}

static void settings_are_refused_on_a_full_disk_and_nobody_sees_them(void **state)
{
    struct shop shop;
    struct store_put_key put;

    make_shop(state, &shop);
    uint8_t hash[SHA256_BYTES] = {1};
    put = (struct store_put_key){
        .key = key_new(ID_NONE, hash, KEY_ADMIN, ID_NONE, SLICE(""), (struct wall){0})};
    fail_next(FAULT_ROOM, ERR_FULL, 1);
    assert_int_equal(CALL(shop.harness, put_key, &put), ERR_FULL);
    assert_null(directory_key(store_view(shop.harness->store, &shop.harness->view), hash));
    mend(&shop);
    assert_int_equal(CALL(shop.harness, put_key, &put), OK);
    assert_non_null(directory_key(store_view(shop.harness->store, &shop.harness->view), hash));
    key_release(put.key);
}

static bool is_enabled(const struct shop *shop, struct id channel)
{
    return see_channel(shop->harness, shop->account, channel)->is_enabled;
}

/* The new channel is written, and it fails where the one before is to be disabled, or in commit. */
static void a_take_over_that_fails_changes_neither_channel(void **state)
{
    static const char settings[] = "{\"kind\":\"queue\",\"dialect\":\"wapi\"}";
    struct shop shop;

    make_shop(state, &shop);
    struct id first = make_channel(shop.harness, shop.account, settings);
    struct store_put_channel put = {.account = shop.account,
                                    .channel = read_channel(shop.harness, settings)};

    for (uint64_t in_calls = 2; in_calls <= 4; in_calls++) {
        plan.is_mended = false;
        fail_next(FAULT_ONCE, ERR_FULL, in_calls);
        assert_int_equal(CALL(shop.harness, put_channel, &put), ERR_FULL);
        assert_int_equal(put.channel->id.value, 0);
        assert_true(is_enabled(&shop, first));
        mend(&shop);
        harness_reopen(shop.harness);
        assert_true(is_enabled(&shop, first));
    }
    assert_int_equal(CALL(shop.harness, put_channel, &put), OK);
    assert_false(is_enabled(&shop, first));
    assert_true(is_enabled(&shop, put.channel->id));
    channel_release(put.channel);
}

/* A transaction of a publish, an outcome and a receive. */
struct batch {
    struct store_publish publish;
    struct store_publish_item published;
    struct store_target target;
    struct store_settle settle;
    struct store_settle_item settled;
    struct store_receive receive;
};

/* The event has a delivery that waits; of the outcome nothing does any more. */
static void prepare_batch(struct shop *shop, struct batch *batch, struct id waiting)
{
    *batch = (struct batch){
        .target = {.channel = shop->webhook, .way = STORE_WAITING},
        .settled = settle_item(shop->account, shop->webhook, waiting, 1),
        .receive = {.account = shop->account,
                    .channel = shop->queue,
                    .max = 1,
                    .bytes_max = 1000,
                    .lease_us = US_PER_HOUR},
    };
    batch->published = (struct store_publish_item){
        .event = make_event(shop->account, "a.b", SLICE("1")),
        .targets = &batch->target,
        .targets_len = 1,
    };
    batch->settled.next = STORE_FINAL;
    batch->settled.state = DELIVERY_REFUSED;
    batch->publish.items = &batch->published;
    batch->publish.items_len = 1;
    batch->settle.items = &batch->settled;
    batch->settle.items_len = 1;
}

static void clear_batch(struct batch *batch)
{
    event_release(batch->published.event);
    store_request_clear(&batch->receive.request);
}

/* What ends things went on, and of the event that was refused nothing is left. */
static void assert_whole(struct shop *shop, const struct batch *batch, struct id waiting,
                         struct id message)
{
    assert_int_equal(batch->publish.request.err, ERR_FULL);
    assert_int_equal(batch->published.event->id.value, 0);
    assert_int_equal(batch->settle.request.err, OK);
    assert_int_equal(batch->receive.request.err, OK);
    assert_int_equal(batch->receive.messages_len, 1);
    for (int round = 0; round < 2; round++) {
        assert_state(shop->harness, shop->account, waiting, DELIVERY_REFUSED);
        assert_int_equal(see_delivery(shop->harness, shop->account, waiting).attempts, 1);
        assert_int_equal(see_delivery(shop->harness, shop->account, message).attempts, 1);
        assert_int_equal(count_events(shop), 2);
        assert_int_equal(count_pending(shop->harness), 1); /* the message */
        mend(shop);
        harness_reopen(shop->harness);
    }
}

/* The three in one transaction, of which call number k fails once as on a full disk. */
static void run_batch_with_fault(void **state, uint64_t k)
{
    struct hold hold = HOLD_INIT;
    struct batch batch;
    struct shop shop;

    make_shop(state, &shop);
    struct id waiting = publish_one(shop.harness, shop.account, shop.webhook, STORE_WAITING);
    struct id message = publish_one(shop.harness, shop.account, shop.queue, STORE_QUEUE);
    struct store_remove removal = {.account = make_account(shop.harness, "other")};
    hold_on_change(shop.harness, &hold);
    harness_send(shop.harness, STORE_CALL_remove, &removal.request);
    hold_wait(&hold);
    prepare_batch(&shop, &batch, waiting);
    harness_send(shop.harness, STORE_CALL_publish, &batch.publish.request);
    harness_send(shop.harness, STORE_CALL_settle, &batch.settle.request);
    harness_send(shop.harness, STORE_CALL_receive, &batch.receive.request);
    fail_next(FAULT_ONCE, ERR_FULL, k);
    hold_end(&hold);
    assert_int_equal(harness_await(shop.harness, &removal.request), OK);
    (void)harness_await(shop.harness, &batch.publish.request);
    (void)harness_await(shop.harness, &batch.settle.request);
    (void)harness_await(shop.harness, &batch.receive.request);
    assert_whole(&shop, &batch, waiting, message);
    clear_batch(&batch);
}

static void a_full_disk_in_begin_leaves_nothing_half(void **state)
{
    run_batch_with_fault(state, 1);
}

static void a_full_disk_in_the_publish_leaves_nothing_half(void **state)
{
    run_batch_with_fault(state, 2);
}

static void a_full_disk_behind_the_publish_leaves_nothing_half(void **state)
{
    run_batch_with_fault(state, 3);
}

static void a_full_disk_in_the_last_call_leaves_nothing_half(void **state)
{
    run_batch_with_fault(state, 4);
}

static void a_full_disk_in_commit_leaves_nothing_half(void **state)
{
    run_batch_with_fault(state, 5);
}

/* What the engine prepared in memory for it must be undone too. */
static void the_first_event_of_all_may_be_refused(void **state)
{
    struct shop shop;
    struct id id;

    make_shop(state, &shop);
    fail_next(FAULT_ONCE, ERR_FULL, 3);
    assert_int_equal(try_publish(&shop, &id), ERR_FULL);
    assert_int_equal(count_events(&shop), 0);
    mend(&shop);
    assert_int_equal(try_publish(&shop, &id), OK);
    assert_int_equal(count_events(&shop), 1);
}

static void when_nothing_at_all_works_every_request_says_so(void **state)
{
    struct shop shop;
    struct id id;

    make_shop(state, &shop);
    struct id fresh = publish_one(shop.harness, shop.account, shop.webhook, STORE_FRESH);
    struct store_settle_item item = settle_item(shop.account, shop.webhook, fresh, 1);
    struct store_settle settle = {.items = &item, .items_len = 1};

    item.is_fresh = true;
    item.next = STORE_FINAL;
    item.state = DELIVERY_DELIVERED;
    fail_next(FAULT_LASTING, ERR_FULL, 1);
    assert_int_equal(CALL(shop.harness, settle, &settle), ERR_FULL);
    assert_int_equal(try_publish(&shop, &id), ERR_FULL);
    assert_true(see_delivery(shop.harness, shop.account, fresh).is_fresh); /* reading works */
    mend(&shop);
    assert_int_equal(CALL(shop.harness, settle, &settle), OK); /* the same again */
    assert_state(shop.harness, shop.account, fresh, DELIVERY_DELIVERED);
}

/* ---- Broken: store.h, invariant 5 ------------------------------------------------------------ */

enum { EXIT_BY_FATAL = 42 };

static void exit_by_fatal(UNUSED void *ctx, UNUSED enum err err, const struct diag *diag)
{
    _exit(diag->text[0] != '\0' ? EXIT_BY_FATAL : EXIT_FAILURE);
}

/* In a process of its own: publishes while call number k fails. Comes back only when it goes on. */
static void publish_with_fault(struct shop *shop, enum err err, uint64_t k)
{
    struct id id;

    plan_faults(shop);
    fail_next(FAULT_ONCE, err, k);
    (void)try_publish(shop, &id);
    _exit(EXIT_SUCCESS);
}

static int status_of_publish(struct harness *harness, enum err err, uint64_t k)
{
    struct shop shop = {.harness = harness, .account = {1}};
    int status = 0;

    harness_close(harness); /* a child has only the thread that forks */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        harness->options.hooks.fatal = exit_by_fatal;
        publish_with_fault(&shop, err, k);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    harness_open(harness);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_failed_flush_is_fatal(void **state)
{
    assert_int_equal(status_of_publish(*state, ERR_IO, 3), EXIT_BY_FATAL);
}

static void damaged_data_is_fatal(void **state)
{
    for (uint64_t k = 1; k <= 3; k++) {
        assert_int_equal(status_of_publish(*state, ERR_CORRUPT, k), EXIT_BY_FATAL);
    }
}

static void a_full_disk_is_not_fatal(void **state)
{
    for (uint64_t k = 1; k <= 3; k++) {
        assert_int_equal(status_of_publish(*state, ERR_FULL, k), EXIT_SUCCESS);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(on_a_full_disk_events_are_refused_and_the_rest_goes_on),
        ENGINE_TEST(a_show_that_was_rolled_back_hands_out_nothing_and_notes_nothing),
        ENGINE_TEST(on_a_full_disk_the_head_of_a_queue_is_shown_and_acknowledged),
        ENGINE_TEST(events_are_taken_again_when_there_is_room),
        ENGINE_TEST(settings_are_refused_on_a_full_disk_and_nobody_sees_them),
        ENGINE_TEST(a_take_over_that_fails_changes_neither_channel),
        ENGINE_TEST(a_full_disk_in_begin_leaves_nothing_half),
        ENGINE_TEST(a_full_disk_in_the_publish_leaves_nothing_half),
        ENGINE_TEST(a_full_disk_behind_the_publish_leaves_nothing_half),
        ENGINE_TEST(a_full_disk_in_the_last_call_leaves_nothing_half),
        ENGINE_TEST(a_full_disk_in_commit_leaves_nothing_half),
        ENGINE_TEST(the_first_event_of_all_may_be_refused),
        ENGINE_TEST(when_nothing_at_all_works_every_request_says_so),
        ENGINE_TEST(a_failed_flush_is_fatal),
        ENGINE_TEST(damaged_data_is_fatal),
        ENGINE_TEST(a_full_disk_is_not_fatal),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
