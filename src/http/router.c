/*
 * A tree with one level for each segment of the paths. A node has children with a literal text and
 * at most one that takes any text; the literal ones are tried first, and when they lead nowhere the
 * other one is, so the order of the rows in the tables means nothing.
 */
#include "http/router.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

enum { METHODS_MAX = 8 }; /* routes on one path: no more than there are methods */

struct node {
    struct slice
        text; /* of a literal segment, lent from its route; no text in the root and in parameters */
    bool ignores_case;
    size_t depth;           /* segments on the way to it */
    struct node **literals; /* owned */
    size_t literals_len;
    struct node *parameter; /* owned; NULL when there is none */
    const struct route *routes[METHODS_MAX];
    size_t routes_len;
};

struct router {
    struct node root;
};

static bool is_parameter(struct slice segment)
{
    return segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
}

static struct slice without_first(struct slice text)
{
    return slice_sub(text, 1, text.len);
}

/* ---- Building ---- */

static struct node *add_literal(struct node *parent, struct slice text, bool ignores_case)
{
    for (size_t i = 0; i < parent->literals_len; i++) {
        struct node *child = parent->literals[i];

        if (child->ignores_case == ignores_case && slice_equal(child->text, text)) {
            return child;
        }
    }

    struct node *node = MEM_NEW(struct node);

    node->text = text;
    node->ignores_case = ignores_case;
    node->depth = parent->depth + 1;
    parent->literals =
        mem_resize(parent->literals, parent->literals_len + 1, sizeof(struct node *));
    parent->literals[parent->literals_len++] = node;
    return node;
}

static struct node *add_child(struct node *parent, struct slice segment, bool ignores_case)
{
    if (!is_parameter(segment)) {
        return add_literal(parent, segment, ignores_case);
    }
    if (parent->parameter == NULL) {
        parent->parameter = MEM_NEW(struct node);
        parent->parameter->depth = parent->depth + 1;
    }
    return parent->parameter;
}

static void add_route(struct router *router, const struct route *route)
{
    struct slice rest = slice_of(route->path);
    struct slice segment;
    struct node *node = &router->root;
    size_t parameters = 0;

    assert(rest.len > 0 && rest.ptr[0] == '/');
    rest = without_first(rest);
    while (slice_cut(&rest, '/', &segment)) {
        parameters += is_parameter(segment);
        node = add_child(node, segment, route->ignores_case);
    }
    assert(parameters <= ROUTE_PARAMS_MAX && node->routes_len < METHODS_MAX);
    for (size_t i = 0; i < node->routes_len; i++) {
        assert(strcmp(node->routes[i]->method, route->method) != 0);
    }
    node->routes[node->routes_len++] = route;
}

struct router *router_new(const struct route_table *tables, size_t len)
{
    struct router *router = MEM_NEW(struct router);

    for (size_t i = 0; i < len; i++) {
        for (size_t row = 0; row < tables[i].len; row++) {
            add_route(router, &tables[i].routes[row]);
        }
    }
    return router;
}

static void clear_node(struct node *node)
{
    for (size_t i = 0; i < node->literals_len; i++) {
        clear_node(node->literals[i]);
        mem_free(node->literals[i]);
    }
    mem_free(node->literals);
    if (node->parameter != NULL) {
        clear_node(node->parameter);
        mem_free(node->parameter);
    }
}

void router_free(struct router *router)
{
    if (router == NULL) {
        return;
    }
    clear_node(&router->root);
    mem_free(router);
}

/* ---- Matching ---- */

struct search {
    struct slice method;
    struct slice raw[ROUTE_PARAMS_MAX]; /* texts that parameters on the way here took */
    size_t raw_len;
    size_t nearest_depth; /* of out->other, while no path matched */
    struct route_match *out;
};

static bool text_matches(const struct node *node, struct slice segment)
{
    return node->ignores_case ? slice_equal_nocase(node->text, segment)
                              : slice_equal(node->text, segment);
}

static const struct route *find_method(const struct node *node, struct slice method)
{
    for (size_t i = 0; i < node->routes_len; i++) {
        if (slice_is(method, node->routes[i]->method)) {
            return node->routes[i];
        }
    }
    return NULL;
}

static void allow(struct route_match *out, const char *method)
{
    size_t len = strlen(out->allow);

    /* A method of a second path that matches too may be there already. */
    if (strstr(out->allow, method) == NULL && len + strlen(method) + 3 <= sizeof out->allow) {
        (void)snprintf(out->allow + len, sizeof out->allow - len, "%s%s", len > 0 ? ", " : "",
                       method);
    }
}

/* Gives the texts their names, which the route's own path tells. */
static void name_params(const struct search *search, const struct route *route)
{
    struct slice rest = slice_of(route->path);
    struct slice segment;
    size_t len = 0;

    while (slice_cut(&rest, '/', &segment)) {
        if (is_parameter(segment)) {
            search->out->params[len].name = segment.ptr + 1;
            search->out->params[len].name_len = segment.len - 2;
            search->out->params[len].raw = search->raw[len];
            len++;
        }
    }
    search->out->params_len = len;
}

/* The path ends in node: takes its route of the method, or notes the methods that it has. */
static bool end_at(const struct search *search, const struct node *node)
{
    const struct route *route = find_method(node, search->method);

    if (route == NULL && slice_is(search->method, "HEAD")) {
        route = find_method(node, SLICE("GET"));
    }
    for (size_t i = 0; route == NULL && i < node->routes_len; i++) {
        search->out->is_known_path = true;
        search->out->other = node->routes[i];
        allow(search->out, node->routes[i]->method);
        if (strcmp(node->routes[i]->method, "GET") == 0) {
            allow(search->out, "HEAD");
        }
    }
    if (route == NULL) {
        return false;
    }
    search->out->route = route;
    name_params(search, route);
    return true;
}

/* The path goes on below node: notes its route, unless one further down was noted before. */
static void pass(struct search *search, const struct node *node)
{
    struct route_match *out = search->out;

    if (node->routes_len > 0 && !out->is_known_path &&
        (out->other == NULL || node->depth > search->nearest_depth)) {
        out->other = node->routes[0];
        search->nearest_depth = node->depth;
    }
}

static bool descend(struct search *search, const struct node *node, struct slice rest)
{
    struct slice segment;

    if (!slice_cut(&rest, '/', &segment)) {
        return end_at(search, node);
    }
    pass(search, node);
    for (size_t i = 0; i < node->literals_len; i++) {
        if (text_matches(node->literals[i], segment) && descend(search, node->literals[i], rest)) {
            return true;
        }
    }
    if (node->parameter == NULL || slice_is_empty(segment)) {
        return false;
    }
    search->raw[search->raw_len++] = segment;
    if (descend(search, node->parameter, rest)) {
        return true;
    }
    search->raw_len--;
    return false;
}

void router_match(const struct router *router, struct slice method, struct slice path,
                  struct route_match *out)
{
    struct search search = {.method = method, .out = out};

    out->route = NULL;
    out->is_known_path = false;
    out->other = NULL;
    out->allow[0] = '\0';
    out->params_len = 0;
    if (path.len > 0 && path.ptr[0] == '/' &&
        descend(&search, &router->root, without_first(path))) {
        out->is_known_path = true;
        out->allow[0] = '\0'; /* what a less exact path allows is nobody's business now */
    }
}
