/*
 * An endpoint: one libmicrohttpd daemon of a reactor on the server's listening socket.
 *
 * A reactor has one that accepts, and after a change of the certificate older ones that only
 * finish: they accept nothing more, close each connection after its answer, and go with the last
 * one. A draining server has only such.
 */
#ifndef HTTP_ENDPOINT_H
#define HTTP_ENDPOINT_H

#include "base/list.h"
#include "http/certificate.h"
#include "http/reactor.h"

#include <stdbool.h>
#include <stddef.h>

struct MHD_Daemon;

struct endpoint {
    struct list_link link;           /* in the reactor's endpoints */
    struct reactor *reactor;         /* borrowed */
    struct MHD_Daemon *daemon;       /* owned */
    struct certificate *certificate; /* held; NULL: no TLS */
    struct reactor_watch watch;
    size_t connections;
    bool is_retired;
};

/* Whether libmicrohttpd takes them. ERR_INVALID: the diag says why not. */
enum err endpoint_check_certificate(const struct certificate *certificate,
                                    struct diag *diag) MUST_CHECK;

/* Puts a new one in front of the reactor's endpoints. certificate may be NULL. ERR_IO. */
enum err endpoint_start(struct reactor *reactor, struct certificate *certificate,
                        struct diag *diag) MUST_CHECK;

void endpoint_retire(struct endpoint *endpoint);
bool endpoint_has_finished(const struct endpoint *endpoint); /* retired, and nobody is left */

/* Whether it wants to be run at once. */
bool endpoint_is_busy(struct endpoint *endpoint);
void endpoint_run(struct endpoint *endpoint);

/* Closes its connections; none may be suspended. */
void endpoint_free(struct endpoint *endpoint);

#endif
