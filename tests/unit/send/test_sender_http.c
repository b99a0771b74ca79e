#include "call.h"
#include "os/thread.h"
#include "own_clock.h"
#include "peer.h"

#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdlib.h>

/* --- names that a test makes up: the program's getaddrinfo comes before the system's --- */

struct name {
    const char *host;
    const char *addresses[3];
};

static const struct name names[] = {
    {"blocked.test", {"10.1.2.3", "192.168.0.1", "fd00::1"}},
    {"mixed.test", {"10.1.2.3", "127.0.0.1", "fd00::1"}},
    {"mapped.test", {"::ffff:10.0.0.1", "::ffff:169.254.169.254"}},
    {"metadata.test", {"169.254.169.254"}},
    {"good.test", {"127.0.0.1"}},
};

static sem_t lookup_release;                     /* what a lookup of hang.test waits for */
static _Atomic int lookups_begun, lookups_ended; /* of hang.test */

/* Lets the lookup of hang.test end, which may even have to begin: the next case has its own. */
static void release_lookup(void)
{
    while (lookups_begun == lookups_ended) {
        (void)sched_yield();
    }
    (void)sem_post(&lookup_release);
    while (lookups_begun > lookups_ended) {
        (void)sched_yield();
    }
}

static struct addrinfo *make_address(const char *text, int port)
{
    struct {
        struct addrinfo info;
        struct sockaddr_storage address;
    } *entry = calloc(1, sizeof *entry);
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&entry->address;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&entry->address;

    entry->info.ai_addr = (struct sockaddr *)&entry->address;
    entry->info.ai_socktype = SOCK_STREAM;
    if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons((uint16_t)port);
        entry->info.ai_addrlen = sizeof *ipv4;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1);
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons((uint16_t)port);
        entry->info.ai_addrlen = sizeof *ipv6;
    }
    entry->info.ai_family = entry->address.ss_family;
    return &entry->info;
}

int getaddrinfo(const char *node, const char *service, UNUSED const struct addrinfo *hints,
                struct addrinfo **out)
{
    if (strcmp(node, "hang.test") == 0) {
        lookups_begun++;
        (void)sem_wait(&lookup_release);
        lookups_ended++;
        return EAI_AGAIN;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct addrinfo **end = out;

        if (strcmp(node, names[i].host) != 0) {
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(names[i].addresses) && names[i].addresses[k]; k++) {
            *end = make_address(names[i].addresses[k], atoi(service != NULL ? service : "0"));
            end = &(*end)->ai_next;
        }
        return 0;
    }
    return EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *info)
{
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;

        free(info);
        info = next;
    }
}

static void set_host(struct call *call, const char *host, uint16_t port)
{
    (void)snprintf(call->url, sizeof call->url, "http://%s:%u/", host, port);
    call->outbound.url = slice_of(call->url);
}

static void assert_outcome(const struct call *call, enum attempt_outcome outcome,
                           const char *detail)
{
    assert_string_equal(call->detail, detail);
    assert_int_equal(call->outbound.result.outcome, outcome);
}

#define ANSWER_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct sender *loopback_sender(void)
{
    return call_sender("127.0.0.0/8 ::1");
}

/* Sends to a peer that serves so; the caller looks at the call and clears it. */
static void exchange(struct call *call, peer_serve_fn *serve, const void *plan)
{
    struct peer *peer = peer_start(serve, plan);
    struct sender *sender = loopback_sender();

    call_init(call, peer->port, "/hook");
    call_send(sender, call);
    assert_int_equal(sender_active(sender), 0);
    sender_free(sender);
    peer_stop(peer);
}

/* --- what is sent --- */

static void a_request_is_sent_byte_for_byte(UNUSED void **state)
{
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct sender *sender = loopback_sender();
    struct call call;
    char expected[512];

    call_init(&call, peer->port, "/hook?x=1");
    call.outbound.headers[1] = (struct outbound_header){SLICE("webhook-id"), SLICE("evt_1")};
    call.outbound.headers[2] = (struct outbound_header){SLICE("X-Empty"), SLICE("")};
    call.outbound.headers_len = 3;
    call_send(sender, &call);
    (void)snprintf(expected, sizeof expected,
                   "POST /hook?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: tidings-test/1\r\n"
                   "Accept: */*\r\nContent-Type: application/json\r\nwebhook-id: evt_1\r\n"
                   "X-Empty:\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
                   peer->port);
    char *heard = peer_heard(peer);
    assert_string_equal(heard, expected);
    mem_free(heard);
    call_clear(&call);
    sender_free(sender);
    peer_stop(peer);
}

static void other_methods_are_sent_as_they_are(UNUSED void **state)
{
    static const char *const methods[] = {"PUT", "PATCH", "DELETE", "GET", "POST"};
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct sender *sender = loopback_sender();

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct call call;

        call_init(&call, peer->port, "/hook");
        call.outbound.method = slice_of(methods[i]);
        call.outbound.body = slice_is(call.outbound.method, "GET") ? SLICE("") : SLICE("b");
        call_send(sender, &call);
        char *heard = peer_heard(peer);
        assert_int_equal(strncmp(heard, methods[i], strlen(methods[i])), 0);
        assert_int_equal(strstr(heard, "Content-Length") != NULL, call.outbound.body.len > 0);
        assert_null(strcasestr(heard, "cookie"));
        mem_free(heard);
        call_clear(&call);
    }
    sender_free(sender);
    peer_stop(peer);
}

static void a_large_body_goes_without_asking_first(UNUSED void **state)
{
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct sender *sender = loopback_sender();
    struct call call;
    size_t len = 2 * 1024 * 1024;
    char *body = mem_new(len, 1);

    memset(body, 'x', len);
    call_init(&call, peer->port, "/");
    call.outbound.headers_len = 0;
    call.outbound.body = slice_from(body, len);
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
    char *heard = peer_heard(peer);
    assert_null(strcasestr(heard, "expect"));
    assert_null(strcasestr(heard, "content-type"));
    assert_int_equal(strlen(strstr(heard, "\r\n\r\n")) - 4, len);
    mem_free(heard);
    mem_free(body);
    call_clear(&call);
    sender_free(sender);
    peer_stop(peer);
}

static void what_could_smuggle_a_header_is_not_sent(UNUSED void **state)
{
    static const struct outbound_header bad[] = {
        {SLICE("X\r\nEvil"), SLICE("1")}, {SLICE("X: y"), SLICE("1")},
        {SLICE(""), SLICE("1")},          {SLICE("X"), SLICE("a\r\nB: c")},
        {SLICE("X"), SLICE("a\nB: c")},   {SLICE("X"), SLICE("a\0b")},
        {SLICE("X"), SLICE("a\rb")},      {SLICE("X\0"), SLICE("b")},
        {SLICE("X y"), SLICE("b")},
    };
    struct sender *sender = loopback_sender();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct call call;

        call_init(&call, 1, "/");
        call.outbound.headers[0] = bad[i];
        call_send(sender, &call);
        assert_outcome(&call, ATTEMPT_INVALID, "a header has characters that must not be in it");
        call_clear(&call);
    }
    sender_free(sender);
}

static void what_is_no_url_is_not_sent(UNUSED void **state)
{
    static const struct slice bad[] = {
        SLICE(""),
        SLICE("127.0.0.1/"),
        SLICE("file:///etc/passwd"),
        SLICE("gopher://127.0.0.1/"),
        SLICE("http://127.0.0.1/ HTTP/1.1\r\nX: y"),
        SLICE("http://127.0.0.1/\0"),
        SLICE("http://a b/"),
        SLICE("smtp://127.0.0.1/"),
    };
    struct sender *sender = loopback_sender();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct call call;

        call_init(&call, 1, "/");
        call.outbound.url = bad[i];
        call_send(sender, &call);
        assert_outcome(&call, ATTEMPT_INVALID, "the URL cannot be used");
        call_clear(&call);
    }
    sender_free(sender);
}

static void a_strange_method_is_not_sent(UNUSED void **state)
{
    struct sender *sender = loopback_sender();
    struct call call;

    call_init(&call, 1, "/");
    call.outbound.method = SLICE("POST / HTTP/1.1\r\n");
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_INVALID, "the method cannot be used");
    call_clear(&call);
    sender_free(sender);
}

/* --- what is answered --- */

static void the_answer_is_told_whole(UNUSED void **state)
{
    struct call call;

    exchange(&call, peer_answer_text,
             "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"
             "HTTP/1.1 503 Busy\r\nretry-AFTER:  120 \r\nContent-Length: 5\r\n\r\nlater");
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 503");
    assert_int_equal(call.outbound.result.status, 503);
    assert_int_equal(call.outbound.result.headers_len, 2); /* not the provisional one's */
    assert_string_equal(call.retry_after, "120");
    assert_slice_is(buf_view(&call.body), "later");
    assert_false(call.outbound.result.was_cut);
    assert_true(call.outbound.result.took_us > 0);
    call_clear(&call);
}

static void every_status_is_an_answer(UNUSED void **state)
{
    for (int status = 200; status < 600; status += 7) {
        struct call call;
        char answer[128];

        (void)snprintf(answer, sizeof answer,
                       "HTTP/1.1 %d X\r\nContent-Length: 0\r\nWWW-Authenticate: Basic\r\n\r\n",
                       status);
        exchange(&call, peer_answer_text, answer);
        assert_int_equal(call.outbound.result.outcome, ATTEMPT_ANSWER);
        assert_int_equal(call.outbound.result.status, status);
        call_clear(&call);
    }
}

static void a_redirect_is_an_answer_and_not_followed(UNUSED void **state)
{
    struct peer *other = peer_start(peer_answer_text, ANSWER_OK);
    struct call call;
    char answer[128];

    (void)snprintf(
        answer, sizeof answer,
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/\r\nContent-Length: 0\r\n\r\n",
        other->port);
    exchange(&call, peer_answer_text, answer);
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 302");
    assert_int_equal(peer_connections(other), 0);
    call_clear(&call);
    peer_stop(other);
}

static void trailers_are_no_headers_of_the_answer(UNUSED void **state)
{
    struct call call;

    exchange(&call, peer_answer_text,
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             "2\r\nok\r\n0\r\nRetry-After: 5\r\n\r\n");
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
    assert_string_equal(call.retry_after, "");
    assert_slice_is(buf_view(&call.body), "ok");
    call_clear(&call);
}

static void a_compressed_answer_stays_as_it_is(UNUSED void **state)
{
    struct call call;

    exchange(&call, peer_answer_text,
             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b!!");
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
    assert_slice_is(buf_view(&call.body), "\x1f\x8b!!");
    call_clear(&call);
}

static void serve_many_headers(struct peer *peer, int fd)
{
    char line[600];

    if (!peer_hear_request(peer, fd) || !peer_say_text(fd, "HTTP/1.1 200 OK\r\n")) {
        return;
    }
    for (int i = 0; i < 100; i++) {
        (void)snprintf(line, sizeof line, "X-%d: %0500d\r\n", i, i);
        (void)peer_say_text(fd, line);
    }
    (void)peer_say_text(fd, "Retry-After: 7\r\nContent-Length: 2\r\n\r\nok");
}

static void only_so_many_headers_of_an_answer_are_kept(UNUSED void **state)
{
    struct call call;

    exchange(&call, serve_many_headers, NULL);
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
    assert_true(call.outbound.result.headers_len <= OUTBOUND_ANSWER_HEADERS_MAX);
    assert_slice_is(buf_view(&call.body), "ok");
    call_clear(&call);
}

/* Says a head and then more of the body than anybody wants, until the other side hangs up. */
static void serve_endless(struct peer *peer, int fd)
{
    char bytes[4096];

    memset(bytes, 'z', sizeof bytes);
    if (peer_hear_request(peer, fd) && peer_say_text(fd, peer->plan)) {
        while (peer_say(fd, bytes, sizeof bytes)) {
        }
    }
}

static void a_long_answer_is_cut_off(UNUSED void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct call call;

        exchange(&call, serve_endless, heads[i]);
        assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
        assert_true(call.outbound.result.was_cut);
        assert_int_equal(call.body.len, OUTBOUND_ANSWER_BYTES_MAX);
        call_clear(&call);
    }
}

static void a_request_may_have_a_limit_of_its_own(UNUSED void **state)
{
    static const size_t limits[] = {100, 3 * OUTBOUND_ANSWER_BYTES_MAX, 0};
    struct sender *sender = loopback_sender();

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct peer *peer = peer_start(serve_endless, "HTTP/1.1 200 OK\r\n\r\n");
        struct call call;

        call_init(&call, peer->port, "/");
        call.body.bytes_max = 4 * OUTBOUND_ANSWER_BYTES_MAX;
        call.outbound.answer_bytes_max = limits[i];
        call_send(sender, &call);
        assert_true(call.outbound.result.was_cut);
        assert_int_equal(call.body.len, limits[i] > 0 ? limits[i] : OUTBOUND_ANSWER_BYTES_MAX);
        peer_stop(peer);
        call_clear(&call);
    }
    sender_free(sender);
}

static void an_answer_of_just_the_limit_is_whole(UNUSED void **state)
{
    struct call call;
    struct buf answer;

    buf_init(&answer, 2 * OUTBOUND_ANSWER_BYTES_MAX);
    buf_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", OUTBOUND_ANSWER_BYTES_MAX);
    for (int i = 0; i < OUTBOUND_ANSWER_BYTES_MAX; i++) {
        buf_byte(&answer, 'y');
    }
    exchange(&call, peer_answer_text, buf_cstr(&answer));
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
    assert_false(call.outbound.result.was_cut);
    assert_int_equal(call.body.len, OUTBOUND_ANSWER_BYTES_MAX);
    call_clear(&call);
    buf_clear(&answer);
}

/* --- what goes wrong --- */

static void a_closed_port_refuses(UNUSED void **state)
{
    struct sender *sender = loopback_sender();
    struct call call;
    uint16_t port = 0;
    int closed = peer_hold_port(&port);

    call_init(&call, port, "/");
    call_send(sender, &call);
    (void)close(closed);
    assert_outcome(&call, ATTEMPT_CONNECT, "connection refused");
    assert_false(call.outbound.result.may_have_arrived);
    assert_int_equal(call.outbound.result.status, 0);
    call_clear(&call);
    sender_free(sender);
}

static void an_unknown_name_is_told(UNUSED void **state)
{
    struct sender *sender = loopback_sender();
    struct call call;

    call_init(&call, 1, "/");
    set_host(&call, "nowhere.test", 1);
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_CONNECT, "name not found");
    call_clear(&call);
    sender_free(sender);
}

/* Fills the queue of a listener that accepts nothing, so that it takes no further connection. The
 * first one is in it, the others may still be on their way. */
static void fill_queue(uint16_t port, int *fds, size_t fds_len)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port)};

    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t i = 0; i < fds_len; i++) {
        int rest_is_nonblocking = i > 0 ? SOCK_NONBLOCK : 0;

        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | rest_is_nonblocking, 0);
        (void)connect(fds[i], (struct sockaddr *)&where, sizeof where);
    }
}

static void a_connection_that_does_not_come_about_runs_out_of_time(UNUSED void **state)
{
    struct sender_options options = {.connections_max = 8, .connect_timeout_us = 100 * US_PER_MS};
    struct call call;
    uint16_t port = 0;
    int listener = peer_hold_port(&port);
    int fds[8];

    assert_int_equal(policy_parse(SLICE("127.0.0.0/8"), &options.policy, NULL), OK);
    struct sender *sender = sender_new(env_system(), &options);
    (void)listen(listener, 0);
    fill_queue(port, fds, ARRAY_LEN(fds));
    call_init(&call, port, "/");
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_TIMEOUT, "timed out while connecting");
    assert_false(call.outbound.result.may_have_arrived);
    call_clear(&call);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        (void)close(fds[i]);
    }
    (void)close(listener);
    sender_free(sender);
}

static void serve_silence(struct peer *peer, int fd)
{
    if (peer_hear_request(peer, fd) && peer_say_over(peer, fd, "")) {
        peer_wait_for_end(fd);
    }
}

/* The plan, and then nothing any more. */
static void serve_start_and_hang(struct peer *peer, int fd)
{
    if (peer_hear_request(peer, fd) && peer_say_over(peer, fd, peer->plan)) {
        peer_wait_for_end(fd);
    }
}

static void exchange_until_time_is_out(struct call *call, peer_serve_fn *serve, const void *plan)
{
    struct peer *peer = peer_start(serve, plan);
    struct sender *sender = loopback_sender();

    call_init(call, peer->port, "/hook");
    own_clock_run_out(sender, call, peer);
    sender_free(sender);
    peer_stop(peer);
}

static void a_silent_receiver_runs_out_of_time(UNUSED void **state)
{
    struct call call;

    exchange_until_time_is_out(&call, serve_silence, NULL);
    assert_outcome(&call, ATTEMPT_TIMEOUT, "timed out waiting for the answer");
    assert_true(call.outbound.result.may_have_arrived);
    assert_int_equal(call.outbound.result.status, 0);
    call_clear(&call);
}

static void a_provisional_answer_is_none(UNUSED void **state)
{
    struct call call;

    exchange_until_time_is_out(&call, serve_start_and_hang, "HTTP/1.1 102 Processing\r\n\r\n");
    assert_int_equal(call.outbound.result.outcome, ATTEMPT_TIMEOUT);
    assert_int_equal(call.outbound.result.status, 0);
    call_clear(&call);
}

static void half_an_answer_runs_out_of_time(UNUSED void **state)
{
    static const char *const starts[] = {
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\n\r\nno end",
    };

    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        struct call call;

        exchange_until_time_is_out(&call, serve_start_and_hang, starts[i]);
        assert_outcome(&call, ATTEMPT_TIMEOUT, "timed out while reading the answer");
        assert_true(call.outbound.result.may_have_arrived);
        call_clear(&call);
    }
}

static void serve_trickle(struct peer *peer, int fd)
{
    struct timeval pause = {.tv_usec = 5000};
    char byte;

    if (!peer_hear_request(peer, fd) || !peer_say_text(fd, "HTTP/1.1 200 OK\r\n\r\n")) {
        return;
    }
    /* The pause is a read that finds nothing; it ends when the other side hangs up. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
    while (recv(fd, &byte, 1, 0) != 0 && peer_say_over(peer, fd, ".")) {
    }
}

static void a_byte_now_and_then_does_not_stretch_the_time(UNUSED void **state)
{
    enum { PARTS = 10 };
    struct peer *peer = peer_start(serve_trickle, NULL);
    struct sender *sender = loopback_sender();
    struct call call;

    call_init(&call, peer->port, "/hook");
    call.outbound.timeout_us = OWN_CLOCK_CALL_US;
    sender_start(sender, &call.outbound);
    for (int i = 0; i < PARTS; i++) {
        own_clock_await(sender, peer, peer_said(peer) + 1);
        assert_int_equal(call.done, 0);
        own_clock_pass(OWN_CLOCK_CALL_US / PARTS);
    }
    call_run(sender, &call);
    assert_outcome(&call, ATTEMPT_TIMEOUT, "timed out while reading the answer");
    call_clear(&call);
    sender_free(sender);
    peer_stop(peer);
}

static void serve_reset(struct peer *peer, int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (peer_hear_request(peer, fd)) {
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        (void)dup2(peer->listener, fd); /* closes it, so that the reset goes out */
    }
}

static void a_reset_instead_of_an_answer_is_told(UNUSED void **state)
{
    struct call call;

    exchange(&call, serve_reset, NULL);
    assert_outcome(&call, ATTEMPT_CONNECT, "connection reset");
    assert_true(call.outbound.result.may_have_arrived);
    call_clear(&call);
}

static void serve_hang_up(struct peer *peer, int fd)
{
    if (peer_hear_request(peer, fd)) {
        (void)peer_say_text(fd, peer->plan);
    }
}

static void a_connection_that_ends_too_early_is_told(UNUSED void **state)
{
    static const struct {
        const char *start, *detail;
    } cases[] = {
        {"", "connection closed without an answer"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
         "connection closed within the answer"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
         "connection closed within the answer"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call call;

        exchange(&call, serve_hang_up, cases[i].start);
        assert_outcome(&call, ATTEMPT_CONNECT, cases[i].detail);
        assert_true(call.outbound.result.may_have_arrived);
        call_clear(&call);
    }
}

static void an_answer_that_is_no_http_is_told(UNUSED void **state)
{
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\r\n\r\n",
        "220 mail.example ESMTP\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\nContent-Length: x\r\n\r\nabc",
    };

    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct call call;

        exchange(&call, serve_hang_up, answers[i]);
        assert_int_equal(call.outbound.result.outcome, ATTEMPT_CONNECT);
        assert_true(call.outbound.result.may_have_arrived);
        call_clear(&call);
    }
}

/* --- the address policy --- */

static void a_refused_address_is_never_connected(UNUSED void **state)
{
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct sender *sender = call_sender("10.0.0.0/24");
    struct call call;

    call_init(&call, peer->port, "/");
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_BLOCKED, "address 127.0.0.1 is not allowed");
    call_clear(&call);
    call_init(&call, peer->port, "/");
    set_host(&call, "localhost", peer->port);
    call_send(sender, &call);
    assert_int_equal(call.outbound.result.outcome, ATTEMPT_BLOCKED);
    call_clear(&call);
    assert_int_equal(peer_connections(peer), 0);
    sender_free(sender);
    peer_stop(peer);
}

static void a_name_with_only_refused_addresses_is_blocked(UNUSED void **state)
{
    static const char *const hosts[] = {"blocked.test", "mapped.test", "metadata.test"};
    struct sender *sender = call_sender("127.0.0.0/8 169.254.0.0/16");

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct call call;

        call_init(&call, 1, "/");
        set_host(&call, hosts[i], 1);
        call_send(sender, &call);
        assert_int_equal(call.outbound.result.outcome, ATTEMPT_BLOCKED);
        call_clear(&call);
    }
    sender_free(sender);
}

static void of_several_addresses_only_allowed_ones_are_connected(UNUSED void **state)
{
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct sender *sender = loopback_sender();
    struct call call;
    uint16_t port = 0;

    call_init(&call, peer->port, "/");
    set_host(&call, "mixed.test", peer->port);
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
    assert_int_equal(peer_connections(peer), 1);
    call_clear(&call);

    /* The allowed one does not answer: that is the news, not the refused ones. */
    int closed = peer_hold_port(&port);
    call_init(&call, port, "/");
    set_host(&call, "mixed.test", port);
    call_send(sender, &call);
    (void)close(closed);
    assert_outcome(&call, ATTEMPT_CONNECT, "connection refused");
    call_clear(&call);
    sender_free(sender);
    peer_stop(peer);
}

/* The kept connection would be there for the customer's request: same host, same port. */
static void what_was_opened_for_a_trusted_request_is_for_those_alone(UNUSED void **state)
{
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct sender *sender = call_sender("");

    for (int i = 0; i < 6; i++) {
        bool is_trusted = i % 2 == 0;
        struct call call;

        call_init(&call, peer->port, "/");
        call.outbound.is_trusted = is_trusted;
        call_send(sender, &call);
        assert_outcome(&call, is_trusted ? ATTEMPT_ANSWER : ATTEMPT_BLOCKED,
                       is_trusted ? "HTTP 200" : "address 127.0.0.1 is not allowed");
        call_clear(&call);
    }
    assert_int_equal(peer_connections(peer), 1);
    assert_int_equal(peer_requests(peer), 3);
    sender_free(sender);
    peer_stop(peer);
}

static void a_trusted_request_goes_to_no_metadata_service(UNUSED void **state)
{
    struct sender *sender = call_sender("");
    struct call call;

    call_init(&call, 1, "/");
    set_host(&call, "metadata.test", 1);
    call.outbound.is_trusted = true;
    call_send(sender, &call);
    assert_int_equal(call.outbound.result.outcome, ATTEMPT_BLOCKED);
    call_clear(&call);
    sender_free(sender);
}

static void a_proxy_from_the_environment_is_not_asked(UNUSED void **state)
{
    static const char *const variables[] = {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"};
    struct peer *proxy = peer_start(peer_answer_text, ANSWER_OK);
    struct call call;
    char url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", proxy->port);
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        (void)setenv(variables[i], url, 1);
    }
    exchange(&call, peer_answer_text, ANSWER_OK);
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        (void)unsetenv(variables[i]);
    }
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
    assert_int_equal(peer_connections(proxy), 0);
    call_clear(&call);
    peer_stop(proxy);
}

/* --- names --- */

static void a_name_that_is_not_answered_runs_out_of_time(UNUSED void **state)
{
    struct sender *sender = loopback_sender();
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct call hanging, other;

    call_init(&hanging, 1, "/");
    set_host(&hanging, "hang.test", 1);
    hanging.outbound.timeout_us = 200 * US_PER_MS;
    sender_start(sender, &hanging.outbound);

    /* Meanwhile others go on. */
    call_init(&other, peer->port, "/");
    call_send(sender, &other);
    assert_outcome(&other, ATTEMPT_ANSWER, "HTTP 200");
    call_run(sender, &hanging);
    assert_outcome(&hanging, ATTEMPT_TIMEOUT, "timed out while looking up the name");
    assert_false(hanging.outbound.result.may_have_arrived);
    release_lookup();
    call_clear(&hanging);
    call_clear(&other);
    sender_free(sender);
    peer_stop(peer);
}

static void the_connect_time_counts_for_the_lookup_too(UNUSED void **state)
{
    struct sender_options options = {.connections_max = 8, .connect_timeout_us = 100 * US_PER_MS};
    struct sender *sender = sender_new(env_system(), &options);
    struct call call;

    call_init(&call, 1, "/");
    set_host(&call, "hang.test", 1);
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_TIMEOUT, "timed out while looking up the name");
    release_lookup();
    call_clear(&call);
    sender_free(sender);
}

/* --- connections --- */

static void a_connection_is_used_again(UNUSED void **state)
{
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct sender *sender = loopback_sender();

    for (int i = 0; i < 20; i++) {
        struct call call;

        call_init(&call, peer->port, "/");
        call_send(sender, &call);
        assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
        call_clear(&call);
    }
    assert_int_equal(peer_connections(peer), 1);
    assert_int_equal(peer_requests(peer), 20);
    sender_free(sender);
    peer_stop(peer);
}

/* Answers once on each connection and hangs up, though the answer did not say so. */
static void serve_one(struct peer *peer, int fd)
{
    if (peer_hear_request(peer, fd)) {
        (void)peer_say_text(fd, ANSWER_OK);
    }
}

static void a_kept_connection_that_has_died_costs_nothing(UNUSED void **state)
{
    struct peer *peer = peer_start(serve_one, NULL);
    struct sender *sender = loopback_sender();

    for (int i = 0; i < 20; i++) {
        struct call call;

        call_init(&call, peer->port, "/");
        call_send(sender, &call);
        assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
        call_clear(&call);
    }
    assert_int_equal(peer_requests(peer), 20);
    sender_free(sender);
    peer_stop(peer);
}

enum { MANY = 300 };

static void run_until_idle(struct sender *sender)
{
    int64_t end = env_mono(env_system()).us + CALL_DEADLINE_US;

    while (sender_active(sender) > 0) {
        assert_true(env_mono(env_system()).us < end);
        sender_run(sender, NULL, US_PER_SECOND);
    }
}

static void many_at_once_all_come_back_once(UNUSED void **state)
{
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct sender *sender = loopback_sender();
    struct call *calls = MEM_ARRAY(MANY, struct call);

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            call_init(&calls[i], peer->port, "/");
            sender_start(sender, &calls[i].outbound);
        }
        assert_int_equal(sender_active(sender), MANY);
        run_until_idle(sender);
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(calls[i].done, 1);
            assert_outcome(&calls[i], ATTEMPT_ANSWER, "HTTP 200");
            call_clear(&calls[i]);
        }
    }
    mem_free(calls);
    sender_free(sender);
    peer_stop(peer);
}

static void hanging_receivers_do_not_hold_up_others(UNUSED void **state)
{
    struct peer *dead = peer_start(serve_silence, NULL);
    struct peer *peer = peer_start(peer_answer_text, ANSWER_OK);
    struct sender *sender = loopback_sender();
    struct call *calls = MEM_ARRAY(MANY, struct call);
    struct call call;

    for (int i = 0; i < MANY; i++) {
        call_init(&calls[i], dead->port, "/");
        calls[i].outbound.timeout_us = US_PER_HOUR;
        sender_start(sender, &calls[i].outbound);
    }
    call_init(&call, peer->port, "/");
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_ANSWER, "HTTP 200");
    assert_int_equal(sender_active(sender), MANY);
    call_clear(&call);
    /* What still hangs goes without a word. */
    sender_free(sender);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].done, 0);
        call_clear(&calls[i]);
    }
    mem_free(calls);
    peer_stop(dead);
    peer_stop(peer);
}

static void what_is_aborted_does_not_come_back(UNUSED void **state)
{
    struct peer *dead = peer_start(serve_silence, NULL);
    struct sender *sender = loopback_sender();
    struct call hanging, invalid;

    call_init(&hanging, dead->port, "/");
    sender_start(sender, &hanging.outbound);
    call_init(&invalid, dead->port, "/");
    invalid.outbound.url = SLICE("nonsense");
    sender_start(sender, &invalid.outbound);
    assert_int_equal(sender_active(sender), 2);
    while (peer_requests(dead) == 0) {
        sender_run(sender, NULL, US_PER_SECOND / 100);
        if (invalid.done == 1) {
            invalid.done = 2; /* told once; started again to be aborted before it is told */
            sender_start(sender, &invalid.outbound);
            sender_abort(sender, &invalid.outbound);
        }
    }
    sender_abort(sender, &hanging.outbound);
    assert_int_equal(sender_active(sender), 0);
    sender_run(sender, NULL, 0);
    assert_int_equal(hanging.done, 0);
    assert_int_equal(invalid.done, 2);
    call_clear(&hanging);
    call_clear(&invalid);
    sender_free(sender);
    peer_stop(dead);
}

/* --- the loop --- */

struct waker {
    struct message message;
    struct mailbox *mailbox;
};

static void note_run(UNUSED struct message *message)
{
}

static void wake(void *ctx)
{
    struct waker *waker = ctx;

    mailbox_post(waker->mailbox, &waker->message);
}

static void mail_in_the_box_ends_the_sleep(UNUSED void **state)
{
    struct sender *sender = loopback_sender();
    struct waker waker = {.message = {.run = note_run}, .mailbox = mailbox_new()};
    struct thread thread = {.is_started = 0};
    int64_t began = env_mono(env_system()).us;

    thread_start(&thread, "waker", wake, &waker);
    sender_run(sender, waker.mailbox, US_PER_HOUR);
    thread_join(&thread);
    assert_int_equal(mailbox_run(waker.mailbox), 1);
    assert_true(env_mono(env_system()).us - began < CALL_DEADLINE_US);
    /* Nothing to wait for and no time to: comes back at once; without a box too. */
    sender_run(sender, waker.mailbox, 0);
    sender_run(sender, NULL, 0);
    mailbox_free(waker.mailbox);
    sender_free(sender);
}

static void mail_without_a_mail_server_is_invalid(UNUSED void **state)
{
    struct sender *sender = loopback_sender();
    struct call call;

    call_init(&call, 1, "/");
    call.outbound.kind = OUTBOUND_MAIL;
    call_send(sender, &call);
    assert_outcome(&call, ATTEMPT_INVALID, "no mail server is set");
    call_clear(&call);
    sender_free(sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_sent_byte_for_byte),
        cmocka_unit_test(other_methods_are_sent_as_they_are),
        cmocka_unit_test(a_large_body_goes_without_asking_first),
        cmocka_unit_test(what_could_smuggle_a_header_is_not_sent),
        cmocka_unit_test(what_is_no_url_is_not_sent),
        cmocka_unit_test(a_strange_method_is_not_sent),
        cmocka_unit_test(the_answer_is_told_whole),
        cmocka_unit_test(every_status_is_an_answer),
        cmocka_unit_test(a_redirect_is_an_answer_and_not_followed),
        cmocka_unit_test(trailers_are_no_headers_of_the_answer),
        cmocka_unit_test(a_compressed_answer_stays_as_it_is),
        cmocka_unit_test(only_so_many_headers_of_an_answer_are_kept),
        cmocka_unit_test(a_long_answer_is_cut_off),
        cmocka_unit_test(a_request_may_have_a_limit_of_its_own),
        cmocka_unit_test(an_answer_of_just_the_limit_is_whole),
        cmocka_unit_test(a_closed_port_refuses),
        cmocka_unit_test(an_unknown_name_is_told),
        cmocka_unit_test(a_connection_that_does_not_come_about_runs_out_of_time),
        cmocka_unit_test(a_silent_receiver_runs_out_of_time),
        cmocka_unit_test(a_provisional_answer_is_none),
        cmocka_unit_test(half_an_answer_runs_out_of_time),
        cmocka_unit_test(a_byte_now_and_then_does_not_stretch_the_time),
        cmocka_unit_test(a_reset_instead_of_an_answer_is_told),
        cmocka_unit_test(a_connection_that_ends_too_early_is_told),
        cmocka_unit_test(an_answer_that_is_no_http_is_told),
        cmocka_unit_test(a_refused_address_is_never_connected),
        cmocka_unit_test(a_name_with_only_refused_addresses_is_blocked),
        cmocka_unit_test(of_several_addresses_only_allowed_ones_are_connected),
        cmocka_unit_test(what_was_opened_for_a_trusted_request_is_for_those_alone),
        cmocka_unit_test(a_trusted_request_goes_to_no_metadata_service),
        cmocka_unit_test(a_proxy_from_the_environment_is_not_asked),
        cmocka_unit_test(a_name_that_is_not_answered_runs_out_of_time),
        cmocka_unit_test(the_connect_time_counts_for_the_lookup_too),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(a_kept_connection_that_has_died_costs_nothing),
        cmocka_unit_test(many_at_once_all_come_back_once),
        cmocka_unit_test(hanging_receivers_do_not_hold_up_others),
        cmocka_unit_test(what_is_aborted_does_not_come_back),
        cmocka_unit_test(mail_in_the_box_ends_the_sleep),
        cmocka_unit_test(mail_without_a_mail_server_is_invalid),
    };

    (void)sem_init(&lookup_release, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
