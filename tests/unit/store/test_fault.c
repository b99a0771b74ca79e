/*
 * What the store does when the disk is full or fails, by an engine that fails on a plan.
 */
#include "store/fault/fault.h"
#include "support/scratch.h"
#include "support/store_driver.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fault_plan plan;

static struct driver *open_driver(void **state)
{
    static struct driver driver;
    const struct scratch *scratch = *state;

    plan = (struct fault_plan){.inner = &engine_sqlite};
    driver_init(&driver, fault_engine(&plan), scratch->folder);
    driver_open(&driver);
    return &driver;
}

/* From the next call on. */
static void plan_fault(enum fault_kind kind, enum err err, uint64_t calls_ahead)
{
    plan.kind = kind;
    plan.err = err;
    plan.fail_at = atomic_load(&plan.calls) + calls_ahead;
}

static enum err try_publish(struct driver *driver, struct id account, struct id channel,
                            struct id *out)
{
    struct store_target target = {.channel = channel, .way = STORE_FRESH};
    struct store_publish_item item = {
        .event = event_new(
            &(struct event_parts){.account = account, .type = SLICE("a"), .data = SLICE("{}")}),
        .targets = &target,
        .targets_len = 1,
    };
    struct store_publish publish = {.items = &item, .items_len = 1};
    enum err err = DRIVER_CALL(driver, publish, &publish);

    *out = item.id;
    assert_int_equal(item.event->id.value, item.id.value);
    event_release(item.event);
    return err;
}

static struct store_settle_item delivered(struct id account, struct id channel, struct id event)
{
    return (struct store_settle_item){
        .account = account,
        .channel = channel,
        .delivery = event_delivery_id(event, 0),
        .event = event,
        .is_fresh = true,
        .next = STORE_FINAL,
        .state = DELIVERY_DELIVERED,
        .has_attempt = true,
        .attempt = {.number = 1, .outcome = ATTEMPT_DELIVERED},
    };
}

static void a_full_disk_refuses_events_and_still_records_outcomes(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id event = driver_publish(driver, account, channel, STORE_FRESH, "{}");
    struct id refused = ID_NONE;

    plan_fault(FAULT_ROOM, ERR_FULL, 1);
    assert_int_equal(try_publish(driver, account, channel, &refused), ERR_FULL);
    assert_int_equal(refused.value, 0);
    assert_true(store_is_full(driver->store));

    struct store_settle_item item = delivered(account, channel, event);
    driver_settle(driver, &item);
    struct store_delivery found =
        driver_delivery(driver, account, event_delivery_id(event, 0), NULL);
    assert_int_equal(found.state, DELIVERY_DELIVERED);
    assert_int_equal(try_publish(driver, account, channel, &refused), ERR_FULL);

    atomic_store(&plan.is_mended, true);
    env_manual_advance(&driver->clock, 2 * US_PER_SECOND);
    assert_int_equal(try_publish(driver, account, channel, &refused), OK);
    assert_false(store_is_full(driver->store));
    driver_free(driver);
}

static void without_room_an_outcome_is_recorded_and_what_would_tell_of_it_is_not(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id event = driver_publish(driver, account, channel, STORE_FRESH, "{}");
    struct store_settle_item item = delivered(account, channel, event);
    struct store_publish_item notice = {
        .event = event_new(
            &(struct event_parts){.account = account, .type = SLICE("a"), .data = SLICE("{}")})};
    struct store_settle_health health = {.account = account,
                                         .channel = channel,
                                         .health = {.state = HEALTH_DISABLED},
                                         .notice = &notice};
    struct store_settle settle = {
        .items = &item, .items_len = 1, .health = &health, .health_len = 1};

    plan_fault(FAULT_ROOM, ERR_FULL, 1);
    assert_int_equal(DRIVER_CALL(driver, settle, &settle), OK);
    assert_int_equal(notice.err, ERR_FULL);
    assert_int_equal(notice.event->id.value, 0);
    assert_int_equal(driver_delivery(driver, account, event_delivery_id(event, 0), NULL).state,
                     DELIVERY_DELIVERED);
    event_release(notice.event);
    driver_free(driver);
}

static void what_ends_things_in_a_batch_survives_what_needs_room(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id event = driver_publish(driver, account, channel, STORE_FRESH, "{}");
    struct store_settle_item item = delivered(account, channel, event);
    struct store_settle settle = {.items = &item, .items_len = 1};
    struct store_publish_item new_item = {
        .event = event_new(
            &(struct event_parts){.account = account, .type = SLICE("a"), .data = SLICE("{}")})};
    struct store_publish publish = {.items = &new_item, .items_len = 1};

    plan_fault(FAULT_ROOM, ERR_FULL, 1);
    driver_start(driver, &settle.request, STORE_CALL_settle);
    driver_start(driver, &publish.request, STORE_CALL_publish);
    assert_int_equal(driver_wait(driver, &settle.request), OK);
    assert_int_equal(driver_wait(driver, &publish.request), ERR_FULL);
    event_release(new_item.event);
    driver_free(driver);
}

/* Publishes and settles, while call number fail_at finds the disk full; counts what was answered
 * OK. */
static uint64_t live_with_fault(struct driver *driver, struct id account, struct id channel)
{
    uint64_t stored = 0;

    for (int i = 0; i < 6; i++) {
        struct id event = ID_NONE;
        struct store_settle settle = {.items_len = 1};

        env_manual_advance(&driver->clock, 2 * US_PER_SECOND);
        if (try_publish(driver, account, channel, &event) != OK) {
            continue;
        }
        stored++;
        struct store_settle_item item = delivered(account, channel, event);
        settle.items = &item;
        (void)DRIVER_CALL(driver, settle, &settle); /* one that fails leaves it pending */
    }
    return stored;
}

static uint64_t count_events(struct driver *driver, struct id account)
{
    struct store_list_events list = {
        .page.account = account, .page.to = {UINT64_MAX}, .page.max = 100, .bytes_max = 10000};

    assert_int_equal(DRIVER_CALL(driver, list_events, &list), OK);
    uint64_t count = list.events_len;
    store_request_clear(&list.request);
    return count;
}

static void what_was_answered_is_stored_whichever_call_finds_the_disk_full(void **state)
{
    struct driver *driver = open_driver(state);

    for (uint64_t k = 1; k <= 40; k++) {
        char name[16];

        (void)snprintf(name, sizeof name, "shop%d", (int)k);
        struct id account = driver_account(driver, name);
        struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);

        plan_fault(FAULT_ONCE, ERR_FULL, k);
        uint64_t stored = live_with_fault(driver, account, channel);
        plan.kind = FAULT_NONE;
        assert_int_equal(count_events(driver, account), stored);
        env_manual_advance(&driver->clock, 2 * US_PER_SECOND);
    }
    driver_free(driver);
}

static void say_and_end(void *ctx, enum err err, const struct diag *diag)
{
    (void)ctx;
    _exit(err == ERR_IO && diag->text[0] != '\0' ? 42 : 1);
}

/* The fatal hook must not return, so the store that meets the failure lives in a process of its
 * own. */
static int status_after_failed_flush(void **state, uint64_t calls_ahead)
{
    pid_t child = fork();

    if (child == 0) {
        struct driver *driver = open_driver(state);
        struct id account = driver_account(driver, "shop");

        driver_close(driver);
        driver->options.hooks.fatal = say_and_end;
        driver_open(driver);
        plan_fault(FAULT_ONCE, ERR_IO, calls_ahead);
        (void)driver_publish(driver, account, ID_NONE, STORE_FRESH, "{}");
        _exit(2);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_failed_flush_ends_the_process_and_nothing_is_answered(void **state)
{
    struct driver *driver = NULL;

    assert_int_equal(status_after_failed_flush(state, /* commit */ 3), 42);
    driver = open_driver(state);
    struct account *account = directory_account(driver_directory(driver), SLICE("shop"));
    assert_non_null(account);
    assert_int_equal(count_events(driver, account->id), 0);
    driver_free(driver);
}

static void a_failed_write_ends_the_process(void **state)
{
    assert_int_equal(status_after_failed_flush(state, /* publish */ 2), 42);
}

/* Nothing is written yet, so the batch only waits. */
static void a_store_that_is_busy_at_the_beginning_is_asked_again(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id event = ID_NONE;

    plan_fault(FAULT_ONCE, ERR_BUSY, /* begin */ 1);
    assert_int_equal(try_publish(driver, account, channel, &event), OK);
    assert_true(event.value != 0);
    driver_free(driver);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* Those that fork come first: while this process has no other threads. */
        CASE(a_failed_flush_ends_the_process_and_nothing_is_answered),
        CASE(a_failed_write_ends_the_process),
        CASE(a_full_disk_refuses_events_and_still_records_outcomes),
        CASE(without_room_an_outcome_is_recorded_and_what_would_tell_of_it_is_not),
        CASE(what_ends_things_in_a_batch_survives_what_needs_room),
        CASE(a_store_that_is_busy_at_the_beginning_is_asked_again),
        CASE(what_was_answered_is_stored_whichever_call_finds_the_disk_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
