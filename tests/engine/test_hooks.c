/*
 * How a store talks to its callers: hooks, order, limits and closing. All of it is the generic
 * half's, and each engine must let it.
 */
#include "base/mem.h"
#include "harness.h"
#include "os/mailbox.h"
#include "os/thread.h"

struct shop {
    struct harness *harness;
    struct id account, channel, queue;
};

/* Notes are about what follows. */
static struct shop make_shop(void **state)
{
    struct shop shop = {.harness = *state};

    shop.account = make_account(shop.harness, "acme");
    shop.channel = make_webhook(shop.harness, shop.account);
    shop.queue = make_queue(shop.harness, shop.account);
    harness_forget_notes(shop.harness);
    return shop;
}

static void assert_note(const struct shop *shop, size_t i, enum note_kind kind, struct id channel,
                        struct id thing)
{
    const struct note *note = &shop->harness->notes[i];

    assert_true(i < shop->harness->notes_len);
    assert_int_equal(note->kind, kind);
    assert_int_equal(note->account.value, shop->account.value);
    assert_int_equal(note->channel.value, channel.value);
    assert_int_equal(note->thing.value, thing.value);
}

/* ---- published ------------------------------------------------------------------------------- */

/* The count of notes when a request came back: hooks come before `done`. */
struct watched {
    struct store_publish publish;
    struct store_publish_item item;
    const struct harness *harness;
    size_t notes_at_done;
    bool is_back;
};

static void note_done(struct store_request *request)
{
    struct watched *watched = CONTAINER_OF(request, struct watched, publish.request);

    watched->notes_at_done = watched->harness->notes_len;
    watched->is_back = true;
}

static void the_hook_comes_before_the_answer(void **state)
{
    struct shop shop = make_shop(state);
    struct watched watched = {.harness = shop.harness};

    watched.item.event = make_event(shop.account, "a.b", SLICE("1"));
    watched.publish = (struct store_publish){.items = &watched.item, .items_len = 1};
    watched.publish.request.call = STORE_CALL_publish;
    watched.publish.request.reply_to = shop.harness->mailbox;
    watched.publish.request.done = note_done;
    store_submit(shop.harness->store, &watched.publish.request);
    assert_false(watched.is_back); /* never from inside */
    while (!watched.is_back) {
        assert_true(mailbox_wait(shop.harness->mailbox, 60 * US_PER_SECOND));
        (void)mailbox_run(shop.harness->mailbox);
    }
    assert_int_equal(watched.notes_at_done, 1);
    assert_note(&shop, 0, NOTE_PUBLISHED, ID_NONE, watched.item.id);
    event_release(watched.item.event);
}

enum { REQUESTS = 20 };

/* Invariant 2: in the order in which they were submitted, with growing ids. */
static void events_are_told_in_the_order_of_their_commit(void **state)
{
    struct shop shop = make_shop(state);
    struct store_publish publishes[REQUESTS];
    struct store_publish_item items[REQUESTS];

    for (size_t i = 0; i < REQUESTS; i++) {
        items[i] =
            (struct store_publish_item){.event = make_event(shop.account, "a.b", SLICE("1"))};
        publishes[i] = (struct store_publish){.items = &items[i], .items_len = 1};
        harness_send(shop.harness, STORE_CALL_publish, &publishes[i].request);
    }
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(harness_await(shop.harness, &publishes[i].request), OK);
    }
    assert_int_equal(shop.harness->notes_len, REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_note(&shop, i, NOTE_PUBLISHED, ID_NONE, items[i].id);
        assert_true(i == 0 || items[i].id.value > items[i - 1].id.value);
        event_release(items[i].event);
    }
}

static void duplicates_and_conflicts_are_not_told(void **state)
{
    struct shop shop = make_shop(state);
    struct event *event = make_event(shop.account, "a.b", SLICE("1"));
    struct store_publish_item items[3];
    struct store_publish publish = {.items = items, .items_len = 3};

    for (size_t i = 0; i < 3; i++) {
        items[i] = (struct store_publish_item){
            .event = i == 0 ? event : make_event(shop.account, "a.b", SLICE("1")),
            .is_idempotent = true,
            .idempotency = {1},
            .body = {i == 2},
        };
    }
    assert_int_equal(CALL(shop.harness, publish, &publish), OK);
    assert_true(items[1].is_duplicate);
    assert_int_equal(items[2].err, ERR_CONFLICT);
    assert_int_equal(shop.harness->notes_len, 1);
    assert_note(&shop, 0, NOTE_PUBLISHED, ID_NONE, items[0].id);
    for (size_t i = 0; i < 3; i++) {
        event_release(items[i].event);
    }
}

/* ---- nudged and changed ---------------------------------------------------------------------- */

static void steering_nudges_the_delivery(void **state)
{
    struct shop shop = make_shop(state);
    struct id delivery = publish_one(shop.harness, shop.account, shop.channel, STORE_WAITING);
    struct store_steer steer = {.account = shop.account, .delivery = delivery};
    static const enum store_steer_kind kinds[] = {STORE_STEER_RETRY, STORE_STEER_CANCEL};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        harness_forget_notes(shop.harness);
        steer.kind = kinds[i];
        assert_int_equal(CALL(shop.harness, steer, &steer), OK);
        assert_int_equal(shop.harness->notes_len, 1);
        assert_note(&shop, 0, NOTE_NUDGED, shop.channel, delivery);
    }
    harness_forget_notes(shop.harness);
    assert_int_equal(CALL(shop.harness, steer, &steer), ERR_CONFLICT);
    assert_int_equal(shop.harness->notes_len, 0); /* nothing happened */
}

static void a_queue_is_nudged_without_a_delivery(void **state)
{
    struct shop shop = make_shop(state);
    struct id message = publish_one(shop.harness, shop.account, shop.queue, STORE_QUEUE);
    struct store_steer steer = {
        .kind = STORE_STEER_RETRY, .account = shop.account, .delivery = message};
    struct store_answer_item item = {.delivery = message, .epoch = 0};
    struct store_answer answer = {.account = shop.account,
                                  .channel = shop.queue,
                                  .kind = STORE_RELEASE,
                                  .items = &item,
                                  .items_len = 1};

    harness_forget_notes(shop.harness);
    assert_int_equal(CALL(shop.harness, steer, &steer), OK);
    assert_note(&shop, 0, NOTE_NUDGED, shop.queue, ID_NONE);
    assert_int_equal(CALL(shop.harness, answer, &answer), OK);
    assert_note(&shop, 1, NOTE_NUDGED, shop.queue, ID_NONE);
}

static void settings_changes_are_told_with_what_changed(void **state)
{
    struct shop shop = make_shop(state);
    struct store_settle_health health = {
        .account = shop.account, .channel = shop.queue, .health = {.state = HEALTH_FAILING}};
    struct store_settle settle = {.health = &health, .health_len = 1};
    struct store_remove target = {.account = shop.account};

    struct id channel = make_webhook(shop.harness, shop.account);
    assert_note(&shop, 0, NOTE_CHANGED, channel, ID_NONE);
    assert_int_equal(CALL(shop.harness, settle, &settle), OK);
    assert_note(&shop, 1, NOTE_CHANGED, shop.queue, ID_NONE);
    remove_channel(shop.harness, shop.account, channel);
    assert_note(&shop, 2, NOTE_CHANGED, channel, ID_NONE);
    assert_int_equal(CALL(shop.harness, remove, &target), OK);
    assert_note(&shop, 3, NOTE_CHANGED, ID_NONE, ID_NONE);
    assert_int_equal(shop.harness->notes_len, 4);
}

/* ---- Busy, and closing ----------------------------------------------------------------------- */

static void a_store_is_busy_when_more_waits_than_it_may(void **state)
{
    enum { QUEUE_MAX = 10, SENT = QUEUE_MAX + 1 };
    struct harness *harness = *state;
    struct hold hold = HOLD_INIT;
    struct store_remove removal = {.account = make_account(harness, "acme")};
    struct store_retain waiting[SENT] = {{.max = 1}};

    harness->options.queue_max = QUEUE_MAX;
    hold_on_change(harness, &hold);
    harness_send(harness, STORE_CALL_remove, &removal.request);
    hold_wait(&hold);
    for (size_t i = 0; i < SENT; i++) {
        assert_false(store_is_busy(harness->store));
        harness_send(harness, STORE_CALL_retain, &waiting[i].request);
    }
    assert_true(store_is_busy(harness->store));
    hold_end(&hold);
    assert_int_equal(harness_await(harness, &removal.request), OK);
    for (size_t i = 0; i < SENT; i++) {
        assert_int_equal(harness_await(harness, &waiting[i].request), OK);
    }
    assert_false(store_is_busy(harness->store));
    assert_false(store_is_full(harness->store));
}

static void what_was_submitted_before_closing_is_done(void **state)
{
    struct shop shop = make_shop(state);
    struct store_publish publishes[REQUESTS];
    struct store_publish_item items[REQUESTS];
    struct store_stats stats = {0};

    for (size_t i = 0; i < REQUESTS; i++) {
        items[i] =
            (struct store_publish_item){.event = make_event(shop.account, "a.b", SLICE("1"))};
        publishes[i] = (struct store_publish){.items = &items[i], .items_len = 1};
        harness_send(shop.harness, STORE_CALL_publish, &publishes[i].request);
    }
    harness_send(shop.harness, STORE_CALL_stats, &stats.request);
    harness_close(shop.harness);
    assert_int_equal(harness_await(shop.harness, &stats.request), OK);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(harness_await(shop.harness, &publishes[i].request), OK);
        event_release(items[i].event);
    }
    harness_open(shop.harness);
    for (size_t i = 0; i < REQUESTS; i++) {
        struct store_get_event get = {.account = shop.account, .event = items[i].id};

        assert_int_equal(CALL(shop.harness, get_event, &get), OK);
        store_request_clear(&get.request);
    }
}

static void close_store(void *ctx)
{
    store_close(ctx);
}

/* Sends reads until one is turned away: the store has begun to close. */
static void wait_until_closing(struct harness *harness)
{
    struct store_stats stats = {0};

    while (CALL(harness, stats, &stats) == OK) {
        assert_int_equal(stats.request.err, OK);
    }
    assert_int_equal(stats.request.err, ERR_CLOSED);
}

enum { WRITES_MAX = 10000 };

/* Sends writes until one is turned away; returns how many were sent. Those before wait for the committer. */
static size_t write_until_closed(struct harness *harness, struct store_retain *writes)
{
    size_t sent = 0;
    bool is_closed = false;

    while (!is_closed) {
        struct store_retain *write = &writes[sent++];

        assert_true(sent < WRITES_MAX);
        write->max = 1;
        harness_send(harness, STORE_CALL_retain, &write->request);
        (void)mailbox_wait(harness->mailbox, US_PER_MS);
        (void)mailbox_run(harness->mailbox);
        is_closed = write->request.done == NULL;
    }
    return sent;
}

static void a_store_that_closes_turns_away_what_comes_and_does_what_waits(void **state)
{
    struct harness *harness = *state;
    struct hold hold = HOLD_INIT;
    struct store_remove removal = {.account = make_account(harness, "acme")};
    struct store_retain *writes = MEM_ARRAY(WRITES_MAX, struct store_retain);
    struct thread closer = {0};

    hold_on_change(harness, &hold);
    harness_send(harness, STORE_CALL_remove, &removal.request);
    hold_wait(&hold);
    store_view_clear(&harness->view);
    thread_start(&closer, "closer", close_store, harness->store);
    wait_until_closing(harness);
    size_t sent = write_until_closed(harness, writes);
    hold_end(&hold);
    thread_join(&closer);
    harness->store = NULL;
    assert_int_equal(harness_await(harness, &removal.request), OK);
    for (size_t i = 0; i < sent; i++) {
        assert_int_equal(harness_await(harness, &writes[i].request),
                         i < sent - 1 ? OK : ERR_CLOSED);
    }
    mem_free(writes);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(the_hook_comes_before_the_answer),
        ENGINE_TEST(events_are_told_in_the_order_of_their_commit),
        ENGINE_TEST(duplicates_and_conflicts_are_not_told),
        ENGINE_TEST(steering_nudges_the_delivery),
        ENGINE_TEST(a_queue_is_nudged_without_a_delivery),
        ENGINE_TEST(settings_changes_are_told_with_what_changed),
        ENGINE_TEST(a_store_is_busy_when_more_waits_than_it_may),
        ENGINE_TEST(what_was_submitted_before_closing_is_done),
        ENGINE_TEST(a_store_that_closes_turns_away_what_comes_and_does_what_waits),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
