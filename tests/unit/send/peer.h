/*
 * A peer: a server on a loopback port for the tests of the sender, one thread a connection, each
 * running the test's own function on its socket. What hangs hangs in a read, until the other side
 * hangs up or the peer is stopped.
 */
#ifndef UNIT_SEND_PEER_H
#define UNIT_SEND_PEER_H

#include "base/buf.h"
#include "base/mem.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEER_CONNECTIONS_MAX = 1024, PEER_BYTES_MAX = 8 * 1024 * 1024 };

struct peer;
typedef void peer_serve_fn(struct peer *peer, int fd);

struct peer {
    int listener;
    uint16_t port;
    peer_serve_fn *serve;
    const void *plan; /* serve's */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows, which the connections' threads share */
    int fds[PEER_CONNECTIONS_MAX];
    pthread_t threads[PEER_CONNECTIONS_MAX];
    int connections;
    int requests;
    int said;         /* how often by peer_say_over */
    struct buf heard; /* what the newest request was, or all of a mail dialogue */
};

struct peer_connection {
    struct peer *peer;
    int fd;
};

static inline void *peer_connection_main(void *ctx)
{
    struct peer_connection connection = *(struct peer_connection *)ctx;

    mem_free(ctx);
    connection.peer->serve(connection.peer, connection.fd);
    (void)shutdown(connection.fd, SHUT_RDWR); /* closed by peer_stop */
    return NULL;
}

static inline void *peer_main(void *ctx)
{
    struct peer *peer = ctx;
    int fd;

    while ((fd = accept(peer->listener, NULL, NULL)) >= 0) {
        struct peer_connection *connection = MEM_NEW(struct peer_connection);

        *connection = (struct peer_connection){.peer = peer, .fd = fd};
        pthread_mutex_lock(&peer->lock);
        assert_true(peer->connections < PEER_CONNECTIONS_MAX);
        peer->fds[peer->connections] = fd;
        (void)pthread_create(&peer->threads[peer->connections], NULL, peer_connection_main,
                             connection);
        peer->connections++;
        pthread_mutex_unlock(&peer->lock);
    }
    return NULL;
}

/* A socket that holds a free port of 127.0.0.1, which comes back. It refuses connections until the
 * caller listens, and nobody else can take it until the caller closes it. */
static inline int peer_hold_port(uint16_t *port)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof where;
    int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(holder, (struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(getsockname(holder, (struct sockaddr *)&where, &len), 0);
    *port = ntohs(where.sin_port);
    return holder;
}

static inline struct peer *peer_start(peer_serve_fn *serve, const void *plan)
{
    struct peer *peer = MEM_NEW(struct peer);

    peer->serve = serve;
    peer->plan = plan;
    buf_init(&peer->heard, PEER_BYTES_MAX);
    (void)pthread_mutex_init(&peer->lock, NULL);
    peer->listener = peer_hold_port(&peer->port);
    assert_int_equal(listen(peer->listener, 1024), 0);
    (void)pthread_create(&peer->thread, NULL, peer_main, peer);
    return peer;
}

/* Hangs up everywhere and waits for the threads. */
static inline void peer_stop(struct peer *peer)
{
    (void)shutdown(peer->listener, SHUT_RDWR); /* wakes accept */
    (void)pthread_join(peer->thread, NULL);
    for (int i = 0; i < peer->connections; i++) {
        (void)shutdown(peer->fds[i], SHUT_RDWR);
    }
    for (int i = 0; i < peer->connections; i++) {
        (void)pthread_join(peer->threads[i], NULL);
        (void)close(peer->fds[i]);
    }
    (void)close(peer->listener);
    (void)pthread_mutex_destroy(&peer->lock);
    buf_clear(&peer->heard);
    mem_free(peer);
}

static inline int peer_connections(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    int connections = peer->connections;
    pthread_mutex_unlock(&peer->lock);
    return connections;
}

static inline int peer_requests(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    int requests = peer->requests;
    pthread_mutex_unlock(&peer->lock);
    return requests;
}

static inline int peer_said(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    int said = peer->said;
    pthread_mutex_unlock(&peer->lock);
    return said;
}

/* What was heard, as a text of the caller's own; to be freed with mem_free. */
static inline char *peer_heard(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    char *text = mem_text(buf_cstr(&peer->heard), peer->heard.len);
    pthread_mutex_unlock(&peer->lock);
    return text;
}

static inline bool peer_say(int fd, const void *ptr, size_t len)
{
    return send(fd, ptr, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static inline bool peer_say_text(int fd, const char *text)
{
    return peer_say(fd, text, strlen(text));
}

/* Counts it as said when the other side's system has it, there to be read; "" at once. */
static inline bool peer_say_over(struct peer *peer, int fd, const char *text)
{
    struct pollfd hung_up = {.fd = fd};
    bool is_said = peer_say_text(fd, text);
    int under_way = 0;

    while (ioctl(fd, SIOCOUTQ, &under_way) == 0 && under_way > 0 && poll(&hung_up, 1, 1) == 0) {
    }
    pthread_mutex_lock(&peer->lock);
    peer->said++;
    pthread_mutex_unlock(&peer->lock);
    return is_said;
}

/* Waits until the other side hangs up or the peer stops. */
static inline void peer_wait_for_end(int fd)
{
    char bytes[4096];

    while (recv(fd, bytes, sizeof bytes, 0) > 0) {
    }
}

/* The body's length in a request's head; 0 without one. */
static inline size_t peer_content_length(const char *head)
{
    const char *header = strcasestr(head, "\r\ncontent-length:");

    return header != NULL ? strtoul(header + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

/* Reads one HTTP request into request. False when the other side hung up. */
static inline bool peer_read_request(int fd, struct buf *request)
{
    char bytes[16 * 1024];
    size_t whole = 0;

    buf_reset(request);
    while (whole == 0 || request->len < whole) {
        ssize_t len = recv(fd, bytes, sizeof bytes, 0);
        if (len <= 0) {
            return false;
        }
        buf_add(request, bytes, (size_t)len);
        const char *end = strstr(buf_cstr(request), "\r\n\r\n");
        if (whole == 0 && end != NULL) {
            whole = (size_t)(end - buf_cstr(request)) + 4 + peer_content_length(buf_cstr(request));
        }
    }
    return true;
}

/* Reads one and notes it as heard. */
static inline bool peer_hear_request(struct peer *peer, int fd)
{
    struct buf request;

    buf_init(&request, PEER_BYTES_MAX);
    bool is_there = peer_read_request(fd, &request);
    if (is_there) {
        pthread_mutex_lock(&peer->lock);
        buf_reset(&peer->heard);
        buf_slice(&peer->heard, buf_view(&request));
        peer->requests++;
        pthread_mutex_unlock(&peer->lock);
    }
    buf_clear(&request);
    return is_there;
}

/* Answers each request with the plan, a text. */
static inline void peer_answer_text(struct peer *peer, int fd)
{
    while (peer_hear_request(peer, fd) && peer_say_text(fd, peer->plan)) {
    }
}

#endif
