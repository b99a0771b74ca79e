/*
 * A server for tests: routes that do one thing each, a store that answers from a thread of its own,
 * and a clock that stands until the test moves it: however long the test is held up, no time passes
 * for the server.
 *
 *   GET  /hello            "hello"
 *   PUT  /hello            204
 *   POST /echo             the body, at most ECHO_BYTES_MAX
 *   POST /count            how many bytes the body has, at most COUNT_BYTES_MAX
 *   POST /json             the JSON body's member "a", as it is
 *   GET  /large?bytes=     so many bytes
 *   GET  /later            "later", after the store has answered
 *   GET  /failing?err=     a store request that fails
 *   GET  /wait/{topic}?ms= "rung", "silence" or "draining", after a wait; with &late= so many
 *                          milliseconds pass before it begins, as on a machine that is held up
 *   GET  /items/{id}       the decoded parameter
 *   GET  /query            the decoded query, "name=value;" each
 *   GET  /headers          the request's headers, "name=value;" each
 *   GET  /peer             the peer's address
 *   GET  /problem          a problem with words and field
 *   POST /dialect          at most 8 bytes; refusals are "refused: code" with status 200
 *   GET  /dialect/failing?err=   /failing, refused in the same words
 *   POST /dialect/json     /json, refused in the same words
 *   GET  /dialect/secret   "right" or "wrong": whether the header X-Secret is "right"
 *   GET  /v1/admin, /v1/publish, /v1/accounts/{account}/name   need keys
 *   PUT  /v1/accounts/{account}/open   needs none; "known" or "unknown"
 *   PUT  /v1/accounts/{account}/new    the same with a key, for one that need not exist
 */
#ifndef HTTP_SITE_H
#define HTTP_SITE_H

#include "http/server.h"
#include "model/directory.h"
#include "os/thread.h"

#include <stdatomic.h>

enum { ECHO_BYTES_MAX = 1000, COUNT_BYTES_MAX = 1024 * 1024 };

struct site {
    struct server *server;
    struct env_manual clock; /* the server's */
    struct router *router;
    struct mailbox *store_mailbox;
    struct thread store_thread;
    atomic_bool store_ends;
    _Atomic uint64_t ended;         /* exchanges with a cleanup that ran */
    pthread_mutex_t directory_lock; /* guards the next */
    struct directory *directory;    /* what store_view gives; held */
};

/* options: what is zero gets a default; router, store and app are the site's. */
void site_start(struct site *site, struct server_options options);
void site_stop(struct site *site);

const char *site_address(const struct site *site);

/* Lets time pass for the server. What it was sent before it has read by then; what the time makes
 * it do it has done when this returns. */
void site_pass(struct site *site, int64_t us);

/* Waits until a figure has the value; the test fails when it takes too long. */
void site_await_waiting(const struct site *site, uint64_t count);
void site_await_connections(const struct site *site, uint64_t count);
void site_await_stranger_bytes(const struct site *site, uint64_t count);

/* Puts a new snapshot in place of the site's; the site takes the reference. */
void site_set_directory(struct site *site, struct directory *directory);

#endif
