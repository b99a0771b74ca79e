/*
 * A connection: what we know about one of libmicrohttpd's beside the request on it, and how long it
 * may take for what it does.
 *
 *            accepted
 *               |            request line             body complete
 *               v          +------------+           +-------------+
 *             IDLE --------> ARRIVING ------------->  HANDLED      |
 *               ^              | refused                | answered
 *               |              v                        v
 *               +----------- ANSWERING <----------------+
 *                  sent
 *
 * IDLE and ARRIVING may each take the server's request timeout, ANSWERING too and again as long as
 * the peer takes a good part of the answer each time, HANDLED as long as the handler takes. Whoever
 * takes longer is closed.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "base/sign.h"
#include "http/endpoint.h"
#include "http/origin.h"
#include "model/key.h"

#include <microhttpd.h>

enum connection_phase {
    CONNECTION_IDLE,
    CONNECTION_ARRIVING,
    CONNECTION_HANDLED,
    CONNECTION_ANSWERING,
};

struct connection {
    struct list_link link; /* in the reactor's connections */
    struct endpoint *endpoint;
    struct MHD_Connection *handle;
    int fd;
    struct origin origin; /* of the peer */
    bool is_from_proxy;   /* one that is trusted: see forwarded.h */
    bool is_turned_away;  /* above a limit: nothing on it is served */
    enum connection_phase phase;
    bool is_stopping;           /* idle for too long: nothing more is read */
    struct mono deadline;       /* of the phase */
    uint64_t taken_bytes;       /* by the peer, when its slowness was looked at */
    struct reactor_timer timer; /* looks at the deadline; not moved for every request */

    /* The newest key that was right on it: the next request need not hash the same text again. */
    char key_text[KEY_TEXT_BYTES_MAX];
    size_t key_len;
    uint8_t key_hash[SHA256_BYTES];
    struct origin key_origin; /* who showed it */
};

/* libmicrohttpd's call-back for connections that come and go; cls is the endpoint. */
void connection_on_notify(void *cls, struct MHD_Connection *handle, void **context,
                          enum MHD_ConnectionNotificationCode code);

/* The connection of a handle. */
struct connection *connection_of(struct MHD_Connection *handle);

void connection_enter(struct connection *connection, enum connection_phase phase);

/* Answers a request whose head fills the memory that libmicrohttpd would need for its answer.
 * False: there is no other way than to try that. The connection must be closed then. */
bool connection_refuse_head(const struct connection *connection);

/* The server stops: closes it if no request is on it. What has arrived by now is still answered. */
void connection_drain(struct connection *connection);

/* Whether the peer has closed its side, or all of it. */
bool connection_is_gone(const struct connection *connection);

#endif
