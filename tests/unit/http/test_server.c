/*
 * What a client sees of a server that works: requests reach their handlers, answers come back.
 */
#include "client.h"
#include "site.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

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

static void ask(void **state, const char *request, unsigned status, const char *body_part)
{
    client_ask(site_address(*state), request, status, body_part);
}

static void a_handler_answers(void **state)
{
    ask(state, GET("/hello"), 200, "hello");
}

static void the_address_tells_the_port(void **state)
{
    assert_non_null(strstr(site_address(*state), "http://127.0.0.1:"));
    assert_null(strstr(site_address(*state), ":0"));
}

static void an_answer_can_come_later_from_the_store(void **state)
{
    struct client client;
    struct site *site = *state;
    uint64_t ended_before = atomic_load(&site->ended);

    client_open(&client, site_address(site));
    for (int i = 0; i < 100; i++) {
        client_send(&client, GET("/later"));
        client_expect(&client, 200, "later");
    }
    client_close(&client);
    site_await_connections(site, 0);
    assert_int_equal(atomic_load(&site->ended) - ended_before, 100);
}

static void an_empty_answer_has_no_body(void **state)
{
    struct client client;
    struct client_answer answer;

    client_open(&client, site_address(*state));
    client_send(&client, "PUT /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    client_take(&client, &answer);
    assert_int_equal(answer.status, 204);
    assert_int_equal(answer.body.len, 0);
    client_answer_clear(&answer);
    client_close(&client);
}

static void a_connection_serves_many_requests(void **state)
{
    struct client client;

    client_open(&client, site_address(*state));
    for (int i = 0; i < 10; i++) {
        client_send(&client, GET("/hello"));
        client_expect(&client, 200, "hello");
        client_send(&client, GET("/nowhere"));
        client_expect(&client, 404, "not_found");
    }
    client_close(&client);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct client client;

    client_open(&client, site_address(*state));
    client_send(&client, GET("/items/1") GET("/later") GET("/items/2"));
    client_expect(&client, 200, "1");
    client_expect(&client, 200, "later");
    client_expect(&client, 200, "2");
    client_close(&client);
}

static void a_body_comes_back_byte_for_byte(void **state)
{
    struct client client;
    struct client_answer answer;

    client_open(&client, site_address(*state));
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    client_send_bytes(&client, "a\0b\xff\n", 5);
    client_take(&client, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.len, 5);
    assert_memory_equal(answer.body.ptr, "a\0b\xff\n", 5);
    assert_slice_is(client_header(&answer, "X-Echo"), "yes");
    assert_slice_is(client_header(&answer, "Content-Type"), "application/octet-stream");
    client_answer_clear(&answer);
    client_close(&client);
}

static void a_chunked_body_is_put_together(void **state)
{
    ask(state,
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n",
        200, "abcdefg");
}

static void a_client_that_waits_for_100_continue_gets_it(void **state)
{
    struct client client;
    struct client_answer answer;

    client_open(&client, site_address(*state));
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                         "Content-Length: 4\r\n\r\n");
    client_take(&client, &answer);
    assert_int_equal(answer.status, 100);
    client_answer_clear(&answer);
    client_send(&client, "body");
    client_expect(&client, 200, "body");
    client_close(&client);
}

static void a_head_request_gets_the_head_of_get(void **state)
{
    struct client client;
    struct client_answer answer;

    client_open(&client, site_address(*state));
    client_send(&client, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n" GET("/items/after"));
    client_take_head(&client, &answer);
    assert_int_equal(answer.status, 200);
    assert_slice_is(client_header(&answer, "Content-Length"), "5");
    client_answer_clear(&answer);
    client_expect(&client, 200, "after");
    client_close(&client);
}

static void http_1_0_is_answered_and_closed(void **state)
{
    struct client client;

    client_open(&client, site_address(*state));
    client_send(&client, "GET /hello HTTP/1.0\r\n\r\n");
    client_expect(&client, 200, "hello");
    client_expect_end(&client);
    client_close(&client);
}

static void connection_close_is_obeyed(void **state)
{
    struct client client;

    client_open(&client, site_address(*state));
    client_send(&client, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client_expect(&client, 200, "hello");
    client_expect_end(&client);
    client_close(&client);
}

static void an_absolute_address_is_as_good_as_a_path(void **state)
{
    ask(state, GET("http://x/hello"), 200, "hello");
    ask(state, GET("HTTPS://x/query?a=1"), 200, "a=1;");
    ask(state, GET("http://x"), 404, NULL);
}

static void parameters_are_decoded(void **state)
{
    ask(state, GET("/items/a%20b%C3%A9+c"), 200, "a b\xc3\xa9+c");
}

static void the_query_is_decoded(void **state)
{
    ask(state, GET("/query?a=1&b=x+y%26%3D&a=2&c&&d="), 200, "a=1;b=x y&=;a=2;c=;d=;");
    ask(state, GET("/query?"), 200, NULL);
    ask(state, GET("/query"), 200, NULL);
}

static void headers_come_in_order_and_trimmed(void **state)
{
    ask(state, "GET /headers HTTP/1.1\r\nHost: x\r\nA:1 \r\nb:\t2\r\nA: 3\r\n\r\n", 200,
        "Host=x;A=1;b=2;A=3;");
}

static void the_peer_is_known_by_its_address(void **state)
{
    ask(state, GET("/peer"), 200, "127.0.0.1");
}

static void a_problem_drops_what_was_written(void **state)
{
    struct client client;
    struct client_answer answer;

    client_open(&client, site_address(*state));
    client_send(&client, GET("/problem"));
    client_take(&client, &answer);
    assert_int_equal(answer.status, 400);
    assert_slice_is(client_header(&answer, "Content-Type"), "application/problem+json");
    assert_string_equal(
        buf_cstr(&answer.body),
        "{\"type\":\"urn:tidings:problem:invalid\",\"title\":\"The request is not valid\","
        "\"status\":400,\"code\":\"invalid\",\"detail\":\"expected a color\","
        "\"field\":\"color\"}");
    client_answer_clear(&answer);
    client_close(&client);
}

static void json_bodies_are_objects(void **state)
{
#define POST_JSON(len, text)                                                                       \
    "POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: " len "\r\n\r\n" text
    ask(state, POST_JSON("12", "{\"a\":1.0000}"), 200, "1.0000");
    ask(state, POST_JSON("0", ""), 200, NULL);
    ask(state, POST_JSON("3", "[1]"), 400, "an array");
    ask(state, POST_JSON("3", "{a}"), 400, "invalid_json");
#undef POST_JSON
}

static void store_failures_become_problems(void **state)
{
    static const struct {
        enum err err;
        unsigned status;
        const char *part;
    } cases[] = {
        {ERR_INVALID, 400, "words of the store"},
        {ERR_NOT_FOUND, 404, "not_found"},
        {ERR_EXISTS, 409, "exists"},
        {ERR_CONFLICT, 409, "conflict"},
        {ERR_STALE, 409, "stale"},
        {ERR_LIMIT, 409, "conflict"},
        {ERR_FULL, 507, "full"},
        {ERR_BUSY, 503, "busy"},
        {ERR_CLOSED, 503, "stopping"},
        {ERR_IO, 500, "\"detail\":\"Something is wrong inside\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char request[128];

        (void)snprintf(request, sizeof request, "GET /failing?err=%d HTTP/1.1\r\nHost: x\r\n\r\n",
                       (int)cases[i].err);
        ask(state, request, cases[i].status, cases[i].part);
    }
}

static void a_known_path_tells_its_methods(void **state)
{
    struct client client;
    struct client_answer answer;

    client_open(&client, site_address(*state));
    client_send(&client, "PATCH /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    client_take(&client, &answer);
    assert_int_equal(answer.status, 405);
    assert_slice_is(client_header(&answer, "Allow"), "GET, HEAD, PUT");
    client_answer_clear(&answer);
    client_close(&client);
}

static void refusals_are_worded_in_the_dialect_of_the_path(void **state)
{
    char request[100];

    (void)snprintf(request, sizeof request, GET("/dialect/failing?err=%d"), ERR_BUSY);
    ask(state, "POST /dialect HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789", 200,
        "refused: too_large");
    ask(state, GET("/dialect"), 200, "refused: method_not_allowed");
    ask(state, GET("/dialect/nothing"), 200, "refused: not_found");
    ask(state, request, 200, "refused: busy");
    ask(state, "POST /dialect/json HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{", 200,
        "refused: invalid_json");
    ask(state, "POST /dialect HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1", 200, "hello");
}

static void a_large_answer_comes_whole(void **state)
{
    struct client client;
    struct client_answer answer;

    client_open(&client, site_address(*state));
    client_send(&client, GET("/large?bytes=5000000"));
    client_take(&client, &answer);
    assert_int_equal(answer.body.len, 5000000);
    client_answer_clear(&answer);
    client_send(&client, GET("/hello"));
    client_expect(&client, 200, "hello");
    client_close(&client);
}

static void an_answer_beyond_any_limit_is_our_fault(void **state)
{
    ask(state, GET("/large?bytes=70000000"), 500, "internal");
}

static void a_peer_that_goes_while_the_store_works_hurts_nobody(void **state)
{
    struct site *site = *state;

    for (int i = 0; i < 50; i++) {
        struct client client;

        client_open(&client, site_address(site));
        client_send(&client, GET("/later"));
        client_close(&client);
    }
    site_await_connections(site, 0);
    ask(state, GET("/hello"), 200, "hello");
}

static void figures_count_requests_and_statuses(void **state)
{
    struct server_figures before;
    struct server_figures after;
    struct site *site = *state;

    site_await_connections(site, 0);
    server_figures(site->server, &before);
    ask(state, GET("/hello"), 200, NULL);
    ask(state, GET("/nowhere"), 404, NULL);
    site_await_connections(site, 0);
    server_figures(site->server, &after);
    assert_int_equal(after.requests - before.requests, 2);
    assert_int_equal(after.by_status_class[2] - before.by_status_class[2], 1);
    assert_int_equal(after.by_status_class[4] - before.by_status_class[4], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_answers),
        cmocka_unit_test(the_address_tells_the_port),
        cmocka_unit_test(an_answer_can_come_later_from_the_store),
        cmocka_unit_test(an_empty_answer_has_no_body),
        cmocka_unit_test(a_connection_serves_many_requests),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_body_comes_back_byte_for_byte),
        cmocka_unit_test(a_chunked_body_is_put_together),
        cmocka_unit_test(a_client_that_waits_for_100_continue_gets_it),
        cmocka_unit_test(a_head_request_gets_the_head_of_get),
        cmocka_unit_test(http_1_0_is_answered_and_closed),
        cmocka_unit_test(connection_close_is_obeyed),
        cmocka_unit_test(an_absolute_address_is_as_good_as_a_path),
        cmocka_unit_test(parameters_are_decoded),
        cmocka_unit_test(the_query_is_decoded),
        cmocka_unit_test(headers_come_in_order_and_trimmed),
        cmocka_unit_test(the_peer_is_known_by_its_address),
        cmocka_unit_test(a_problem_drops_what_was_written),
        cmocka_unit_test(json_bodies_are_objects),
        cmocka_unit_test(store_failures_become_problems),
        cmocka_unit_test(a_known_path_tells_its_methods),
        cmocka_unit_test(refusals_are_worded_in_the_dialect_of_the_path),
        cmocka_unit_test(a_large_answer_comes_whole),
        cmocka_unit_test(an_answer_beyond_any_limit_is_our_fault),
        cmocka_unit_test(a_peer_that_goes_while_the_store_works_hurts_nobody),
        cmocka_unit_test(figures_count_requests_and_statuses),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
