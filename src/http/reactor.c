#include "http/reactor.h"

#include "base/mem.h"
#include "http/connection.h"
#include "http/endpoint.h"
#include "http/exchange_internal.h"
#include "http/linger.h"
#include "http/server_internal.h"
#include "os/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_MAX = 64 }; /* taken at once; the others come with the next turn */

static const int64_t cpu_count_every_us = 10 * US_PER_MS; /* it takes a system call */

/* ---- Timers and watches ---- */

void reactor_set_timer(struct reactor *reactor, struct reactor_timer *timer, struct mono at)
{
    heap_move(&reactor->timers, &timer->link, at.us);
}

void reactor_clear_timer(struct reactor *reactor, struct reactor_timer *timer)
{
    heap_remove(&reactor->timers, &timer->link);
}

/* Those that are due now, not those which these set in turn. */
static void run_timers(struct reactor *reactor)
{
    for (size_t left = reactor->timers.count; left > 0; left--) {
        struct heap_link *first = heap_first(&reactor->timers);

        if (first == NULL || first->key > reactor->now.us) {
            return;
        }
        heap_remove(&reactor->timers, first);
        struct reactor_timer *timer = CONTAINER_OF(first, struct reactor_timer, link);
        timer->due(timer);
    }
}

bool reactor_add_watch(struct reactor *reactor, struct reactor_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    return epoll_ctl(reactor->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

void reactor_remove_watch(struct reactor *reactor, const struct reactor_watch *watch)
{
    (void)epoll_ctl(reactor->epoll_fd, EPOLL_CTL_DEL, watch->fd,
                    NULL); /* may have gone with its fd */
}

/* ---- Figures ---- */

void reactor_count(_Atomic uint64_t *figure, int64_t change)
{
    uint64_t now = atomic_load_explicit(figure, memory_order_relaxed);

    /* Nobody else writes it. */
    atomic_store_explicit(figure, now + (uint64_t)change, memory_order_relaxed);
}

static void count_cpu(struct reactor *reactor)
{
    if (reactor->now.us - reactor->cpu_counted_at.us >= cpu_count_every_us) {
        reactor->cpu_counted_at = reactor->now;
        atomic_store_explicit(&reactor->figures.cpu_us, thread_cpu_us(), memory_order_relaxed);
    }
}

/* ---- One turn ---- */

static bool has_busy_endpoint(const struct reactor *reactor)
{
    for (const struct list_link *link = list_first(&reactor->endpoints); link != NULL;
         link = list_after(&reactor->endpoints, link)) {
        if (endpoint_is_busy(CONTAINER_OF(link, struct endpoint, link))) {
            return true;
        }
    }
    return false;
}

/* Milliseconds until the reactor has to do something by itself, -1: never. */
static int sleep_ms(const struct reactor *reactor)
{
    const struct heap_link *first = heap_first(&reactor->timers);

    if (has_busy_endpoint(reactor)) {
        return 0;
    }
    if (first == NULL) {
        return -1;
    }
    int64_t left_us = first->key - env_mono(reactor->server->env).us;
    int64_t left_ms = (left_us + US_PER_MS - 1) / US_PER_MS;
    return left_us <= 0 ? 0 : left_ms < INT32_MAX ? (int)left_ms : INT32_MAX;
}

static void sleep_and_watch(struct reactor *reactor)
{
    struct epoll_event events[EVENTS_MAX];
    int len = epoll_wait(reactor->epoll_fd, events, EVENTS_MAX, sleep_ms(reactor));

    if (len < 0 && errno != EINTR) {
        log_fatal("epoll_wait", errno);
    }
    for (int i = 0; i < len; i++) {
        struct reactor_watch *watch = events[i].data.ptr;

        if (watch->ready != NULL) {
            watch->ready(watch, events[i].events);
        }
    }
}

static void run_endpoints(struct reactor *reactor)
{
    struct list_link *link = list_first(&reactor->endpoints);

    while (link != NULL) {
        struct endpoint *endpoint = LIST_ITEM(link, struct endpoint, link);

        link = list_after(&reactor->endpoints, link);
        endpoint_run(endpoint);
        if (endpoint_has_finished(endpoint)) {
            endpoint_free(endpoint);
        }
    }
}

static void turn(struct reactor *reactor)
{
    sleep_and_watch(reactor);
    reactor->now = env_mono(reactor->server->env);
    (void)mailbox_run(reactor->mailbox);
    run_timers(reactor);
    run_endpoints(reactor);
    count_cpu(reactor);
    if (reactor->is_draining && !reactor->has_drained && list_is_empty(&reactor->connections)) {
        reactor->has_drained = true;
        mailbox_post(reactor->server->mailbox, &reactor->drained);
    }
}

/* ---- Starting and stopping ---- */

static void begin_drain(struct reactor *reactor)
{
    if (reactor->is_draining) {
        return;
    }
    reactor->is_draining = true;
    for (struct list_link *link = list_first(&reactor->endpoints); link != NULL;
         link = list_after(&reactor->endpoints, link)) {
        endpoint_retire(LIST_ITEM(link, struct endpoint, link));
    }
    for (struct list_link *link = list_first(&reactor->connections); link != NULL;
         link = list_after(&reactor->connections, link)) {
        connection_drain(LIST_ITEM(link, struct connection, link));
    }
    exchange_wake_all(reactor);
}

static void drain_run(struct message *message)
{
    begin_drain(CONTAINER_OF(message, struct reactor, drain));
}

static void stop_run(struct message *message)
{
    struct reactor *reactor = CONTAINER_OF(message, struct reactor, stop);

    begin_drain(reactor);
    reactor->is_stopping = true;
}

/* What has been answered has also been written, as far as its peer takes it. */
static bool has_ended(const struct reactor *reactor)
{
    return reactor->is_stopping && reactor->unanswered == 0 && !has_busy_endpoint(reactor);
}

static void reactor_main(void *ctx)
{
    struct reactor *reactor = ctx;

    reactor->now = env_mono(reactor->server->env);
    while (!has_ended(reactor)) {
        turn(reactor);
    }
    while (!list_is_empty(&reactor->endpoints)) {
        endpoint_free(LIST_ITEM(list_first(&reactor->endpoints), struct endpoint, link));
    }
    (void)mailbox_run(reactor->mailbox); /* a new certificate may have come too late */
    linger_end_all(reactor);
    store_view_clear(&reactor->view);
}

void reactor_init(struct reactor *reactor, struct server *server)
{
    *reactor = (struct reactor){
        .server = server,
        .mailbox = mailbox_new(),
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .drain.run = drain_run,
        .stop.run = stop_run,
    };
    list_init(&reactor->endpoints);
    list_init(&reactor->connections);
    list_init(&reactor->sleepers);
    list_init(&reactor->lingerers);
    list_init(&reactor->spare_exchanges);
    heap_init(&reactor->timers);
    reactor->mailbox_watch = (struct reactor_watch){.fd = mailbox_fd(reactor->mailbox)};
    if (reactor->epoll_fd < 0 || !reactor_add_watch(reactor, &reactor->mailbox_watch, EPOLLIN)) {
        log_fatal("epoll", errno);
    }
}

void reactor_start(struct reactor *reactor, uint32_t number)
{
    char name[16];

    (void)snprintf(name, sizeof name, "http-%u", number);
    thread_start(&reactor->thread, name, reactor_main, reactor);
}

void reactor_drain(struct reactor *reactor)
{
    mailbox_post(reactor->mailbox, &reactor->drain);
}

void reactor_stop(struct reactor *reactor)
{
    if (reactor->thread.is_started) {
        mailbox_post(reactor->mailbox, &reactor->stop);
        thread_join(&reactor->thread);
    }
}

void reactor_clear(struct reactor *reactor)
{
    while (!list_is_empty(&reactor->endpoints)) {
        endpoint_free(LIST_ITEM(list_first(&reactor->endpoints), struct endpoint, link));
    }
    assert(list_is_empty(&reactor->connections) && list_is_empty(&reactor->sleepers));
    exchange_free_spares(reactor);
    heap_clear(&reactor->timers);
    mailbox_free(reactor->mailbox);
    (void)close(reactor->epoll_fd); /* nothing is lost with it */
}
