#include "base/utf8.h"
#include "http/exchange_internal.h"
#include "http/server_internal.h"

#include <assert.h>

struct buf *exchange_out(struct exchange *exchange)
{
    return &exchange->out;
}

void exchange_put_header(struct exchange *exchange, const char *name, struct slice value)
{
    struct exchange_header_line *line = arena_new(&exchange->arena, sizeof *line);

    assert(!utf8_has_control(value));
    line->name = name;
    line->value = arena_copy(&exchange->arena, value).ptr;
    line->next = exchange->header_lines;
    exchange->header_lines = line;
}

static bool is_answerable(const struct exchange *exchange)
{
    return exchange->state <= EXCHANGE_PENDING && exchange->wait == WAIT_NONE;
}

static void answer(struct exchange *exchange, unsigned status, const char *content_type)
{
    assert(is_answerable(exchange));
    exchange->status = status;
    exchange->content_type = content_type;
    exchange->state = EXCHANGE_ANSWERED;
    if (exchange->is_suspended) {
        MHD_resume_connection(exchange->connection->handle);
    }
}

void exchange_answer(struct exchange *exchange, unsigned status, const char *content_type)
{
    if (buf_check(&exchange->out) != OK) {
        exchange_problem(exchange, PROBLEM_INTERNAL, NULL);
        return;
    }
    answer(exchange, status, content_type);
}

void exchange_answer_json(struct exchange *exchange, unsigned status)
{
    exchange_answer(exchange, status, "application/json");
}

void exchange_answer_empty(struct exchange *exchange, unsigned status)
{
    buf_reset(&exchange->out);
    answer(exchange, status, NULL);
}

/* What a client should know beside the document. */
static void put_problem_header(struct exchange *exchange, enum problem problem)
{
    static const struct {
        enum problem problem;
        const char *name;
        struct slice value;
    } headers[] = {
        {PROBLEM_UNAUTHENTICATED, "WWW-Authenticate", SLICE("Bearer")},
        {PROBLEM_BUSY, "Retry-After", SLICE("1")},
        {PROBLEM_STOPPING, "Retry-After", SLICE("1")},
    };

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        if (headers[i].problem == problem) {
            exchange_put_header(exchange, headers[i].name, headers[i].value);
        }
    }
}

void exchange_problem(struct exchange *exchange, enum problem problem, const struct diag *diag)
{
    buf_reset(&exchange->out);
    problem_write(problem, diag, &exchange->out);
    put_problem_header(exchange, problem);
    answer(exchange, problem_status(problem), "application/problem+json");
}

void answer_refuse(struct exchange *exchange, const struct route *route, enum problem problem,
                   const struct diag *diag)
{
    if (route == NULL || route->refuse == NULL) {
        exchange_problem(exchange, problem, diag);
        return;
    }
    buf_reset(&exchange->out);
    put_problem_header(exchange, problem);
    route->refuse(exchange, problem, diag);
    assert(exchange->state == EXCHANGE_ANSWERED);
}

void exchange_refuse(struct exchange *exchange, enum problem problem, const struct diag *diag)
{
    answer_refuse(exchange, exchange->route, problem, diag);
}

void exchange_input_failed(struct exchange *exchange, enum err err, const struct diag *diag)
{
    exchange_refuse(exchange, err == ERR_LIMIT ? PROBLEM_TOO_LARGE : PROBLEM_INVALID, diag);
}

/* ---- To libmicrohttpd ---- */

static bool connection_must_close(const struct exchange *exchange)
{
    return exchange->closes || exchange->connection->endpoint->is_retired;
}

static bool add_headers(const struct exchange *exchange, struct MHD_Response *response)
{
    if (exchange->content_type != NULL &&
        MHD_add_response_header(response, "Content-Type", exchange->content_type) == MHD_NO) {
        return false;
    }
    for (const struct exchange_header_line *line = exchange->header_lines; line != NULL;
         line = line->next) {
        if (MHD_add_response_header(response, line->name, line->value) == MHD_NO) {
            return false;
        }
    }
    return !connection_must_close(exchange) ||
           MHD_add_response_header(response, "Connection", "close") != MHD_NO;
}

bool answer_queue(struct exchange *exchange)
{
    struct slice body = buf_view(&exchange->out);
    /* The body stays where it is until the exchange ends, which is when it has been sent. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_PERSISTENT);

    if (response == NULL) {
        return false;
    }
    exchange->state = EXCHANGE_SENDING;
    connection_enter(exchange->connection, CONNECTION_ANSWERING);
    reactor_count(&exchange->reactor->figures.by_status_class[exchange->status / 100], 1);
    bool is_queued =
        add_headers(exchange, response) &&
        MHD_queue_response(exchange->connection->handle, exchange->status, response) == MHD_YES;
    MHD_destroy_response(response);
    return is_queued;
}
