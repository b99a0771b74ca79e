/*
 * Data that an older program left is all there under this one, and takes what is new.
 */
#include "support/scratch.h"
#include "support/store_driver.h"
#include "version1.h"

#include <sqlite3.h>

static void write_version1(void **state)
{
    sqlite3 *handle = NULL;
    char *error = NULL;

    assert_int_equal(sqlite3_open(scratch_path(*state, "tidings.db").chars, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, version1, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s", error);
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static struct driver *open_version1(void **state)
{
    static struct driver driver;

    write_version1(state);
    driver_init(&driver, &engine_sqlite, ((const struct scratch *)*state)->folder);
    driver_open(&driver);
    return &driver;
}

static void assert_all_is_there(struct driver *driver)
{
    struct account *account = directory_account_by_id(driver_directory(driver), VERSION1_ACCOUNT);
    struct store_get_event get = {.account = VERSION1_ACCOUNT, .event = VERSION1_EVENT};
    size_t attempts = 0;

    assert_non_null(account);
    assert_slice_is(account->name, "shop");
    assert_slice_is(account_channel(account, VERSION1_WEBHOOK)->url, "https://example.com/");
    assert_non_null(account_channel(account, VERSION1_QUEUE));
    assert_int_equal(DRIVER_CALL(driver, get_event, &get), OK);
    assert_slice_is(get.found->type, "order.created");
    assert_slice_is(get.found->data, VERSION1_DATA);
    assert_int_equal(get.deliveries_len, 2);
    assert_int_equal(get.deliveries[0].state, DELIVERY_FAILED);
    assert_int_equal(get.deliveries[1].state, DELIVERY_PENDING);
    store_request_clear(&get.request);
    (void)driver_delivery(driver, VERSION1_ACCOUNT, event_delivery_id(VERSION1_EVENT, 0),
                          &attempts);
    assert_int_equal(attempts, 1);
}

static void all_that_an_older_program_stored_is_there(void **state)
{
    struct driver *driver = open_version1(state);

    for (int round = 0; round < 2; round++) {
        assert_all_is_there(driver);
        driver_close(driver);
        driver_open(driver);
    }
    driver_free(driver);
}

static void what_waited_in_its_queue_still_comes(void **state)
{
    struct driver *driver = open_version1(state);
    struct store_receive receive = {.account = VERSION1_ACCOUNT,
                                    .channel = VERSION1_QUEUE,
                                    .max = 10,
                                    .bytes_max = 1000,
                                    .is_auto_ack = true};

    assert_int_equal(DRIVER_CALL(driver, receive, &receive), OK);
    assert_int_equal(receive.messages_len, 1);
    assert_slice_is(receive.messages[0].event->data, VERSION1_DATA);
    store_request_clear(&receive.request);
    driver_free(driver);
}

static void its_idempotency_keys_still_count(void **state)
{
    struct driver *driver = open_version1(state);
    struct store_publish_item item = {
        .event = event_new(
            &(struct event_parts){.account = VERSION1_ACCOUNT, .type = SLICE("order.created")}),
        .is_idempotent = true,
        .idempotency = {1},
        .body = {1},
    };
    struct store_publish publish = {.items = &item, .items_len = 1};

    assert_int_equal(DRIVER_CALL(driver, publish, &publish), OK);
    assert_true(item.is_duplicate);
    assert_int_equal(item.id.value, VERSION1_EVENT.value);
    assert_int_equal(item.deliveries, 2);
    event_release(item.event);
    driver_free(driver);
}

static void its_accounts_may_have_operations(void **state)
{
    struct driver *driver = open_version1(state);
    struct operation operation = {.account = VERSION1_ACCOUNT,
                                  .command = SLICE("domain-create"),
                                  .server_ref = SLICE("server-1")};
    struct store_open_operation open = {.operation = &operation};
    struct store_get_operation get = {.account = VERSION1_ACCOUNT};

    assert_int_equal(DRIVER_CALL(driver, open_operation, &open), OK);
    assert_true(open.id.value > VERSION1_EVENT.value);
    get.operation = open.id;
    assert_int_equal(DRIVER_CALL(driver, get_operation, &get), OK);
    assert_slice_is(get.found->command, "domain-create");
    store_request_clear(&get.request);
    driver_free(driver);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(all_that_an_older_program_stored_is_there),
        CASE(what_waited_in_its_queue_still_comes),
        CASE(its_idempotency_keys_still_count),
        CASE(its_accounts_may_have_operations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
