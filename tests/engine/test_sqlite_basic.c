#include "support/scratch.h"
#include "support/store_driver.h"

#include <unistd.h>

static struct driver *open_driver(void **state)
{
    static struct driver driver;
    const struct scratch *scratch = *state;

    driver_init(&driver, &engine_sqlite, scratch->folder);
    driver_open(&driver);
    return &driver;
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
        .attempt = {.number = 1, .outcome = ATTEMPT_DELIVERED, .status = 200},
    };
}

static void settings_survive_a_restart(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);

    assert_int_equal(driver->changed, 2);
    driver_close(driver);
    driver_open(driver);
    struct account *found = directory_account(driver_directory(driver), SLICE("shop"));
    assert_non_null(found);
    assert_int_equal(found->id.value, account.value);
    assert_non_null(account_channel(found, channel));
    driver_free(driver);
}

static void a_fresh_delivery_is_pending_until_it_is_settled(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id event = driver_publish(driver, account, channel, STORE_FRESH, "{\"a\":1.0}");
    struct id delivery = event_delivery_id(event, 0);
    size_t attempts = 0;

    struct store_delivery found = driver_delivery(driver, account, delivery, &attempts);
    assert_int_equal(found.state, DELIVERY_PENDING);
    assert_true(found.is_fresh);
    assert_int_equal(attempts, 0);

    struct store_settle_item item = delivered(account, channel, event);
    driver_settle(driver, &item);
    found = driver_delivery(driver, account, delivery, &attempts);
    assert_int_equal(found.state, DELIVERY_DELIVERED);
    assert_int_equal(found.attempts, 1);
    assert_int_equal(attempts, 1);
    driver_free(driver);
}

static void what_was_in_the_air_is_pending_after_a_restart(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_WEBHOOK);
    struct id first = driver_publish(driver, account, channel, STORE_FRESH, "{}");
    struct id second = driver_publish(driver, account, channel, STORE_FRESH, "{}");
    struct store_settle_item item = delivered(account, channel, second);

    driver_settle(driver, &item);
    driver_close(driver);
    driver_open(driver);
    struct store_delivery found =
        driver_delivery(driver, account, event_delivery_id(first, 0), NULL);
    assert_int_equal(found.state, DELIVERY_PENDING);
    assert_false(found.is_fresh);
    found = driver_delivery(driver, account, event_delivery_id(second, 0), NULL);
    assert_int_equal(found.state, DELIVERY_DELIVERED);

    struct store_take take = {
        .channel = channel, .now = env_wall(&driver->clock.env), .max = 10, .bytes_max = 1000};
    assert_int_equal(DRIVER_CALL(driver, take, &take), OK);
    assert_int_equal(take.items_len, 1);
    assert_slice_is(take.items[0].event->data, "{}");
    assert_slice_is(take.items[0].event->account_name, "shop");
    store_request_clear(&take.request);

    struct store_lanes lanes = {0};
    assert_int_equal(DRIVER_CALL(driver, lanes, &lanes), OK);
    assert_int_equal(lanes.lanes_len, 1);
    assert_int_equal(lanes.lanes[0].channel.value, channel.value);
    store_request_clear(&lanes.request);
    driver_free(driver);
}

static void a_message_is_leased_and_acknowledged_once(void **state)
{
    struct driver *driver = open_driver(state);
    struct id account = driver_account(driver, "shop");
    struct id channel = driver_channel(driver, account, DRIVER_QUEUE);
    struct id event = driver_publish(driver, account, channel, STORE_QUEUE, "{}");

    struct store_receive receive = {.account = account,
                                    .channel = channel,
                                    .max = 10,
                                    .bytes_max = 1000,
                                    .lease_us = US_PER_MINUTE};
    assert_int_equal(DRIVER_CALL(driver, receive, &receive), OK);
    assert_int_equal(receive.messages_len, 1);
    struct store_answer_item item = {.delivery = receive.messages[0].delivery,
                                     .epoch = receive.messages[0].epoch};
    store_request_clear(&receive.request);
    assert_int_equal(DRIVER_CALL(driver, receive, &receive), OK);
    assert_int_equal(receive.messages_len, 0);
    store_request_clear(&receive.request);

    struct store_answer answer = {.account = account,
                                  .channel = channel,
                                  .kind = STORE_ACK,
                                  .items = &item,
                                  .items_len = 1};
    assert_int_equal(DRIVER_CALL(driver, answer, &answer), OK);
    assert_int_equal(item.err, OK);
    assert_int_equal(DRIVER_CALL(driver, answer, &answer), OK);
    assert_int_equal(item.err, ERR_NOT_FOUND);
    size_t attempts = 0;
    struct store_delivery found =
        driver_delivery(driver, account, event_delivery_id(event, 0), &attempts);
    assert_int_equal(found.state, DELIVERY_DELIVERED);
    assert_int_equal(attempts, 1);
    driver_free(driver);
}

static void events_are_listed_by_account_and_period(void **state)
{
    struct driver *driver = open_driver(state);
    struct id shop = driver_account(driver, "shop");
    struct id bank = driver_account(driver, "bank");
    struct id first = driver_publish(driver, shop, ID_NONE, STORE_FRESH, "1");

    (void)driver_publish(driver, bank, ID_NONE, STORE_FRESH, "2");
    struct id third = driver_publish(driver, shop, ID_NONE, STORE_FRESH, "3");
    struct store_list_events list = {.account = shop,
                                     .to = {UINT64_MAX},
                                     .max = 10,
                                     .bytes_max = 1000,
                                     .is_newest_first = true};
    assert_int_equal(DRIVER_CALL(driver, list_events, &list), OK);
    assert_int_equal(list.events_len, 2);
    assert_int_equal(list.events[0]->id.value, third.value);
    assert_int_equal(list.events[1]->id.value, first.value);
    assert_false(list.has_more);
    store_request_clear(&list.request);
    driver_free(driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(settings_survive_a_restart, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(a_fresh_delivery_is_pending_until_it_is_settled,
                                        scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(what_was_in_the_air_is_pending_after_a_restart,
                                        scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(a_message_is_leased_and_acknowledged_once, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(events_are_listed_by_account_and_period, scratch_make,
                                        scratch_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
