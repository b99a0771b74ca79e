/*
 * What goes wrong, in the form of google.rpc.Status: a number of gRPC's own list, and words for a
 * person that begin with the field they are about. The HTTP status is that of the problem.
 */
#include "base/json.h"
#include "wire/checkout/checkout.h"

/* The codes of gRPC that occur here. */
enum grpc_code {
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};

static enum grpc_code code_of(enum problem problem)
{
    switch (problem) {
    case PROBLEM_INVALID:
    case PROBLEM_INVALID_JSON:
    case PROBLEM_TOO_LARGE:
    case PROBLEM_URI_TOO_LONG:
    case PROBLEM_MEDIA_TYPE:
    case PROBLEM_HEADERS_TOO_LARGE:
        return GRPC_INVALID_ARGUMENT;
    case PROBLEM_REQUEST_TIMEOUT:
        return GRPC_DEADLINE_EXCEEDED;
    case PROBLEM_NOT_FOUND:
        return GRPC_NOT_FOUND;
    case PROBLEM_EXISTS:
        return GRPC_ALREADY_EXISTS;
    case PROBLEM_FORBIDDEN:
        return GRPC_PERMISSION_DENIED;
    case PROBLEM_RATE:
    case PROBLEM_FULL:
        return GRPC_RESOURCE_EXHAUSTED;
    case PROBLEM_CONFLICT:
    case PROBLEM_IDEMPOTENCY:
        return GRPC_FAILED_PRECONDITION;
    case PROBLEM_STALE:
        return GRPC_ABORTED;
    case PROBLEM_METHOD:
        return GRPC_UNIMPLEMENTED;
    case PROBLEM_BUSY:
    case PROBLEM_STOPPING:
        return GRPC_UNAVAILABLE;
    case PROBLEM_UNAUTHENTICATED:
        return GRPC_UNAUTHENTICATED;
    case PROBLEM_INTERNAL:
        break;
    }
    return GRPC_INTERNAL;
}

/* "maxNumberMessages: value must be a number" */
static void put_message(enum problem problem, const struct diag *diag, struct json_writer *out)
{
    struct buf words;

    buf_init(&words, DIAG_FIELD_SIZE + DIAG_TEXT_SIZE);
    if (diag != NULL && diag->field[0] != '\0') {
        buf_printf(&words, "%s: ", diag->field);
    }
    buf_text(&words, diag != NULL && diag->text[0] != '\0' ? diag->text : problem_code(problem));
    json_key(out, "message");
    json_put_string(out, buf_view(&words));
    buf_clear(&words);
}

void checkout_refuse(struct exchange *exchange, enum problem problem, const struct diag *diag)
{
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(exchange));
    json_begin_object(&writer);
    json_key(&writer, "code");
    json_put_i64(&writer, code_of(problem));
    put_message(problem, diag, &writer);
    json_key(&writer, "details");
    json_begin_array(&writer);
    json_end_array(&writer);
    json_end_object(&writer);
    exchange_answer_json(exchange, problem_status(problem));
}
