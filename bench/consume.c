/*
 * Consumers of a queue: each receives up to --max messages, acknowledges them, and so on until the
 * queue gives none.
 *
 * Prints one line of JSON: how many messages were acknowledged, and how long receiving and
 * acknowledging took.
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

enum {
    CONSUMERS_MAX = 1000,
    RECEIPTS_BYTES_MAX = 64 * 1024, /* what the server takes */
    EPOLL_EVENTS = 256,
};

struct settings {
    const char *to, *key, *queue;
    int64_t consumers, max, seconds;
};

/* What a consumer waits for. */
enum step { STEP_RECEIVE, STEP_ACK, STEP_END };

struct consumer {
    struct client client; /* first: epoll reports it */
    enum step step;
    struct mono sent;
};

struct consume {
    struct settings settings;
    struct sockaddr_in to;
    struct env *env;
    int epoll_fd;
    struct consumer *consumers; /* owned */
    int64_t running;
    uint64_t received, acknowledged, failed;
    struct mono start, end, last;
    struct histogram receiving, acknowledging;
};

static void send_call(struct consume *consume, struct consumer *consumer, const char *action,
                      struct slice body)
{
    struct buf *request = &consumer->client.request;

    buf_reset(request);
    buf_printf(request,
               "POST %s/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
               consume->settings.queue, action, consume->settings.to, consume->settings.key,
               body.len);
    buf_slice(request, body);
    consumer->sent = env_mono(consume->env);
    client_send(&consumer->client);
}

static void receive(struct consume *consume, struct consumer *consumer)
{
    char body[64];
    int len = snprintf(body, sizeof(body), "{\"max\":%lld}", (long long)consume->settings.max);

    consumer->step = STEP_RECEIVE;
    send_call(consume, consumer, "receive", slice_from(body, (size_t)len));
}

/* Acknowledges all messages of the answer; false when it has none. */
static bool acknowledge(struct consume *consume, struct consumer *consumer)
{
    struct slice rest = consumer->client.body, receipt;
    struct buf body;
    uint64_t count = 0;

    buf_init(&body, RECEIPTS_BYTES_MAX);
    buf_text(&body, "{\"receipts\":[");
    while (find_past(&rest, SLICE("\"receipt\":\"")) && slice_cut(&rest, '"', &receipt)) {
        buf_printf(&body, "%s\"%.*s\"", count == 0 ? "" : ",", SLICE_ARGS(receipt));
        count++;
    }
    buf_text(&body, "]}");
    consume->received += count;
    if (count > 0) {
        consumer->step = STEP_ACK;
        send_call(consume, consumer, "ack", buf_view(&body));
    }
    buf_clear(&body);
    return count > 0;
}

static void end_consumer(struct consume *consume, struct consumer *consumer)
{
    consumer->step = STEP_END;
    consume->running--;
}

static void take_answer(struct consume *consume, struct consumer *consumer)
{
    int64_t took_us = 0;

    consume->last = env_mono(consume->env);
    took_us = consume->last.us - consumer->sent.us;
    switch (consumer->step) {
    case STEP_RECEIVE:
        histogram_add(&consume->receiving, took_us);
        if (!acknowledge(consume, consumer)) {
            end_consumer(consume, consumer);
        }
        return;
    case STEP_ACK:
        histogram_add(&consume->acknowledging, took_us);
        consume->acknowledged += find_count(consumer->client.body, SLICE("\"status\":\"ok\""));
        receive(consume, consumer);
        return;
    case STEP_END:
        return;
    }
}

static void take_progress(struct consume *consume, struct consumer *consumer)
{
    bool is_answered = consumer->client.state == CLIENT_IDLE && consumer->client.status != 0;

    if (consumer->step == STEP_END || consumer->client.state == CLIENT_AWAITING) {
        return;
    }
    if (is_answered && consumer->client.status == 200) {
        take_answer(consume, consumer);
    } else if (is_answered || consumer->client.state == CLIENT_CLOSED) {
        consume->failed++;
        end_consumer(consume, consumer);
    }
}

static void run(struct consume *consume)
{
    struct epoll_event events[EPOLL_EVENTS];
    struct mono now = env_mono(consume->env);

    while (consume->running > 0 && now.us < consume->end.us) {
        int timeout_ms = (int)((consume->end.us - now.us) / US_PER_MS) + 1;
        int count = epoll_wait(consume->epoll_fd, events, EPOLL_EVENTS, timeout_ms);

        for (int i = 0; i < count; i++) {
            struct consumer *consumer = CONTAINER_OF(events[i].data.ptr, struct consumer, client);

            client_run(&consumer->client);
            take_progress(consume, consumer);
        }
        now = env_mono(consume->env);
    }
}

static void open_consumers(struct consume *consume)
{
    struct diag diag = {0};

    consume->env = env_system();
    consume->start = consume->last = env_mono(consume->env);
    consume->end.us = consume->start.us + consume->settings.seconds * US_PER_SECOND;
    consume->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (consume->epoll_fd < 0) {
        log_fatal("epoll", errno);
    }
    consume->consumers = MEM_ARRAY((size_t)consume->settings.consumers, struct consumer);
    for (int64_t i = 0; i < consume->settings.consumers; i++) {
        struct consumer *consumer = &consume->consumers[i];

        client_init(&consumer->client);
        if (client_connect(&consumer->client, &consume->to, consume->epoll_fd, &diag) != OK) {
            fprintf(stderr, "consume: %s\n", diag.text);
            exit(1);
        }
        consume->running++;
        receive(consume, consumer);
    }
}

static void close_consumers(struct consume *consume)
{
    for (int64_t i = 0; i < consume->settings.consumers; i++) {
        client_clear(&consume->consumers[i].client);
    }
    mem_free(consume->consumers);
    (void)close(consume->epoll_fd); /* nothing is lost with it */
}

static void print_report(const struct consume *consume)
{
    struct report report;

    report_begin(&report);
    report_number(&report, "received", consume->received);
    report_number(&report, "acknowledged", consume->acknowledged);
    report_number(&report, "failed", consume->failed);
    report_number(&report, "span_us", (uint64_t)(consume->last.us - consume->start.us));
    report_histogram(&report, "receive_us", &consume->receiving);
    report_histogram(&report, "ack_us", &consume->acknowledging);
    report_end(&report);
    report_print(&report);
    report_clear(&report);
}

int main(int argc, char **argv)
{
    struct consume *consume = MEM_NEW(struct consume);
    struct settings *settings = &consume->settings;
    const struct argument table[] = {
        {"to", &settings->to, NULL, 0, 0, "address and port"},
        {"key", &settings->key, NULL, 0, 0, "bearer key"},
        {"queue", &settings->queue, NULL, 0, 0, "path of the channel"},
        {"consumers", NULL, &settings->consumers, 1, CONSUMERS_MAX, "at once"},
        {"max", NULL, &settings->max, 1, 100, "messages in an answer"},
        {"seconds", NULL, &settings->seconds, 1, 3600, "how long at most"},
    };

    *settings = (struct settings){
        .to = "127.0.0.1:8484", .key = "", .queue = "", .consumers = 8, .max = 100, .seconds = 60};
    arguments_read(argc, argv, table, ARRAY_LEN(table));
    if (client_address(slice_of(settings->to), &consume->to) != OK) {
        fprintf(stderr, "consume: %s is not an address and port\n", settings->to);
        return 2;
    }
    open_consumers(consume);
    run(consume);
    print_report(consume);
    close_consumers(consume);
    mem_free(consume);
    return 0;
}
