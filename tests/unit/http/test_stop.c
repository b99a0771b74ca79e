/*
 * Starting that fails, draining and stopping.
 */
#include "client.h"
#include "site.h"
#include "support/unit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define REST " HTTP/1.1\r\nHost: x\r\n\r\n"

static int start(void **state)
{
    static struct site site;

    site_start(&site, (struct server_options){.threads = 3});
    *state = &site;
    return 0;
}

static int stop(void **state)
{
    site_stop(*state);
    return 0;
}

static void idle_connections_close_and_nobody_comes_in(void **state)
{
    struct site *site = *state;
    struct client fresh;
    struct client used;
    struct client late;

    client_open(&fresh, site_address(site));
    client_open(&used, site_address(site));
    client_send(&used, "GET /hello" REST);
    client_expect(&used, 200, "hello");
    site_await_connections(site, 2);
    server_drain(site->server, US_PER_MINUTE);
    client_expect_end(&fresh);
    client_expect_end(&used);
    site_await_connections(site, 0);
    assert_false(client_try_open(&late, site_address(site)));
    client_close(&fresh);
    client_close(&used);
}

static void a_request_on_its_way_is_still_answered(void **state)
{
    struct site *site = *state;
    struct client client;
    struct client_answer answer;

    client_open(&client, site_address(site));
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                         "Content-Length: 4\r\n\r\n");
    client_take(&client, &answer); /* its head is known */
    client_answer_clear(&answer);
    server_drain(site->server, 1); /* gives up at once; the request goes on */
    client_send(&client, "body");
    client_take(&client, &answer);
    assert_int_equal(answer.status, 200);
    assert_slice_is(client_header(&answer, "Connection"), "close");
    client_answer_clear(&answer);
    client_expect_end(&client);
    client_close(&client);
}

static void a_connection_closes_after_the_answer_that_was_under_way(UNUSED void **state)
{
    static struct site site;
    struct client client;
    struct client_answer answer;

    /* Nothing closes it for being idle. */
    site_start(&site, (struct server_options){.request_timeout_us = 60 * US_PER_MINUTE});
    client_open(&client, site_address(&site));
    client_send(&client, "GET /large?bytes=16000000" REST); /* more than the kernel takes */
    struct pollfd watched = {.fd = client.fd, .events = POLLIN};
    assert_int_equal(poll(&watched, 1, CLIENT_DEADLINE_MS), 1); /* its head has been sent */
    server_drain(site.server, 1);
    client_take(&client, &answer);
    assert_int_equal(answer.status, 200);
    client_answer_clear(&answer);
    client_expect_end(&client);
    client_close(&client);
    site_stop(&site);
}

static void stopping_waits_for_the_store(void **state)
{
    struct site *site = *state;

    for (int i = 0; i < 20; i++) {
        struct client client;

        client_open(&client, site_address(site));
        client_send(&client, "GET /later" REST);
        client_close(&client);
    } /* the teardown stops while some of these are with the store */
}

static void draining_gives_up_in_time(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site_address(site));
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                         "Content-Length: 4\r\n\r\n");
    client_expect(&client, 100, NULL); /* its head is known */
    client_send(&client, "bo");        /* and never more */
    server_drain(site->server, 50 * US_PER_MS);
    site_await_connections(site, 1); /* it did not wait for the end of this one */
    client_close(&client);
}

static void expect_no_start(const struct server_options *options, enum err expected,
                            const char *words)
{
    struct server_options filled = *options;
    struct router *router = router_new(NULL, 0);
    struct server *server = NULL;
    struct diag diag = {0};

    filled.threads = 1;
    filled.connections_max = 10;
    filled.connection_memory_bytes = 8192;
    filled.request_timeout_us = US_PER_SECOND;
    filled.router = router;
    assert_int_equal(server_open(env_system(), &filled, &server, &diag), expected);
    assert_null(server);
    assert_non_null(strstr(diag.text, words));
    router_free(router);
}

static void an_address_in_use_is_told(void **state)
{
    struct site *site = *state;
    struct server_options options = {.listen = site_address(site) + strlen("http://")};

    expect_no_start(&options, ERR_IO, strerror(EADDRINUSE));
}

static void an_address_that_is_none_is_told(UNUSED void **state)
{
    static const char *const wrong[] = {
        "",      "127.0.0.1",       "127.0.0.1:",   ":80",         "::1",   "::1:80",
        "[]:80", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:a", "[::1]", "300.1.1.1:80"};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct server_options options = {.listen = wrong[i]};

        expect_no_start(&options, ERR_INVALID, wrong[i]);
    }
}

static void ipv6_is_served_too(UNUSED void **state)
{
    static struct site site;

    site_start(&site, (struct server_options){.listen = "[::]:0"});
    assert_non_null(strstr(site_address(&site), "http://[::]:"));
    client_ask(site_address(&site), "GET /peer" REST, 200, "127.0.0.1"); /* comes mapped */
    site_stop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(idle_connections_close_and_nobody_comes_in, start, stop),
        cmocka_unit_test_setup_teardown(a_request_on_its_way_is_still_answered, start, stop),
        cmocka_unit_test(a_connection_closes_after_the_answer_that_was_under_way),
        cmocka_unit_test_setup_teardown(stopping_waits_for_the_store, start, stop),
        cmocka_unit_test_setup_teardown(draining_gives_up_in_time, start, stop),
        cmocka_unit_test_setup_teardown(an_address_in_use_is_told, start, stop),
        cmocka_unit_test(an_address_that_is_none_is_told),
        cmocka_unit_test(ipv6_is_served_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
