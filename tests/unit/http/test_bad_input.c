/*
 * Requests that are wrong on the wire: each gets an answer that says so, or the connection ends;
 * the server goes on, and nothing hides inside another request.
 */
#include "client.h"
#include "site.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#define REST " HTTP/1.1\r\nHost: x\r\n\r\n"

static int start(void **state)
{
    static struct site site;

    site_start(&site, (struct server_options){0});
    *state = &site;
    return 0;
}

static int stop(void **state)
{
    site_stop(*state);
    return 0;
}

/* That the request is answered so, that nothing behind it is, and that the server still serves. */
static void refused_bytes(void **state, const void *request, size_t len, unsigned status)
{
    struct client client;

    client_open(&client, site_address(*state));
    (void)client_try_send(&client, request, len);
    (void)client_try_send(&client, "GET /hello" REST, strlen("GET /hello" REST));
    client_expect(&client, status, NULL);
    client_expect_end(&client);
    client_close(&client);
    client_ask(site_address(*state), "GET /hello" REST, 200, "hello");
}

static void refused(void **state, const char *request, unsigned status)
{
    refused_bytes(state, request, strlen(request), status);
}

/* The same where libmicrohttpd answers by itself, which writes the head of its answer twice. */
static void refused_by_library(void **state, const char *request, unsigned status)
{
    struct client client;

    client_open(&client, site_address(*state));
    client_send(&client, request);
    client_expect(&client, status, NULL);
    client_drop_rest(&client);
    client_close(&client);
}

static void answered(void **state, const char *request, unsigned status, const char *part)
{
    client_ask(site_address(*state), request, status, part);
}

#define REFUSED_WITH_NUL(state, request) refused_bytes(state, request, sizeof(request) - 1, 400)

static void both_a_length_and_chunks_are_refused(void **state)
{
    refused(state,
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400);
    refused(state,
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            "Content-Length: 3\r\n\r\n0\r\n\r\n",
            400);
}

static void several_lengths_are_refused(void **state)
{
    refused(state,
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            400);
    refused(state,
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 0\r\n\r\nabc",
            400);
    refused_by_library(state, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
                       400);
}

static void odd_lengths_are_refused(void **state)
{
    static const char *const lengths[] = {"-1", "+3", "0x3", "3a", "", " ", "3 3", "1.0"};

    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        char request[128];

        (void)snprintf(request, sizeof request,
                       "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\nabc",
                       lengths[i]);
        refused_by_library(state, request, 400);
    }
    refused_by_library(
        state, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        413);
}

static void transfer_codings_other_than_chunked_are_refused(void **state)
{
    static const char *const codings[] = {
        "gzip", "gzip, chunked", "identity", "chunked, chunked", "xchunked", "chunked ", ""};

    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        char request[128];

        (void)snprintf(request, sizeof request,
                       "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: %s\r\n\r\n0\r\n\r\n",
                       codings[i]);
        refused(state, request, 400);
    }
    refused(state, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
}

static void broken_chunks_are_refused(void **state)
{
    static const char *const bodies[] = {"x\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
                                         "-3\r\nabc\r\n0\r\n\r\n", "\r\n\r\n"};

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        char request[128];

        (void)snprintf(request, sizeof request,
                       "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s",
                       bodies[i]);
        refused(state, request, 400);
    }
    refused(state,
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "fffffffffffffffff\r\nabc\r\n",
            413);
}

static void a_bare_line_feed_ends_no_line(void **state)
{
    refused(state, "GET /hello HTTP/1.1\nHost: x\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: 1\nB: 2\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\n\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nA: 1\nHost: x\r\n\r\n", 400);
}

static void a_bare_carriage_return_is_refused(void **state)
{
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: 1\rB: 2\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA\r: 1\r\n\r\n", 400);
}

static void folded_headers_are_refused(void **state)
{
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: 1\r\n 2\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: 1\r\n\t2\r\nB: 3\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\n A: 1\r\nHost: x\r\n\r\n", 400);
}

static void a_nul_is_refused_wherever_it_is(void **state)
{
    REFUSED_WITH_NUL(state, "GET /hel\0lo HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSED_WITH_NUL(state, "GET /hello?a=\0b HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSED_WITH_NUL(state, "GET /hello HTTP/1.1\r\nHost: x\0y\r\n\r\n");
    REFUSED_WITH_NUL(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: 1\0\0B: 2\r\n\r\n");
    REFUSED_WITH_NUL(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: 1\0\r\n\r\n");
    REFUSED_WITH_NUL(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA\0: 1\r\n\r\n");
    REFUSED_WITH_NUL(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA:\0 1\r\nB: 2\r\n\r\n");
    REFUSED_WITH_NUL(state, "G\0ET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSED_WITH_NUL(state, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                            "Transfer-Encoding: chunked\0x\r\n\r\n0\r\n\r\n");
}

static void header_names_are_tokens(void **state)
{
    refused(state, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA B: 3\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\n: 3\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA(: 3\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400);
}

static void control_characters_in_values_are_refused(void **state)
{
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: a\x7f\r\n\r\n", 400);
    answered(state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: a\tb \xc3\xa9\r\n\r\n", 200, NULL);
}

static void a_request_names_one_host(void **state)
{
    refused(state, "GET /hello HTTP/1.1\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400);
}

static void a_malformed_request_line_is_refused(void **state)
{
    refused(state, "GET /hello\r\n\r\n", 400);
    refused(state, "GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused(state, "GET /hel lo HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/1.1 \r\nHost: x\r\n\r\n", 400);
    refused(state, "GET /hello http/1.1\r\nHost: x\r\n\r\n", 400);
    refused(state, "G=T /hello HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused(state, "GET /h\xc3\xa9llo HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused(state, "GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", 505);
    refused(state, "GET /hello HTTP/0.9\r\nHost: x\r\n\r\n", 505);
}

static void what_is_no_request_at_all_is_cut_off(void **state)
{
    struct client client;

    client_open(&client, site_address(*state));
    client_send(&client, "\x16\x03\x01nonsense\r\n\r\n");
    client_expect_end(&client);
    client_close(&client);
    answered(state, "GET /hello" REST, 200, "hello");
}

static void broken_escapes_are_named(void **state)
{
    answered(state, "GET /items/%zz" REST, 400, "\"field\":\"id\"");
    answered(state, "GET /items/%2" REST, 400, "\"field\":\"id\"");
    answered(state, "GET /items/%00" REST, 400, "\"field\":\"id\"");
    answered(state, "GET /items/%0a" REST, 400, "\"field\":\"id\"");
    answered(state, "GET /items/%ff" REST, 400, "\"field\":\"id\"");
    answered(state, "GET /query?a=1&color=%c3%28" REST, 400, "\"field\":\"color\"");
    answered(state, "GET /query?a=%" REST, 400, "\"field\":\"a\"");
    answered(state, "GET /query?%zz=1" REST, 400, NULL);
}

static void an_encoded_slash_stays_in_its_segment(void **state)
{
    answered(state, "GET /items/a%2Fb" REST, 200, "a/b");
    answered(state, "GET /items/a/b" REST, 404, NULL);
    answered(state, "GET /items/" REST, 404, NULL);
    answered(state, "GET /hello/" REST, 404, NULL);
    answered(state, "GET //hello" REST, 404, NULL);
    answered(state, "GET *" REST, 404, NULL);
}

static void too_many_query_parameters_are_refused(void **state)
{
    char request[1024] = "GET /query?a";

    for (int i = 0; i < 64; i++) {
        strncat(request, "&a", sizeof request - strlen(request) - 1);
    }
    strncat(request, REST, sizeof request - strlen(request) - 1);
    answered(state, request, 400, "at most 64");
}

/* A request whose head has about that many bytes, in one header or in many. */
static void head_of(struct buf *out, size_t bytes, bool has_many_headers)
{
    buf_reset(out);
    buf_text(out, "GET /hello HTTP/1.1\r\nHost: x\r\n");
    for (size_t i = 0; has_many_headers && out->len < bytes; i++) {
        buf_printf(out, "H%zu: v\r\n", i);
    }
    if (!has_many_headers) {
        buf_text(out, "Long: ");
    }
    while (out->len + 4 < bytes) {
        buf_byte(out, 'x');
    }
    buf_text(out, has_many_headers ? "\r\n" : "\r\n\r\n");
}

/* Whatever its size a head is either served or called too large; never does the connection just
 * break. */
static void a_head_of_any_size_is_answered(void **state)
{
    struct buf request;

    buf_init(&request, 64 * 1024);
    for (size_t bytes = 256; bytes < 12000; bytes += 93) {
        for (int many = 0; many < 2; many++) {
            struct client client;
            struct client_answer answer;

            head_of(&request, bytes, many != 0);
            client_open(&client, site_address(*state));
            client_send_bytes(&client, request.ptr, request.len);
            client_take(&client, &answer);
            if (answer.status != 431) {
                assert_int_equal(answer.status, 200);
                assert_true(bytes < 8192);
            } else {
                assert_true(bytes > (many ? 800 : 7000));
            }
            client_answer_clear(&answer);
            client_close(&client);
        }
    }
    buf_clear(&request);
}

static void a_long_address_is_414(void **state)
{
    struct buf request;

    buf_init(&request, 64 * 1024);
    buf_text(&request, "GET /");
    while (request.len < 20000) {
        buf_byte(&request, 'x');
    }
    buf_text(&request, REST);
    answered(state, buf_cstr(&request), 414, NULL);
    buf_clear(&request);
}

static void bodies_over_the_limit_are_413(void **state)
{
    struct buf request;

    buf_init(&request, 64 * 1024);
    buf_printf(&request, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
               ECHO_BYTES_MAX + 1);
    answered(state, buf_cstr(&request), 413, "too_large"); /* before the body comes */
    for (int i = 0; i <= ECHO_BYTES_MAX; i++) {
        buf_byte(&request, 'x');
    }
    answered(state, buf_cstr(&request), 413, "at most 1000 bytes");
    answered(state, "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 413,
             "too_large");
    answered(state,
             "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
             "Content-Length: 1001\r\n\r\n",
             413, "too_large");
    buf_clear(&request);
}

static void a_chunked_body_over_the_limit_is_413_and_the_connection_lives(void **state)
{
    struct client client;

    client_open(&client, site_address(*state));
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 200; i++) {
        client_send(&client, "a\r\n0123456789\r\n");
    }
    client_send(&client, "0\r\n\r\n");
    client_expect(&client, 413, "too_large");
    client_send(&client, "GET /hello" REST);
    client_expect(&client, 200, "hello");
    client_close(&client);
}

/* A client that writes all of its body before it reads must see the answer, not a reset. */
static void who_sends_far_too_much_still_gets_the_answer(void **state)
{
    static char block[64 * 1024];
    struct client client;

    client_open(&client, site_address(*state));
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n");
    for (size_t i = 0; i < 8388608 / sizeof block; i++) {
        client_send_bytes(&client, block, sizeof block);
    }
    client_expect(&client, 413, "too_large");
    client_expect_end(&client);
    client_close(&client);
}

static void an_endless_body_is_cut_off(void **state)
{
    static char chunk[16384 + 8];
    struct client client;
    bool is_open = true;

    (void)snprintf(chunk, sizeof chunk, "4000\r\n");
    memset(chunk + 6, 'x', 16384);
    memcpy(chunk + 6 + 16384, "\r\n", 2);
    client_open(&client, site_address(*state));
    client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 10000 && is_open; i++) {
        is_open = client_try_send(&client, chunk, sizeof chunk);
    }
    assert_false(is_open);
    client_close(&client);
}

/* However the bytes are cut into packets, the same requests are understood. */
static void requests_may_be_split_anywhere(void **state)
{
    static const char text[] =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nA: b\r\n\r\nbody"
        "GET /query?a=1&b=%20 HTTP/1.1\r\nHost: x\r\n\r\n"
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\n\r\n";

    for (size_t at = 1; at < sizeof text - 1; at++) {
        struct client client;

        client_open(&client, site_address(*state));
        client_send_bytes(&client, text, at);
        client_send_bytes(&client, text + at, sizeof text - 1 - at);
        client_expect(&client, 200, "body");
        client_expect(&client, 200, "a=1;b= ;");
        client_expect(&client, 200, "abc");
        client_close(&client);
    }
}

static void requests_may_come_byte_by_byte(void **state)
{
    static const char text[] = "GET /items/7 HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n\r\n";
    struct client client;

    client_open(&client, site_address(*state));
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof text - 1; i++) {
            client_send_bytes(&client, text + i, 1);
        }
        client_expect(&client, 200, "7");
    }
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_a_length_and_chunks_are_refused),
        cmocka_unit_test(several_lengths_are_refused),
        cmocka_unit_test(odd_lengths_are_refused),
        cmocka_unit_test(transfer_codings_other_than_chunked_are_refused),
        cmocka_unit_test(broken_chunks_are_refused),
        cmocka_unit_test(a_bare_line_feed_ends_no_line),
        cmocka_unit_test(a_bare_carriage_return_is_refused),
        cmocka_unit_test(folded_headers_are_refused),
        cmocka_unit_test(a_nul_is_refused_wherever_it_is),
        cmocka_unit_test(header_names_are_tokens),
        cmocka_unit_test(control_characters_in_values_are_refused),
        cmocka_unit_test(a_request_names_one_host),
        cmocka_unit_test(a_malformed_request_line_is_refused),
        cmocka_unit_test(what_is_no_request_at_all_is_cut_off),
        cmocka_unit_test(broken_escapes_are_named),
        cmocka_unit_test(an_encoded_slash_stays_in_its_segment),
        cmocka_unit_test(too_many_query_parameters_are_refused),
        cmocka_unit_test(a_head_of_any_size_is_answered),
        cmocka_unit_test(a_long_address_is_414),
        cmocka_unit_test(bodies_over_the_limit_are_413),
        cmocka_unit_test(a_chunked_body_over_the_limit_is_413_and_the_connection_lives),
        cmocka_unit_test(who_sends_far_too_much_still_gets_the_answer),
        cmocka_unit_test(an_endless_body_is_cut_off),
        cmocka_unit_test(requests_may_be_split_anywhere),
        cmocka_unit_test(requests_may_come_byte_by_byte),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
