/*
 * The server itself: whether it lives, whether it takes events, its figures.
 */
#include "wire/app.h"
#include "wire/native/native.h"

/* GET /healthz: the process answers. Restart it when it does not. */
void native_healthz(struct exchange *exchange)
{
    buf_text(exchange_out(exchange), "{\"status\":\"ok\"}");
    exchange_answer_json(exchange, 200);
}

/* GET /readyz: whether to send it events now; a balancer asks this. */
void native_readyz(struct exchange *exchange)
{
    struct app *app = app_of(exchange);

    if (atomic_load(&app->is_stopping) || exchange_is_draining(exchange)) {
        exchange_problem(exchange, PROBLEM_STOPPING, NULL);
    } else if (store_is_full(app->store)) {
        exchange_problem(exchange, PROBLEM_FULL, NULL);
    } else if (store_is_busy(app->store)) {
        exchange_problem(exchange, PROBLEM_BUSY, NULL);
    } else {
        buf_text(exchange_out(exchange), "{\"status\":\"ready\"}");
        exchange_answer_json(exchange, 200);
    }
}

struct figures {
    struct exchange *exchange;
    struct store_stats stats;
    struct server_figures server;
    struct dispatch_figures dispatch;
    uint64_t deadlines_told;
};

/* One row of /metrics: name, kind, help and where the number lies. */
struct metric {
    const char *name;
    const char *kind; /* "counter" or "gauge" */
    const char *help;
    size_t offset;        /* in struct figures, of a 64-bit number */
    bool is_microseconds; /* shown in seconds */
};

#define AT(member) offsetof(struct figures, member)

static const struct metric metrics[] = {
    {"tidings_http_requests_total", "counter", "HTTP requests answered.", AT(server.requests),
     false},
    {"tidings_http_answers_2xx_total", "counter", "Answers with a 2xx status.",
     AT(server.by_status_class[2]), false},
    {"tidings_http_answers_4xx_total", "counter", "Answers with a 4xx status.",
     AT(server.by_status_class[4]), false},
    {"tidings_http_answers_5xx_total", "counter", "Answers with a 5xx status.",
     AT(server.by_status_class[5]), false},
    {"tidings_http_refused_total", "counter", "Requests and connections refused by a limit.",
     AT(server.refused), false},
    {"tidings_http_connections", "gauge", "Open connections.", AT(server.connections_now), false},
    {"tidings_http_waiting", "gauge", "Requests that wait for a message.", AT(server.waiting_now),
     false},
    {"tidings_server_cpu_seconds_total", "counter", "CPU time of the server threads.",
     AT(server.cpu_us), true},
    {"tidings_attempts_total", "counter", "Attempts that ended.", AT(dispatch.attempts), false},
    {"tidings_attempts_delivered_total", "counter", "Attempts that delivered.",
     AT(dispatch.delivered), false},
    {"tidings_attempts_failed_total", "counter", "Attempts that did not.",
     AT(dispatch.failed_attempts), false},
    {"tidings_attempts_in_flight", "gauge", "Attempts under way.", AT(dispatch.in_flight), false},
    {"tidings_deliveries_in_memory", "gauge", "Fresh deliveries held in memory.",
     AT(dispatch.in_memory), false},
    {"tidings_deliveries_memory_bytes", "gauge", "Memory of these.", AT(dispatch.memory_bytes),
     false},
    {"tidings_lanes", "gauge", "Channels with work.", AT(dispatch.lanes), false},
    {"tidings_sender_cpu_seconds_total", "counter", "CPU time of the sender threads.",
     AT(dispatch.cpu_us), true},
    {"tidings_deadlines_told_total", "counter",
     "Deadlines of operations that passed and were told.", AT(deadlines_told), false},
    {"tidings_deliveries_pending", "gauge", "Deliveries that wait in the store.", AT(stats.pending),
     false},
    {"tidings_store_bytes", "gauge", "Size of the store on disk.", AT(stats.bytes), false},
};

static void put_metric(struct buf *out, const struct metric *metric, const struct figures *figures)
{
    uint64_t number;

    memcpy(&number, (const char *)figures + metric->offset, sizeof(number));
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s ", metric->name, metric->help, metric->name,
               metric->kind, metric->name);
    if (metric->is_microseconds) {
        buf_printf(out, "%llu.%06llu\n", (unsigned long long)(number / US_PER_SECOND),
                   (unsigned long long)(number % US_PER_SECOND));
    } else {
        buf_printf(out, "%llu\n", (unsigned long long)number);
    }
}

static void counted(struct store_request *request)
{
    struct figures *figures = CONTAINER_OF(request, struct figures, stats.request);
    struct exchange *exchange = figures->exchange;
    struct app *app = app_of(exchange);

    if (request->err != OK) {
        exchange_store_failed(exchange, request);
        return;
    }
    server_figures(app->server, &figures->server);
    dispatch_figures(app->dispatch, &figures->dispatch);
    figures->deadlines_told = deadlines_told(app->deadlines);
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        put_metric(exchange_out(exchange), &metrics[i], figures);
    }
    exchange_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8");
}

/* GET /metrics: Prometheus' text format. */
void native_metrics(struct exchange *exchange)
{
    struct figures *figures = exchange_new(exchange, sizeof(*figures));

    figures->exchange = exchange;
    exchange_submit(exchange, STORE_CALL_stats, &figures->stats.request, counted);
}
