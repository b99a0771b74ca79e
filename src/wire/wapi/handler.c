/*
 * The provider's commands: a program of the provider is asked by a signed request and its answer
 * becomes the customer's.
 *
 *   ask --200--> answered with its code
 *     |--202--> the operation is stored --> answered with 1001
 *     '--anything else, or nothing in time--> answered with 4000; nothing is stored
 *
 * The program knows the operation's id from the request, so it may complete it before it is stored;
 * whoever does that waits until it is (the topic is the id). After a failure the program may have
 * done something all the same, as after any request that got no answer: svTRID tells it which.
 */
#include "dispatch/errand.h"
#include "os/log.h"
#include "wire/signature.h"
#include "wire/wapi/commands.h"
#include "wire/wapi/handler_answer.h"
#include "wire/wapi/reply.h"

enum {
    BODY_BYTES_MAX =
        8 * 1024 * 1024,  /* a request's size at most; in JSON it is some times longer */
    TEXT_BYTES_MAX = 256, /* a timestamp and a signature */
};

/* One command that is carried out. Goes with the exchange. */
struct handling {
    struct wapi_call *call;
    struct id operation; /* made before anybody knows whether there will be one */
    struct buf body, text;
    struct errand errand;
    struct handler_answer answer;
    struct operation *pending; /* owned */
    struct store_open_operation store;
};

static void release(void *ctx)
{
    struct handling *handling = ctx;

    buf_clear(&handling->body);
    buf_clear(&handling->text);
    errand_clear(&handling->errand);
    handler_answer_clear(&handling->answer);
    operation_free(handling->pending);
}

/* ---- asking ---- */

static void write_body(const struct handling *handling, struct buf *out)
{
    const struct wapi_call *call = handling->call;
    const struct wapi_request *request = &call->request;
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_key(&writer, "account");
    json_put_string(&writer, exchange_account(call->exchange)->name);
    json_key(&writer, "command");
    json_put_string(&writer, request->command);
    json_key(&writer, "data");
    json_put_raw(&writer, json_exists(request->data) ? json_raw(request->data) : SLICE("{}"));
    if (request->has_client_ref) {
        json_key(&writer, "clTRID");
        json_put_string(&writer, request->client_ref);
    }
    json_key(&writer, "svTRID");
    json_put_text(&writer, call->reference);
    json_key(&writer, "test");
    json_put_bool(&writer, request->is_test);
    json_key(&writer, "operation");
    json_put_text(&writer, id_text(ID_OPERATION, handling->operation).chars);
    json_key(&writer, "protocol");
    json_put_text(&writer, wapi_format_word(request->format));
    json_end_object(&writer);
}

static void add_header(struct errand *errand, struct slice name, struct slice value)
{
    errand->headers[errand->headers_len++] = (struct outbound_header){name, value};
}

/* As Standard Webhooks has them; the svTRID is the id. Without a secret nothing is signed. */
static void sign(struct handling *handling)
{
    const struct wapi_call *call = handling->call;
    struct slice secret = call->app->settings.wapi.handler_secret;
    int64_t seconds = call->now.us / US_PER_SECOND;
    struct slice id = slice_of(call->reference);
    struct buf *text = &handling->text;

    buf_reserve(text, TEXT_BYTES_MAX); /* so that what was written does not move */
    buf_printf(text, "%lld", (long long)seconds);
    add_header(&handling->errand, SLICE("webhook-id"), id);
    add_header(&handling->errand, SLICE("webhook-timestamp"), buf_view(text));
    if (!slice_is_empty(secret)) {
        size_t from = text->len;

        signature_put_v1(secret, id, seconds, buf_view(&handling->body), text);
        add_header(&handling->errand, SLICE("webhook-signature"),
                   slice_sub(buf_view(text), from, text->len));
    }
}

/* ---- what came of it ---- */

/* The customer learns that it did not work, the operator why. */
static void fail(struct handling *handling, const char *error)
{
    struct wapi_call *call = handling->call;

    log_line(LOG_WARN, "wapi_handler_failed", "account", exchange_account(call->exchange)->name.ptr,
             "svtrid", call->reference, "error", error, NULL);
    wapi_reply_code(call, WAPI_INTERNAL);
}

static void opened(struct store_request *request)
{
    struct handling *handling = CONTAINER_OF(request, struct handling, store.request);
    struct wapi_call *call = handling->call;

    if (request->err != OK) {
        fail(handling, request->diag.text);
        return;
    }
    server_ring(call->app->server, handling->operation.value, 1);
    wapi_reply_code(call, WAPI_PENDING);
}

static void open_operation(struct handling *handling)
{
    struct wapi_call *call = handling->call;
    const struct wapi_request *request = &call->request;
    struct wall now = env_wall(call->app->env);
    int64_t deadline_us = handling->answer.deadline_us;

    handling->pending = operation_new(&(struct operation){
        .id = handling->operation,
        .account = exchange_account(call->exchange)->id,
        .state = OPERATION_PENDING,
        .command = request->command,
        .client_ref = request->client_ref,
        .server_ref = slice_of(call->reference),
        .origin = slice_of(wapi_call_origin(call)),
        .data = json_raw(request->data),
        .deadline = {deadline_us > 0 ? now.us + deadline_us : 0},
        .expires = handling->answer.expires,
    });
    handling->store.operation = handling->pending;
    exchange_submit(call->exchange, STORE_CALL_open_operation, &handling->store.request, opened);
}

static void answered(struct errand *errand)
{
    struct handling *handling = CONTAINER_OF(errand, struct handling, errand);
    struct wapi_call *call = handling->call;
    struct handler_answer *answer = &handling->answer;
    struct diag diag = {0};

    if (errand->outcome != ATTEMPT_ANSWER) {
        fail(handling, errand->detail);
    } else if (errand->was_cut) {
        fail(handling, "the answer is too long");
    } else if (handler_answer_read(answer, errand->status, buf_view(&errand->answer), &diag) !=
               OK) {
        fail(handling, diag.text);
    } else if (!answer->is_pending) {
        wapi_reply_result(call, answer->code, answer->result, answer->data);
    } else if (call->request.is_test) {
        wapi_reply_code(call, WAPI_PENDING); /* checked, and nothing changed */
    } else {
        open_operation(handling);
    }
}

void wapi_handler(struct wapi_call *call)
{
    struct handling *handling = exchange_new(call->exchange, sizeof *handling);
    struct errand *errand = &handling->errand;

    handling->call = call;
    handling->operation = id_by_chance(call->now, env_random_u64(call->app->env));
    buf_init(&handling->body, BODY_BYTES_MAX);
    buf_init(&handling->text, TEXT_BYTES_MAX);
    handler_answer_init(&handling->answer);
    exchange_on_end(call->exchange, release, handling);
    write_body(handling, &handling->body);
    errand->reply_to = exchange_mailbox(call->exchange);
    errand->done = answered;
    errand->method = SLICE("POST");
    errand->url = call->handler->url;
    errand->body = buf_view(&handling->body);
    errand->timeout_us = call->app->settings.wapi.handler_timeout_us;
    add_header(errand, SLICE("content-type"), SLICE("application/json"));
    sign(handling);
    errand_start(call->app->dispatch, errand);
}
