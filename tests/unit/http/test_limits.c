/*
 * What no peer can do to the others: hold connections, trickle, read slowly.
 */
#include "client.h"
#include "site.h"
#include "support/unit.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define REST " HTTP/1.1\r\nHost: x\r\n\r\n"

enum {
    IDLE_CONNECTIONS = 5000,
    STRANGERS_FIT = 32,                               /* bodies of nearly a MiB */
    STRANGER_BYTES = COUNT_BYTES_MAX - 1 - 16 * 1024, /* that count of each */
};

/* By the server's clock, which passes in steps. */
#define TIMEOUT_US (300 * US_PER_MS)
#define WAIT_US (900 * US_PER_MS)
#define STEP_US (30 * US_PER_MS)

static int start(void **state)
{
    static struct site site;

    *state = &site;
    return 0;
}

static int stop(void **state)
{
    site_stop(*state);
    return 0;
}

static void start_impatient(struct site *site)
{
    site_start(site, (struct server_options){.request_timeout_us = TIMEOUT_US});
}

static void a_silent_connection_is_closed_in_time(void **state)
{
    struct site *site = *state;
    struct client client;

    start_impatient(site);
    client_open(&client, site_address(site));
    site_await_connections(site, 1);
    site_pass(site, TIMEOUT_US - 1);
    site_await_connections(site, 1);
    site_pass(site, 1);
    client_expect_end(&client);
    client_close(&client);
}

/* Whether the server has said or closed something. */
static bool is_readable(const struct client *client)
{
    struct pollfd watched = {.fd = client->fd, .events = POLLIN};

    return poll(&watched, 1, 0) == 1;
}

/* Sends on and on, a byte for each STEP_US, until the server has had enough: not before the time,
 * and soon after it. */
static void trickle_until_end(struct site *site, struct client *client)
{
    int64_t passed_us = 0;

    while (!is_readable(client) && client_try_send(client, "x", 1)) {
        assert_true(passed_us < 10 * TIMEOUT_US);
        site_pass(site, STEP_US);
        passed_us += STEP_US;
    }
    assert_true(passed_us >= TIMEOUT_US);
}

static void a_first_line_that_trickles_is_cut_off(void **state)
{
    struct client client;

    start_impatient(*state);
    client_open(&client, site_address(*state));
    client_send(&client, "GET /");
    trickle_until_end(*state, &client);
    client_close(&client);
}

static void headers_that_trickle_are_answered_408(void **state)
{
    struct client client;

    start_impatient(*state);
    client_open(&client, site_address(*state));
    /* The answer to the first tells that the beginning of the second is there too. */
    client_send(&client, "GET /hello" REST "GET /hello HTTP/1.1\r\nA: ");
    client_expect(&client, 200, "hello");
    trickle_until_end(*state, &client);
    client_expect(&client, 408, NULL);
    client_close(&client);
}

static void a_body_that_trickles_is_answered_408(void **state)
{
    struct client client;

    start_impatient(*state);
    client_open(&client, site_address(*state));
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                         "Content-Length: 1000\r\n\r\n");
    client_expect(&client, 100, NULL); /* its head is known */
    trickle_until_end(*state, &client);
    client_expect(&client, 408, NULL);
    client_close(&client);
}

static void a_body_that_ends_early_is_not_handled(void **state)
{
    struct client client;

    start_impatient(*state);
    client_open(&client, site_address(*state));
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
    site_pass(*state, TIMEOUT_US);
    client_drop_rest(&client);
    site_await_connections(*state, 0);
    client_close(&client);
}

/* Asks for a wait on a connection, and lets its time pass in steps. */
static void wait_in_silence(struct site *site, struct client *client)
{
    client_send(client, "GET /wait/1?ms=900" REST);
    site_await_waiting(site, 1);
    for (int64_t passed_us = 0; passed_us < WAIT_US; passed_us += STEP_US) {
        site_await_waiting(site, 1);
        site_pass(site, STEP_US);
    }
    client_expect(client, 200, "silence");
}

static void a_wait_may_be_longer_than_the_timeout(void **state)
{
    struct client client;

    start_impatient(*state);
    client_open(&client, site_address(*state));
    wait_in_silence(*state, &client);
    client_send(&client, "GET /hello" REST);
    client_expect(&client, 200, "hello");
    client_close(&client);
}

static void requests_may_follow_each_other_for_longer_than_the_timeout(void **state)
{
    struct client client;

    start_impatient(*state);
    client_open(&client, site_address(*state));
    for (int i = 0; i < 8; i++) {
        client_send(&client, "GET /hello" REST);
        client_expect(&client, 200, "hello");
        site_pass(*state, TIMEOUT_US / 2);
    }
    client_close(&client);
}

/* Takes the beginning of an answer, which tells that the server is at it. */
static void take_status_line(const struct client *client)
{
    char line[sizeof "HTTP/1.1 200 OK"] = "";

    assert_int_equal(recv(client->fd, line, sizeof line - 1, MSG_WAITALL), sizeof line - 1);
    assert_string_equal(line, "HTTP/1.1 200 OK");
}

static void who_does_not_read_the_answer_is_cut_off(void **state)
{
    struct client client;
    const int small = 4096;

    start_impatient(*state);
    client_open(&client, site_address(*state));
    assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    client_send(&client, "GET /large?bytes=16000000" REST); /* more than the kernel takes */
    take_status_line(&client);
    site_await_connections(*state, 1);
    for (int i = 0; i < 4; i++) { /* in the first the kernel takes its part */
        site_pass(*state, TIMEOUT_US);
    }
    site_await_connections(*state, 0);
    client_close(&client);
}

static void who_reads_slowly_but_steadily_gets_all(void **state)
{
    enum { ANSWER_BYTES = 8000000, SLICE_BYTES = 400000 };
    static char block[SLICE_BYTES];
    struct client client;
    size_t taken = 0;

    start_impatient(*state);
    client_open(&client, site_address(*state));
    client_send(&client, "GET /large?bytes=8000000" REST);
    /* In all this takes three times the timeout. */
    while (taken < ANSWER_BYTES) {
        ssize_t len = recv(client.fd, block, sizeof block, MSG_WAITALL);

        assert_true(len > 0);
        taken += (size_t)len;
        site_pass(*state, TIMEOUT_US / 6); /* the reader's slowness */
    }
    client_close(&client);
}

static void connections_from_one_address_are_limited(void **state)
{
    struct client clients[3];
    struct client other;
    struct client one_more;

    site_start(*state, (struct server_options){.threads = 2, .connections_per_address_max = 3});
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        client_open(&clients[i], site_address(*state));
        client_send(&clients[i], "GET /hello" REST);
        client_expect(&clients[i], 200, "hello");
    }
    client_open(&one_more, site_address(*state));
    client_expect(&one_more, 429, NULL);
    client_drop_rest(&one_more);
    client_close(&one_more);
    client_open_from(&other, site_address(*state), "127.0.0.2");
    client_send(&other, "GET /peer" REST);
    client_expect(&other, 200, "127.0.0.2");
    client_close(&other);
    client_close(&clients[0]);
    site_await_connections(*state, 2);
    client_ask(site_address(*state), "GET /hello" REST, 200, "hello");
    for (size_t i = 1; i < ARRAY_LEN(clients); i++) {
        client_close(&clients[i]);
    }
}

static void connections_in_all_are_limited(void **state)
{
    struct client clients[4];
    struct client one_more;
    struct server_figures figures;
    struct site *site = *state;

    site_start(site, (struct server_options){.connections_max = 4});
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        client_open(&clients[i], site_address(site));
    }
    site_await_connections(site, 4);
    client_open(&one_more, site_address(site));
    client_expect(&one_more, 503, NULL);
    client_drop_rest(&one_more);
    client_close(&one_more);
    server_figures(site->server, &figures);
    assert_int_equal(figures.refused, 1);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        client_close(&clients[i]);
    }
}

/* All but the last byte of a body that nobody had to show a key for. */
static void send_stranger(struct client *client, const char *address)
{
    static char bytes[COUNT_BYTES_MAX - 1];

    client_open(client, address);
    client_send(client, "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
    (void)client_try_send(client, bytes, sizeof bytes); /* it may be refused midway */
}

/* Sends the last byte, and closes after the answer. */
static void end_stranger(struct client *client, unsigned status)
{
    client_send(client, "x");
    client_expect(client, status, status == 200 ? "1048576" : NULL);
    client_close(client);
}

static void bodies_that_strangers_do_not_end_are_limited(void **state)
{
    static struct client clients[STRANGERS_FIT + 1];
    struct client *one_more = &clients[STRANGERS_FIT];
    struct site *site = *state;

    site_start(site, (struct server_options){.threads = 1});
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        send_stranger(&clients[i], site_address(site));
        if (i < STRANGERS_FIT) {
            site_await_stranger_bytes(site, (i + 1) * STRANGER_BYTES);
        }
    }
    end_stranger(one_more, 503);
    client_ask(site_address(site),
               "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 200, "3");
    for (size_t i = 0; i < STRANGERS_FIT; i++) {
        end_stranger(&clients[i], 200);
    }
    site_await_stranger_bytes(site, 0);
    send_stranger(one_more, site_address(site)); /* there is room again */
    end_stranger(one_more, 200);
}

static void thousands_of_idle_connections_hinder_nobody(void **state)
{
    static struct client clients[IDLE_CONNECTIONS];
    struct rlimit limit;
    struct client busy;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    site_start(*state, (struct server_options){.threads = 2, .connections_max = 10000});
    if (limit.rlim_cur < 2 * IDLE_CONNECTIONS + 1000) {
        skip();
    }
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++) {
        client_open(&clients[i], site_address(*state));
        if ((i + 1) % 500 == 0) { /* not more than the system keeps waiting */
            site_await_connections(*state, i + 1);
        }
    }
    client_open(&busy, site_address(*state));
    for (int i = 0; i < 200; i++) {
        client_send(&busy, "GET /later" REST);
        client_expect(&busy, 200, "later");
    }
    client_close(&busy);
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++) {
        client_abort(&clients[i]);
    }
    site_await_connections(*state, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_silent_connection_is_closed_in_time, start, stop),
        cmocka_unit_test_setup_teardown(a_first_line_that_trickles_is_cut_off, start, stop),
        cmocka_unit_test_setup_teardown(headers_that_trickle_are_answered_408, start, stop),
        cmocka_unit_test_setup_teardown(a_body_that_trickles_is_answered_408, start, stop),
        cmocka_unit_test_setup_teardown(a_body_that_ends_early_is_not_handled, start, stop),
        cmocka_unit_test_setup_teardown(a_wait_may_be_longer_than_the_timeout, start, stop),
        cmocka_unit_test_setup_teardown(requests_may_follow_each_other_for_longer_than_the_timeout,
                                        start, stop),
        cmocka_unit_test_setup_teardown(who_does_not_read_the_answer_is_cut_off, start, stop),
        cmocka_unit_test_setup_teardown(who_reads_slowly_but_steadily_gets_all, start, stop),
        cmocka_unit_test_setup_teardown(connections_from_one_address_are_limited, start, stop),
        cmocka_unit_test_setup_teardown(connections_in_all_are_limited, start, stop),
        cmocka_unit_test_setup_teardown(bodies_that_strangers_do_not_end_are_limited, start, stop),
        cmocka_unit_test_setup_teardown(thousands_of_idle_connections_hinder_nobody, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
