/*
 * One connection of a load generator to an HTTP/1.1 server: kept alive, one request at a time.
 *
 * The owner writes the request, asks for client_send, and calls client_run when epoll reports the
 * connection (edge-triggered) until the answer is whole. It is lean on purpose: what the generator
 * uses is missing to the server on the same cores.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

#include <netinet/in.h>
#include <stdbool.h>

enum {
    CLIENT_REQUEST_BYTES_MAX = 4 * 1024 * 1024, /* a batch of 1,000 events of 4 KiB */
    CLIENT_ANSWER_BYTES_MAX = 4 * 1024 * 1024,  /* more messages than a queue gives at once */
};

enum client_state {
    CLIENT_CLOSED,   /* not connected, or the connection is of no use any more */
    CLIENT_IDLE,     /* no request is under way: before the first one, or the answer is whole */
    CLIENT_AWAITING, /* the request is on its way, or the answer */
};

struct client {
    int fd;
    enum client_state state;
    struct buf request; /* written by the owner while idle */
    size_t request_sent;
    struct buf answer;
    int status;        /* of the newest whole answer */
    struct slice body; /* lent until the next client_send */
};

void client_init(struct client *client);
void client_clear(struct client *client); /* closes and frees */

/* "127.0.0.1:8484". ERR_INVALID. */
enum err client_address(struct slice text, struct sockaddr_in *out) MUST_CHECK;

/* Connects anew, and has epoll_fd report the connection with client as its data. ERR_IO. */
enum err client_connect(struct client *client, const struct sockaddr_in *to, int epoll_fd,
                        struct diag *diag) MUST_CHECK;

/* Sends client->request on an idle connection. */
void client_send(struct client *client);

/* Sends and reads what can be without waiting. */
void client_run(struct client *client);

#endif
