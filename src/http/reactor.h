/*
 * A reactor: the loop of one server thread, with its descriptors, its mailbox, its timers and its
 * endpoints, in turn.
 *
 * Everything in it belongs to its thread. Others post messages, or read the figures.
 *
 * One turn: sleep until a descriptor, a message or a timer wants something; look at the watched
 * descriptors; run the messages; run the timers that are due; let the endpoints (libmicrohttpd)
 * read, call handlers and write. Whatever was answered in a turn is sent at the end of the same
 * turn.
 */
#ifndef HTTP_REACTOR_H
#define HTTP_REACTOR_H

#include "base/heap.h"
#include "base/list.h"
#include "os/mailbox.h"
#include "os/thread.h"
#include "store/store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct server;

/* Calls due once, up to a millisecond after its instant. Zeroed, with due set, it is ready. */
struct reactor_timer {
    struct heap_link link;
    void (*due)(struct reactor_timer *timer);
};

/* Calls ready when the descriptor is; without ready it only ends the sleep. ready may only remove
 * its own watch, and set timers: what it wants done is done when these are due. */
struct reactor_watch {
    int fd;
    void (*ready)(struct reactor_watch *watch, uint32_t events);
};

/* Written by the reactor alone, read by any thread. */
struct reactor_figures {
    _Atomic uint64_t requests, connections_now, waiting_now, refused, stranger_bytes;
    _Atomic uint64_t by_status_class[6];
    _Atomic int64_t cpu_us;
};

struct reactor {
    struct server *server; /* borrowed */
    struct thread thread;
    struct mailbox *mailbox;
    struct mono now;       /* when this turn began */
    struct list endpoints; /* that which listens first, then those that only finish */
    struct list connections;
    struct list sleepers;        /* exchanges in exchange_wait */
    struct list spare_exchanges; /* ended, to be used again */
    size_t unanswered;           /* exchanges that are suspended */
    struct list lingerers;       /* closed connections whose peers still send, see linger.h */
    struct store_view view;
    struct reactor_figures figures;
    bool is_draining;
    struct message drained; /* its run is the server's */

    /* private */
    int epoll_fd;
    struct heap timers;
    struct reactor_watch mailbox_watch;
    struct message drain, stop;
    bool is_stopping, has_drained;
    struct mono cpu_counted_at;
};

/* In place. The thread starts with reactor_start; until then the caller may add endpoints. */
void reactor_init(struct reactor *reactor, struct server *server);
void reactor_start(struct reactor *reactor, uint32_t number);
void reactor_clear(struct reactor *reactor); /* after reactor_stop, or when it never started */

/* Any thread. drain: no more connections, those without a request close, waits end; when all
 * connections are closed, `drained` is posted to the server's mailbox. */
void reactor_drain(struct reactor *reactor);
/* Ends the thread when all handlers have answered, and waits for that. */
void reactor_stop(struct reactor *reactor);

/* The rest is for the reactor's own thread. */

void reactor_set_timer(struct reactor *reactor, struct reactor_timer *timer, struct mono at);
void reactor_clear_timer(struct reactor *reactor, struct reactor_timer *timer);

/* events as in epoll(7). False: the system has no room for one more. */
bool reactor_add_watch(struct reactor *reactor, struct reactor_watch *watch, uint32_t events);
void reactor_remove_watch(struct reactor *reactor, const struct reactor_watch *watch);

/* Adds to a figure. */
void reactor_count(_Atomic uint64_t *figure, int64_t change);

#endif
