/*
 * What the files behind exchange.h share: the request, its answer, and its waits.
 *
 * The life of an exchange, which belongs to its reactor's thread:
 *
 *   ARRIVING   from the request line until the body is complete
 *   HANDLED    the handler is running, inside libmicrohttpd's call-back
 *   PENDING    the handler has returned without an answer: the connection is suspended
 *   ANSWERED   the answer is there; a suspended connection is resumed
 *   SENDING    libmicrohttpd has the answer
 *
 *   ARRIVING -> HANDLED -> PENDING -> ANSWERED -> SENDING -> gone
 *      |           |                     ^           ^
 *      |           +---------------------+           |
 *      +---- refused (ANSWERED) ---------------------+
 *
 * It goes when libmicrohttpd says that the request is completed: after SENDING, or out of ARRIVING
 * and ANSWERED when the connection broke. Out of PENDING it cannot go: libmicrohttpd leaves
 * suspended connections alone. So whoever works for a pending exchange finds it alive.
 */
#ifndef HTTP_EXCHANGE_INTERNAL_H
#define HTTP_EXCHANGE_INTERNAL_H

#include "http/arena.h"
#include "http/bell.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/head.h"
#include "http/router.h"

enum exchange_state {
    EXCHANGE_ARRIVING,
    EXCHANGE_HANDLED,
    EXCHANGE_PENDING,
    EXCHANGE_ANSWERED,
    EXCHANGE_SENDING,
};

enum exchange_wait_state {
    WAIT_NONE,
    WAIT_ASLEEP, /* its ear is asleep */
    WAIT_OVER,   /* awake again; woken is called when the timer is due, at once */
};

struct exchange_pair {
    struct slice name, value;
};

struct exchange_header_line {
    struct exchange_header_line *next;
    const char *name;
    const char *value;
};

enum {
    EXCHANGE_QUERY_MAX = 64,                      /* parameters; no call has a quarter of them */
    EXCHANGE_ANSWER_BYTES_MAX = 64 * 1024 * 1024, /* lists are limited long before */
    EXCHANGE_KEPT_BYTES_MAX =
        16 * 1024,             /* a larger body or answer does not stay with a spare one */
    EXCHANGE_SPARES_MAX = 256, /* a reactor */
};

struct exchange {
    struct reactor *reactor;
    struct connection *connection;
    struct origin origin;  /* the caller's: the connection's, or that of whom it brings */
    struct list_link link; /* in the reactor's sleepers or spares */
    enum exchange_state state;
    bool is_first_call_over; /* libmicrohttpd has called once: the head is known */
    bool is_suspended;       /* until libmicrohttpd calls again */

    /* The request */
    struct head head;
    bool is_uri_valid;
    struct slice path, query_text;
    const struct route *route;
    struct exchange_pair params[ROUTE_PARAMS_MAX]; /* names lent from the route, values decoded */
    size_t params_len;
    struct exchange_pair *query; /* decoded, in the arena */
    size_t query_len;
    struct exchange_pair *headers; /* in the arena, once somebody asked for all */
    size_t headers_len;
    struct buf body;
    size_t stranger_bytes;  /* of the body, counted in the reactor's */
    uint64_t dropped_bytes; /* of a body that is too large */
    struct json_doc json;
    struct account *account; /* held */
    struct key *key;         /* held */

    /* The answer */
    struct buf out;
    unsigned status;
    const char *content_type; /* NULL: no body */
    struct exchange_header_line *header_lines;
    bool closes;      /* the connection, after the answer */
    bool is_hopeless; /* the connection breaks, what there was to say is said */
    bool is_cut;      /* the answer came before the body was read */

    /* A wait */
    struct bell_ear ear;
    enum exchange_wait_state wait;
    bool was_rung;
    struct reactor_timer wait_timer;
    struct reactor_watch gone_watch;
    exchange_woken_fn *woken;
    void *woken_ctx;

    struct {
        void (*end)(void *ctx);
        void *ctx;
    } cleanups[EXCHANGE_CLEANUPS_MAX];
    size_t cleanups_len;

    struct arena arena;
};

/* request.c: the body does not count any more among those of strangers. */
void request_forget_stranger(struct exchange *exchange);

/* exchange.c */
struct exchange *exchange_begin(struct connection *connection);
void exchange_end(struct exchange *exchange);
void exchange_free_spares(struct reactor *reactor);

/* query.c: takes apart query_text and the values of the route's parameters. ERR_INVALID: the diag
 * names the one that is not percent-encoded UTF-8 without control characters. */
enum err query_decode(struct exchange *exchange, struct diag *diag) MUST_CHECK;
enum err params_decode(struct exchange *exchange, const struct route_match *match,
                       struct diag *diag) MUST_CHECK;

/* answer.c: hands the answer to libmicrohttpd. False when it does not take it. */
bool answer_queue(struct exchange *exchange);
/* Refuses in the words of route, whose path it is or is below; NULL: it is nobody's. */
void answer_refuse(struct exchange *exchange, const struct route *route, enum problem problem,
                   const struct diag *diag);

/* wait.c */
void exchange_wait_init(struct exchange *exchange);
void exchange_wake_all(struct reactor *reactor); /* the server drains */

/* auth.c: who calls, and whether the route is theirs; fills key and account. False: refused by
 * *problem, whose words are in diag. */
bool auth_check(struct exchange *exchange, enum problem *problem, struct diag *diag);
/* Whether the exchange's key still is one, in the newest settings. */
bool auth_is_still_right(struct exchange *exchange);

#endif
