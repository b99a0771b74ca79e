/*
 * What only the SQLite engine has: its files, its schema, sealed secrets, buckets, the log's
 * bounds, and walks of retention through its tables. What every engine must do is in tests/engine.
 */
#include "os/file.h"
#include "os/thread.h"
#include "store/sqlite/sqlite_internal.h"
#include "support/scratch.h"
#include "support/store_driver.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>

static struct driver *open_driver(void **state)
{
    static struct driver driver;
    const struct scratch *scratch = *state;

    driver_init(&driver, &engine_sqlite, scratch->folder);
    driver_open(&driver);
    return &driver;
}

/* Runs SQL on the closed store's file, as an operator might. */
static void run_sql(void **state, const char *text)
{
    sqlite3 *handle = NULL;
    char *error = NULL;

    assert_int_equal(sqlite3_open(scratch_path(*state, "tidings.db").chars, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, text, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s: %s", text, error);
    }
    (void)sqlite3_close(handle);
}

/* The one number that a query on the closed store's file gives. */
static int64_t ask_sql(void **state, const char *query)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *row = NULL;

    assert_int_equal(sqlite3_open(scratch_path(*state, "tidings.db").chars, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, query, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(row, 0);
    (void)sqlite3_finalize(row);
    (void)sqlite3_close(handle);
    return number;
}

/* ---- Files ---------------------------------------------------------------------------------- */

static void a_folder_has_one_owner(void **state)
{
    struct driver *driver = open_driver(state);
    struct driver second;
    struct diag diag = {0};

    driver_init(&second, &engine_sqlite, driver->options.path);
    assert_int_equal(driver_try_open(&second, &diag), ERR_BUSY);
    assert_true(diag.text[0] != '\0');
    driver_free(&second);
    driver_free(driver);
}

static void data_of_a_newer_program_is_refused(void **state)
{
    struct driver *driver = open_driver(state);
    struct diag diag = {0};

    driver_close(driver);
    run_sql(state, "PRAGMA user_version = 1000");
    assert_int_equal(driver_try_open(driver, &diag), ERR_VERSION);
    assert_non_null(strstr(diag.text, "newer"));
    driver_free(driver);
}

static void a_database_of_somebody_else_is_refused(void **state)
{
    struct driver driver;
    struct diag diag = {0};

    run_sql(state, "CREATE TABLE theirs (x)");
    driver_init(&driver, &engine_sqlite, ((const struct scratch *)*state)->folder);
    assert_int_equal(driver_try_open(&driver, &diag), ERR_CORRUPT);
    driver_free(&driver);
}

static void the_receipt_key_is_kept(void **state)
{
    struct driver *driver = open_driver(state);
    uint8_t key[32];

    memcpy(key, store_receipt_key(driver->store), sizeof key);
    driver_close(driver);
    driver_open(driver);
    assert_memory_equal(store_receipt_key(driver->store), key, sizeof key);
    driver_free(driver);
}

/* ---- Secrets -------------------------------------------------------------------------------- */

static const uint8_t master_key[SEAL_KEY_BYTES] = "a master key of thirty-two bytes";
static const uint8_t other_key[SEAL_KEY_BYTES] = "another master key of 32 bytes..";

#define SECRET_HEADER                                                                              \
    "{\"kind\":\"webhook\",\"url\":\"https://example.com/\",\"events\":[\"*\"],"                   \
    "\"headers\":{\"X-Token\":\"visible-nowhere\"}}"

static bool file_has(void **state, const char *name, const char *text)
{
    struct buf content;

    buf_init(&content, 64 * 1024 * 1024);
    (void)!file_read(scratch_path(*state, name).chars, &content, NULL);
    bool has = content.len > 0 && memmem(content.ptr, content.len, text, strlen(text)) != NULL;
    buf_clear(&content);
    return has;
}

static void secrets_are_unreadable_without_the_master_key(void **state)
{
    static struct driver driver;
    struct diag diag = {0};

    driver_init(&driver, &engine_sqlite, ((const struct scratch *)*state)->folder);
    driver.options.master_key = master_key;
    driver_open(&driver);
    struct id account = driver_account(&driver, "shop");
    struct id channel = driver_channel(&driver, account, SECRET_HEADER);
    driver_close(&driver);
    assert_false(file_has(state, "tidings.db", "visible-nowhere"));
    assert_false(file_has(state, "tidings.db-wal", "visible-nowhere"));

    driver.options.master_key = NULL;
    assert_int_equal(driver_try_open(&driver, &diag), ERR_DENIED);
    driver.options.master_key = other_key;
    assert_int_equal(driver_try_open(&driver, &diag), ERR_CORRUPT);
    driver.options.master_key = master_key;
    driver_open(&driver);
    struct account *found = directory_account_by_id(driver_directory(&driver), account);
    assert_int_equal(account_channel(found, channel)->headers_len, 1);
    driver_free(&driver);
}

static void a_sealed_value_does_not_fit_another_row(void **state)
{
    static struct driver driver;
    struct diag diag = {0};

    driver_init(&driver, &engine_sqlite, ((const struct scratch *)*state)->folder);
    driver.options.master_key = master_key;
    driver_open(&driver);
    struct id account = driver_account(&driver, "shop");
    (void)driver_channel(&driver, account, SECRET_HEADER);
    (void)driver_channel(&driver, account, DRIVER_WEBHOOK);
    driver_close(&driver);
    run_sql(state,
            "UPDATE channel SET settings = (SELECT settings FROM channel ORDER BY id LIMIT 1)");
    assert_int_equal(driver_try_open(&driver, &diag), ERR_CORRUPT);
    driver_free(&driver);
}

/* ---- Buckets -------------------------------------------------------------------------------- */

enum { MANY = 20000, EACH = 500 };

/* MANY events, every fourth of one account and the others of another. */
static void publish_many(struct driver *driver, struct id few, struct id most)
{
    static struct store_publish_item items[EACH];
    struct store_publish publish = {.items = items, .items_len = EACH};

    for (int done = 0; done < MANY; done += EACH) {
        env_manual_advance(&driver->clock, US_PER_MS);
        for (int i = 0; i < EACH; i++) {
            items[i] = (struct store_publish_item){
                .event = event_new(&(struct event_parts){
                    .account = i % 4 == 0 ? few : most, .type = SLICE("a"), .data = SLICE("{}")})};
        }
        assert_int_equal(DRIVER_CALL(driver, publish, &publish), OK);
        for (int i = 0; i < EACH; i++) {
            event_release(items[i].event);
        }
    }
}

/* Pages through all events of an account; checks their order and returns how many there are. */
static size_t page_through(struct driver *driver, struct id account, bool is_newest_first)
{
    struct store_list_events list = {.page.account = account,
                                     .page.to = {UINT64_MAX},
                                     .is_newest_first = is_newest_first,
                                     .page.max = 250,
                                     .bytes_max = 100000};
    uint64_t before = is_newest_first ? UINT64_MAX : 0;
    size_t count = 0;

    do {
        assert_int_equal(DRIVER_CALL(driver, list_events, &list), OK);
        for (size_t i = 0; i < list.events_len; i++) {
            uint64_t id = list.events[i]->id.value;

            assert_true(is_newest_first ? id < before : id > before);
            before = id;
        }
        count += list.events_len;
        list.page.after = list.page.last;
        store_request_clear(&list.request);
    } while (list.page.has_more);
    return count;
}

static void a_period_reaches_over_many_buckets(void **state)
{
    struct driver *driver = open_driver(state);
    struct id few = driver_account(driver, "few");
    struct id most = driver_account(driver, "most");

    publish_many(driver, few, most);
    assert_int_equal(page_through(driver, few, false), MANY / 4);
    assert_int_equal(page_through(driver, few, true), MANY / 4);
    driver_close(driver);
    assert_int_equal(ask_sql(state, "SELECT count(*) FROM bucket"), MANY / 8192 + 1);
    driver_open(driver);
    assert_int_equal(page_through(driver, most, true), MANY / 4 * 3);
    driver_free(driver);
}

/* ---- Operations ----------------------------------------------------------------------------- */

/* 10,000 pending ones of the only account, made behind the engine's back. */
static const char many_operations[] =
    "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT 10000)"
    " INSERT INTO operation (id, account, state, created, deadline, expires, delayed, steps, ended,"
    " code, command, server_ref)"
    " SELECT n, account.id, 0, 0, 0, 0, 0, 0, 0, 0, 'a', 'b' FROM number, account";

static void a_list_looks_at_a_bounded_number_of_operations_a_call(void **state)
{
    struct driver *driver = open_driver(state);
    struct store_list_operations list = {.page.account = driver_account(driver, "shop"),
                                         .page.to = {UINT64_MAX >> 1},
                                         .has_state = true,
                                         .state = OPERATION_FAILED,
                                         .page.max = 10,
                                         .bytes_max = 1000};
    int calls = 0;

    driver_close(driver);
    run_sql(state, many_operations);
    driver_open(driver);
    do {
        assert_int_equal(DRIVER_CALL(driver, list_operations, &list), OK);
        assert_int_equal(list.operations_len, 0);
        list.page.after = list.page.last;
        store_request_clear(&list.request);
        calls++;
    } while (list.page.has_more);
    assert_in_range(calls, 2, 10);
    driver_free(driver);
}

/* ---- The log -------------------------------------------------------------------------------- */

static off_t log_bytes(void **state)
{
    struct stat found;

    assert_int_equal(stat(scratch_path(*state, "tidings.db-wal").chars, &found), 0);
    return found.st_size;
}

static void the_log_stays_small_under_load(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    char *data = mem_new(1, 100 * 1024 + 1);

    memset(data, 'x', 100 * 1024);
    for (int i = 0; i < 300; i++) {
        (void)driver_publish(driver, account, ID_NONE, STORE_FRESH, data);
    }
    assert_in_range(log_bytes(state), 1, 6 * 1024 * 1024);
    mem_free(data);
    driver_free(driver);
}

/* A reader that stays in its snapshot until the writer shuts the gate. */
struct long_reader {
    struct engine *engine;
    struct engine_reader *reader;
    struct store_request request;
    struct thread thread;
    _Atomic bool is_in;
};

static bool is_gate_shut(struct checkpoint *checkpoint)
{
    (void)pthread_mutex_lock(&checkpoint->lock);
    bool is_shut = checkpoint->is_shut;
    (void)pthread_mutex_unlock(&checkpoint->lock);
    return is_shut;
}

static void read_long(void *ctx)
{
    struct long_reader *reader = ctx;
    enum err err = reader_begin(reader->reader, &reader->request);

    atomic_store(&reader->is_in, true);
    while (err == OK && !is_gate_shut(&reader->engine->checkpoint)) {
        (void)sched_yield();
    }
    err = reader_end(reader->reader, err);
    assert_int_equal(err, OK);
}

/* Writes `count` events of 1 MiB, each in a transaction. */
static void write_much(struct engine *engine, struct engine_batch *batch, int count)
{
    char *data = mem_new(1, 1024 * 1024);
    struct diag diag = {0};

    for (int i = 0; i < count; i++) {
        struct store_publish_item item = {
            .event = event_new(&(struct event_parts){.id = id_make(batch->ids, batch->now, 1),
                                                     .type = SLICE("a"),
                                                     .data = slice_from(data, 1024 * 1024)})};
        struct store_publish publish = {.items = &item, .items_len = 1};

        item.id = item.event->id;
        assert_int_equal(engine_sqlite.begin(engine, batch, &diag), OK);
        assert_int_equal(engine_sqlite.publish(engine, batch, &publish), OK);
        assert_int_equal(engine_sqlite.commit(engine, &diag), OK);
        assert_int_equal(engine_sqlite.settled(engine, &diag), OK);
        event_release(item.event);
    }
    mem_free(data);
}

static void the_log_stays_bounded_beside_a_long_reader(void **state)
{
    struct env_manual clock;
    struct id_maker ids = {.node = 1};
    struct long_reader reader = {.request = {.call = STORE_CALL_stats}};
    struct diag diag = {0};

    env_manual_init(&clock, (struct wall){INT64_C(1770000000) * US_PER_SECOND}, 1);
    struct engine_batch batch = {.now = env_wall(&clock.env), .ids = &ids};
    struct engine_options options = {.path = ((const struct scratch *)*state)->folder,
                                     .env = &clock.env};
    assert_int_equal(engine_sqlite.open(&options, &reader.engine, &diag), OK);
    assert_int_equal(engine_sqlite.reader_open(reader.engine, &reader.reader, &diag), OK);
    write_much(reader.engine, &batch, 1);
    thread_start(&reader.thread, "reader", read_long, &reader);
    while (!atomic_load(&reader.is_in)) {
        (void)sched_yield();
    }
    write_much(reader.engine, &batch, 80);
    thread_join(&reader.thread);
    assert_in_range(log_bytes(state), 60 * 1024 * 1024, 68 * 1024 * 1024);
    engine_sqlite.reader_close(reader.reader);
    engine_sqlite.close(reader.engine);
}

/* ---- Fan-out -------------------------------------------------------------------------------- */

static void an_event_may_have_ten_thousand_deliveries(void **state)
{
    enum { DELIVERIES = 10000 };
    static struct store_target targets[DELIVERIES];
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);

    for (size_t i = 0; i < DELIVERIES; i++) {
        targets[i] = (struct store_target){.channel = channel,
                                           .way = i % 2 == 0 ? STORE_FRESH : STORE_WAITING};
    }
    struct store_publish_item item = {
        .event = event_new(
            &(struct event_parts){.account = account, .type = SLICE("a"), .data = SLICE("{}")}),
        .targets = targets,
        .targets_len = DELIVERIES,
    };
    struct store_publish publish = {.items = &item, .items_len = 1};
    assert_int_equal(DRIVER_CALL(driver, publish, &publish), OK);
    event_release(item.event);
    struct id last = event_delivery_id(item.id, DELIVERIES - 1);
    assert_false(driver_delivery(driver, account, last, NULL).is_fresh);
    assert_true(driver_delivery(driver, account, event_delivery_id(item.id, 0), NULL).is_fresh);

    driver_close(driver);
    driver_open(driver);
    struct store_stats stats = {0};
    assert_int_equal(DRIVER_CALL(driver, stats, &stats), OK);
    assert_int_equal(stats.pending, DELIVERIES);
    struct id next = driver_publish(driver, account, ID_NONE, STORE_FRESH, "{}");
    assert_true(next.value > last.value); /* its deliveries' ids are taken too */
    driver_free(driver);
}

/* ---- Retention ------------------------------------------------------------------------------ */

/* Retains in slices until nothing is left to do; returns how much was removed. */
static uint64_t retain_all(struct driver *driver, struct wall payloads, struct wall rest,
                           struct wall keys)
{
    struct store_retain retain = {
        .payloads_before = payloads, .rest_before = rest, .idempotency_before = keys, .max = 3};
    uint64_t removed = 0;

    do {
        assert_int_equal(DRIVER_CALL(driver, retain, &retain), OK);
        removed += retain.removed;
    } while (retain.has_more);
    return removed;
}

static bool has_data(struct driver *driver, struct id account, struct id event)
{
    struct store_get_event get = {.account = account, .event = event};

    assert_int_equal(DRIVER_CALL(driver, get_event, &get), OK);
    bool has = get.found->data.len > 0;
    store_request_clear(&get.request);
    return has;
}

static struct wall now_of(struct driver *driver)
{
    return env_wall(&driver->clock.env);
}

static const struct wall never = {0};

static void data_goes_when_its_last_delivery_has_ended(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id done = driver_publish(driver, account, ID_NONE, STORE_FRESH, "{}");
    struct id waits = driver_publish(driver, account, channel, STORE_WAITING, "{}");

    env_manual_advance(&driver->clock, US_PER_DAY);
    struct id young = driver_publish(driver, account, ID_NONE, STORE_FRESH, "{}");
    struct wall limit = {now_of(driver).us - US_PER_HOUR};
    assert_int_equal(retain_all(driver, limit, never, never), 1);
    assert_false(has_data(driver, account, done));
    assert_true(has_data(driver, account, waits));
    assert_true(has_data(driver, account, young));

    struct store_steer steer = {
        .kind = STORE_STEER_CANCEL, .account = account, .delivery = event_delivery_id(waits, 0)};
    assert_int_equal(DRIVER_CALL(driver, steer, &steer), OK);
    assert_false(has_data(driver, account, waits));
    driver_free(driver);
}

static void old_queue_messages_expire(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_QUEUE);
    struct id old = driver_publish(driver, account, channel, STORE_QUEUE, "{}");

    env_manual_advance(&driver->clock, US_PER_DAY);
    (void)driver_publish(driver, account, channel, STORE_QUEUE, "{}");
    (void)retain_all(driver, (struct wall){now_of(driver).us - US_PER_HOUR}, never, never);
    struct store_delivery found = driver_delivery(driver, account, event_delivery_id(old, 0), NULL);
    assert_int_equal(found.state, DELIVERY_EXPIRED);
    struct store_stats stats = {0};
    assert_int_equal(DRIVER_CALL(driver, stats, &stats), OK);
    assert_int_equal(stats.pending, 1);
    driver_free(driver);
}

static void publish_with_key(struct driver *driver, struct id account, uint8_t key,
                             bool is_duplicate)
{
    struct store_publish_item item = {
        .event = event_new(
            &(struct event_parts){.account = account, .type = SLICE("a"), .data = SLICE("{}")}),
        .is_idempotent = true,
        .idempotency = {key},
    };
    struct store_publish publish = {.items = &item, .items_len = 1};

    assert_int_equal(DRIVER_CALL(driver, publish, &publish), OK);
    assert_int_equal(item.is_duplicate, is_duplicate);
    event_release(item.event);
}

static void a_key_past_its_time_does_not_count_and_is_removed(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");

    publish_with_key(driver, account, 1, false);
    publish_with_key(driver, account, 2, false);
    publish_with_key(driver, account, 1, true);
    env_manual_advance(&driver->clock, US_PER_DAY);
    publish_with_key(driver, account, 1, false); /* anew: must survive the removal of the first */
    struct wall limit = {now_of(driver).us - US_PER_HOUR};
    assert_int_equal(retain_all(driver, never, never, limit), 2);
    publish_with_key(driver, account, 1, true);
    driver_close(driver);
    assert_int_equal(ask_sql(state, "SELECT count(*) FROM idempotency"), 1);
    driver_free(driver);
}

static void what_was_pending_for_a_removed_channel_is_canceled(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id events[5];

    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        events[i] = driver_publish(driver, account, channel, STORE_WAITING, "{}");
    }
    struct store_remove target = {.account = account, .channel = channel};
    assert_int_equal(DRIVER_CALL(driver, remove, &target), OK);
    struct id late = driver_publish(driver, account, channel, STORE_WAITING, "{}");
    assert_int_equal(retain_all(driver, never, never, never), ARRAY_LEN(events));
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        struct id delivery = event_delivery_id(events[i], 0);

        assert_int_equal(driver_delivery(driver, account, delivery, NULL).state, DELIVERY_CANCELED);
    }
    assert_int_equal(driver_delivery(driver, account, event_delivery_id(late, 0), NULL).state,
                     DELIVERY_CANCELED);
    driver_free(driver);
}

static void settle_all(struct driver *driver, struct id account, struct id channel,
                       const struct id *events, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct store_settle_item item = {
            .account = account,
            .channel = channel,
            .delivery = event_delivery_id(events[i], 0),
            .event = events[i],
            .is_fresh = true,
            .next = STORE_FINAL,
            .state = i % 4 == 0 ? DELIVERY_DELIVERED : DELIVERY_FAILED,
            .has_attempt = true,
            .attempt = {.number = 1, .outcome = ATTEMPT_DELIVERED},
        };

        driver_settle(driver, &item);
    }
}

static void past_its_age_nothing_is_left(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id events[8];

    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        events[i] = driver_publish(driver, account, channel, STORE_FRESH, "{}");
    }
    publish_with_key(driver, account, 1, false);
    settle_all(driver, account, channel, events, ARRAY_LEN(events));
    env_manual_advance(&driver->clock, US_PER_DAY);
    (void)driver_publish(driver, account, ID_NONE, STORE_FRESH, "{}");
    env_manual_advance(&driver->clock, US_PER_SECOND); /* lets the mark move */
    (void)driver_publish(driver, account, ID_NONE, STORE_FRESH, "{}");
    (void)retain_all(driver, never, (struct wall){now_of(driver).us - US_PER_HOUR}, never);
    driver_close(driver);
    assert_int_equal(ask_sql(state, "SELECT count(*) FROM event"), 2);
    assert_int_equal(ask_sql(state, "SELECT count(*) FROM event_by_account"), 2);
    assert_int_equal(ask_sql(state, "SELECT (SELECT count(*) FROM attempt) +"
                                    " (SELECT count(*) FROM pending) +"
                                    " (SELECT count(*) FROM ended) +"
                                    " (SELECT count(*) FROM idempotency)"),
                     0);
    driver_free(driver);
}

static struct id open_with_key(struct driver *driver, struct id account, uint8_t key)
{
    struct operation operation = {
        .account = account, .command = SLICE("a"), .server_ref = SLICE("b")};
    struct store_open_operation open = {
        .operation = &operation, .is_idempotent = true, .idempotency = {key}};

    assert_int_equal(DRIVER_CALL(driver, open_operation, &open), OK);
    return open.id;
}

static void expire(struct driver *driver, struct id account, struct id operation)
{
    struct store_advance end = {.kind = STORE_ADVANCE_END,
                                .account = account,
                                .operation = operation,
                                .state = OPERATION_EXPIRED,
                                .item = {.event = event_new(&(struct event_parts){
                                             .account = account, .type = SLICE("a")})}};

    assert_int_equal(DRIVER_CALL(driver, advance, &end), OK);
    event_release(end.item.event);
}

/* Of the kept one its key goes; of the one that ended, and of those of a removed account, all. */
static void past_their_age_nothing_is_left_of_operations(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id removed = driver_account(driver, "removed");
    struct store_remove removal = {.account = removed};
    uint8_t key = 0;

    expire(driver, account, open_with_key(driver, account, ++key));
    (void)open_with_key(driver, account, ++key);
    while (key < 10) {
        (void)open_with_key(driver, removed, ++key);
    }
    assert_int_equal(DRIVER_CALL(driver, remove, &removal), OK);
    env_manual_advance(&driver->clock, US_PER_DAY);
    struct wall limit = {now_of(driver).us - US_PER_HOUR};
    (void)retain_all(driver, never, limit, limit);
    driver_close(driver);
    assert_int_equal(ask_sql(state, "SELECT count(*) FROM operation"), 1);
    assert_int_equal(ask_sql(state, "SELECT count(*) FROM operation WHERE state = 0"), 1);
    assert_int_equal(ask_sql(state, "SELECT (SELECT count(*) FROM idempotency) +"
                                    " (SELECT count(*) FROM removed_account)"),
                     0);
    driver_free(driver);
}

static void retention_never_passes_the_mark(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id event = driver_publish(driver, account, channel, STORE_FRESH, "{}");

    env_manual_advance(&driver->clock, 3650 * US_PER_DAY); /* a clock set wrong */
    (void)retain_all(driver, now_of(driver), now_of(driver), now_of(driver));
    assert_true(has_data(driver, account, event));
    driver_free(driver);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_folder_has_one_owner),
        CASE(data_of_a_newer_program_is_refused),
        CASE(a_database_of_somebody_else_is_refused),
        CASE(the_receipt_key_is_kept),
        CASE(secrets_are_unreadable_without_the_master_key),
        CASE(a_sealed_value_does_not_fit_another_row),
        CASE(a_period_reaches_over_many_buckets),
        CASE(a_list_looks_at_a_bounded_number_of_operations_a_call),
        CASE(the_log_stays_small_under_load),
        CASE(the_log_stays_bounded_beside_a_long_reader),
        CASE(an_event_may_have_ten_thousand_deliveries),
        CASE(data_goes_when_its_last_delivery_has_ended),
        CASE(old_queue_messages_expire),
        CASE(a_key_past_its_time_does_not_count_and_is_removed),
        CASE(what_was_pending_for_a_removed_channel_is_canceled),
        CASE(past_its_age_nothing_is_left),
        CASE(past_their_age_nothing_is_left_of_operations),
        CASE(retention_never_passes_the_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
