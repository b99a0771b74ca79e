#include "wire/native/operation_json.h"

#include "model/field.h"
#include "wire/app.h"
#include "wire/native/member.h"

static void put_deadline(const struct operation *operation, struct json_writer *out)
{
    member_put_time_or_null("deadline", operation->deadline, out);
    json_key(out, "on_deadline");
    if (operation->deadline.us == 0) {
        json_put_null(out);
    } else {
        json_put_text(out, operation_on_deadline_word(operation->expires));
    }
    json_key(out, "delayed");
    json_put_bool(out, operation->is_delayed);
}

static void put_end(const struct operation *operation, struct json_writer *out)
{
    bool has_ended = operation->state != OPERATION_PENDING;

    member_put_time_or_null("ended_at", operation->ended, out);
    json_key(out, "code");
    if (has_ended) {
        json_put_i64(out, operation->code);
    } else {
        json_put_null(out);
    }
    json_key(out, "result");
    if (has_ended) {
        json_put_string(out, operation->result);
    } else {
        json_put_null(out);
    }
    member_put_raw_if_any("outcome", operation->outcome, out);
    member_put_id_or_null("event", ID_EVENT, operation->event, out);
}

void operation_json_members(const struct operation *operation, struct json_writer *out)
{
    member_put_id("id", ID_OPERATION, operation->id, out);
    json_key(out, "state");
    json_put_text(out, operation_word(operation->state));
    json_key(out, "command");
    json_put_string(out, operation->command);
    member_put_if_any("client_ref", operation->client_ref, out);
    member_put_if_any("server_ref", operation->server_ref, out);
    member_put_if_any("notify_url", operation->notify_url, out);
    member_put_if_any("origin", operation->origin, out);
    member_put_time("created_at", operation->created, out);
    put_deadline(operation, out);
    json_key(out, "steps");
    json_put_i64(out, operation->steps);
    member_put_raw_if_any("data", operation->data, out);
    put_end(operation, out);
}

static void clear_scratch(void *ctx)
{
    buf_clear(ctx);
}

struct buf *operation_json_scratch(struct exchange *exchange, struct json body)
{
    struct buf *scratch = exchange_new(exchange, sizeof *scratch);

    field_scratch(body, /* more= */ 0, scratch);
    exchange_on_end(exchange, clear_scratch, scratch);
    return scratch;
}

/* What is told of an operation is an event, so its data has two limits. */
static size_t data_bytes_max(const struct exchange *exchange)
{
    size_t of_events =
        atomic_load_explicit(&app_of(exchange)->data_bytes_max, memory_order_relaxed);

    return of_events < OPERATION_DATA_BYTES_MAX ? of_events : OPERATION_DATA_BYTES_MAX;
}

enum err operation_json_data(const struct exchange *exchange, struct json body, struct slice *out,
                             struct diag *diag)
{
    struct slice data = json_raw(json_member(body, "data"));
    size_t bytes_max = data_bytes_max(exchange);

    if (data.len > bytes_max) {
        return diag_field(diag, ERR_LIMIT, "data", "expected at most %zu bytes, not %zu", bytes_max,
                          data.len);
    }
    *out = data;
    return OK;
}

void operation_json_conflict(struct exchange *exchange)
{
    struct diag diag = {0};

    (void)diag_field(&diag, ERR_CONFLICT, "Idempotency-Key",
                     "it was used within the last day for a request that differs from this one");
    exchange_problem(exchange, PROBLEM_IDEMPOTENCY, &diag);
}
