/*
 * Publishing one event: POST /v1/accounts/{account}/events
 *
 * The body is the native envelope, or CloudEvents 1.0 in its structured or binary mode; the content
 * type and the ce- headers tell which. The answer comes when the event is on disk, and not before.
 */
#include "wire/native/cloudevents_in.h"
#include "wire/native/native.h"
#include "wire/native/publication.h"
#include "wire/native/query.h"

/* One request, from the submission to the store's answer. Goes with the exchange. */
struct publish {
    struct exchange *exchange;
    struct store_publish store;
    struct store_publish_item item;
};

/* ---- reading what was sent ---- */

typedef enum err parse_fn(struct envelope *envelope, struct json value,
                          const struct envelope_rules *rules, struct diag *diag);

/* Each reader fills the envelope, or answers the problem and gives false. */
static bool read_json(struct exchange *exchange, parse_fn *parse, struct envelope *envelope)
{
    struct envelope_rules rules = publication_rules(exchange, /* has_account= */ false);
    struct diag diag = {0};
    struct json value;

    if (exchange_json(exchange, /* may_be_empty= */ false, &value) != OK) {
        return false;
    }
    enum err err = parse(envelope, value, &rules, &diag);
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
    }
    return err == OK;
}

static bool is_binary_cloudevent(const struct exchange *exchange)
{
    return !slice_is_empty(exchange_header(exchange, "ce-specversion")) ||
           !slice_is_empty(exchange_header(exchange, "ce-id"));
}

/* All headers of the request; lent, goes with the exchange. */
static struct cloudevent_header *list_headers(struct exchange *exchange, size_t *len)
{
    struct slice name, value;
    size_t count = 0;

    while (exchange_header_at(exchange, count, &name, &value)) {
        count++;
    }
    struct cloudevent_header *headers = exchange_new(exchange, (count + 1) * sizeof *headers);
    for (size_t i = 0; i < count; i++) {
        (void)exchange_header_at(exchange, i, &headers[i].name,
                                 &headers[i].value); /* it is there */
    }
    *len = count;
    return headers;
}

static bool read_binary(struct exchange *exchange, struct envelope *envelope)
{
    struct envelope_rules rules = publication_rules(exchange, /* has_account= */ false);
    struct diag diag = {0};
    size_t headers_len = 0;
    struct cloudevent_header *headers = list_headers(exchange, &headers_len);
    enum err err = cloudevent_parse_binary(envelope, headers, headers_len,
                                           exchange_header(exchange, "Content-Type"),
                                           exchange_body(exchange), &rules, &diag);

    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
    }
    return err == OK;
}

/*
 * What holds a native envelope. "" is no Content-Type, and the last is what common tools say unless
 * told otherwise: a first try with curl should not fail for that.
 */
static const char *const envelope_types[] = {"application/json", "",
                                             "application/x-www-form-urlencoded"};

static bool is_envelope_type(struct slice media_type)
{
    for (size_t i = 0; i < ARRAY_LEN(envelope_types); i++) {
        if (slice_equal_nocase(media_type, slice_of(envelope_types[i]))) {
            return true;
        }
    }
    return false;
}

/*
 * In the order of the HTTP binding, section 3: the content type tells structured mode, then the
 * headers tell binary mode.
 */
static bool read_event(struct exchange *exchange, struct envelope *envelope)
{
    struct slice media_type = publication_media_type(exchange);
    struct diag diag = {0};

    if (slice_equal_nocase(media_type, SLICE("application/cloudevents+json"))) {
        return read_json(exchange, cloudevent_parse, envelope);
    }
    if (is_binary_cloudevent(exchange)) {
        return read_binary(exchange, envelope);
    }
    if (is_envelope_type(media_type)) {
        return read_json(exchange, envelope_parse, envelope);
    }
    (void)diag_field(&diag, ERR_INVALID, "Content-Type",
                     "expected application/json or application/cloudevents+json, or ce- headers");
    exchange_problem(exchange, PROBLEM_MEDIA_TYPE, &diag);
    return false;
}

/* ---- storing it ---- */

static void answer_conflict(struct exchange *exchange)
{
    bool has_header = !slice_is_empty(exchange_header(exchange, "Idempotency-Key"));
    struct diag diag = {0};

    (void)diag_field(&diag, ERR_CONFLICT, has_header ? "Idempotency-Key" : "id",
                     "it was used within the last day for an event that differs from this one");
    exchange_problem(exchange, PROBLEM_IDEMPOTENCY, &diag);
}

static void answer_stored(struct exchange *exchange, const struct store_publish_item *item)
{
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(exchange));
    json_begin_object(&writer);
    publication_put(item, &writer);
    json_end_object(&writer);
    exchange_answer_json(exchange, 202);
}

static void stored(struct store_request *request)
{
    struct publish *publish = CONTAINER_OF(request, struct publish, store.request);
    struct exchange *exchange = publish->exchange;

    publication_end(exchange, exchange_account(exchange), &publish->item, request->err);
    if (request->err != OK) {
        exchange_store_failed(exchange, request);
    } else if (publish->item.err != OK) {
        answer_conflict(exchange);
    } else {
        answer_stored(exchange, &publish->item);
    }
}

static void submit(struct exchange *exchange, const struct envelope *envelope,
                   struct slice header_key)
{
    struct publish *publish = exchange_new(exchange, sizeof *publish);

    publish->exchange = exchange;
    publication_begin(exchange, exchange_account(exchange), envelope, header_key, &publish->item);
    publish->store.items = &publish->item;
    publish->store.items_len = 1;
    exchange_submit(exchange, STORE_CALL_publish, &publish->store.request, stored);
}

void native_event_publish(struct exchange *exchange)
{
    struct slice header_key = exchange_header(exchange, "Idempotency-Key");
    struct envelope envelope;
    struct diag diag = {0};

    if (publication_is_refused(exchange) || query_is_refused(exchange, NULL, 0)) {
        return;
    }
    if (!slice_is_empty(header_key) && idempotency_key_check(header_key, &diag) != OK) {
        exchange_input_failed(exchange, ERR_INVALID, &diag);
        return;
    }
    envelope_init(&envelope);
    if (read_event(exchange, &envelope)) {
        submit(exchange, &envelope, header_key);
    }
    envelope_clear(&envelope);
}
