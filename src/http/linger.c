#include "http/linger.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINGERERS_MAX = 256, /* a reactor: they are no connections any more, for the limits */
    LINGER_BYTES_MAX = 16 * 1024 * 1024, /* of a body that nobody wants */
    READ_BYTES = 64 * 1024,
    READS_A_TURN_MAX = 8,
};

static const int64_t linger_us = 2 * US_PER_SECOND;

struct lingerer {
    struct list_link link;
    struct reactor *reactor;
    struct reactor_watch watch;
    struct reactor_timer timer;
    size_t bytes;
    bool has_said_goodbye;
};

static void linger_end(struct lingerer *lingerer)
{
    reactor_remove_watch(lingerer->reactor, &lingerer->watch);
    reactor_clear_timer(lingerer->reactor, &lingerer->timer);
    list_remove(&lingerer->reactor->lingerers, &lingerer->link);
    (void)close(lingerer->watch.fd); /* the peer's data is what we do not want */
    mem_free(lingerer);
}

static void throw_away(struct reactor_watch *watch, UNUSED uint32_t events)
{
    static _Thread_local char waste[READ_BYTES];
    struct lingerer *lingerer = CONTAINER_OF(watch, struct lingerer, watch);

    for (int reads = 0; reads < READS_A_TURN_MAX; reads++) {
        ssize_t len = recv(watch->fd, waste, sizeof waste, MSG_DONTWAIT);

        if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        lingerer->bytes += len > 0 ? (size_t)len : 0;
        if (len <= 0 || lingerer->bytes > LINGER_BYTES_MAX) {
            linger_end(lingerer);
            return;
        }
    }
}

/* The first time, when libmicrohttpd has sent all it had: no more comes from here. Then the end. */
static void goodbye(struct reactor_timer *timer)
{
    struct lingerer *lingerer = CONTAINER_OF(timer, struct lingerer, timer);

    if (lingerer->has_said_goodbye) {
        linger_end(lingerer);
        return;
    }
    lingerer->has_said_goodbye = true;
    (void)shutdown(lingerer->watch.fd, SHUT_WR); /* the peer may be gone */
    reactor_set_timer(lingerer->reactor, timer,
                      (struct mono){lingerer->reactor->now.us + linger_us});
}

void linger_begin(struct reactor *reactor, int fd)
{
    int kept_fd = reactor->lingerers.count < LINGERERS_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (kept_fd < 0) {
        return;
    }
    struct lingerer *lingerer = MEM_NEW(struct lingerer);

    lingerer->reactor = reactor;
    lingerer->watch = (struct reactor_watch){.fd = kept_fd, .ready = throw_away};
    lingerer->timer.due = goodbye;
    list_push_back(&reactor->lingerers, &lingerer->link);
    reactor_set_timer(reactor, &lingerer->timer, reactor->now);
    if (!reactor_add_watch(reactor, &lingerer->watch, EPOLLIN)) {
        linger_end(lingerer);
    }
}

void linger_end_all(struct reactor *reactor)
{
    struct list_link *first;

    while ((first = list_first(&reactor->lingerers)) != NULL) {
        linger_end(CONTAINER_OF(first, struct lingerer, link));
    }
}
