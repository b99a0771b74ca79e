/*
 * How long notifications are there, asked over HTTP of a server whose clock the test owns.
 */
#include "client.h"
#include "support/store_driver.h"
#include "wire/app.h"
#include "wire/checkout/checkout.h"
#include "wire/checkout/merchant.h"

#define MERCHANT                                                                                   \
    " HTTP/1.1\r\nHost: x\r\nmerchantId: 100000000001\r\n"                                         \
    "Authorization: Bearer token-of-harbor-1\r\nContent-Length: "
#define GET(target) "GET " target MERCHANT "0\r\n\r\n"
#define WINDOW_US (30 * US_PER_DAY)

struct place {
    struct driver driver;
    struct app app;
    struct router *router;
    struct id account, channel;
};

static struct id put_account(struct driver *driver)
{
    struct json_doc doc;
    struct store_put_account put = {0};
    struct json settings = driver_json(&doc, "{\"checkout\":{\"merchant_id\":\"100000000001\","
                                             "\"token\":\"token-of-harbor-1\"}}");

    assert_int_equal(
        account_from_json(SLICE("harbor"), settings, NULL, &test_dialects, &put.account, NULL), OK);
    assert_int_equal(DRIVER_CALL(driver, put_account, &put), OK);
    struct id id = put.account->id;
    account_release(put.account);
    json_doc_clear(&doc);
    return id;
}

static void serve(struct place *place)
{
    struct diag diag = {0};

    place->router = router_new(&checkout_routes, 1);
    const struct server_options options = {
        .listen = "127.0.0.1:0",
        .threads = 1,
        .connections_max = 100,
        .connection_memory_bytes = 8192,
        .request_timeout_us = 10 * WINDOW_US, /* the clock's days close no connection */
        .router = place->router,
        .store = place->driver.store,
        .app = &place->app,
    };
    if (server_open(&place->driver.clock.env, &options, &place->app.server, &diag) != OK) {
        fail_msg("%s", diag.text);
    }
    server_start(place->app.server);
}

static int start(void **state)
{
    static int number;
    char path[32];
    struct place *place = MEM_NEW(struct place);

    /* The memory engine keeps what is under a path as long as the process lives. */
    (void)snprintf(path, sizeof path, "window-%d", number++);
    driver_init(&place->driver, &engine_memory, path);
    driver_open(&place->driver);
    place->account = put_account(&place->driver);
    place->channel = driver_channel(&place->driver, place->account,
                                    "{\"kind\":\"queue\",\"dialect\":\"checkout\"}");
    place->app.store = place->driver.store;
    place->app.settings.alias_key = store_receipt_key(place->driver.store);
    place->app.settings.checkout = (struct checkout_settings){
        .messages_max = 100,
        .acks_max = 100,
        .window_us = WINDOW_US,
        .has_new_history = true,
    };
    serve(place);
    *state = place;
    return 0;
}

static int stop(void **state)
{
    struct place *place = *state;

    server_free(place->app.server);
    router_free(place->router);
    driver_free(&place->driver);
    mem_free(place);
    return 0;
}

static void publish(struct place *place, const char *number)
{
    char data[100];

    (void)snprintf(data, sizeof data, "{\"orderNotification\":{\"n\":\"%s\"}}", number);
    (void)driver_publish(&place->driver, place->account, place->channel, STORE_QUEUE, data);
}

static void ask(struct place *place, const char *request, unsigned status, const char *body_part)
{
    client_ask(server_address(place->app.server), request, status, body_part);
}

/* Asks and takes the first messageId of the answer. */
static void take_message_id(struct place *place, char out[40])
{
    struct client client;
    struct client_answer answer;

    client_open(&client, server_address(place->app.server));
    client_send(&client, GET("/notifications/receive"));
    client_take(&client, &answer);
    const char *found = strstr(buf_cstr(&answer.body), "\"messageId\":\"");
    assert_non_null(found);
    (void)snprintf(out, 40, "%.36s", found + strlen("\"messageId\":\""));
    client_answer_clear(&answer);
    client_close(&client);
}

static void acknowledge(struct place *place, const char *message_id, const char *body_part)
{
    char request[500];
    char body[100];

    (void)snprintf(body, sizeof body, "{\"messageInfos\":[{\"messageIdentifier\":\"%s\"}]}",
                   message_id);
    (void)snprintf(request, sizeof request, "POST /notifications/ack" MERCHANT "%zu\r\n\r\n%s",
                   strlen(body), body);
    ask(place, request, 200, body_part);
}

#define NONE "\"messages\":[]"

/* Protocols 4.8/12: 29 d 23 h old still received, 30 d + 1 s not. */
static void a_message_comes_with_every_poll_for_thirty_days_and_no_longer(void **state)
{
    struct place *place = *state;

    publish(place, "first");
    for (int day = 0; day < 29; day++) {
        ask(place, GET("/notifications/receive"), 200, "\"n\":\"first\"");
        env_manual_advance(&place->driver.clock, US_PER_DAY);
    }
    env_manual_advance(&place->driver.clock, 23 * US_PER_HOUR);
    ask(place, GET("/notifications/receive"), 200, "\"n\":\"first\"");
    env_manual_advance(&place->driver.clock, US_PER_HOUR + US_PER_SECOND);
    ask(place, GET("/notifications/receive"), 200, NONE);
}

/* Protocols 4.7: dropped from the history too. */
static void the_history_goes_back_thirty_days_too(void **state)
{
    struct place *place = *state;

    publish(place, "first");
    env_manual_advance(&place->driver.clock, WINDOW_US - US_PER_HOUR);
    publish(place, "second");
    ask(place, GET("/notifications"), 200, "\"n\":\"first\"");
    env_manual_advance(&place->driver.clock, US_PER_HOUR + US_PER_SECOND);
    ask(place, GET("/notifications"), 200, "[{\"messageInfo\"");
    ask(place, GET("/notifications?pageSize=1"), 200, "\"n\":\"second\"");
}

/* An old message that nobody acknowledges is in nobody's way. */
static void what_is_too_old_hides_nothing_younger(void **state)
{
    struct place *place = *state;

    for (int i = 0; i < 20; i++) {
        publish(place, "old");
    }
    env_manual_advance(&place->driver.clock, WINDOW_US + US_PER_SECOND);
    publish(place, "young");
    ask(place, GET("/notifications/receive?maxNumberMessages=1"), 200, "\"n\":\"young\"");
}

/* Protocols 4.3: expired id: failed entry; already acknowledged: not failed, as long as it counts. */
static void an_identifier_counts_for_thirty_days(void **state)
{
    struct place *place = *state;
    char acknowledged[40], late[40];

    publish(place, "first");
    take_message_id(place, acknowledged);
    acknowledge(place, acknowledged, "{\"ackFailedMessages\":[]}");
    publish(place, "second");
    take_message_id(place, late);
    env_manual_advance(&place->driver.clock, WINDOW_US - US_PER_MINUTE);
    acknowledge(place, acknowledged, "{\"ackFailedMessages\":[]}");
    env_manual_advance(&place->driver.clock, 2 * US_PER_MINUTE);
    acknowledge(place, acknowledged, acknowledged);
    acknowledge(place, late, late);
}

/* Protocols 4.8/14, by this clock. */
static void a_period_may_start_anywhere_in_the_window(void **state)
{
    struct place *place = *state;
    /* The clock stands at 2026-02-02T02:40:00Z. */
    ask(place, GET("/notifications?periodStart=2026-01-03T02:40:00.000000000Z"), 200, NONE);
    ask(place, GET("/notifications?periodStart=2026-01-03T02:39:59.999Z"), 400,
        "periodStart: value must lie within the last 30d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_message_comes_with_every_poll_for_thirty_days_and_no_longer, start, stop),
        cmocka_unit_test_setup_teardown(the_history_goes_back_thirty_days_too, start, stop),
        cmocka_unit_test_setup_teardown(what_is_too_old_hides_nothing_younger, start, stop),
        cmocka_unit_test_setup_teardown(an_identifier_counts_for_thirty_days, start, stop),
        cmocka_unit_test_setup_teardown(a_period_may_start_anywhere_in_the_window, start, stop),
    };

    return cmocka_run_group_tests_name("checkout_window", tests, NULL, NULL);
}
