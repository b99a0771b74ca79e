#include "send/loop.h"

#include "base/macro.h"
#include "base/mem.h"
#include "base/time.h"
#include "os/log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    LOOP_MULTIS_MAX = 16,
    EVENTS_AT_ONCE =
        256, /* the rest waits for the next round, so that ended transfers are not kept waiting */
    SOCKETS_ROOM_MIN = 256,
};

/* Stands for wake_fd among the events. */
#define WAKE UINT64_MAX

/* What is known of one socket number. */
struct loop_socket {
    uint32_t generation; /* invariant 3 */
    uint32_t wanted;     /* EPOLLIN, EPOLLOUT; 0: nobody waits */
    uint32_t registered; /* what the kernel was told; 0: not in the set */
    bool is_connection;  /* opened by loop_socket_open */
    CURLM *multi;        /* who is told, when ready is NULL */
    loop_ready_fn *ready;
    void *ctx;
};

/* What libcurl hands back with each socket. */
struct loop_multi {
    CURLM *multi;
    struct loop *loop;
};

struct loop {
    int epoll;
    int wake_fd; /* in the set, -1: none */
    struct loop_multi multis[LOOP_MULTIS_MAX];
    size_t multis_len;
    struct loop_socket *sockets; /* by number */
    size_t sockets_room;
};

struct loop *loop_new(void)
{
    struct loop *loop = MEM_NEW(struct loop);

    loop->wake_fd = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        log_fatal("epoll_create1", errno);
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    for (size_t i = 0; i < loop->multis_len; i++) {
        (void)curl_multi_cleanup(loop->multis[i].multi); /* fails only for a broken handle */
    }
    (void)close(loop->epoll); /* holds nothing of its own */
    mem_free(loop->sockets);
    mem_free(loop);
}

/* The socket numbers are few and dense, as the kernel gives out the lowest free one. */
static struct loop_socket *socket_at(struct loop *loop, int number)
{
    size_t at = (size_t)number;

    assert(number >= 0);
    if (at >= loop->sockets_room) {
        size_t room = loop->sockets_room > 0 ? loop->sockets_room : SOCKETS_ROOM_MIN;
        while (room <= at) {
            room *= 2;
        }
        loop->sockets = mem_resize(loop->sockets, room, sizeof *loop->sockets);
        for (size_t i = loop->sockets_room; i < room; i++) {
            loop->sockets[i] = (struct loop_socket){.generation = 0};
        }
        loop->sockets_room = room;
    }
    return &loop->sockets[at];
}

static void control(struct loop *loop, int operation, int number, uint32_t events, uint64_t mark)
{
    struct epoll_event event = {.events = events, .data.u64 = mark};

    if (epoll_ctl(loop->epoll, operation, number, &event) != 0) {
        log_fatal("epoll_ctl", errno);
    }
}

static uint64_t mark_of(const struct loop_socket *socket, int number)
{
    return (uint64_t)socket->generation << 32 | (uint32_t)number;
}

/* Tells the kernel what is wanted, if it does not know. */
static void register_wanted(struct loop *loop, struct loop_socket *socket, int number)
{
    if (socket->registered == socket->wanted) {
        return;
    }
    int operation = socket->wanted == 0       ? EPOLL_CTL_DEL
                    : socket->registered == 0 ? EPOLL_CTL_ADD
                                              : EPOLL_CTL_MOD;
    control(loop, operation, number, socket->wanted, mark_of(socket, number));
    socket->registered = socket->wanted;
}

static uint32_t epoll_events(int curl_events)
{
    return ((curl_events & CURL_CSELECT_IN) != 0 ? EPOLLIN : 0u) |
           ((curl_events & CURL_CSELECT_OUT) != 0 ? EPOLLOUT : 0u);
}

static void want(struct loop *loop, struct loop_socket *socket, int number, int curl_events)
{
    socket->wanted = epoll_events(curl_events);
    if (socket->wanted != 0 || !socket->is_connection) {
        register_wanted(loop, socket, number); /* else invariant 1 */
    }
}

/* CURLMOPT_SOCKETFUNCTION, with the struct loop_multi as its data. */
static int on_socket(UNUSED CURL *easy, curl_socket_t number, int what, void *data,
                     UNUSED void *socket_data)
{
    static const int events[] = {
        [CURL_POLL_NONE] = 0,
        [CURL_POLL_IN] = CURL_CSELECT_IN,
        [CURL_POLL_OUT] = CURL_CSELECT_OUT,
        [CURL_POLL_INOUT] = CURL_CSELECT_IN | CURL_CSELECT_OUT,
        [CURL_POLL_REMOVE] = 0,
    };
    const struct loop_multi *multi = data;
    struct loop_socket *socket = socket_at(multi->loop, number);

    socket->multi = multi->multi;
    socket->ready = NULL;
    want(multi->loop, socket, number, events[what]);
    return 0;
}

CURLM *loop_add_multi(struct loop *loop, long connections_max)
{
    assert(loop->multis_len < LOOP_MULTIS_MAX);
    struct loop_multi *slot = &loop->multis[loop->multis_len++];

    slot->loop = loop;
    slot->multi = curl_multi_init();
    if (slot->multi == NULL) {
        log_fatal("curl_multi_init", ENOMEM);
    }
    (void)curl_multi_setopt(slot->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(slot->multi, CURLMOPT_SOCKETDATA, slot);
    (void)curl_multi_setopt(slot->multi, CURLMOPT_MAXCONNECTS, connections_max);
    return slot->multi;
}

curl_socket_t loop_open_socket(struct loop *loop, const struct curl_sockaddr *address)
{
    int number = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        address->protocol);

    if (number < 0) {
        return CURL_SOCKET_BAD; /* libcurl goes on to the next address and reports what failed */
    }
    struct loop_socket *slot = socket_at(loop, number);
    *slot = (struct loop_socket){.generation = slot->generation + 1, .is_connection = true};
    return number;
}

int loop_close_socket(void *data, curl_socket_t number)
{
    struct loop *loop = data;
    struct loop_socket *socket = socket_at(loop, number);

    /* The kernel takes a closed socket out of the set by itself. */
    *socket = (struct loop_socket){.generation = socket->generation + 1};
    return close(number);
}

void loop_watch(struct loop *loop, curl_socket_t number, int events, loop_ready_fn *ready,
                void *ctx)
{
    struct loop_socket *socket = socket_at(loop, number);

    socket->ready = ready;
    socket->ctx = ctx;
    want(loop, socket, number, events);
}

static int64_t multi_timeout_us(CURLM *multi)
{
    long timeout_ms = -1;

    (void)curl_multi_timeout(multi, &timeout_ms);
    return timeout_ms < 0 ? INT64_MAX : timeout_ms * US_PER_MS;
}

void loop_tick(struct loop *loop)
{
    for (size_t i = 0; i < loop->multis_len; i++) {
        CURLM *multi = loop->multis[i].multi;
        int running = 0;

        if (multi_timeout_us(multi) == 0) {
            (void)curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
    }
}

int64_t loop_timeout_us(const struct loop *loop, int64_t timeout_us)
{
    for (size_t i = 0; i < loop->multis_len && timeout_us > 0; i++) {
        int64_t multi_us = multi_timeout_us(loop->multis[i].multi);

        timeout_us = multi_us < timeout_us ? multi_us : timeout_us;
    }
    return timeout_us;
}

static void set_wake(struct loop *loop, int wake_fd)
{
    if (loop->wake_fd == wake_fd) {
        return;
    }
    if (loop->wake_fd >= 0) {
        control(loop, EPOLL_CTL_DEL, loop->wake_fd, 0, 0);
    }
    if (wake_fd >= 0) {
        control(loop, EPOLL_CTL_ADD, wake_fd, EPOLLIN, WAKE);
    }
    loop->wake_fd = wake_fd;
}

/* What of event somebody waits for. An error or hang-up shows itself to whoever reads or writes. */
static int curl_events(const struct loop_socket *socket, uint32_t events)
{
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        events |= EPOLLIN | EPOLLOUT;
    }
    events &= socket->wanted;
    return ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
           ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
}

static void handle(struct loop *loop, const struct epoll_event *event)
{
    int number = (int)(uint32_t)event->data.u64;
    int running = 0;

    if (event->data.u64 == WAKE) {
        return; /* the caller looks into its mailbox anyway */
    }
    struct loop_socket *socket = socket_at(loop, number);
    if (mark_of(socket, number) != event->data.u64) {
        return; /* invariant 3 */
    }
    int events = curl_events(socket, event->events);
    if (events == 0) {
        register_wanted(loop, socket, number);
    } else if (socket->ready != NULL) {
        socket->ready(socket->ctx, events);
    } else {
        (void)curl_multi_socket_action(socket->multi, number, events, &running);
    }
}

int loop_milliseconds(int64_t us)
{
    int64_t rounded = (us + US_PER_MS - 1) / US_PER_MS;

    return rounded > INT_MAX ? INT_MAX : (int)rounded;
}

void loop_sleep(struct loop *loop, int wake_fd, int64_t timeout_us)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    set_wake(loop, wake_fd);
    int count = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, loop_milliseconds(timeout_us));
    if (count < 0 && errno != EINTR) {
        log_fatal("epoll_wait", errno);
    }
    for (int i = 0; i < count; i++) {
        handle(loop, &events[i]);
    }
}
