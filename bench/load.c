/*
 * A load generator: publishes events over kept-alive connections and measures each answer.
 *
 * Without --rate each connection sends its next request when the answer to the one before is there
 * (a closed loop: how much can it do?). With --rate requests are due at fixed instants, whatever the
 * server does, and latency counts from that instant, also for a request that had to wait for a free
 * connection (an open loop: how long does it take?). Counted from the moment of sending, a server
 * that stops for a second would show one slow answer instead of all that should have been sent.
 *
 * It ends after --seconds, or when --events were sent, and prints one line of JSON: times in
 * microseconds, "by_status" how often each status came. Requests that got no answer are "broken".
 */
#include "arguments.h"
#include "base/list.h"
#include "base/mem.h"
#include "client.h"
#include "form.h"
#include "os/env.h"
#include "os/log.h"
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    STATUS_MAX = 599,
    BROKEN_MAX = 10000,                   /* then there is no server to measure */
    LAST_ANSWERS_US = 10 * US_PER_SECOND, /* how long it waits for these after the end */
    EPOLL_EVENTS = 256,
};

struct settings {
    const char *to, *key;
    int64_t connections, seconds, events, rate, batch, accounts, data_bytes, first;
};

/* A connection and the request that is on it. */
struct slot {
    struct client client;  /* first: epoll reports it */
    struct list_link link; /* in the load's idle ones */
    struct mono due;       /* from when on the request's latency counts */
};

struct load {
    struct settings settings;
    struct sockaddr_in to;
    struct env *env;
    int epoll_fd;
    struct form form;
    struct slot *slots; /* owned */
    struct list idle;
    struct mono start, end;
    uint64_t requests_max; /* that --events makes */
    uint64_t requests;     /* sent */
    uint64_t answers;
    uint64_t broken;
    struct mono last_answer;
    uint64_t by_status[STATUS_MAX + 1];
    struct histogram latency;
};

/* ---- answers ---- */

static void connect_slot(struct load *load, struct slot *slot)
{
    struct diag diag = {0};

    if (client_connect(&slot->client, &load->to, load->epoll_fd, &diag) != OK) {
        fprintf(stderr, "load: %s\n", diag.text);
        exit(1);
    }
    list_push_back(&load->idle, &slot->link);
}

static void count_answer(struct load *load, const struct slot *slot)
{
    int status = slot->client.status;

    load->last_answer = env_mono(load->env);
    load->answers++;
    load->by_status[status > STATUS_MAX ? 0 : status]++;
    histogram_add(&load->latency, load->last_answer.us - slot->due.us);
}

/* A server may close an idle connection; only one with a request on it counts as broken. */
static void take_progress(struct load *load, struct slot *slot)
{
    bool was_idle = list_link_is_in(&slot->link);

    switch (slot->client.state) {
    case CLIENT_AWAITING:
        return;
    case CLIENT_IDLE:
        if (!was_idle) {
            count_answer(load, slot);
            list_push_back(&load->idle, &slot->link);
        }
        return;
    case CLIENT_CLOSED:
        if (was_idle) {
            list_remove(&load->idle, &slot->link);
        } else {
            load->broken++;
        }
        connect_slot(load, slot);
        return;
    }
}

/* ---- sending ---- */

static struct mono due_of_next(const struct load *load)
{
    int64_t rate = load->settings.rate;

    if (rate == 0) {
        return load->start;
    }
    return (struct mono){load->start.us + (int64_t)load->requests * US_PER_SECOND / rate};
}

static bool may_send(const struct load *load, struct mono now)
{
    return now.us < load->end.us && load->requests < load->requests_max;
}

static void send_request(struct load *load, struct slot *slot, struct mono due)
{
    uint64_t number = (uint64_t)load->settings.first + load->requests * load->form.batch;

    slot->due = due;
    form_fill(&load->form, slot->client.request.ptr, number, due);
    load->requests++;
    client_send(&slot->client);
}

/* Sends what is due, as long as there are free connections. */
static void send_due(struct load *load)
{
    struct mono now = env_mono(load->env);

    while (!list_is_empty(&load->idle) && may_send(load, now)) {
        struct mono due = due_of_next(load);
        if (due.us > now.us) {
            return;
        }
        struct list_link *link = list_pop_front(&load->idle);
        struct slot *slot = CONTAINER_OF(link, struct slot, link);
        send_request(load, slot, load->settings.rate == 0 ? now : due);
        if (slot->client.state == CLIENT_CLOSED) {
            take_progress(load, slot);
        }
    }
}

/* ---- waiting ---- */

static int64_t wait_us(const struct load *load, struct mono now)
{
    if (!may_send(load, now)) {
        return load->end.us + LAST_ANSWERS_US - now.us;
    }
    int64_t to_end = load->end.us - now.us;
    int64_t to_next = due_of_next(load).us - now.us;
    return list_is_empty(&load->idle) || to_next > to_end ? to_end : to_next;
}

static void take_answers(struct load *load)
{
    struct epoll_event events[EPOLL_EVENTS];
    int64_t us = wait_us(load, env_mono(load->env));
    struct timespec timeout = {.tv_sec = us > 0 ? us / US_PER_SECOND : 0,
                               .tv_nsec = us > 0 ? us % US_PER_SECOND * 1000 : 0};
    int count = epoll_pwait2(load->epoll_fd, events, EPOLL_EVENTS, &timeout, NULL);

    for (int i = 0; i < count; i++) {
        struct slot *slot = CONTAINER_OF(events[i].data.ptr, struct slot, client);

        client_run(&slot->client);
        take_progress(load, slot);
    }
}

static bool is_over(const struct load *load)
{
    struct mono now = env_mono(load->env);
    uint64_t under_way = load->requests - load->answers - load->broken;

    if (may_send(load, now)) {
        return load->broken > BROKEN_MAX;
    }
    return under_way == 0 || now.us > load->end.us + LAST_ANSWERS_US;
}

/* ---- start and end ---- */

static void open_load(struct load *load)
{
    const struct settings *settings = &load->settings;
    struct form_options form = {
        .host = settings->to,
        .key = settings->key,
        .batch = (uint32_t)settings->batch,
        .accounts = (uint32_t)settings->accounts,
        .data_bytes = (uint32_t)settings->data_bytes,
    };

    load->env = env_system();
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll_fd < 0) {
        log_fatal("epoll", errno);
    }
    form_init(&load->form, &form);
    list_init(&load->idle);
    load->slots = MEM_ARRAY((size_t)settings->connections, struct slot);
    for (int64_t i = 0; i < settings->connections; i++) {
        client_init(&load->slots[i].client);
        buf_slice(&load->slots[i].client.request, buf_view(&load->form.text));
        connect_slot(load, &load->slots[i]);
    }
    load->requests_max =
        settings->events == 0
            ? UINT64_MAX
            : (uint64_t)((settings->events + settings->batch - 1) / settings->batch);
    load->start = env_mono(load->env);
    load->end = (struct mono){load->start.us + settings->seconds * US_PER_SECOND};
    load->last_answer = load->start;
}

static void close_load(struct load *load)
{
    for (int64_t i = 0; i < load->settings.connections; i++) {
        client_clear(&load->slots[i].client);
    }
    mem_free(load->slots);
    form_clear(&load->form);
    (void)close(load->epoll_fd); /* nothing is lost with it */
}

static void put_statuses(const struct load *load, struct json_writer *out)
{
    json_key(out, "by_status");
    json_begin_object(out);
    for (int status = 0; status <= STATUS_MAX; status++) {
        char name[8];

        if (load->by_status[status] > 0) {
            (void)snprintf(name, sizeof(name), "%d", status);
            json_key(out, name);
            json_put_i64(out, (int64_t)load->by_status[status]);
        }
    }
    json_end_object(out);
}

static void print_report(const struct load *load)
{
    uint32_t batch = load->form.batch;
    uint64_t accepted = load->by_status[batch == 1 ? 202 : 200] * batch;
    struct report report;

    report_begin(&report);
    report_number(&report, "requests", load->requests);
    report_number(&report, "answers", load->answers);
    report_number(&report, "broken", load->broken);
    report_number(&report, "accepted", accepted);
    report_number(&report, "start_us", (uint64_t)load->start.us);
    report_number(&report, "span_us", (uint64_t)(load->last_answer.us - load->start.us));
    put_statuses(load, &report.writer);
    report_histogram(&report, "latency_us", &load->latency);
    report_end(&report);
    report_print(&report);
    report_clear(&report);
}

static void read_arguments(int argc, char **argv, struct settings *settings)
{
    const struct argument table[] = {
        {"to", &settings->to, NULL, 0, 0, "address and port to send to"},
        {"key", &settings->key, NULL, 0, 0, "bearer key"},
        {"connections", NULL, &settings->connections, 1, 10000, "connections"},
        {"seconds", NULL, &settings->seconds, 1, 3600, "how long to send"},
        {"events", NULL, &settings->events, 0, 1000000000, "how many to send; 0: no limit"},
        {"rate", NULL, &settings->rate, 0, 1000000, "requests a second; 0: as fast as answered"},
        {"batch", NULL, &settings->batch, 1, 1000, "events in a request"},
        {"accounts", NULL, &settings->accounts, 1, 10000, "accounts to publish to, in turn"},
        {"data-bytes", NULL, &settings->data_bytes, FORM_DATA_BYTES_MIN, 4096, "of each event"},
        {"first", NULL, &settings->first, 0, 1000000000, "number of the first event"},
    };

    arguments_read(argc, argv, table, ARRAY_LEN(table));
}

int main(int argc, char **argv)
{
    struct load *load = MEM_NEW(struct load);

    load->settings = (struct settings){
        .to = "127.0.0.1:8484",
        .key = "",
        .connections = 64,
        .seconds = 8,
        .batch = 1,
        .accounts = 1,
        .data_bytes = 1024,
    };
    read_arguments(argc, argv, &load->settings);
    if (client_address(slice_of(load->settings.to), &load->to) != OK) {
        fprintf(stderr, "load: %s is not an address and port\n", load->settings.to);
        return 2;
    }
    open_load(load);
    while (!is_over(load)) {
        send_due(load);
        take_answers(load);
    }
    print_report(load);
    close_load(load);
    mem_free(load);
    return 0;
}
