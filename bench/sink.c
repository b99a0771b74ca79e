/*
 * A receiver of webhooks: answers 200 at once and counts.
 *
 * It listens on --ports ports of 127.0.0.1, each a receiver of its own to who sends, and prints
 * them: "ready 40001 40002 ...". The first --hang of them read requests and never answer.
 *
 * GET /stats on a port that answers gives one line of JSON: how many events came, how many of them
 * for the first time ("distinct", by the number in their data), when the first and the last came
 * (microseconds of the monotonic clock), how long each took from the moment in its data, and how
 * many requests hang. DELETE /stats gives the same and starts again from zero. SIGTERM ends it.
 */
#include "arguments.h"
#include "base/mem.h"
#include "form.h"
#include "head.h"
#include "os/env.h"
#include "os/log.h"
#include "report.h"
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PORTS_MAX = 10000,
    CONNECTIONS_MAX = 100000,        /* more than any benchmark opens */
    REQUEST_BYTES_MAX = 1024 * 1024, /* events of benchmarks are far smaller */
    NUMBERS_MAX = 100 * 1000 * 1000, /* events told apart by their number; a bit of memory each */
    ANSWER_HEAD_BYTES_MAX = 256,
    EPOLL_EVENTS = 256,
};

/* What epoll reports: a listening socket or a connection. */
struct watch {
    int fd;
    bool is_listener;
    bool is_hanging;
    struct buf in; /* of a connection: what was not answered yet */
};

struct sink {
    struct env *env;
    int epoll_fd;
    struct watch *listeners; /* owned */
    int64_t ports, ports_hanging;
    uint64_t connections;
    uint64_t events, distinct, hanging, broken;
    struct mono first, last;
    uint8_t *seen; /* owned: a bit for each number */
    struct histogram latency;
};

/* ---- counting ---- */

/* The digits behind before in the event's data; false when they are not there. */
static bool find_number(struct slice body, struct slice before, size_t digits, uint64_t *out)
{
    const char *at = memmem(body.ptr, body.len, before.ptr, before.len);

    if (at == NULL) {
        return false;
    }
    size_t offset = (size_t)(at - body.ptr) + before.len;
    return slice_to_u64(slice_sub(body, offset, digits), out) == OK;
}

/* Whether number is seen for the first time. */
static bool note_number(struct sink *sink, uint64_t number)
{
    uint8_t bit = (uint8_t)(1U << (number % 8));

    if (number >= NUMBERS_MAX || (sink->seen[number / 8] & bit) != 0) {
        return false;
    }
    sink->seen[number / 8] |= bit;
    return true;
}

static void count_event(struct sink *sink, struct slice body)
{
    struct mono now = env_mono(sink->env);
    uint64_t number = 0, sent = 0;

    sink->first = sink->events == 0 ? now : sink->first;
    sink->last = now;
    sink->events++;
    if (find_number(body, SLICE(FORM_NUMBER_BEFORE), FORM_NUMBER_DIGITS, &number) &&
        note_number(sink, number)) {
        sink->distinct++;
    }
    if (find_number(body, SLICE(FORM_SENT_BEFORE), FORM_SENT_DIGITS, &sent)) {
        histogram_add(&sink->latency, now.us - (int64_t)sent);
    }
}

static void reset_stats(struct sink *sink)
{
    sink->events = sink->distinct = sink->broken = 0;
    sink->latency = (struct histogram){0};
    memset(sink->seen, 0, NUMBERS_MAX / 8);
}

static void make_stats(const struct sink *sink, struct report *out)
{
    const struct {
        const char *name;
        uint64_t number;
    } rows[] = {
        {"events", sink->events},
        {"distinct", sink->distinct},
        {"hanging", sink->hanging},
        {"broken", sink->broken},
        {"connections", sink->connections},
        {"first_us", (uint64_t)sink->first.us},
        {"last_us", (uint64_t)sink->last.us},
    };

    report_begin(out);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        report_number(out, rows[i].name, rows[i].number);
    }
    report_histogram(out, "latency_us", &sink->latency);
    report_end(out);
}

/* ---- answering ---- */

/* False when the peer does not take it: no answer here is larger than an empty socket's room. */
static bool answer(const struct watch *watch, struct slice body)
{
    char text[REPORT_BYTES_MAX + ANSWER_HEAD_BYTES_MAX];
    int len = snprintf(text, sizeof(text),
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%.*s",
                       body.len, SLICE_ARGS(body));

    return send(watch->fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) == len;
}

static bool answer_stats(struct sink *sink, const struct watch *watch, bool is_reset)
{
    struct report stats;

    make_stats(sink, &stats);
    bool is_sent = answer(watch, buf_view(&stats.text));
    report_clear(&stats);
    if (is_reset) {
        reset_stats(sink);
    }
    return is_sent;
}

/* False when the connection is of no use any more. */
static bool take_request(struct sink *sink, const struct watch *watch, const struct head *head,
                         struct slice body)
{
    if (watch->is_hanging) {
        sink->hanging++;
        return true;
    }
    if (slice_starts(head->first, SLICE("GET /stats "))) {
        return answer_stats(sink, watch, /* is_reset= */ false);
    }
    if (slice_starts(head->first, SLICE("DELETE /stats "))) {
        return answer_stats(sink, watch, /* is_reset= */ true);
    }
    count_event(sink, body);
    return answer(watch, SLICE("{}"));
}

/* Takes all whole requests that have arrived. False when the connection is of no use any more. */
static bool take_requests(struct sink *sink, struct watch *watch)
{
    struct slice rest = buf_view(&watch->in);
    struct head head;
    enum head_state state = head_read(rest, &head);

    while (state == HEAD_WHOLE && rest.len - head.bytes >= head.body_bytes) {
        if (!take_request(sink, watch, &head, slice_sub(rest, head.bytes, head.body_bytes))) {
            return false;
        }
        rest = slice_sub(rest, head.bytes + head.body_bytes, rest.len);
        state = head_read(rest, &head);
    }
    if (rest.len < watch->in.len) {
        memmove(watch->in.ptr, rest.ptr, rest.len);
        buf_cut(&watch->in, rest.len);
    }
    return state != HEAD_BROKEN;
}

/* ---- connections ---- */

static bool add_watch(struct sink *sink, struct watch *watch)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

    return epoll_ctl(sink->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

static void accept_connection(struct sink *sink, const struct watch *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int one = 1;

    if (fd < 0) {
        return; /* it is gone again */
    }
    if (sink->connections == CONNECTIONS_MAX) {
        (void)close(fd); /* the sender sees it and counts it */
        return;
    }
    struct watch *connection = MEM_NEW(struct watch);
    connection->fd = fd;
    connection->is_hanging = listener->is_hanging;
    buf_init(&connection->in, REQUEST_BYTES_MAX);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* slower without */
    if (!add_watch(sink, connection)) {
        log_fatal("epoll_ctl", errno);
    }
    sink->connections++;
}

static void close_connection(struct sink *sink, struct watch *connection)
{
    (void)close(connection->fd); /* all was answered, or nobody wants it */
    buf_clear(&connection->in);
    mem_free(connection);
    sink->connections--;
}

static void serve(struct sink *sink, struct watch *connection)
{
    bool is_open = stream_read(connection->fd, &connection->in);

    if (!take_requests(sink, connection)) {
        sink->broken++;
        is_open = false;
    }
    if (!is_open) {
        close_connection(sink, connection);
    }
}

static void run(struct sink *sink)
{
    struct epoll_event events[EPOLL_EVENTS];

    for (;;) {
        int count = epoll_wait(sink->epoll_fd, events, EPOLL_EVENTS, -1);

        for (int i = 0; i < count; i++) {
            struct watch *watch = events[i].data.ptr;

            if (watch->is_listener) {
                accept_connection(sink, watch);
            } else {
                serve(sink, watch);
            }
        }
    }
}

/* ---- start ---- */

static void listen_on_any(struct sink *sink, struct watch *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_len = sizeof(address);
    struct sockaddr *any = (struct sockaddr *)(void *)&address;

    listener->is_listener = true;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0 || bind(listener->fd, any, address_len) != 0 ||
        listen(listener->fd, SOMAXCONN) != 0 || getsockname(listener->fd, any, &address_len) != 0 ||
        !add_watch(sink, listener)) {
        log_fatal("listen", errno);
    }
    printf(" %d", ntohs(address.sin_port));
}

int main(int argc, char **argv)
{
    struct sink *sink = MEM_NEW(struct sink);
    sink->ports = 1;
    const struct argument table[] = {
        {"ports", NULL, &sink->ports, 1, PORTS_MAX, "receivers, a port each"},
        {"hang", NULL, &sink->ports_hanging, 0, PORTS_MAX, "how many of them never answer"},
    };

    arguments_read(argc, argv, table, ARRAY_LEN(table));
    sink->env = env_system();
    sink->seen = mem_new(NUMBERS_MAX / 8, 1);
    sink->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (sink->epoll_fd < 0) {
        log_fatal("epoll", errno);
    }
    sink->listeners = MEM_ARRAY((size_t)sink->ports, struct watch);
    printf("ready");
    for (int64_t i = 0; i < sink->ports; i++) {
        sink->listeners[i].is_hanging = i < sink->ports_hanging;
        listen_on_any(sink, &sink->listeners[i]);
    }
    printf("\n");
    (void)fflush(stdout); /* nobody reads it: then it will be ended */
    run(sink);
}
