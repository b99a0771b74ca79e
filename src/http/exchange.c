#include "base/mem.h"
#include "http/exchange_internal.h"
#include "http/server_internal.h"

#include <assert.h>
#include <string.h>

/* ---- Life ---- */

static struct exchange *exchange_new_one(struct reactor *reactor)
{
    struct exchange *exchange = MEM_NEW(struct exchange);

    exchange->reactor = reactor;
    buf_init(&exchange->body, 0);
    buf_init(&exchange->out, EXCHANGE_ANSWER_BYTES_MAX);
    json_doc_init(&exchange->json);
    exchange_wait_init(exchange);
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    buf_clear(&exchange->body);
    buf_clear(&exchange->out);
    json_doc_clear(&exchange->json);
    mem_free(exchange);
}

struct exchange *exchange_begin(struct connection *connection)
{
    struct reactor *reactor = connection->endpoint->reactor;
    struct list_link *spare = list_pop_front(&reactor->spare_exchanges);
    struct exchange *exchange =
        spare != NULL ? LIST_ITEM(spare, struct exchange, link) : exchange_new_one(reactor);

    exchange->connection = connection;
    exchange->origin = connection->origin;
    connection_enter(connection, CONNECTION_ARRIVING);
    reactor_count(&reactor->figures.requests, 1);
    return exchange;
}

/* Back to how exchange_new_one made it, with the memory it has. */
static void make_spare(struct exchange *exchange)
{
    struct reactor *reactor = exchange->reactor;
    struct buf body = exchange->body;
    struct buf out = exchange->out;
    struct json_doc json = exchange->json;

    memset(exchange, 0, offsetof(struct exchange, arena));
    exchange->reactor = reactor;
    exchange->body = body;
    exchange->out = out;
    exchange->json = json;
    exchange_wait_init(exchange);
}

static void trim(struct buf *buf)
{
    if (buf->room > EXCHANGE_KEPT_BYTES_MAX) {
        buf_clear(buf);
    } else {
        buf_reset(buf);
    }
}

void exchange_end(struct exchange *exchange)
{
    struct reactor *reactor = exchange->reactor;

    assert(exchange->state != EXCHANGE_HANDLED && exchange->state != EXCHANGE_PENDING);
    while (exchange->cleanups_len > 0) {
        exchange->cleanups_len--;
        exchange->cleanups[exchange->cleanups_len].end(
            exchange->cleanups[exchange->cleanups_len].ctx);
    }
    if (exchange->is_suspended) {
        reactor->unanswered--; /* the connection broke before the answer was asked for */
    }
    request_forget_stranger(exchange);
    bell_leave(reactor->server->bell, &exchange->ear);
    account_release(exchange->account);
    key_release(exchange->key);
    arena_reset(&exchange->arena);
    trim(&exchange->body);
    trim(&exchange->out);
    if (reactor->spare_exchanges.count < EXCHANGE_SPARES_MAX) {
        make_spare(exchange);
        list_push_front(&reactor->spare_exchanges, &exchange->link);
    } else {
        exchange_free(exchange);
    }
}

void exchange_free_spares(struct reactor *reactor)
{
    while (!list_is_empty(&reactor->spare_exchanges)) {
        exchange_free(LIST_ITEM(list_pop_front(&reactor->spare_exchanges), struct exchange, link));
    }
}

/* ---- The request ---- */

struct slice exchange_method(const struct exchange *exchange)
{
    return exchange->head.method;
}

struct slice exchange_path(const struct exchange *exchange)
{
    return exchange->path;
}

static const struct slice *find_value(const struct exchange_pair *pairs, size_t len,
                                      const char *name)
{
    for (size_t i = 0; i < len; i++) {
        if (slice_is(pairs[i].name, name)) {
            return &pairs[i].value;
        }
    }
    return NULL;
}

static bool pair_at(const struct exchange_pair *pairs, size_t len, size_t index, struct slice *name,
                    struct slice *value)
{
    if (index >= len) {
        return false;
    }
    *name = pairs[index].name;
    *value = pairs[index].value;
    return true;
}

struct slice exchange_param(const struct exchange *exchange, const char *name)
{
    const struct slice *value = find_value(exchange->params, exchange->params_len, name);

    return value != NULL ? *value : (struct slice){NULL, 0};
}

bool exchange_query(const struct exchange *exchange, const char *name, struct slice *out)
{
    const struct slice *value = find_value(exchange->query, exchange->query_len, name);

    if (value == NULL) {
        return false;
    }
    *out = *value;
    return true;
}

size_t exchange_query_count(const struct exchange *exchange, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < exchange->query_len; i++) {
        count += slice_is(exchange->query[i].name, name);
    }
    return count;
}

bool exchange_query_at(const struct exchange *exchange, size_t index, struct slice *name,
                       struct slice *value)
{
    return pair_at(exchange->query, exchange->query_len, index, name, value);
}

struct slice exchange_header(const struct exchange *exchange, const char *name)
{
    const char *value = NULL;
    size_t value_len = 0;

    (void)MHD_lookup_connection_value_n(exchange->connection->handle, MHD_HEADER_KIND, name,
                                        strlen(name), &value, &value_len); /* absent: stays empty */
    return slice_trim(slice_from(value, value_len));
}

static enum MHD_Result collect_header(void *cls, UNUSED enum MHD_ValueKind kind, const char *name,
                                      size_t name_len, const char *value, size_t value_len)
{
    struct exchange *exchange = cls;

    exchange->headers[exchange->headers_len++] = (struct exchange_pair){
        .name = slice_from(name, name_len),
        .value = slice_trim(slice_from(value, value_len)),
    };
    return MHD_YES;
}

static void collect_headers(struct exchange *exchange)
{
    struct MHD_Connection *handle = exchange->connection->handle;
    int count = MHD_get_connection_values_n(handle, MHD_HEADER_KIND, NULL, NULL);

    exchange->headers = arena_new(&exchange->arena, (size_t)count * sizeof(struct exchange_pair));
    (void)MHD_get_connection_values_n(handle, MHD_HEADER_KIND, collect_header, exchange);
}

bool exchange_header_at(const struct exchange *exchange, size_t index, struct slice *name,
                        struct slice *value)
{
    if (exchange->headers == NULL) {
        /* A list kept from the first question on: nothing that the caller could see changes. */
        collect_headers((struct exchange *)exchange);
    }
    return pair_at(exchange->headers, exchange->headers_len, index, name, value);
}

struct slice exchange_body(const struct exchange *exchange)
{
    return buf_view(&exchange->body);
}

struct slice exchange_peer(const struct exchange *exchange)
{
    return slice_of(exchange->origin.text);
}

struct slice exchange_peer_key(const struct exchange *exchange)
{
    return origin_key(&exchange->origin);
}

enum err exchange_json(struct exchange *exchange, bool may_be_empty, struct json *out)
{
    struct diag diag = {0};
    struct slice text = exchange_body(exchange);

    if (may_be_empty && slice_is_empty(slice_trim(text))) {
        text = SLICE("{}");
    }
    enum err err = json_parse(&exchange->json, text, &diag);
    if (err != OK) {
        exchange_refuse(exchange, err == ERR_LIMIT ? PROBLEM_TOO_LARGE : PROBLEM_INVALID_JSON,
                        &diag);
        return ERR_INVALID;
    }
    struct json root = json_root(&exchange->json);
    if (json_type(root) != JSON_OBJECT) {
        err = diag_set(&diag, ERR_INVALID, "expected an object, not %s",
                       json_type_name(json_type(root)));
        exchange_refuse(exchange, PROBLEM_INVALID_JSON, &diag);
        return err;
    }
    *out = root;
    return OK;
}

struct account *exchange_account(const struct exchange *exchange)
{
    return exchange->account;
}

const struct key *exchange_key(const struct exchange *exchange)
{
    return exchange->key;
}

void exchange_take_account(struct exchange *exchange, struct account *account)
{
    account_release(exchange->account);
    exchange->account = account_hold(account);
}

/* ---- What the handler works with ---- */

void *exchange_app(const struct exchange *exchange)
{
    return exchange->reactor->server->options.app;
}

struct env *exchange_env(const struct exchange *exchange)
{
    return exchange->reactor->server->env;
}

struct mailbox *exchange_mailbox(const struct exchange *exchange)
{
    return exchange->reactor->mailbox;
}

struct store *exchange_store(const struct exchange *exchange)
{
    return exchange->reactor->server->options.store;
}

struct directory *exchange_directory(struct exchange *exchange)
{
    struct store *store = exchange_store(exchange);

    return store != NULL ? store_view(store, &exchange->reactor->view) : NULL;
}

void *exchange_new(struct exchange *exchange, size_t bytes)
{
    return arena_new(&exchange->arena, bytes);
}

void exchange_on_end(struct exchange *exchange, void (*end)(void *ctx), void *ctx)
{
    assert(exchange->cleanups_len < EXCHANGE_CLEANUPS_MAX);
    exchange->cleanups[exchange->cleanups_len].end = end;
    exchange->cleanups[exchange->cleanups_len].ctx = ctx;
    exchange->cleanups_len++;
}

void exchange_submit(struct exchange *exchange, enum store_call call, struct store_request *request,
                     store_done_fn *done)
{
    assert(exchange->state == EXCHANGE_HANDLED || exchange->state == EXCHANGE_PENDING);
    assert(exchange_store(exchange) != NULL);
    request->call = call;
    request->reply_to = exchange->reactor->mailbox;
    request->done = done;
    store_submit(exchange_store(exchange), request);
}

void exchange_store_failed(struct exchange *exchange, const struct store_request *request)
{
    enum problem problem = problem_from_err(request->err);

    /* What is wrong inside is for the log, not for the caller. */
    exchange_refuse(exchange, problem, problem == PROBLEM_INTERNAL ? NULL : &request->diag);
}

bool exchange_is_gone(const struct exchange *exchange)
{
    return connection_is_gone(exchange->connection);
}

bool exchange_is_draining(const struct exchange *exchange)
{
    return exchange->reactor->is_draining;
}
