/*
 * Routes: which handler serves a method and a path, who may call it and how large its body may be.
 * A route is a row in a table.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/exchange.h"

#include <stddef.h>

typedef void handle_fn(struct exchange *exchange);

/* Who may call: a set of scopes, nobody's key needed, or the handler authenticates by its dialect's
 * own rules. */
enum route_access {
    ROUTE_ADMIN = 1 << 0,
    ROUTE_PUBLISH = 1 << 1,
    ROUTE_ACCOUNT = 1 << 2, /* the key of the path's {account}; another's gets 404 */
    ROUTE_OPEN = 1 << 3,
    ROUTE_OWN = 1 << 4,
    ROUTE_NEW_ACCOUNT = 1 << 5, /* the {account} of the path need not exist yet */
};

/* How the machinery's own refusals (too large, no such method, timeout) are worded on a dialect's
 * paths, and on those below them that nobody serves; NULL: a problem document. */
typedef void refuse_fn(struct exchange *exchange, enum problem problem, const struct diag *diag);

struct route {
    const char *method;
    const char *path;      /* "/v1/accounts/{account}/events/{id}": in braces is a parameter */
    unsigned access;       /* of enum route_access */
    size_t body_bytes_max; /* 0: takes none (a body is 413) */
    handle_fn *handle;
    const char *summary; /* one line, for the description of the API */
    refuse_fn *refuse;
    bool ignores_case; /* of literal segments */
};

struct route_table {
    const struct route *routes;
    size_t len;
};

struct router; /* opaque */

/* Builds a tree over the tables, which are borrowed for ever. Two rows for one method and path are
 * a bug of ours (assert). Where several paths match, literal segments win over parameters. */
struct router *router_new(const struct route_table *tables, size_t len);
void router_free(struct router *router);

enum { ROUTE_PARAMS_MAX = 4 };

struct route_match {
    const struct route *route; /* NULL: none */
    bool is_known_path;        /* the path exists with other methods (405); allow lists them */
    /* When route is NULL: one of these; of an unknown path, one of the path it is below, if any. */
    const struct route *other;
    char allow[64];
    struct {
        const char *name;
        size_t name_len;
        struct slice raw;
    } params[ROUTE_PARAMS_MAX]; /* not yet decoded */
    size_t params_len;
};

/* HEAD matches GET. A trailing slash is another path. */
void router_match(const struct router *router, struct slice method, struct slice path,
                  struct route_match *out);

#endif
