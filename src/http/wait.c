/*
 * A waiting exchange sleeps in the bell. A ring, the time, a peer that goes or a draining server
 * wakes it; whichever comes first decides, and the others find it awake:
 *
 *   NONE -> ASLEEP -> (ring's message) -> NONE, woken
 *      \        \
 *       +--------+-> OVER -> (timer, at once) -> NONE, woken
 *
 * OVER is there because woken must come neither from inside exchange_wait nor while the reactor
 * goes through its descriptors or exchanges.
 */
#include "http/exchange_internal.h"
#include "http/server_internal.h"

#include <assert.h>
#include <sys/epoll.h>

static struct bell *bell_of(const struct exchange *exchange)
{
    return exchange->reactor->server->bell;
}

static void put_to_bed(struct exchange *exchange, int64_t timeout_us)
{
    struct reactor *reactor = exchange->reactor;

    exchange->wait = WAIT_ASLEEP;
    exchange->gone_watch.fd = exchange->connection->fd;
    list_push_back(&reactor->sleepers, &exchange->link);
    reactor_count(&reactor->figures.waiting_now, 1);
    /* From now, not from when the turn began: a wait must not be shorter than was asked for. */
    struct mono now = env_mono(reactor->server->env);
    reactor_set_timer(reactor, &exchange->wait_timer, (struct mono){now.us + timeout_us});
    /* Without it a peer that goes is noticed at the end. */
    (void)reactor_add_watch(reactor, &exchange->gone_watch, EPOLLRDHUP | EPOLLONESHOT);
}

static void get_up(struct exchange *exchange)
{
    struct reactor *reactor = exchange->reactor;

    reactor_remove_watch(reactor, &exchange->gone_watch);
    reactor_clear_timer(reactor, &exchange->wait_timer);
    list_remove(&reactor->sleepers, &exchange->link);
    reactor_count(&reactor->figures.waiting_now, -1);
}

static void be_over(struct exchange *exchange)
{
    exchange->wait = WAIT_OVER;
    reactor_set_timer(exchange->reactor, &exchange->wait_timer, exchange->reactor->now);
}

/* Somebody else may want what this exchange was woken for. */
static void pass_ring_on(struct exchange *exchange)
{
    if (exchange->was_rung) {
        exchange->was_rung = false;
        bell_ring(bell_of(exchange), exchange->ear.topic_number, 1);
    }
}

static void finish(struct exchange *exchange)
{
    exchange->wait = WAIT_NONE;
    if (!auth_is_still_right(exchange)) {
        pass_ring_on(exchange);
        exchange_refuse(exchange, PROBLEM_UNAUTHENTICATED, NULL);
        return;
    }
    if (exchange->was_rung && exchange_is_gone(exchange)) {
        pass_ring_on(exchange);
    }
    exchange->woken(exchange, exchange->woken_ctx);
}

/* Wakes it unless a ring was faster, which comes by message. */
static bool wake(struct exchange *exchange)
{
    return exchange->wait == WAIT_ASLEEP && bell_wake(bell_of(exchange), &exchange->ear);
}

static void on_ring(struct message *message)
{
    struct bell_ear *ear = CONTAINER_OF(message, struct bell_ear, message);
    struct exchange *exchange = CONTAINER_OF(ear, struct exchange, ear);

    get_up(exchange);
    exchange->was_rung = true;
    finish(exchange);
}

static void on_timer(struct reactor_timer *timer)
{
    struct exchange *exchange = CONTAINER_OF(timer, struct exchange, wait_timer);

    if (exchange->wait == WAIT_OVER) {
        finish(exchange);
    } else if (wake(exchange)) {
        get_up(exchange);
        finish(exchange);
    }
}

static void on_gone(struct reactor_watch *watch, UNUSED uint32_t events)
{
    struct exchange *exchange = CONTAINER_OF(watch, struct exchange, gone_watch);

    if (wake(exchange)) {
        get_up(exchange);
        be_over(exchange);
    }
}

void exchange_wait_init(struct exchange *exchange)
{
    exchange->ear.message.run = on_ring;
    exchange->ear.mailbox = exchange->reactor->mailbox;
    exchange->wait_timer.due = on_timer;
    exchange->gone_watch.ready = on_gone;
}

void exchange_listen(struct exchange *exchange, uint64_t topic)
{
    bell_listen(bell_of(exchange), &exchange->ear, topic);
}

void exchange_wait(struct exchange *exchange, int64_t timeout_us, exchange_woken_fn *woken,
                   void *ctx)
{
    assert(exchange->wait == WAIT_NONE && timeout_us >= 0 &&
           (exchange->state == EXCHANGE_HANDLED || exchange->state == EXCHANGE_PENDING));
    exchange->woken = woken;
    exchange->woken_ctx = ctx;
    exchange->was_rung = false;
    if (exchange->reactor->is_draining) {
        be_over(exchange);
    } else if (!bell_sleep(bell_of(exchange), &exchange->ear)) {
        exchange->was_rung = true;
        be_over(exchange);
    } else {
        put_to_bed(exchange, timeout_us);
    }
}

bool exchange_was_rung(const struct exchange *exchange)
{
    return exchange->was_rung;
}

void exchange_wake_all(struct reactor *reactor)
{
    struct list_link *link = list_first(&reactor->sleepers);

    while (link != NULL) {
        struct exchange *exchange = LIST_ITEM(link, struct exchange, link);

        link = list_after(&reactor->sleepers, link);
        if (wake(exchange)) {
            get_up(exchange);
            be_over(exchange);
        }
    }
}
