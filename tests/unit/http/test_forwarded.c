/*
 * Whose request it is when a proxy brings it.
 */
#include "client.h"
#include "site.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#define TRUSTED "127.0.0.0/8, 10.0.0.0/8, fd00::/8"
#define FOR "X-Forwarded-For: "

static const char key[] = "tk_from-the-settings-file-1234";

enum { FAILURES_MAX = 3, REQUEST_BYTES_MAX = 8 * 1024, SPOOFED = 400 };

static void start(struct site *site, const char *listen, const char *trusted)
{
    struct server_options options = {.listen = listen, .auth_failures_max = FAILURES_MAX};
    uint8_t hash[SHA256_BYTES];

    key_hash(slice_of(key), hash);
    options.admin_key_hash = hash;
    assert_int_equal(ip_ranges_parse(slice_of(trusted), &options.trusted_proxies, NULL), OK);
    site_start(site, options);
}

/* lines: headers that end in CR LF. */
static void send_get(struct client *client, const char *path, const char *lines)
{
    struct buf request;

    buf_init(&request, REQUEST_BYTES_MAX);
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, lines);
    client_send(client, buf_cstr(&request));
    buf_clear(&request);
}

static void assert_peer(const struct site *site, const char *lines, const char *peer)
{
    struct client client;
    struct client_answer answer;

    client_open(&client, site_address(site));
    send_get(&client, "/peer", lines);
    client_take(&client, &answer);
    assert_int_equal(answer.status, 200);
    assert_slice_is(buf_view(&answer.body), peer);
    client_answer_clear(&answer);
    client_close(&client);
}

static void anybody_elses_header_is_not_looked_at(UNUSED void **state)
{
    static const char *const trusted[] = {"", "10.0.0.0/8", "127.0.0.2", "::1"};

    for (size_t i = 0; i < ARRAY_LEN(trusted); i++) {
        struct site site;

        start(&site, NULL, trusted[i]);
        assert_peer(&site, FOR "192.0.2.7\r\n", "127.0.0.1");
        assert_peer(&site, FOR "192.0.2.7, 10.0.0.1, 127.0.0.2\r\n", "127.0.0.1");
        site_stop(&site);
    }
}

static void the_last_that_is_no_proxy_is_the_caller(UNUSED void **state)
{
    static const struct {
        const char *lines, *peer;
    } cases[] = {
        {FOR "192.0.2.7\r\n", "192.0.2.7"},
        {FOR "198.51.100.9, 192.0.2.7\r\n", "192.0.2.7"},
        {FOR "198.51.100.9,192.0.2.7,10.1.2.3 , fd00::1\r\n", "192.0.2.7"},
        {FOR "junk, 192.0.2.7\r\n", "192.0.2.7"},
        {FOR "192.0.2.7, \t,\r\n", "192.0.2.7"},
        {"x-forwarded-for:192.0.2.7\r\n", "192.0.2.7"},
        /* HAProxy adds a line of its own. */
        {FOR "198.51.100.9\r\nAccept: */*\r\n" FOR "192.0.2.7\r\n", "192.0.2.7"},
        {FOR "198.51.100.9, 192.0.2.7\r\n" FOR "10.0.0.1\r\n" FOR "\r\n", "192.0.2.7"},
        /* IPv6, and IPv4 in it */
        {FOR "2001:DB8:0::7\r\n", "2001:db8::7"},
        {FOR "192.0.2.7, ::ffff:10.0.0.1\r\n", "192.0.2.7"},
        {FOR "::ffff:192.0.2.7\r\n", "192.0.2.7"},
        /* with ports */
        {FOR "192.0.2.7:4711\r\n", "192.0.2.7"},
        {FOR "192.0.2.7:4711, 10.0.0.1:65535\r\n", "192.0.2.7"},
        {FOR "[2001:db8::7]\r\n", "2001:db8::7"},
        {FOR "[2001:db8::7]:4711\r\n", "2001:db8::7"},
    };
    struct site site;

    start(&site, NULL, TRUSTED);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_peer(&site, cases[i].lines, cases[i].peer);
    }
    site_stop(&site);
}

static void without_a_caller_it_is_the_proxy_itself(UNUSED void **state)
{
    static const char *const lines[] = {
        "",
        FOR "\r\n",
        FOR ",\r\n",
        FOR "10.0.0.1, 127.0.0.5\r\n",
        "Forwarded: for=192.0.2.7\r\n",
        "X-Forwarded-For-More: 192.0.2.7\r\n",
        /* What stands before junk may have been written by anybody. */
        FOR "192.0.2.7, junk\r\n",
        FOR "192.0.2.7, unknown, 10.0.0.1\r\n",
        FOR "192.0.2.7\r\n" FOR "junk\r\n",
        FOR "192.0.2.7 198.51.100.9\r\n",
        FOR "192.0.2\r\n",
        FOR "0xc0000207\r\n",
        FOR "192.0.2.7:\r\n",
        FOR "192.0.2.7:x\r\n",
        FOR "192.0.2.7:65536\r\n",
        FOR "192.0.2.7:80:80\r\n",
        FOR "192.0.2.0/24\r\n",
        FOR "\"192.0.2.7\"\r\n",
        FOR "[2001:db8::7\r\n",
        FOR "[2001:db8::7]4711\r\n",
        FOR "[2001:db8::7]:\r\n",
        FOR "[]\r\n",
        FOR "[\r\n",
        FOR ":80\r\n",
        FOR "fe80::1%eth0\r\n",
        FOR "2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0007\r\n",
    };
    struct site site;

    start(&site, NULL, TRUSTED);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_peer(&site, lines[i], "127.0.0.1");
    }
    site_stop(&site);
}

static void a_long_list_of_others_hides_nobody(UNUSED void **state)
{
    struct site site;
    struct buf lines;

    start(&site, NULL, TRUSTED);
    buf_init(&lines, REQUEST_BYTES_MAX);
    buf_text(&lines, FOR);
    for (int i = 0; i < SPOOFED; i++) {
        buf_text(&lines, "198.51.100.9,");
    }
    buf_text(&lines, "192.0.2.7");
    for (int i = 0; i < SPOOFED / 4; i++) {
        buf_text(&lines, ",10.0.0.1");
    }
    buf_text(&lines, "\r\n");
    assert_peer(&site, buf_cstr(&lines), "192.0.2.7");
    buf_clear(&lines);
    site_stop(&site);
}

static void a_proxy_may_come_by_ipv6(UNUSED void **state)
{
    struct site site;

    start(&site, "[::]:0", "::1, 127.0.0.1"); /* an IPv4 peer comes mapped */
    assert_peer(&site, FOR "192.0.2.7\r\n", "192.0.2.7");
    site_stop(&site);
}

/* A proxy's connections are everybody's. */
static void each_request_has_its_own_caller(UNUSED void **state)
{
    struct site site;
    struct client client;

    start(&site, NULL, TRUSTED);
    client_open(&client, site_address(&site));
    send_get(&client, "/peer", FOR "192.0.2.7\r\n");
    client_expect(&client, 200, "192.0.2.7");
    send_get(&client, "/peer", "");
    client_expect(&client, 200, "127.0.0.1");
    send_get(&client, "/peer", FOR "192.0.2.8\r\n");
    client_expect(&client, 200, "192.0.2.8");
    client_close(&client);
    site_stop(&site);
}

static void try_key(struct client *client, const char *caller, const char *text, unsigned status)
{
    char lines[256];

    (void)snprintf(lines, sizeof lines, FOR "%s\r\nAuthorization: Bearer %s\r\n", caller, text);
    send_get(client, "/v1/admin", lines);
    client_expect(client, status, NULL);
}

/* All on one connection, where the same right key comes from several. */
static void who_tries_too_many_keys_has_to_wait_alone(UNUSED void **state)
{
    struct site site;
    struct client client;

    start(&site, NULL, TRUSTED);
    client_open(&client, site_address(&site));
    try_key(&client, "192.0.2.6", key, 200);
    try_key(&client, "192.0.2.7", key, 200);
    for (int i = 0; i < FAILURES_MAX; i++) {
        try_key(&client, "192.0.2.7", "tk_wrong", 401);
    }
    try_key(&client, "192.0.2.7", "tk_wrong", 429);
    try_key(&client, "192.0.2.7", key, 200); /* was right from there before */
    try_key(&client, "192.0.2.8", "tk_wrong", 401);
    try_key(&client, "192.0.2.8", key, 200);
    client_close(&client);
    site_stop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anybody_elses_header_is_not_looked_at),
        cmocka_unit_test(the_last_that_is_no_proxy_is_the_caller),
        cmocka_unit_test(without_a_caller_it_is_the_proxy_itself),
        cmocka_unit_test(a_long_list_of_others_hides_nobody),
        cmocka_unit_test(a_proxy_may_come_by_ipv6),
        cmocka_unit_test(each_request_has_its_own_caller),
        cmocka_unit_test(who_tries_too_many_keys_has_to_wait_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
