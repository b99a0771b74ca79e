/*
 * Opening an operation: POST /v1/accounts/{account}/operations
 *
 * The answer comes when it is on disk. With an Idempotency-Key that was used for the same operation
 * before, that one is answered as it is now.
 */
#include "base/timetext.h"
#include "model/field.h"
#include "wire/app.h"
#include "wire/fingerprint.h"
#include "wire/native/envelope.h"
#include "wire/native/native.h"
#include "wire/native/operation_json.h"
#include "wire/native/publication.h"
#include "wire/native/query.h"

#include <string.h>

/* One request. Goes with the exchange. */
struct opening {
    struct exchange *exchange;
    struct operation operation; /* its texts are lent by the body, scratch or server_ref */
    int64_t deadline_in_us;     /* 0: not given */
    struct buf *scratch;        /* for texts with escapes; goes with the exchange */
    char server_ref[REFERENCE_SIZE];
    struct store_open_operation store;
    struct store_get_operation get; /* the first one, when it is a duplicate */
};

/* ---- reading ---- */

static const char *const names[] = {"command",    "client_ref", "server_ref",  "data",
                                    "notify_url", "deadline",   "deadline_in", "on_deadline"};

static const struct {
    const char *name;
    size_t bytes_max;
    size_t at; /* the struct slice in struct operation */
} texts[] = {
    {"command", OPERATION_COMMAND_BYTES_MAX, offsetof(struct operation, command)},
    {"client_ref", OPERATION_REFERENCE_BYTES_MAX, offsetof(struct operation, client_ref)},
    {"server_ref", OPERATION_REFERENCE_BYTES_MAX, offsetof(struct operation, server_ref)},
    {"notify_url", EVENT_URL_BYTES_MAX, offsetof(struct operation, notify_url)},
};

static enum err read_texts(struct opening *opening, struct json body, struct diag *diag)
{
    struct operation *operation = &opening->operation;
    enum err err = OK;

    for (size_t i = 0; i < ARRAY_LEN(texts) && err == OK; i++) {
        struct json value = json_member(body, texts[i].name);
        struct slice text = SLICE("");

        if (!json_is_null(value)) {
            err =
                field_line(value, texts[i].name, texts[i].bytes_max, opening->scratch, &text, diag);
        }
        memcpy((char *)operation + texts[i].at, &text, sizeof text);
    }
    if (err == OK && slice_is_empty(operation->command)) {
        err = diag_field(diag, ERR_INVALID, "command", "expected a text of 1 to %d bytes",
                         OPERATION_COMMAND_BYTES_MAX);
    }
    if (err == OK && !slice_is_empty(operation->notify_url)) {
        err = url_check(operation->notify_url, "notify_url", diag);
    }
    return err;
}

static enum err read_instant(struct opening *opening, struct json value, struct diag *diag)
{
    if (json_type(value) != JSON_STRING ||
        timetext_parse(json_string(value, opening->scratch), &opening->operation.deadline) != OK ||
        opening->operation.deadline.us <= 0) {
        return diag_field(diag, ERR_INVALID, "deadline",
                          "expected a time such as \"2026-02-03T10:20:30Z\"");
    }
    return OK;
}

/* The deadline: at a time, in a time, or never. */
static enum err read_deadline(struct opening *opening, struct json body, struct diag *diag)
{
    struct json at = json_member(body, "deadline"), in = json_member(body, "deadline_in");
    struct wall now = env_wall(exchange_env(opening->exchange));

    if (!json_is_null(at) && !json_is_null(in)) {
        return diag_field(diag, ERR_INVALID, "deadline_in", "expected this or deadline, not both");
    }
    if (!json_is_null(at)) {
        return read_instant(opening, at, diag);
    }
    if (json_is_null(in)) {
        return OK;
    }
    enum err err = field_duration(in, "deadline_in", US_PER_MS, OPERATION_DEADLINE_US_MAX,
                                  &opening->deadline_in_us, diag);
    opening->operation.deadline.us = now.us + opening->deadline_in_us;
    return err;
}

static enum err read_operation(struct opening *opening, struct json body, struct diag *diag)
{
    enum err err = field_members(body, "", names, ARRAY_LEN(names), diag);

    if (err == OK) {
        err = read_texts(opening, body, diag);
    }
    if (err == OK) {
        err = read_deadline(opening, body, diag);
    }
    if (err == OK) {
        err = operation_on_deadline_read(json_member(body, "on_deadline"),
                                         opening->operation.deadline.us != 0, opening->scratch,
                                         &opening->operation.expires, diag);
    }
    if (err == OK) {
        err = operation_json_data(opening->exchange, body, &opening->operation.data, diag);
    }
    return err;
}

/* ---- what makes it the same operation ---- */

/* As it was asked for: a deadline that counts from now, and a reference that is made, differ. */
static void identify(struct opening *opening, struct slice header_key)
{
    const struct operation *operation = &opening->operation;
    const struct slice key[] = {slice_from(&operation->account.value, sizeof(uint64_t)),
                                header_key};
    const struct wall deadline =
        opening->deadline_in_us == 0 ? operation->deadline : (struct wall){0};
    const struct slice body[] = {
        operation->command,
        operation->client_ref,
        operation->server_ref,
        operation->notify_url,
        operation->data,
        slice_from(&deadline.us, sizeof deadline.us),
        slice_from(&opening->deadline_in_us, sizeof opening->deadline_in_us),
        operation->expires ? SLICE("expire") : SLICE("delay"),
    };

    opening->store.is_idempotent = true;
    fingerprint_make(SLICE("idempotency: operation"), key, ARRAY_LEN(key),
                     opening->store.idempotency);
    fingerprint_make(SLICE("operation"), body, ARRAY_LEN(body), opening->store.body);
}

/* ---- storing and answering ---- */

static void answer(struct opening *opening, const struct operation *operation)
{
    bool is_duplicate = opening->store.is_duplicate;
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(opening->exchange));
    json_begin_object(&writer);
    operation_json_members(operation, &writer);
    json_key(&writer, "duplicate");
    json_put_bool(&writer, is_duplicate);
    json_end_object(&writer);
    exchange_answer_json(opening->exchange, is_duplicate ? 200 : 201);
}

static void found_first(struct store_request *request)
{
    struct opening *opening = CONTAINER_OF(request, struct opening, get.request);

    if (request->err == OK) {
        answer(opening, opening->get.found);
    } else {
        exchange_store_failed(opening->exchange, request);
    }
    store_request_clear(request);
}

static void opened(struct store_request *request)
{
    struct opening *opening = CONTAINER_OF(request, struct opening, store.request);
    struct exchange *exchange = opening->exchange;

    if (request->err == ERR_CONFLICT) {
        operation_json_conflict(exchange);
    } else if (request->err != OK) {
        exchange_store_failed(exchange, request);
    } else if (opening->store.is_duplicate) {
        opening->get.account = opening->operation.account;
        opening->get.operation = opening->store.id;
        exchange_submit(exchange, STORE_CALL_get_operation, &opening->get.request, found_first);
    } else {
        answer(opening, &opening->operation);
    }
}

static void submit(struct opening *opening, struct slice header_key)
{
    struct exchange *exchange = opening->exchange;
    struct operation *operation = &opening->operation;

    operation->account = exchange_account(exchange)->id;
    if (!slice_is_empty(header_key)) {
        identify(opening, header_key);
    }
    if (slice_is_empty(operation->server_ref)) {
        reference_make(&app_of(exchange)->references, env_wall(exchange_env(exchange)),
                       opening->server_ref);
        operation->server_ref = slice_of(opening->server_ref);
    }
    opening->store.operation = operation;
    exchange_submit(exchange, STORE_CALL_open_operation, &opening->store.request, opened);
}

void native_operation_open(struct exchange *exchange)
{
    struct opening *opening = exchange_new(exchange, sizeof *opening);
    struct slice header_key = exchange_header(exchange, "Idempotency-Key");
    struct json body;
    struct diag diag = {0};

    if (publication_is_refused(exchange) || query_is_refused(exchange, NULL, 0) ||
        exchange_json(exchange, /* may_be_empty= */ false, &body) != OK) {
        return;
    }
    opening->exchange = exchange;
    opening->scratch = operation_json_scratch(exchange, body);
    enum err err = read_operation(opening, body, &diag);
    if (err == OK && !slice_is_empty(header_key)) {
        err = idempotency_key_check(header_key, &diag);
    }
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    submit(opening, header_key);
}
