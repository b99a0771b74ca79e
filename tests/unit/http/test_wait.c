/*
 * Long polls: exchanges that wait for a ring.
 */
#include "client.h"
#include "site.h"
#include "support/unit.h"

#include <stdio.h>

#define REST " HTTP/1.1\r\nHost: x\r\n\r\n"

enum { POLLERS = 200 };

static int start(void **state)
{
    static struct site site;

    site_start(&site, (struct server_options){.threads = 2});
    *state = &site;
    return 0;
}

static int stop(void **state)
{
    site_stop(*state);
    return 0;
}

static void open_poller(struct site *site, struct client *client, const char *topic)
{
    char request[128];

    (void)snprintf(request, sizeof request, "GET /wait/%s?ms=20000" REST, topic);
    client_open(client, site_address(site));
    client_send(client, request);
}

static void a_ring_wakes_who_waits(void **state)
{
    struct site *site = *state;
    struct client client;

    open_poller(site, &client, "42");
    site_await_waiting(site, 1);
    server_ring(site->server, 43, 5);
    server_ring(site->server, 42, 1);
    client_expect(&client, 200, "rung");
    site_await_waiting(site, 0);
    client_close(&client);
}

static void a_ring_wakes_one_and_the_longest_waiting_first(void **state)
{
    struct site *site = *state;
    struct client clients[3];

    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        open_poller(site, &clients[i], "7");
        site_await_waiting(site, i + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        server_ring(site->server, 7, 1);
        client_expect(&clients[i], 200, "rung");
        site_await_waiting(site, ARRAY_LEN(clients) - 1 - i);
        client_close(&clients[i]);
    }
}

static void many_rings_wake_many(void **state)
{
    static struct client clients[POLLERS];
    struct site *site = *state;

    for (size_t i = 0; i < POLLERS; i++) {
        open_poller(site, &clients[i], "9");
    }
    site_await_waiting(site, POLLERS);
    server_ring(site->server, 9, POLLERS / 2);
    site_await_waiting(site, POLLERS / 2);
    server_ring(site->server, 9, POLLERS);
    for (size_t i = 0; i < POLLERS; i++) {
        client_expect(&clients[i], 200, "rung");
        client_close(&clients[i]);
    }
}

static void silence_ends_in_time(void **state)
{
    static const int waits_ms[] = {0, 1, 30, 100, 20000};
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++) {
        struct client client;
        char request[128];

        (void)snprintf(request, sizeof request, "GET /wait/1?ms=%d" REST, waits_ms[i]);
        client_open(&client, site_address(site));
        client_send(&client, request);
        if (waits_ms[i] > 0) {
            site_await_waiting(site, 1);
            site_pass(site, waits_ms[i] * US_PER_MS - 1);
            site_await_waiting(site, 1);
            site_pass(site, 1);
        }
        client_expect(&client, 200, "silence");
        client_close(&client);
    }
}

static void a_wait_that_begins_late_is_not_shorter(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site_address(site));
    client_send(&client, "GET /wait/1?ms=100&late=5000" REST);
    site_await_waiting(site, 1);
    site_pass(site, 100 * US_PER_MS - 1);
    site_await_waiting(site, 1);
    site_pass(site, 1);
    client_expect(&client, 200, "silence");
    client_close(&client);
}

static void a_poller_that_goes_is_forgotten_at_once(void **state)
{
    struct site *site = *state;
    struct client client;
    uint64_t ended_before = atomic_load(&site->ended);

    open_poller(site, &client, "3");
    site_await_waiting(site, 1);
    client_close(&client);
    site_await_waiting(site, 0);
    site_await_connections(site, 0);
    assert_int_equal(atomic_load(&site->ended), ended_before + 1);
}

static void a_ring_for_one_who_has_gone_wakes_the_next(void **state)
{
    for (int round = 0; round < 50; round++) {
        struct site *site = *state;
        struct client goes;
        struct client stays;

        open_poller(site, &goes, "4");
        site_await_waiting(site, 1);
        open_poller(site, &stays, "4");
        site_await_waiting(site, 2);
        client_close(&goes);
        server_ring(site->server, 4, 1); /* before or after the server sees it */
        client_expect(&stays, 200, "rung");
        client_close(&stays);
    }
}

static void a_server_that_drains_wakes_all(void **state)
{
    static struct client clients[20];
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        open_poller(site, &clients[i], "8");
    }
    site_await_waiting(site, ARRAY_LEN(clients));
    server_drain(site->server, US_PER_MINUTE);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        struct client_answer answer;

        client_take(&clients[i], &answer);
        assert_slice_is(buf_view(&answer.body), "draining");
        assert_slice_is(client_header(&answer, "Connection"), "close");
        client_answer_clear(&answer);
        client_expect_end(&clients[i]);
        client_close(&clients[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ring_wakes_who_waits, start, stop),
        cmocka_unit_test_setup_teardown(a_ring_wakes_one_and_the_longest_waiting_first, start,
                                        stop),
        cmocka_unit_test_setup_teardown(many_rings_wake_many, start, stop),
        cmocka_unit_test_setup_teardown(silence_ends_in_time, start, stop),
        cmocka_unit_test_setup_teardown(a_wait_that_begins_late_is_not_shorter, start, stop),
        cmocka_unit_test_setup_teardown(a_poller_that_goes_is_forgotten_at_once, start, stop),
        cmocka_unit_test_setup_teardown(a_ring_for_one_who_has_gone_wakes_the_next, start, stop),
        cmocka_unit_test_setup_teardown(a_server_that_drains_wakes_all, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
