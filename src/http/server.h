/*
 * The HTTP server: one listening socket, several threads, each with its own libmicrohttpd daemon, reactor, mailbox and timers.
 *
 * Limits, all settings: connections in all and per peer address, memory a connection, headers, body per route, time for a request to arrive,
 * failed authentications per address (then 429 for a while). A connection that waits for the store or for a message is suspended and costs no thread.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdint.h>

#include "http/router.h"
#include "os/env.h"
#include "store/store.h"

struct server; /* opaque */

struct server_options {
    const char *listen;  /* "127.0.0.1:8484", "[::1]:0" */
    uint32_t threads;    /* 1..64 */
    uint32_t connections_max, connections_per_address_max; /* 0: no limit per address */
    uint32_t connection_memory_bytes; /* libmicrohttpd's pool: request line and headers must fit: 431 and 414 beyond */
    int64_t request_timeout_us;       /* for headers and body to arrive, and for an idle connection */
    uint32_t auth_failures_max;       /* per address and minute before 429 */
    const char *tls_certificate_path, *tls_key_path; /* both or none: PEM */
    struct router *router; /* borrowed */
    struct store *store;   /* borrowed; may be NULL when no route needs keys or the store (the developer's receiver) */
    void *app;             /* for handlers */
    const uint8_t *admin_key_hash; /* SHA256_BYTES of a key from the settings that counts as admin besides the stored ones; NULL: none */
};

/* Starts serving. ERR_INVALID: address or certificate; ERR_IO: cannot listen (the diag says why and where). */
enum err server_start(struct env *env, const struct server_options *options, struct server **out, struct diag *diag) MUST_CHECK;

/* "http://127.0.0.1:43121": with the port really bound. Lent. */
const char *server_address(const struct server *server);

/* Loads certificate and key again for new connections. */
enum err server_reload_tls(struct server *server, struct diag *diag) MUST_CHECK;

/* Rings a topic from any thread: one waiting exchange (of whichever thread) wakes for each ring, if any waits. Cheap when none does. */
void server_ring(struct server *server, uint64_t topic, uint32_t times);

/* Stops accepting, wakes all waits, lets what is under way be answered for at most timeout_us. */
void server_drain(struct server *server, int64_t timeout_us);

void server_free(struct server *server); /* after drain; NULL is fine */

struct server_figures {
    uint64_t requests, connections_now, waiting_now, refused;
    uint64_t by_status_class[6]; /* [2]: 2xx */
    int64_t cpu_us;              /* of all server threads */
};
void server_figures(const struct server *server, struct server_figures *out);

#endif
