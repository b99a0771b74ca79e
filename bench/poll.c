/*
 * A customer of the command API on one connection: asks for the first notification by poll-req and
 * acknowledges it by poll-ack, one request at a time, until the queue is empty.
 *
 * Prints one line of JSON: how many notifications were acknowledged, and how long each of the two
 * calls took. --auth is right until the hour ends, as everybody's; then the run fails.
 */
#include "arguments.h"
#include "base/mem.h"
#include "client.h"
#include "find.h"
#include "os/env.h"
#include "os/log.h"
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { DOCUMENT_BYTES_MAX = 4096 };

struct settings {
    const char *to, *user, *auth;
    int64_t seconds;
};

/* What the customer waits for. */
enum step { STEP_POLL, STEP_ACK, STEP_END };

struct poll {
    struct settings settings;
    struct env *env;
    struct client client;
    enum step step;
    struct mono start, sent, last;
    uint64_t acknowledged, failed;
    struct histogram polling, acknowledging;
};

/* The document goes as simple clients send it, not encoded: it has nothing that would need to be. */
static void send_command(struct poll *poll, enum step step, const char *command, struct slice data)
{
    struct buf *request = &poll->client.request, document;

    buf_init(&document, DOCUMENT_BYTES_MAX);
    buf_printf(&document,
               "request=<request><user>%s</user><auth>%s</auth><command>%s</command>%.*s</request>",
               poll->settings.user, poll->settings.auth, command, SLICE_ARGS(data));
    buf_reset(request);
    buf_printf(request,
               "POST /wapi/xml HTTP/1.1\r\nHost: %s\r\n"
               "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
               poll->settings.to, document.len);
    buf_slice(request, buf_view(&document));
    buf_clear(&document);
    poll->step = step;
    poll->sent = env_mono(poll->env);
    client_send(&poll->client);
}

static void ask(struct poll *poll)
{
    send_command(poll, STEP_POLL, "poll-req", SLICE(""));
}

static void fail(struct poll *poll)
{
    poll->failed++;
    poll->step = STEP_END;
}

/* Acknowledges what the answer shows. The id of a notification stands before its data. */
static void acknowledge(struct poll *poll)
{
    struct slice rest = poll->client.body, id;
    char data[64];

    if (!find_past(&rest, SLICE("<code>1000</code>"))) {
        if (find_past(&rest, SLICE("<code>1003</code>"))) {
            poll->step = STEP_END;
        } else {
            fail(poll);
        }
        return;
    }
    if (!find_past(&rest, SLICE("<id>")) || !slice_cut(&rest, '<', &id)) {
        fail(poll);
        return;
    }
    int len = snprintf(data, sizeof(data), "<data><id>%.*s</id></data>", SLICE_ARGS(id));
    send_command(poll, STEP_ACK, "poll-ack", slice_from(data, (size_t)len));
}

static void take_answer(struct poll *poll)
{
    struct slice body = poll->client.body;

    poll->last = env_mono(poll->env);
    switch (poll->step) {
    case STEP_POLL:
        histogram_add(&poll->polling, poll->last.us - poll->sent.us);
        acknowledge(poll);
        return;
    case STEP_ACK:
        histogram_add(&poll->acknowledging, poll->last.us - poll->sent.us);
        if (find_past(&body, SLICE("<code>1002</code>"))) {
            poll->acknowledged++;
            ask(poll);
        } else {
            fail(poll);
        }
        return;
    case STEP_END:
        return;
    }
}

static void take_progress(struct poll *poll)
{
    client_run(&poll->client);
    if (poll->client.state == CLIENT_AWAITING) {
        return;
    }
    if (poll->client.state == CLIENT_CLOSED || poll->client.status != 200) {
        fail(poll);
    } else {
        take_answer(poll);
    }
}

static void run(struct poll *poll, int epoll_fd)
{
    struct mono end = {poll->start.us + poll->settings.seconds * US_PER_SECOND};
    struct mono now = poll->start;

    while (poll->step != STEP_END && now.us < end.us) {
        struct epoll_event event;
        int timeout_ms = (int)((end.us - now.us) / US_PER_MS) + 1;

        if (epoll_wait(epoll_fd, &event, 1, timeout_ms) > 0) {
            take_progress(poll);
        }
        now = env_mono(poll->env);
    }
}

static void print_report(const struct poll *poll)
{
    struct report report;

    report_begin(&report);
    report_number(&report, "acknowledged", poll->acknowledged);
    report_number(&report, "failed", poll->failed);
    report_number(&report, "span_us", (uint64_t)(poll->last.us - poll->start.us));
    report_histogram(&report, "poll_us", &poll->polling);
    report_histogram(&report, "ack_us", &poll->acknowledging);
    report_end(&report);
    report_print(&report);
    report_clear(&report);
}

static void read_arguments(int argc, char **argv, struct settings *settings, struct sockaddr_in *to)
{
    const struct argument table[] = {
        {"to", &settings->to, NULL, 0, 0, "address and port"},
        {"user", &settings->user, NULL, 0, 0, "login"},
        {"auth", &settings->auth, NULL, 0, 0, "of this hour"},
        {"seconds", NULL, &settings->seconds, 1, 3600, "how long at most"},
    };

    *settings = (struct settings){.to = "127.0.0.1:8484", .user = "", .auth = "", .seconds = 60};
    arguments_read(argc, argv, table, ARRAY_LEN(table));
    if (client_address(slice_of(settings->to), to) != OK) {
        fprintf(stderr, "poll: %s is not an address and port\n", settings->to);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct poll *poll = MEM_NEW(struct poll);
    struct diag diag = {0};
    struct sockaddr_in to;

    read_arguments(argc, argv, &poll->settings, &to);
    poll->env = env_system();
    client_init(&poll->client);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) {
        log_fatal("epoll", errno);
    }
    if (client_connect(&poll->client, &to, epoll_fd, &diag) != OK) {
        fprintf(stderr, "poll: %s\n", diag.text);
        return 1;
    }
    poll->start = poll->last = env_mono(poll->env);
    ask(poll);
    run(poll, epoll_fd);
    print_report(poll);
    client_clear(&poll->client);
    (void)close(epoll_fd); /* nothing is lost with it */
    mem_free(poll);
    return 0;
}
