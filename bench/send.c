/*
 * Sending alone: what src/send uses for a webhook, with no store and no server around it.
 *
 * Keeps --in-flight requests under way to the ports of 127.0.0.1 in --ports ("40001,40002"), as
 * like a webhook of dialect standard as matters here, and prints one line of JSON.
 */
#include "arguments.h"
#include "base/mem.h"
#include "os/env.h"
#include "report.h"
#include "send/sender.h"

#include <stdio.h>
#include <string.h>

enum {
    PORTS_MAX = 10000,
    CONNECTIONS_MAX = 4096, /* as the server's default */
    BODY_BYTES = 1100,      /* 1 KiB of data in the body of dialect standard */
    URL_BYTES_MAX = 64,
};

#define TIMEOUT_US (15 * US_PER_SECOND)

struct settings {
    const char *ports;
    int64_t in_flight, seconds;
};

/* A request that is sent again and again, each time to the next port. */
struct shot {
    struct outbound outbound;
    char url[URL_BYTES_MAX];
    struct shot *next; /* in the ended ones */
};

struct send {
    struct settings settings;
    struct env *env;
    struct sender *sender;
    uint16_t ports[PORTS_MAX];
    size_t ports_len;
    struct shot *shots; /* owned */
    struct mono start, end;
    uint64_t started, answered, failed;
};

/* The ones that ended and wait to be sent again; here because done has no context. */
static struct shot *ended;

static void on_done(struct outbound *outbound)
{
    struct shot *shot = CONTAINER_OF(outbound, struct shot, outbound);

    shot->next = ended;
    ended = shot;
}

static bool read_ports(struct send *send)
{
    struct slice rest = slice_of(send->settings.ports), word;
    uint64_t port = 0;

    while (slice_cut(&rest, ',', &word)) {
        if (slice_to_u64(word, &port) != OK || port == 0 || port > UINT16_MAX ||
            send->ports_len == PORTS_MAX) {
            return false;
        }
        send->ports[send->ports_len++] = (uint16_t)port;
    }
    return send->ports_len > 0;
}

static void start_shot(struct send *send, struct shot *shot)
{
    static char body[BODY_BYTES];
    static const struct outbound_header headers[] = {
        {SLICE("content-type"), SLICE("application/json")},
        {SLICE("webhook-id"), SLICE("evt_0123456789abc")},
        {SLICE("webhook-timestamp"), SLICE("1700000000")},
        {SLICE("webhook-signature"), SLICE("v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")},
    };
    struct outbound *outbound = &shot->outbound;
    uint16_t port = send->ports[send->started % send->ports_len];

    memset(body, 'x', sizeof(body));
    (void)snprintf(shot->url, sizeof(shot->url), "http://127.0.0.1:%u/hook", port);
    *outbound = (struct outbound){.kind = OUTBOUND_HTTP,
                                  .done = on_done,
                                  .timeout_us = TIMEOUT_US,
                                  .method = SLICE("POST"),
                                  .url = slice_of(shot->url),
                                  .headers_len = ARRAY_LEN(headers),
                                  .body = slice_from(body, sizeof(body))};
    memcpy(outbound->headers, headers, sizeof(headers));
    send->started++;
    sender_start(send->sender, outbound);
}

static void count(struct send *send, const struct shot *shot)
{
    const struct outbound_result *result = &shot->outbound.result;

    if (result->outcome == ATTEMPT_ANSWER && result->status == 200) {
        send->answered++;
    } else {
        send->failed++;
    }
}

/* Until the time is over and nothing is under way. */
static void run(struct send *send)
{
    struct mono now = env_mono(send->env);

    while (now.us < send->end.us || sender_active(send->sender) > 0) {
        while (ended != NULL) {
            struct shot *shot = ended;

            ended = shot->next;
            count(send, shot);
            if (now.us < send->end.us) {
                start_shot(send, shot);
            }
        }
        sender_run(send->sender, NULL, US_PER_SECOND);
        now = env_mono(send->env);
    }
    for (struct shot *shot = ended; shot != NULL; shot = shot->next) {
        count(send, shot);
    }
}

static bool open_send(struct send *send)
{
    struct sender_options options = {.connections_max = CONNECTIONS_MAX,
                                     .connect_timeout_us = 5 * US_PER_SECOND,
                                     .user_agent = "Tidings/" TIDINGS_VERSION};
    struct diag diag = {0};

    if (policy_parse(SLICE("127.0.0.0/8"), &options.policy, &diag) != OK) {
        fprintf(stderr, "send: %s\n", diag.text);
        return false;
    }
    send->env = env_system();
    send->sender = sender_new(send->env, &options);
    send->start = env_mono(send->env);
    send->end = (struct mono){send->start.us + send->settings.seconds * US_PER_SECOND};
    send->shots = MEM_ARRAY((size_t)send->settings.in_flight, struct shot);
    for (int64_t i = 0; i < send->settings.in_flight; i++) {
        start_shot(send, &send->shots[i]);
    }
    return true;
}

static void print_report(const struct send *send)
{
    struct report report;

    report_begin(&report);
    report_number(&report, "answered", send->answered);
    report_number(&report, "failed", send->failed);
    report_number(&report, "span_us", (uint64_t)(env_mono(send->env).us - send->start.us));
    report_end(&report);
    report_print(&report);
    report_clear(&report);
}

int main(int argc, char **argv)
{
    struct send *send = MEM_NEW(struct send);
    struct settings *settings = &send->settings;
    const struct argument table[] = {
        {"ports", &settings->ports, NULL, 0, 0, "where receivers listen, with commas between"},
        {"in-flight", NULL, &settings->in_flight, 1, 10000, "requests under way at once"},
        {"seconds", NULL, &settings->seconds, 1, 3600, "how long to send"},
    };

    *settings = (struct settings){.ports = "", .in_flight = 64, .seconds = 8};
    arguments_read(argc, argv, table, ARRAY_LEN(table));
    if (!read_ports(send)) {
        fprintf(stderr, "send: %s are not ports\n", settings->ports);
        return 2;
    }
    if (!open_send(send)) {
        return 1;
    }
    run(send);
    print_report(send);
    sender_free(send->sender);
    mem_free(send->shots);
    mem_free(send);
    return 0;
}
