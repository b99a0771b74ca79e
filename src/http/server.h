/*
 * The HTTP server: one listening socket, several threads, each with its own libmicrohttpd daemon,
 * loop, mailbox and timers.
 *
 * Limits, all settings: connections in all and per peer address, memory a connection, headers, body
 * per route, time for a request to arrive, failed authentications per address (then 429 for a
 * while). A connection that waits for the store or for a message is suspended and costs no thread.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/ip.h"
#include "http/router.h"
#include "os/env.h"
#include "store/store.h"

#include <stdint.h>

struct server; /* opaque */

struct server_options {
    const char *listen;                   /* "127.0.0.1:8484", "[::1]:0" */
    uint32_t threads;                     /* 1..64 */
    uint32_t connections_max;             /* of all threads, at least 1; beyond: 503 and closed */
    uint32_t connections_per_address_max; /* beyond: 429 and closed; 0: no limit */
    /* What a request line and headers may fill (with some bytes for each header): 431, 414 beyond;
     * at least 1,024. */
    uint32_t connection_memory_bytes;
    /* Whose word for the caller's address is taken (http/forwarded.h); their connections count as
     * theirs all the same. */
    struct ip_ranges trusted_proxies;
    int64_t request_timeout_us; /* for headers and body to arrive, and for an idle connection */
    uint32_t auth_failures_max; /* per address and minute before 429; 0: no limit */
    const char *tls_certificate_path, *tls_key_path; /* both or none: PEM; borrowed */
    struct router *router;                           /* borrowed */
    struct store *store; /* borrowed; NULL when no route needs it: then no stored key counts */
    void *app;           /* for handlers */
    /* SHA256_BYTES of a key that counts as admin beside the stored ones; NULL: none; copied. */
    const uint8_t *admin_key_hash;
};

/*
 * Makes a server that listens; nobody is served before server_start, so the caller can tell whoever
 * must know it. ERR_INVALID: address or certificate; ERR_IO: cannot listen (the diag says why and
 * where).
 */
enum err server_open(struct env *env, const struct server_options *options, struct server **out,
                     struct diag *diag) MUST_CHECK;

/* Starts the threads: from here on handlers are called. */
void server_start(struct server *server);

/* "http://127.0.0.1:43121": with the port really bound. Lent. */
const char *server_address(const struct server *server);

/* Loads certificate and key again, for new connections; those from before are closed after their
 * next answer. ERR_INVALID, ERR_IO and others: nothing has changed. Without TLS nothing happens. */
enum err server_reload_tls(struct server *server, struct diag *diag) MUST_CHECK;

/* Rings a topic from any thread: one waiting exchange (of whichever thread) wakes for each ring, if
 * any waits. Cheap when none does. */
void server_ring(struct server *server, uint64_t topic, uint32_t times);

/* Stops accepting, wakes all waits, lets what is under way be answered for at most timeout_us.
 * Later calls do nothing. */
void server_drain(struct server *server, int64_t timeout_us);

/* Waits until every handler has answered, for which the store must be working or have answered
 * everything, and ends the threads. NULL is fine. */
void server_free(struct server *server);

struct server_figures {
    uint64_t requests, connections_now;
    uint64_t waiting_now;        /* exchanges in exchange_wait */
    uint64_t refused;            /* connections above a limit */
    uint64_t stranger_bytes;     /* of bodies that arrive from nobody knows whom, and are large */
    uint64_t by_status_class[6]; /* [2]: 2xx */
    int64_t cpu_us;              /* of all server threads */
};
void server_figures(const struct server *server, struct server_figures *out);

#endif
