/*
 * Many callers at once, each on its own thread, as servers and senders are.
 */
#include "base/mem.h"
#include "harness.h"
#include "os/mailbox.h"
#include "os/thread.h"

#include <assert.h>

enum { WORKERS = 6, ROUNDS = 60 };

/* One caller. What fails on its thread is asserted: cmocka's own ways work only on the main one. */
struct worker {
    struct harness *harness;
    struct thread thread;
    struct mailbox *mailbox;
    struct id account, webhook, queue;
    uint32_t index;
    struct id id; /* of the event that publish_once gave */
    size_t received;
};

/* An account with two channels that all workers share. */
static struct worker make_first(struct harness *harness)
{
    struct worker worker = {.harness = harness};

    worker.account = make_account(harness, "acme");
    worker.webhook = make_webhook(harness, worker.account);
    worker.queue = make_queue(harness, worker.account);
    return worker;
}

/* Runs work on all threads until each has ended. */
static void run_workers(struct worker *workers, const struct worker *first, thread_main_fn *work)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = *first;
        workers[i].index = i;
        workers[i].mailbox = mailbox_new();
        thread_start(&workers[i].thread, "worker", work, &workers[i]);
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        thread_join(&workers[i].thread);
        mailbox_free(workers[i].mailbox);
    }
}

#define WORKER_CALL(worker, name, what)                                                            \
    harness_call_by((worker)->harness->store, (worker)->mailbox, STORE_CALL_##name,                \
                    &(what)->request)

static struct id publish(struct worker *worker)
{
    struct store_target targets[] = {{.channel = worker->webhook, .way = STORE_FRESH},
                                     {.channel = worker->queue, .way = STORE_QUEUE}};
    struct event *event = make_event(worker->account, "a.b", SLICE("{}"));
    struct store_publish_item item = {.event = event, .targets = targets, .targets_len = 2};
    struct store_publish publish = {.items = &item, .items_len = 1};
    enum err err = WORKER_CALL(worker, publish, &publish);

    assert(err == OK && item.err == OK);
    event_release(event);
    return item.id;
}

/* The first delivery of the event ends, at once or after a retry. */
static void settle_first(struct worker *worker, struct id event, bool is_retried)
{
    struct store_settle_item item =
        settle_item(worker->account, worker->webhook, event_delivery_id(event, 0), 1);
    struct store_settle settle = {.items = &item, .items_len = 1};

    item.is_fresh = true;
    item.next = is_retried ? STORE_RETRY : STORE_FINAL;
    item.state = DELIVERY_DELIVERED;
    for (;;) {
        enum err err = WORKER_CALL(worker, settle, &settle);

        assert(err == OK);
        if (item.next == STORE_FINAL) {
            return;
        }
        item.is_fresh = false;
        item.next = STORE_FINAL;
        item.attempt.number = 2;
    }
}

/* Invariant 2 of store.h: who starts to read after a write came back sees it. */
static void read_own_writes(struct worker *worker, struct id event)
{
    struct store_get_event get = {.account = worker->account, .event = event};
    enum err err = WORKER_CALL(worker, get_event, &get);

    assert(err == OK && get.deliveries_len == 2);
    assert(get.deliveries[0].state == DELIVERY_DELIVERED);
    store_request_clear(&get.request);
}

static void receive_and_acknowledge(struct worker *worker)
{
    struct store_receive receive = {.account = worker->account,
                                    .channel = worker->queue,
                                    .max = 3,
                                    .bytes_max = 1000,
                                    .lease_us = US_PER_HOUR};
    enum err err = WORKER_CALL(worker, receive, &receive);

    assert(err == OK);
    for (size_t i = 0; i < receive.messages_len; i++) {
        struct store_answer_item item = {receive.messages[i].delivery, receive.messages[i].epoch,
                                         OK};
        struct store_answer answer = {.account = worker->account,
                                      .channel = worker->queue,
                                      .kind = STORE_ACK,
                                      .items = &item,
                                      .items_len = 1};

        err = WORKER_CALL(worker, answer, &answer);
        assert(err == OK && item.err == OK); /* nobody else had it */
        worker->received++;
    }
    store_request_clear(&receive.request);
}

static void change_settings(struct worker *worker)
{
    struct store_settle_health health = {.account = worker->account,
                                         .channel = worker->webhook,
                                         .health = {.state = HEALTH_FAILING}};
    struct store_settle settle = {.health = &health, .health_len = 1};
    struct store_view view = {0};

    health.health.failing_since.us = worker->index + 1;
    enum err err = WORKER_CALL(worker, settle, &settle);
    assert(err == OK);
    const struct account *account =
        directory_account_by_id(store_view(worker->harness->store, &view), worker->account);
    assert(account_channel(account, worker->webhook)->health.failing_since.us > 0);
    store_view_clear(&view);
}

static void live(void *ctx)
{
    struct worker *worker = ctx;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct id event = publish(worker);

        settle_first(worker, event, i % 4 == 0);
        read_own_writes(worker, event);
        receive_and_acknowledge(worker);
        if (i % 8 == 0) {
            change_settings(worker);
        }
    }
}

static void many_threads_lose_nothing_and_see_their_own_writes(void **state)
{
    struct harness *harness = *state;
    struct worker first = make_first(harness);
    struct worker workers[WORKERS];
    size_t received = 0;

    harness->options.hooks.changed = NULL;
    run_workers(workers, &first, live);
    for (size_t i = 0; i < WORKERS; i++) {
        received += workers[i].received;
    }
    assert_int_equal(received + count_pending(harness), WORKERS * ROUNDS);
    harness_reopen(harness);
    assert_int_equal(received + count_pending(harness), WORKERS * ROUNDS);
}

static void publish_once(void *ctx)
{
    struct worker *worker = ctx;
    struct event *event = make_event(worker->account, "a.b", SLICE("{}"));
    struct store_publish_item item = {
        .event = event, .is_idempotent = true, .idempotency = {1}, .body = {1}};
    struct store_publish publish = {.items = &item, .items_len = 1};
    enum err err = WORKER_CALL(worker, publish, &publish);

    assert(err == OK && item.err == OK);
    worker->id = item.id;
    worker->received = item.is_duplicate ? 0 : 1;
    event_release(event);
}

static void one_key_used_by_many_at_once_is_one_event(void **state)
{
    struct harness *harness = *state;
    struct worker first = make_first(harness);
    struct worker workers[WORKERS];
    size_t made = 0;

    run_workers(workers, &first, publish_once);
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(workers[i].id.value, workers[0].id.value);
        made += workers[i].received;
    }
    assert_int_equal(made, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(many_threads_lose_nothing_and_see_their_own_writes),
        ENGINE_TEST(one_key_used_by_many_at_once_is_one_event),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
