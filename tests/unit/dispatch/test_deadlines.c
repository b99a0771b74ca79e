/*
 * Deadlines of operations over the real store on its memory engine, with both clocks in the test's
 * hand. The events go to a queue, so nothing is sent.
 */
#include "dispatch/deadlines.h"
#include "dispatch/news.h"
#include "store/fault/fault.h"
#include "support/store_driver.h"

#include <stdatomic.h>

/* What deadlines_run gives when it can do nothing before a message comes. */
#define BUSY_US US_PER_MINUTE

/* So far away that no test comes there. As long as it is pending, who rests looks at the clock, and
 * so is told apart from who waits for the store. */
#define FAR_US (100 * US_PER_DAY)

struct watch {
    struct driver driver; /* first: the hooks' ctx */
    struct deadlines *deadlines;
    struct dispatch *dispatch;
    struct id account;
    struct wall start;
    char path[64]; /* the memory engine keeps what is under a path as long as the process lives */
};

static void on_deadline(void *ctx, struct wall deadline)
{
    struct driver *driver = ctx;
    deadlines_stored(CONTAINER_OF(driver, struct watch, driver)->deadlines, deadline);
}

static void begin(struct watch *watch)
{
    static const struct dispatch_options options = {.threads = 1, .memory_bytes = 1024 * 1024};

    driver_open(&watch->driver);
    watch->dispatch = dispatch_new(&watch->driver.clock.env, &options);
    watch->deadlines = deadlines_new(&watch->driver.clock.env, watch->driver.store, watch->dispatch,
                                     watch->driver.mailbox);
}

static void end(struct watch *watch)
{
    deadlines_stop(watch->deadlines);
    store_stop(watch->driver.store);
    (void)mailbox_run(watch->driver.mailbox);
    driver_close(&watch->driver);
    deadlines_free(watch->deadlines);
    dispatch_free(watch->dispatch);
    watch->deadlines = NULL;
}

static struct operation *add(struct watch *watch, int64_t deadline_us, bool expires);

static void watch_init(struct watch *watch, const struct engine_ops *engine)
{
    static int count = 0;

    memset(watch, 0, sizeof *watch);
    (void)snprintf(watch->path, sizeof watch->path, "deadlines-%d", count++);
    driver_init(&watch->driver, engine, watch->path);
    watch->driver.options.hooks.deadline = on_deadline;
    watch->start = env_wall(&watch->driver.clock.env);
    begin(watch);
    watch->account = driver_account(&watch->driver, "registrar");
    (void)driver_channel(&watch->driver, watch->account, DRIVER_QUEUE);
    operation_free(add(watch, FAR_US, /* expires= */ false));
}

static void watch_free(struct watch *watch)
{
    end(watch);
    mailbox_free(watch->driver.mailbox);
}

/* Opens an operation with a deadline so long after the start; free it. */
static struct operation *add(struct watch *watch, int64_t deadline_us, bool expires)
{
    struct operation *operation = operation_new(&(struct operation){
        .account = watch->account,
        .command = SLICE("domain-create"),
        .client_ref = SLICE("job-17"),
        .server_ref = SLICE("1760000000.1.1.0"),
        .data = SLICE("{\"years\":1.50}"),
        .deadline = {watch->start.us + deadline_us},
        .expires = expires,
    });
    struct store_open_operation open = {.operation = operation};

    assert_int_equal(DRIVER_CALL(&watch->driver, open_operation, &open), OK);
    return operation;
}

static struct id add_id(struct watch *watch, int64_t deadline_us, bool expires)
{
    struct operation *operation = add(watch, deadline_us, expires);
    struct id id = operation->id;

    operation_free(operation);
    return id;
}

/* Runs until it rests; returns for how long it would. */
static int64_t go_on(struct watch *watch)
{
    int64_t sleep_us;

    while ((sleep_us = deadlines_run(watch->deadlines)) == BUSY_US) {
        assert_true(mailbox_wait(watch->driver.mailbox, 2 * US_PER_MINUTE));
        (void)mailbox_run(watch->driver.mailbox);
    }
    return sleep_us;
}

/* Lets both clocks go on, as long as it says each time, until so much has passed. */
static void pass(struct watch *watch, int64_t us)
{
    while (us > 0) {
        int64_t sleep_us = go_on(watch);
        int64_t step_us = sleep_us < us ? sleep_us : us;

        assert_true(sleep_us > 0);
        env_manual_advance(&watch->driver.clock, step_us);
        us -= step_us;
    }
    (void)go_on(watch);
}

static struct operation *find(struct watch *watch, struct id id)
{
    struct store_get_operation get = {.account = watch->account, .operation = id};

    assert_int_equal(DRIVER_CALL(&watch->driver, get_operation, &get), OK);
    struct operation *found = operation_new(get.found);
    store_request_clear(&get.request);
    return found;
}

static bool is_delayed(struct watch *watch, struct id id)
{
    struct operation *found = find(watch, id);
    bool is_delayed = found->is_delayed;

    assert_int_equal(found->state, OPERATION_PENDING);
    operation_free(found);
    return is_delayed;
}

/* How many events of a type there are; the newest of them is held in *newest. */
static size_t count_events(struct watch *watch, const char *type, struct event **newest)
{
    struct store_list_events list = {
        .page.account = watch->account,
        .page.to = {UINT64_MAX},
        .type = slice_of(type),
        .page.max = 250,
        .bytes_max = 1024 * 1024,
    };
    size_t count = 0;

    do {
        assert_int_equal(DRIVER_CALL(&watch->driver, list_events, &list), OK);
        count += list.events_len;
        if (newest != NULL && list.events_len > 0) {
            *newest = event_hold(list.events[list.events_len - 1]);
        }
        list.page.after = list.page.last;
        store_request_clear(&list.request);
    } while (list.page.has_more);
    return count;
}

/* ---- one deadline ---- */

static void is_told_when_it_comes_and_not_before(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    struct id id = add_id(&watch, 90 * US_PER_SECOND, /* expires= */ false);
    pass(&watch, 90 * US_PER_SECOND - 1);
    assert_false(is_delayed(&watch, id));
    pass(&watch, 1);
    assert_true(is_delayed(&watch, id));
    pass(&watch, US_PER_DAY);
    assert_int_equal(count_events(&watch, "operation.delayed", NULL), 1);
    assert_int_equal(deadlines_told(watch.deadlines), 1);
    watch_free(&watch);
}

static void the_event_has_the_operations_references_and_data(void **state)
{
    struct watch watch;
    struct event *event = NULL;

    (void)state;
    watch_init(&watch, &engine_memory);
    struct id id = add_id(&watch, US_PER_SECOND, /* expires= */ false);
    pass(&watch, US_PER_SECOND);
    assert_int_equal(count_events(&watch, "operation.delayed", &event), 1);
    char expected[256];
    (void)snprintf(expected, sizeof expected,
                   "{\"code\":1001,\"result\":\"Request pending\",\"command\":\"domain-create\","
                   "\"operation\":\"%s\",\"data\":{\"years\":1.50}}",
                   id_text(ID_OPERATION, id).chars);
    assert_slice_is(event->data, expected);
    assert_slice_is(event->client_ref, "job-17");
    assert_slice_is(event->server_ref, "1760000000.1.1.0");
    event_release(event);
    watch_free(&watch);
}

static void one_that_expires_ends_with_an_event(void **state)
{
    struct watch watch;
    struct event *event = NULL;

    (void)state;
    watch_init(&watch, &engine_memory);
    struct id id = add_id(&watch, US_PER_SECOND, /* expires= */ true);
    pass(&watch, US_PER_SECOND);
    struct operation *found = find(&watch, id);
    assert_int_equal(found->state, OPERATION_EXPIRED);
    assert_int_equal(found->code, 2400);
    assert_slice_is(found->result, "Operation expired");
    assert_int_equal(found->outcome.len, 0);
    assert_int_equal(count_events(&watch, "operation.expired", &event), 1);
    assert_int_equal(found->event.value, event->id.value);
    event_release(event);
    operation_free(found);
    watch_free(&watch);
}

static void one_that_ended_before_is_not_told(void **state)
{
    struct watch watch;
    struct news news;

    (void)state;
    watch_init(&watch, &engine_memory);
    struct operation *operation = add(&watch, US_PER_SECOND, /* expires= */ true);
    struct directory *directory = driver_directory(&watch.driver);
    news_begin(&news, watch.dispatch, directory_account_by_id(directory, watch.account), operation,
               &(struct news_told){.news = OPERATION_NEWS_COMPLETED, .code = 1000});
    assert_int_equal(DRIVER_CALL(&watch.driver, advance, &news.advance), OK);
    assert_true(news_is_stored(&news));
    news_end(&news);
    pass(&watch, 2 * US_PER_SECOND);
    assert_int_equal(count_events(&watch, "operation.*", NULL), 1);
    operation_free(operation);
    watch_free(&watch);
}

/* ---- waking ---- */

static void a_sooner_one_wakes_its_owner_and_a_later_one_does_not(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    (void)add_id(&watch, 10 * US_PER_SECOND, /* expires= */ false);
    (void)go_on(&watch);
    (void)mailbox_run(watch.driver.mailbox);
    deadlines_stored(watch.deadlines, (struct wall){watch.start.us + 20 * US_PER_SECOND});
    assert_false(mailbox_wait(watch.driver.mailbox, 0));
    deadlines_stored(watch.deadlines, (struct wall){watch.start.us + 5 * US_PER_SECOND});
    deadlines_stored(watch.deadlines, (struct wall){watch.start.us + 4 * US_PER_SECOND});
    assert_int_equal(mailbox_run(watch.driver.mailbox), 1); /* one message is enough for both */
    watch_free(&watch);
}

/* As the store's hook tells it, of one that the answer under way may not have seen. */
static void tell_of_one_soon(struct watch *watch)
{
    struct wall now = env_wall(&watch->driver.clock.env);
    deadlines_stored(watch->deadlines, (struct wall){now.us + 7 * US_PER_MS});
}

static void one_that_is_stored_while_the_store_is_asked_is_not_missed(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    assert_int_equal(deadlines_run(watch.deadlines), BUSY_US); /* asks */
    tell_of_one_soon(&watch);
    assert_int_equal(go_on(&watch), 7 * US_PER_MS);
    watch_free(&watch);
}

static void one_that_is_stored_while_others_are_told_is_not_missed(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    struct id id = add_id(&watch, US_PER_SECOND, /* expires= */ false);
    pass(&watch, US_PER_SECOND - 1);
    env_manual_advance(&watch.driver.clock, 1);
    assert_int_equal(deadlines_run(watch.deadlines), BUSY_US);          /* asks */
    assert_true(mailbox_wait(watch.driver.mailbox, 2 * US_PER_MINUTE)); /* the answer */
    (void)mailbox_run(watch.driver.mailbox);
    tell_of_one_soon(&watch);
    assert_int_equal(go_on(&watch), 7 * US_PER_MS);
    assert_true(is_delayed(&watch, id));
    watch_free(&watch);
}

/* ---- clocks ---- */

static void a_clock_set_forward_is_noticed_within_a_second(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    struct id id = add_id(&watch, US_PER_HOUR, /* expires= */ false);
    (void)go_on(&watch);
    env_manual_step_wall(&watch.driver.clock, US_PER_HOUR);
    env_manual_advance(&watch.driver.clock, go_on(&watch));
    pass(&watch, US_PER_SECOND);
    assert_true(is_delayed(&watch, id));
    watch_free(&watch);
}

static void a_clock_set_back_brings_nothing_twice_and_loses_nothing(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    (void)add_id(&watch, US_PER_SECOND, /* expires= */ false);
    struct id later = add_id(&watch, 10 * US_PER_SECOND, /* expires= */ false);
    pass(&watch, 2 * US_PER_SECOND);
    env_manual_step_wall(&watch.driver.clock, -US_PER_HOUR);
    pass(&watch, US_PER_HOUR);
    assert_int_equal(count_events(&watch, "operation.delayed", NULL), 1);
    assert_false(is_delayed(&watch, later));
    pass(&watch, 8 * US_PER_SECOND);
    assert_true(is_delayed(&watch, later));
    assert_int_equal(count_events(&watch, "operation.delayed", NULL), 2);
    watch_free(&watch);
}

/* ---- many, and the bad day ---- */

enum { MANY = 3000 };

static void thousands_of_one_second_are_each_told_once(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    for (int i = 0; i < MANY; i++) {
        (void)add_id(&watch, US_PER_SECOND + i % 1000 * US_PER_MS, /* expires= */ i % 2 == 0);
    }
    pass(&watch, 2 * US_PER_SECOND);
    assert_int_equal(deadlines_told(watch.deadlines), MANY);
    assert_int_equal(count_events(&watch, "operation.delayed", NULL), MANY / 2);
    assert_int_equal(count_events(&watch, "operation.expired", NULL), MANY / 2);
    watch_free(&watch);
}

static void those_that_passed_while_nobody_looked_are_told_at_the_start(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    struct id passed = add_id(&watch, US_PER_SECOND, /* expires= */ false);
    struct id coming = add_id(&watch, US_PER_HOUR + US_PER_SECOND, /* expires= */ false);
    end(&watch);
    env_manual_advance(&watch.driver.clock, US_PER_HOUR);
    begin(&watch);
    (void)go_on(&watch);
    assert_true(is_delayed(&watch, passed));
    assert_false(is_delayed(&watch, coming));
    pass(&watch, US_PER_SECOND);
    assert_true(is_delayed(&watch, coming));
    watch_free(&watch);
}

static void what_the_store_refuses_is_told_when_it_has_room_again(void **state)
{
    struct fault_plan plan = {.inner = &engine_memory, .kind = FAULT_ROOM, .err = ERR_FULL};
    struct watch watch;

    (void)state;
    plan.fail_at = UINT64_MAX;
    watch_init(&watch, fault_engine(&plan));
    struct id one = add_id(&watch, US_PER_SECOND, /* expires= */ false);
    struct id other = add_id(&watch, US_PER_SECOND, /* expires= */ false);
    plan.fail_at = 0;
    pass(&watch, US_PER_MINUTE);
    assert_int_equal(deadlines_told(watch.deadlines), 0);
    atomic_store(&plan.is_mended, true);
    pass(&watch, US_PER_MINUTE);
    assert_true(is_delayed(&watch, one));
    assert_true(is_delayed(&watch, other));
    assert_int_equal(count_events(&watch, "operation.delayed", NULL), 2);
    watch_free(&watch);
}

static void one_of_an_account_that_is_gone_goes_quietly(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    (void)add_id(&watch, US_PER_SECOND, /* expires= */ true);
    struct store_remove gone = {.account = watch.account};
    assert_int_equal(DRIVER_CALL(&watch.driver, remove, &gone), OK);
    watch.account = driver_account(&watch.driver, "another");
    operation_free(add(&watch, FAR_US, /* expires= */ false));
    struct id id = add_id(&watch, 2 * US_PER_SECOND, /* expires= */ false);
    pass(&watch, 3 * US_PER_SECOND);
    assert_true(is_delayed(&watch, id));
    assert_int_equal(deadlines_told(watch.deadlines), 1);
    watch_free(&watch);
}

static void nothing_is_begun_after_the_stop(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, &engine_memory);
    struct id id = add_id(&watch, US_PER_SECOND, /* expires= */ false);
    (void)go_on(&watch);
    env_manual_advance(&watch.driver.clock, US_PER_SECOND);
    assert_int_equal(deadlines_run(watch.deadlines), BUSY_US); /* asks */
    end(&watch);
    begin(&watch);
    assert_false(is_delayed(&watch, id));
    (void)go_on(&watch);
    assert_true(is_delayed(&watch, id));
    watch_free(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_told_when_it_comes_and_not_before),
        cmocka_unit_test(the_event_has_the_operations_references_and_data),
        cmocka_unit_test(one_that_expires_ends_with_an_event),
        cmocka_unit_test(one_that_ended_before_is_not_told),
        cmocka_unit_test(a_sooner_one_wakes_its_owner_and_a_later_one_does_not),
        cmocka_unit_test(one_that_is_stored_while_the_store_is_asked_is_not_missed),
        cmocka_unit_test(one_that_is_stored_while_others_are_told_is_not_missed),
        cmocka_unit_test(a_clock_set_forward_is_noticed_within_a_second),
        cmocka_unit_test(a_clock_set_back_brings_nothing_twice_and_loses_nothing),
        cmocka_unit_test(thousands_of_one_second_are_each_told_once),
        cmocka_unit_test(those_that_passed_while_nobody_looked_are_told_at_the_start),
        cmocka_unit_test(what_the_store_refuses_is_told_when_it_has_room_again),
        cmocka_unit_test(one_of_an_account_that_is_gone_goes_quietly),
        cmocka_unit_test(nothing_is_begun_after_the_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
