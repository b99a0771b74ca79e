/*
 * The generic half: threads, batches, settings, order. What engines store is tested by
 * tests/engine.
 */
#include "os/thread.h"
#include "support/scratch.h"
#include "support/store_driver.h"
#include "support/test_dialects.h"

#include <stdatomic.h>

static struct driver *open_driver(void **state)
{
    static struct driver driver;
    const struct scratch *scratch = *state;

    driver_init(&driver, &engine_sqlite, scratch->folder);
    driver_open(&driver);
    return &driver;
}

/* ---- Settings ------------------------------------------------------------------------------- */

static void an_account_name_is_taken_once(void **state)
{
    struct driver *driver = open_driver(state);
    struct json_doc doc;
    struct store_put_account put = {0};

    (void)driver_account(driver, "shop");
    assert_int_equal(account_from_json(SLICE("shop"), driver_json(&doc, "{}"), NULL, &test_dialects,
                                       &put.account, NULL),
                     OK);
    assert_int_equal(DRIVER_CALL(driver, put_account, &put), ERR_EXISTS);
    assert_int_equal(put.account->id.value, 0);
    account_release(put.account);
    json_doc_clear(&doc);
    driver_free(driver);
}

/* Changes an account as somebody who saw its version `expected`. */
static enum err change_account(struct driver *driver, const char *name, struct wall expected)
{
    struct account *base = directory_account(driver_directory(driver), slice_of(name));
    struct json_doc doc;
    struct store_put_account put = {.expected = expected};
    struct json change = driver_json(&doc, "{\"description\":\"changed\"}");

    assert_int_equal(
        account_from_json(base->name, change, base, &test_dialects, &put.account, NULL), OK);
    enum err err = DRIVER_CALL(driver, put_account, &put);
    account_release(put.account);
    json_doc_clear(&doc);
    return err;
}

static void a_change_by_someone_who_saw_an_older_version_is_refused(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct account *before = directory_account(driver_directory(driver), SLICE("shop"));
    struct wall version = before->updated;

    assert_int_equal(change_account(driver, "shop", version), OK);
    assert_int_equal(change_account(driver, "shop", version), ERR_STALE);
    struct account *after = directory_account(driver_directory(driver), SLICE("shop"));
    assert_true(after->updated.us > version.us); /* although the clock stands */
    assert_non_null(account_channel(after, channel));
    driver_free(driver);
}

static void what_was_removed_is_not_found(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct store_remove target = {.account = account, .channel = channel};

    assert_int_equal(DRIVER_CALL(driver, remove, &target), OK);
    assert_int_equal(DRIVER_CALL(driver, remove, &target), ERR_NOT_FOUND);
    target.channel = ID_NONE;
    assert_int_equal(DRIVER_CALL(driver, remove, &target), OK);
    assert_null(directory_account(driver_directory(driver), SLICE("shop")));
    assert_int_equal(DRIVER_CALL(driver, remove, &target), ERR_NOT_FOUND);
    driver_free(driver);
}

static void a_moved_health_is_in_the_directory(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct store_settle_health health = {
        .account = account,
        .channel = channel,
        .health = {HEALTH_WARNED, .failing_since = {5}, .changed_at = {6}}};
    struct store_settle settle = {.health = &health, .health_len = 1};
    size_t changed = driver->changed;

    assert_int_equal(DRIVER_CALL(driver, settle, &settle), OK);
    assert_int_equal(driver->changed, changed + 1);
    struct account *found = directory_account_by_id(driver_directory(driver), account);
    assert_int_equal(account_channel(found, channel)->health.state, HEALTH_WARNED);
    driver_close(driver);
    driver_open(driver);
    found = directory_account_by_id(driver_directory(driver), account);
    assert_int_equal(account_channel(found, channel)->health.failing_since.us, 5);
    driver_free(driver);
}

/* ---- Many at once --------------------------------------------------------------------------- */

enum { PUBLISHERS = 4, EVENTS_EACH = 500, IN_FLIGHT = 16 };

/* A thread that publishes, with its own mailbox, and some requests under way at a time. */
struct publisher {
    struct driver *driver;
    struct thread thread;
    struct mailbox *mailbox;
    struct id account, channel;
    uint32_t started, stored, refused;
    struct slot {
        struct store_publish publish;
        struct store_publish_item item;
        struct store_target target;
        struct publisher *publisher;
    } slots[IN_FLIGHT];
};

static void start_one(struct slot *slot);

static void came_back(struct store_request *request)
{
    struct slot *slot = CONTAINER_OF(request, struct slot, publish.request);
    struct publisher *publisher = slot->publisher;

    if (request->err == OK) {
        publisher->stored++;
    } else {
        assert_int_equal(request->err, ERR_CLOSED);
        publisher->refused++;
    }
    event_release(slot->item.event);
    if (publisher->started < EVENTS_EACH) {
        start_one(slot);
    }
}

static void start_one(struct slot *slot)
{
    struct publisher *publisher = slot->publisher;

    slot->target = (struct store_target){.channel = publisher->channel, .way = STORE_FRESH};
    slot->item = (struct store_publish_item){
        .event = event_new(&(struct event_parts){
            .account = publisher->account, .type = SLICE("order.created"), .data = SLICE("{}")}),
        .targets = &slot->target,
        .targets_len = 1,
    };
    slot->publish = (struct store_publish){
        .request = {.call = STORE_CALL_publish, .reply_to = publisher->mailbox, .done = came_back},
        .items = &slot->item,
        .items_len = 1,
    };
    publisher->started++;
    store_submit(publisher->driver->store, &slot->publish.request);
}

static void publish_all(void *ctx)
{
    struct publisher *publisher = ctx;

    for (size_t i = 0; i < IN_FLIGHT; i++) {
        publisher->slots[i].publisher = publisher;
        start_one(&publisher->slots[i]);
    }
    while (publisher->stored + publisher->refused < publisher->started) {
        if (!mailbox_wait(publisher->mailbox, 2 * US_PER_MINUTE)) {
            abort(); /* a request did not come back */
        }
        (void)mailbox_run(publisher->mailbox);
    }
}

static void start_publishers(struct publisher *publishers, struct driver *driver)
{
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);

    for (size_t i = 0; i < PUBLISHERS; i++) {
        publishers[i] = (struct publisher){
            .driver = driver, .mailbox = mailbox_new(), .account = account, .channel = channel};
        thread_start(&publishers[i].thread, "publisher", publish_all, &publishers[i]);
    }
}

static uint32_t join_publishers(struct publisher *publishers)
{
    uint32_t stored = 0;

    for (size_t i = 0; i < PUBLISHERS; i++) {
        thread_join(&publishers[i].thread);
        mailbox_free(publishers[i].mailbox);
        stored += publishers[i].stored;
    }
    return stored;
}

static uint64_t count_pending(struct driver *driver)
{
    struct store_stats stats = {0};

    assert_int_equal(DRIVER_CALL(driver, stats, &stats), OK);
    return stats.pending;
}

static void every_thread_gets_its_answers_and_every_event_is_stored_once(void **state)
{
    static struct publisher publishers[PUBLISHERS];
    struct driver *driver = open_driver(state);

    start_publishers(publishers, driver);
    assert_int_equal(join_publishers(publishers), PUBLISHERS * EVENTS_EACH);
    assert_int_equal(driver->published, PUBLISHERS * EVENTS_EACH);
    driver_close(driver);
    driver_open(driver); /* none was settled: all are pending now */
    assert_int_equal(count_pending(driver), PUBLISHERS * EVENTS_EACH);
    driver_free(driver);
}

static void closing_answers_everything_and_keeps_what_it_accepted(void **state)
{
    static struct publisher publishers[PUBLISHERS];
    struct driver *driver = open_driver(state);

    start_publishers(publishers, driver);
    /* Stopped in the middle, as far as that can be had: publishers go on submitting until they are
     * turned away. */
    (void)driver_publish(driver, publishers[0].account, publishers[0].channel, STORE_FRESH, "{}");
    store_stop(driver->store);
    uint32_t stored = join_publishers(publishers);
    driver_close(driver);
    driver_open(driver);
    assert_int_equal(count_pending(driver), stored + 1);
    driver_free(driver);
}

static void settings_can_be_read_while_they_change(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");

    for (int i = 0; i < 50; i++) {
        struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
        struct account *found = directory_account_by_id(driver_directory(driver), account);

        assert_non_null(account_channel(found, channel)); /* its answer came, so it is seen */
    }
    driver_free(driver);
}

/* ---- Idempotency ---------------------------------------------------------------------------- */

static void the_same_key_many_times_at_once_makes_one_event(void **state)
{
    enum { MANY = 32 };
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct store_publish_item items[MANY];
    struct store_publish publish[MANY];
    size_t duplicates = 0;

    for (size_t i = 0; i < MANY; i++) {
        items[i] = (struct store_publish_item){
            .event = event_new(
                &(struct event_parts){.account = account, .type = SLICE("a"), .data = SLICE("{}")}),
            .is_idempotent = true,
            .idempotency = {7},
            .body = {8},
        };
        publish[i] = (struct store_publish){.items = &items[i], .items_len = 1};
        driver_start(driver, &publish[i].request, STORE_CALL_publish);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(driver_wait(driver, &publish[i].request), OK);
        assert_int_equal(items[i].err, OK);
        assert_int_equal(items[i].id.value, items[0].id.value);
        duplicates += items[i].is_duplicate;
        event_release(items[i].event);
    }
    assert_int_equal(duplicates, MANY - 1);
    assert_int_equal(driver->published, 1);
    driver_free(driver);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_account_name_is_taken_once),
        CASE(a_change_by_someone_who_saw_an_older_version_is_refused),
        CASE(what_was_removed_is_not_found),
        CASE(a_moved_health_is_in_the_directory),
        CASE(every_thread_gets_its_answers_and_every_event_is_stored_once),
        CASE(closing_answers_everything_and_keeps_what_it_accepted),
        CASE(settings_can_be_read_while_they_change),
        CASE(the_same_key_many_times_at_once_makes_one_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
