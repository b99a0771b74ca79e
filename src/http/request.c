#include "http/request.h"

#include "http/exchange_internal.h"
#include "http/forwarded.h"
#include "http/linger.h"
#include "http/server_internal.h"

#include <assert.h>
#include <string.h>

/* What is read and thrown away of a body that has no length and turned out too large, so that its
 * sender gets to see the answer; after that the connection breaks. */
enum { DROPPED_BYTES_MAX = 4 * 1024 * 1024 };

/* ---- The first line ---- */

/* RFC 9112 section 3.2.2: "http://host/path" is as good as "/path". */
static struct slice without_authority(struct slice uri)
{
    static const struct slice schemes[] = {SLICE("http://"), SLICE("https://")};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (slice_equal_nocase(slice_sub(uri, 0, schemes[i].len), schemes[i])) {
            struct slice rest = slice_sub(uri, schemes[i].len, uri.len);
            const char *path = memchr(rest.ptr, '/', rest.len);

            return path != NULL ? slice_from(path, (size_t)(rest.ptr + rest.len - path))
                                : SLICE("/");
        }
    }
    return uri;
}

void *request_on_uri(UNUSED void *cls, const char *uri, struct MHD_Connection *handle)
{
    struct connection *connection = connection_of(handle);

    if (connection->is_turned_away) {
        return NULL;
    }
    struct exchange *exchange = exchange_begin(connection);
    struct slice rest;

    exchange->head.uri = slice_of(uri);
    exchange->is_uri_valid = head_uri_is_valid(exchange->head.uri);
    rest = without_authority(exchange->head.uri);
    if (slice_cut(&rest, '?', &exchange->path) && rest.len > 0) {
        /* libmicrohttpd takes it apart where it stands, and less strictly than we do. */
        exchange->query_text = arena_copy(&exchange->arena, rest);
    }
    return exchange;
}

/* ---- The head ---- */

static void refuse_unmatched(struct exchange *exchange, const struct route_match *match)
{
    struct diag diag = {0};

    if (!match->is_known_path) {
        (void)diag_set(&diag, ERR_NOT_FOUND, "there is nothing at this path");
        answer_refuse(exchange, match->other, PROBLEM_NOT_FOUND, &diag);
        return;
    }
    (void)diag_set(&diag, ERR_INVALID, "allowed here: %s", match->allow);
    exchange_put_header(exchange, "Allow", slice_of(match->allow));
    answer_refuse(exchange, match->other, PROBLEM_METHOD, &diag);
}

/* Nobody knows where the next request would begin. */
static void refuse_head(struct exchange *exchange, enum err err, const struct diag *diag)
{
    exchange->closes = true;
    if (err == ERR_LIMIT && connection_refuse_head(exchange->connection)) {
        exchange->is_hopeless = true;
        return;
    }
    answer_refuse(exchange, NULL, err == ERR_LIMIT ? PROBLEM_HEADERS_TOO_LARGE : PROBLEM_INVALID,
                  diag);
}

static bool accepts_head(struct exchange *exchange)
{
    struct diag diag = {0};
    size_t memory_max = exchange->reactor->server->options.connection_memory_bytes;
    enum err err =
        exchange->is_uri_valid
            ? head_check(exchange->connection->handle, memory_max, &exchange->head, &diag)
            : diag_set(&diag, ERR_INVALID, "the address has characters that it may not");

    if (err != OK) {
        refuse_head(exchange, err, &diag);
    } else if (exchange->connection->is_from_proxy) {
        forwarded_find(exchange, &exchange->reactor->server->options.trusted_proxies,
                       &exchange->origin);
    }
    return err == OK;
}

static bool finds_route(struct exchange *exchange)
{
    struct route_match match;
    struct diag diag = {0};

    router_match(exchange->reactor->server->options.router, exchange->head.method, exchange->path,
                 &match);
    if (match.route == NULL) {
        refuse_unmatched(exchange, &match);
        return false;
    }
    exchange->route = match.route;
    if (params_decode(exchange, &match, &diag) != OK || query_decode(exchange, &diag) != OK) {
        answer_refuse(exchange, match.route, PROBLEM_INVALID, &diag);
        return false;
    }
    return true;
}

static bool accepts_caller(struct exchange *exchange)
{
    enum problem problem = PROBLEM_UNAUTHENTICATED;
    struct diag diag = {0};

    if (!auth_check(exchange, &problem, &diag)) {
        answer_refuse(exchange, exchange->route, problem, &diag);
        return false;
    }
    return true;
}

static void refuse_large(struct exchange *exchange)
{
    struct diag diag = {0};

    (void)diag_set(&diag, ERR_LIMIT, "expected a body of at most %zu bytes",
                   exchange->route->body_bytes_max);
    answer_refuse(exchange, exchange->route, PROBLEM_TOO_LARGE, &diag);
}

/* Routes without a key: who calls is known when the body has been read, or never. */
static bool is_from_stranger(const struct exchange *exchange)
{
    return (exchange->route->access & (ROUTE_OPEN | ROUTE_OWN)) != 0;
}

/* A stranger's word for how much will come is not worth memory. */
static void expect_body(struct exchange *exchange)
{
    exchange->body.bytes_max = exchange->route->body_bytes_max;
    if (exchange->head.body_bytes > exchange->route->body_bytes_max) {
        refuse_large(exchange);
    } else if (exchange->head.has_body && !exchange->head.is_chunked &&
               !is_from_stranger(exchange)) {
        buf_reserve(&exchange->body, exchange->head.body_bytes);
    }
}

static void open_request(struct exchange *exchange, const char *method, const char *version)
{
    exchange->head.method = slice_of(method);
    exchange->head.version = slice_of(version);
    if (accepts_head(exchange) && finds_route(exchange) && accepts_caller(exchange)) {
        expect_body(exchange);
    }
}

/* ---- The body ---- */

/*
 * What arrives from strangers is kept from filling the memory: thousands of them may send all but
 * the last byte of a large body. The first part of each, in which most requests fit, is free.
 */
enum {
    STRANGER_FREE_BYTES = 16 * 1024,
    STRANGERS_BYTES_MAX = 32 * 1024 * 1024, /* of a reactor's, beyond that */
};

void request_forget_stranger(struct exchange *exchange)
{
    _Atomic uint64_t *counted = &exchange->reactor->figures.stranger_bytes;

    reactor_count(counted, -(int64_t)exchange->stranger_bytes);
    exchange->stranger_bytes = 0;
}

/* Counts what comes now; false when there is no room for it. */
static bool takes_from_stranger(struct exchange *exchange, size_t len)
{
    _Atomic uint64_t *counted = &exchange->reactor->figures.stranger_bytes;
    size_t all = exchange->body.len + len;
    size_t beyond = all > STRANGER_FREE_BYTES ? all - STRANGER_FREE_BYTES : 0;
    size_t more = beyond - exchange->stranger_bytes;

    if (more > STRANGERS_BYTES_MAX - atomic_load_explicit(counted, memory_order_relaxed)) {
        return false;
    }
    reactor_count(counted, (int64_t)more);
    exchange->stranger_bytes = beyond;
    return true;
}

/* False: enough is enough. */
static bool take_body(struct exchange *exchange, const char *bytes, size_t len)
{
    if (exchange->state == EXCHANGE_ARRIVING && is_from_stranger(exchange) &&
        !takes_from_stranger(exchange, len)) {
        buf_clear(&exchange->body);
        request_forget_stranger(exchange);
        answer_refuse(exchange, exchange->route, PROBLEM_BUSY, NULL);
    }
    if (exchange->state == EXCHANGE_ARRIVING) {
        buf_add(&exchange->body, bytes, len);
        if (buf_check(&exchange->body) == OK) {
            return true;
        }
        buf_clear(&exchange->body);
        request_forget_stranger(exchange);
        refuse_large(exchange);
    }
    exchange->dropped_bytes += len;
    return exchange->dropped_bytes <= DROPPED_BYTES_MAX;
}

/* ---- The handler ---- */

static void handle(struct exchange *exchange)
{
    connection_enter(exchange->connection, CONNECTION_HANDLED);
    request_forget_stranger(exchange);
    exchange->state = EXCHANGE_HANDLED;
    exchange->route->handle(exchange);
    if (exchange->state == EXCHANGE_HANDLED) {
        exchange->state = EXCHANGE_PENDING;
        exchange->is_suspended = true;
        exchange->reactor->unanswered++;
        MHD_suspend_connection(exchange->connection->handle);
    }
}

/* The head is complete. A refusal is sent now if a body would follow or the connection closes
 * anyway, else when libmicrohttpd calls again: what is sent now closes the connection. */
static bool on_head(struct exchange *exchange, const char *method, const char *version)
{
    exchange->is_first_call_over = true;
    open_request(exchange, method, version);
    exchange->is_cut = exchange->is_hopeless || (exchange->state == EXCHANGE_ANSWERED &&
                                                 (exchange->head.has_body || exchange->closes));
    return !exchange->is_hopeless && (!exchange->is_cut || answer_queue(exchange));
}

/* The request is complete, or an answer to it was announced by resuming. */
static bool on_complete(struct exchange *exchange)
{
    if (exchange->is_suspended) {
        exchange->is_suspended = false;
        exchange->reactor->unanswered--;
    }
    if (exchange->state == EXCHANGE_ARRIVING) {
        handle(exchange);
    }
    return exchange->state != EXCHANGE_ANSWERED || answer_queue(exchange);
}

enum MHD_Result request_on_access(UNUSED void *cls, UNUSED struct MHD_Connection *handle,
                                  UNUSED const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_bytes, void **context)
{
    struct exchange *exchange = *context;
    bool goes_on = false;

    if (exchange == NULL) { /* turned away */
        return MHD_NO;
    }
    if (!exchange->is_first_call_over) {
        goes_on = on_head(exchange, method, version);
    } else if (*upload_bytes > 0) {
        goes_on = take_body(exchange, upload, *upload_bytes);
        *upload_bytes = 0;
    } else {
        goes_on = on_complete(exchange);
    }
    return goes_on ? MHD_YES : MHD_NO;
}

/* ---- The end ---- */

void request_on_completed(UNUSED void *cls, UNUSED struct MHD_Connection *handle, void **context,
                          UNUSED enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *context;

    if (exchange == NULL) {
        return;
    }
    struct connection *connection = exchange->connection;

    *context = NULL;
    bool is_cut = exchange->is_cut;
    if (is_cut) {
        linger_begin(exchange->reactor, connection->fd);
    }
    exchange_end(exchange);
    connection_enter(connection, CONNECTION_IDLE);
    /* Its answer may have been on the way when draining began, and have promised to go on. */
    if (connection->endpoint->reactor->is_draining && !is_cut) {
        connection_drain(connection);
    }
}
