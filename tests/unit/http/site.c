#include "site.h"

#include "base/mem.h"
#include "client.h"
#include "http/exchange.h"
#include "http/server_internal.h"
#include "support/unit.h"

#include <poll.h>
#include <string.h>

/* ---- The store ---- */

struct store {
    struct site *site;
};

static struct store the_store;

static void store_reply(struct message *message)
{
    struct store_request *request = CONTAINER_OF(message, struct store_request, message);

    request->done(request);
}

static void store_work(struct message *message)
{
    struct store_request *request = CONTAINER_OF(message, struct store_request, message);

    message->run = store_reply;
    mailbox_post(request->reply_to, message);
}

void store_submit(struct store *store, struct store_request *request)
{
    request->message.run = store_work;
    mailbox_post(store->site->store_mailbox, &request->message);
}

struct directory *store_view(struct store *store, struct store_view *view)
{
    struct site *site = store->site;

    directory_release(view->directory);
    (void)pthread_mutex_lock(&site->directory_lock);
    view->directory = directory_hold(site->directory);
    (void)pthread_mutex_unlock(&site->directory_lock);
    return view->directory;
}

void store_view_clear(struct store_view *view)
{
    directory_release(view->directory);
    view->directory = NULL;
}

static void store_main(void *ctx)
{
    struct site *site = ctx;

    while (!atomic_load(&site->store_ends)) {
        (void)mailbox_wait(site->store_mailbox, -1);
        (void)mailbox_run(site->store_mailbox);
    }
}

/* ---- The handlers ---- */

static void answer_text(struct exchange *exchange, const char *text)
{
    buf_text(exchange_out(exchange), text);
    exchange_answer(exchange, 200, "text/plain");
}

static void get_hello(struct exchange *exchange)
{
    answer_text(exchange, "hello");
}

static void put_hello(struct exchange *exchange)
{
    exchange_answer_empty(exchange, 204);
}

static void post_echo(struct exchange *exchange)
{
    buf_slice(exchange_out(exchange), exchange_body(exchange));
    exchange_put_header(exchange, "X-Echo", SLICE("yes"));
    exchange_answer(exchange, 200, "application/octet-stream");
}

static void post_count(struct exchange *exchange)
{
    buf_printf(exchange_out(exchange), "%zu bytes", exchange_body(exchange).len);
    exchange_answer(exchange, 200, "text/plain");
}

static void post_json(struct exchange *exchange)
{
    struct json root;

    if (exchange_json(exchange, /* may_be_empty= */ true, &root) != OK) {
        return;
    }
    buf_slice(exchange_out(exchange), json_raw(json_member(root, "a")));
    exchange_answer_json(exchange, 200);
}

/* 0 when it is not there. */
static uint64_t query_number(const struct exchange *exchange, const char *name)
{
    struct slice text;
    uint64_t number = 0;

    if (exchange_query(exchange, name, &text)) {
        assert_int_equal(slice_to_u64(text, &number), OK);
    }
    return number;
}

static void get_large(struct exchange *exchange)
{
    static const char block[64 * 1024];
    uint64_t left = query_number(exchange, "bytes");

    while (left > 0) {
        size_t len = left < sizeof block ? left : sizeof block;

        buf_add(exchange_out(exchange), block, len);
        left -= len;
    }
    exchange_answer(exchange, 200, "application/octet-stream");
}

static void count_end(void *ctx)
{
    struct site *site = ctx;

    (void)atomic_fetch_add(&site->ended, 1);
}

struct later {
    struct store_request request;
    struct exchange *exchange;
};

static struct later *later_new(struct exchange *exchange)
{
    struct later *later = exchange_new(exchange, sizeof *later);

    later->exchange = exchange;
    exchange_on_end(exchange, count_end, exchange_app(exchange));
    return later;
}

static void later_done(struct store_request *request)
{
    struct later *later = CONTAINER_OF(request, struct later, request);

    if (request->err != OK) {
        exchange_store_failed(later->exchange, request);
    } else {
        answer_text(later->exchange, "later");
    }
}

static void get_later(struct exchange *exchange)
{
    struct later *later = later_new(exchange);

    exchange_submit(exchange, STORE_CALL_stats, &later->request, later_done);
}

static void get_failing(struct exchange *exchange)
{
    struct later *later = later_new(exchange);

    later->request.err = diag_set(&later->request.diag, (enum err)query_number(exchange, "err"),
                                  "words of the store");
    exchange_submit(exchange, STORE_CALL_stats, &later->request, later_done);
}

static void wait_woken(struct exchange *exchange, UNUSED void *ctx)
{
    if (exchange_was_rung(exchange)) {
        answer_text(exchange, "rung");
    } else {
        answer_text(exchange, exchange_is_draining(exchange) ? "draining" : "silence");
    }
}

static void get_wait(struct exchange *exchange)
{
    struct site *site = exchange_app(exchange);
    uint64_t topic = 0;

    exchange_on_end(exchange, count_end, site);
    assert_int_equal(slice_to_u64(exchange_param(exchange, "topic"), &topic), OK);
    exchange_listen(exchange, topic);
    env_manual_advance(&site->clock, (int64_t)query_number(exchange, "late") * US_PER_MS);
    exchange_wait(exchange, (int64_t)query_number(exchange, "ms") * US_PER_MS, wait_woken, NULL);
}

static void get_item(struct exchange *exchange)
{
    buf_slice(exchange_out(exchange), exchange_param(exchange, "id"));
    exchange_answer(exchange, 200, "text/plain");
}

typedef bool pair_at_fn(const struct exchange *exchange, size_t index, struct slice *name,
                        struct slice *value);

static void answer_pairs(struct exchange *exchange, pair_at_fn *at)
{
    struct slice name;
    struct slice value;

    for (size_t i = 0; at(exchange, i, &name, &value); i++) {
        buf_printf(exchange_out(exchange), "%.*s=%.*s;", SLICE_ARGS(name), SLICE_ARGS(value));
    }
    exchange_answer(exchange, 200, "text/plain");
}

static void get_query(struct exchange *exchange)
{
    answer_pairs(exchange, exchange_query_at);
}

static void get_headers(struct exchange *exchange)
{
    answer_pairs(exchange, exchange_header_at);
}

static void get_peer(struct exchange *exchange)
{
    buf_slice(exchange_out(exchange), exchange_peer(exchange));
    exchange_answer(exchange, 200, "text/plain");
}

static void get_problem(struct exchange *exchange)
{
    struct diag diag = {0};

    buf_text(exchange_out(exchange), "half an answer");
    exchange_input_failed(exchange, diag_field(&diag, ERR_INVALID, "color", "expected a color"),
                          &diag);
}

static void refuse_in_dialect(struct exchange *exchange, enum problem problem,
                              UNUSED const struct diag *diag)
{
    buf_printf(exchange_out(exchange), "refused: %s", problem_code(problem));
    exchange_answer(exchange, 200, "text/plain");
}

static void get_secret(struct exchange *exchange)
{
    struct slice secret = exchange_header(exchange, "X-Secret");
    bool is_right = slice_is(secret, "right");
    struct diag diag = {0};

    if (!exchange_may_try(exchange, secret, &diag)) {
        exchange_refuse(exchange, PROBLEM_RATE, &diag);
        return;
    }
    exchange_tried(exchange, secret, is_right);
    answer_text(exchange, is_right ? "right" : "wrong");
}

static void get_account_name(struct exchange *exchange)
{
    buf_slice(exchange_out(exchange), exchange_account(exchange)->name);
    exchange_answer(exchange, 200, "text/plain");
}

static void put_account_open(struct exchange *exchange)
{
    answer_text(exchange, exchange_account(exchange) != NULL ? "known" : "unknown");
}

static const struct route routes[] = {
    {"GET", "/hello", ROUTE_OPEN, 0, get_hello, "", NULL, false},
    {"PUT", "/hello", ROUTE_OPEN, 0, put_hello, "", NULL, false},
    {"POST", "/echo", ROUTE_OPEN, ECHO_BYTES_MAX, post_echo, "", NULL, false},
    {"POST", "/count", ROUTE_OPEN, COUNT_BYTES_MAX, post_count, "", NULL, false},
    {"POST", "/json", ROUTE_OPEN, ECHO_BYTES_MAX, post_json, "", NULL, false},
    {"GET", "/large", ROUTE_OPEN, 0, get_large, "", NULL, false},
    {"GET", "/later", ROUTE_OPEN, 0, get_later, "", NULL, false},
    {"GET", "/failing", ROUTE_OPEN, 0, get_failing, "", NULL, false},
    {"GET", "/wait/{topic}", ROUTE_OPEN, 0, get_wait, "", NULL, false},
    {"GET", "/v1/admin/wait/{topic}", ROUTE_ADMIN, 0, get_wait, "", NULL, false},
    {"GET", "/items/{id}", ROUTE_OPEN, 0, get_item, "", NULL, false},
    {"GET", "/query", ROUTE_OPEN, 0, get_query, "", NULL, false},
    {"GET", "/headers", ROUTE_OPEN, 0, get_headers, "", NULL, false},
    {"GET", "/peer", ROUTE_OPEN, 0, get_peer, "", NULL, false},
    {"GET", "/problem", ROUTE_OPEN, 0, get_problem, "", NULL, false},
    {"POST", "/dialect", ROUTE_OWN, 8, get_hello, "", refuse_in_dialect, false},
    {"GET", "/dialect/failing", ROUTE_OWN, 0, get_failing, "", refuse_in_dialect, false},
    {"POST", "/dialect/json", ROUTE_OWN, 8, post_json, "", refuse_in_dialect, false},
    {"GET", "/dialect/secret", ROUTE_OWN, 0, get_secret, "", refuse_in_dialect, false},
    {"GET", "/v1/admin", ROUTE_ADMIN, 0, get_hello, "", NULL, false},
    {"POST", "/v1/admin", ROUTE_ADMIN, ECHO_BYTES_MAX, post_echo, "", NULL, false},
    {"GET", "/v1/publish", ROUTE_ADMIN | ROUTE_PUBLISH, 0, get_hello, "", NULL, false},
    {"GET", "/v1/accounts/{account}/name", ROUTE_ADMIN | ROUTE_ACCOUNT, 0, get_account_name, "",
     NULL, false},
    {"PUT", "/v1/accounts/{account}/new", ROUTE_ADMIN | ROUTE_ACCOUNT | ROUTE_NEW_ACCOUNT, 0,
     put_account_open, "", NULL, false},
    {"PUT", "/v1/accounts/{account}/open", ROUTE_OPEN, 0, put_account_open, "", NULL, false},
};

/* ---- The server's time ---- */

/* Goes to a server's thread and comes back. */
struct errand {
    struct message message;
    struct mailbox *reply_to;
    bool is_back;
};

static void errand_end(struct message *message)
{
    CONTAINER_OF(message, struct errand, message)->is_back = true;
}

static void errand_turn_back(struct message *message)
{
    struct errand *errand = CONTAINER_OF(message, struct errand, message);

    message->run = errand_end;
    mailbox_post(errand->reply_to, message);
}

/* A thread looks at its mail at the beginning of a turn: a whole turn lies between two errands. */
static void take_a_turn(struct reactor *reactor)
{
    struct mailbox *own = mailbox_new();

    for (int i = 0; i < 2; i++) {
        struct errand errand = {.message.run = errand_turn_back, .reply_to = own};

        mailbox_post(reactor->mailbox, &errand.message);
        while (!errand.is_back) {
            assert_true(mailbox_wait(own, CLIENT_DEADLINE_MS * US_PER_MS));
            (void)mailbox_run(own);
        }
    }
    mailbox_free(own);
}

static void take_turns(struct site *site)
{
    for (uint32_t i = 0; i < site->server->reactors_len; i++) {
        take_a_turn(&site->server->reactors[i]);
    }
}

void site_pass(struct site *site, int64_t us)
{
    take_turns(site);
    env_manual_advance(&site->clock, us);
    take_turns(site);
}

/* ---- The site ---- */

static void fill_defaults(struct server_options *options)
{
    options->listen = options->listen != NULL ? options->listen : "127.0.0.1:0";
    options->threads = options->threads != 0 ? options->threads : 1;
    options->connections_max = options->connections_max != 0 ? options->connections_max : 1000;
    options->connection_memory_bytes =
        options->connection_memory_bytes != 0 ? options->connection_memory_bytes : 8192;
    options->request_timeout_us =
        options->request_timeout_us != 0 ? options->request_timeout_us : 30 * US_PER_SECOND;
}

void site_start(struct site *site, struct server_options options)
{
    const struct route_table table = {routes, ARRAY_LEN(routes)};
    struct diag diag = {0};

    *site = (struct site){
        .store_mailbox = mailbox_new(),
        .directory_lock = PTHREAD_MUTEX_INITIALIZER,
        .directory = directory_new(/* seed= */ 1),
    };
    env_manual_init(&site->clock, (struct wall){INT64_C(1770000000) * US_PER_SECOND},
                    /* seed= */ 1);
    the_store.site = site;
    thread_start(&site->store_thread, "store", store_main, site);
    site->router = router_new(&table, 1);
    fill_defaults(&options);
    options.router = site->router;
    options.store = &the_store;
    options.app = site;
    if (server_open(&site->clock.env, &options, &site->server, &diag) != OK) {
        fail_msg("%s", diag.text);
    }
    server_start(site->server);
}

static void end_store(UNUSED struct message *message)
{
}

void site_stop(struct site *site)
{
    struct message wake_up = {.run = end_store};

    server_free(site->server);
    router_free(site->router);
    atomic_store(&site->store_ends, true);
    mailbox_post(site->store_mailbox, &wake_up);
    thread_join(&site->store_thread);
    mailbox_free(site->store_mailbox);
    directory_release(site->directory);
}

const char *site_address(const struct site *site)
{
    return server_address(site->server);
}

static void await_figure(const struct site *site, size_t offset, uint64_t count)
{
    struct server_figures figures = {0};

    for (int ms = 0; ms < CLIENT_DEADLINE_MS; ms++) {
        server_figures(site->server, &figures);
        if (*(const uint64_t *)(const void *)((const char *)&figures + offset) == count) {
            return;
        }
        (void)poll(NULL, 0, 1); /* there is no event for it */
    }
    fail_msg("the figure became %llu, not %llu",
             (unsigned long long)*(const uint64_t *)(const void *)((const char *)&figures + offset),
             (unsigned long long)count);
}

void site_await_waiting(const struct site *site, uint64_t count)
{
    await_figure(site, offsetof(struct server_figures, waiting_now), count);
}

void site_await_connections(const struct site *site, uint64_t count)
{
    await_figure(site, offsetof(struct server_figures, connections_now), count);
}

void site_await_stranger_bytes(const struct site *site, uint64_t count)
{
    await_figure(site, offsetof(struct server_figures, stranger_bytes), count);
}

void site_set_directory(struct site *site, struct directory *directory)
{
    (void)pthread_mutex_lock(&site->directory_lock);
    directory_release(site->directory);
    site->directory = directory;
    (void)pthread_mutex_unlock(&site->directory_lock);
}
