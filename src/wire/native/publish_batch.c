/*
 * Publishing many events: POST /v1/events
 *
 * The body is a JSON array or lines of JSON (NDJSON) of native envelopes, or a batch of
 * CloudEvents; each names its account. All that are valid go into the store as one transaction;
 * each has its own result, in the order in which they came. A line that is no JSON fails alone; an
 * array that is no JSON fails as a whole, because nobody can tell where its events begin.
 */
#include "base/mem.h"
#include "wire/app.h"
#include "wire/native/cloudevents_in.h"
#include "wire/native/native.h"
#include "wire/native/publication.h"
#include "wire/native/query.h"

/* Why an event of the batch was not taken. */
struct refusal {
    enum problem problem;
    struct diag diag;
};

/* One event of the batch, in the order of the request. */
struct entry {
    struct refusal *refusal; /* owned; NULL: it is the next one of the items */
    struct account *account; /* held while it is an item */
};

typedef enum err parse_fn(struct envelope *envelope, struct json value,
                          const struct envelope_rules *rules, struct diag *diag);

/* One request. Goes with the exchange; clear_batch frees what it owns. */
struct batch {
    struct exchange *exchange;
    struct store_publish store;
    struct store_publish_item *items; /* owned */
    struct entry *entries;            /* owned */
    size_t entries_len;
    size_t items_len;
    struct envelope_rules rules;
    parse_fn *parse;
};

static void clear_batch(void *ctx)
{
    struct batch *batch = ctx;

    for (size_t i = 0; i < batch->entries_len; i++) {
        account_release(batch->entries[i].account);
        mem_free(batch->entries[i].refusal);
    }
    mem_free(batch->entries);
    mem_free(batch->items);
}

/* ---- taking events in ---- */

/* Room for count events; answers the problem and gives false when that is too many. */
static bool make_room(struct batch *batch, size_t count)
{
    uint32_t max = app_of(batch->exchange)->batch_events_max;
    struct diag diag = {0};

    if (count > max) {
        (void)diag_set(&diag, ERR_LIMIT, "expected at most %u events in a batch, not %zu", max,
                       count);
        exchange_input_failed(batch->exchange, ERR_LIMIT, &diag);
        return false;
    }
    batch->entries = MEM_ARRAY(count + 1, struct entry);
    batch->items = MEM_ARRAY(count + 1, struct store_publish_item);
    return true;
}

static void refuse(struct entry *entry, enum problem problem, const struct diag *diag)
{
    entry->refusal = MEM_NEW(struct refusal);
    *entry->refusal = (struct refusal){.problem = problem, .diag = *diag};
}

/* What is over a limit is too large, whoever found it; anything else is wrong in the way given. */
static enum problem problem_of_input(enum err err, enum problem otherwise)
{
    return err == ERR_LIMIT ? PROBLEM_TOO_LARGE : otherwise;
}

/* Makes an item of an envelope, if there is its account. */
static void take_envelope(struct batch *batch, struct entry *entry, const struct envelope *envelope)
{
    struct account *account =
        directory_account(exchange_directory(batch->exchange), envelope->account);
    struct diag diag = {0};

    if (account == NULL) {
        (void)diag_field(&diag, ERR_NOT_FOUND, "account", "there is no such account");
        refuse(entry, PROBLEM_NOT_FOUND, &diag);
        return;
    }
    entry->account = account_hold(account);
    publication_begin(batch->exchange, account, envelope, SLICE(""),
                      &batch->items[batch->items_len++]);
}

static void take_event(struct batch *batch, struct json value)
{
    struct entry *entry = &batch->entries[batch->entries_len++];
    struct envelope envelope;
    struct diag diag = {0};

    envelope_init(&envelope);
    enum err err = batch->parse(&envelope, value, &batch->rules, &diag);
    if (err == OK) {
        take_envelope(batch, entry, &envelope);
    } else {
        refuse(entry, problem_of_input(err, PROBLEM_INVALID), &diag);
    }
    envelope_clear(&envelope);
}

/* ---- the forms of a batch ---- */

/* Each reader takes all events of the body, or answers the problem and gives false. */
static bool read_array(struct batch *batch, struct json_doc *doc)
{
    struct diag diag = {0};
    struct json array;

    enum err err = json_parse(doc, exchange_body(batch->exchange), &diag);
    if (err != OK) {
        exchange_problem(batch->exchange, problem_of_input(err, PROBLEM_INVALID_JSON), &diag);
        return false;
    }
    array = json_root(doc);
    if (json_type(array) != JSON_ARRAY) {
        (void)diag_set(&diag, ERR_INVALID, "expected an array of events, not %s",
                       json_type_name(json_type(array)));
        exchange_input_failed(batch->exchange, ERR_INVALID, &diag);
        return false;
    }
    if (!make_room(batch, json_count(array))) {
        return false;
    }
    for (struct json at = json_first(array); json_exists(at); at = json_next(at)) {
        take_event(batch, at);
    }
    return true;
}

/* The next line that is not empty, without its end. */
static bool next_line(struct slice *rest, struct slice *line)
{
    while (slice_cut(rest, '\n', line)) {
        if (slice_ends(*line, SLICE("\r"))) {
            line->len--;
        }
        *line = slice_trim(*line);
        if (!slice_is_empty(*line)) {
            return true;
        }
    }
    return false;
}

static size_t count_lines(struct slice body)
{
    struct slice line;
    size_t count = 0;

    while (next_line(&body, &line)) {
        count++;
    }
    return count;
}

static bool read_lines(struct batch *batch, struct json_doc *doc)
{
    struct slice body = exchange_body(batch->exchange);
    struct slice line;
    struct diag diag = {0};

    if (slice_is_empty(body)) {
        body = SLICE("");
    }
    if (!make_room(batch, count_lines(body))) {
        return false;
    }
    while (next_line(&body, &line)) {
        enum err err = json_parse(doc, line, &diag);

        if (err == OK) {
            take_event(batch, json_root(doc));
        } else {
            refuse(&batch->entries[batch->entries_len++],
                   problem_of_input(err, PROBLEM_INVALID_JSON), &diag);
        }
    }
    return true;
}

struct form {
    const char *media_type;
    parse_fn *parse;
    bool (*read)(struct batch *batch, struct json_doc *doc);
};

static const struct form forms[] = {
    {"application/json", envelope_parse, read_array},
    {"", envelope_parse, read_array},
    {"application/x-www-form-urlencoded", envelope_parse, read_array}, /* plain `curl -d` */
    {"application/x-ndjson", envelope_parse, read_lines},
    {"application/ndjson", envelope_parse, read_lines},
    {"application/jsonl", envelope_parse, read_lines},
    {"application/cloudevents-batch+json", cloudevent_parse, read_array},
};

static const struct form *find_form(const struct exchange *exchange)
{
    struct slice media_type = publication_media_type(exchange);

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (slice_equal_nocase(media_type, slice_of(forms[i].media_type))) {
            return &forms[i];
        }
    }
    return NULL;
}

/* ---- answering ---- */

static void put_refusal(enum problem problem, const struct diag *diag, struct json_writer *out)
{
    json_begin_object(out);
    json_key(out, "status");
    json_put_i64(out, problem_status(problem));
    json_key(out, "code");
    json_put_text(out, problem_code(problem));
    json_key(out, "detail");
    json_put_text(out, diag->text);
    if (diag->field[0] != '\0') {
        json_key(out, "field");
        json_put_text(out, diag->field);
    }
    json_end_object(out);
}

static void put_item(const struct store_publish_item *item, struct json_writer *out)
{
    struct diag diag = {0};

    if (item->err != OK) {
        (void)diag_field(&diag, item->err, "id",
                         "it was used within the last day for an event that differs from this one");
        put_refusal(PROBLEM_IDEMPOTENCY, &diag, out);
        return;
    }
    json_begin_object(out);
    json_key(out, "status");
    json_put_i64(out, 202);
    publication_put(item, out);
    json_end_object(out);
}

static void answer(struct batch *batch)
{
    const struct store_publish_item *item = batch->items;
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(batch->exchange));
    json_begin_object(&writer);
    json_key(&writer, "results");
    json_begin_array(&writer);
    for (size_t i = 0; i < batch->entries_len; i++) {
        const struct refusal *refusal = batch->entries[i].refusal;

        if (refusal == NULL) {
            put_item(item++, &writer);
        } else {
            put_refusal(refusal->problem, &refusal->diag, &writer);
        }
    }
    json_end_array(&writer);
    json_end_object(&writer);
    exchange_answer_json(batch->exchange, 200);
}

static void end_items(struct batch *batch, enum err err)
{
    struct store_publish_item *item = batch->items;

    for (size_t i = 0; i < batch->entries_len; i++) {
        if (batch->entries[i].refusal == NULL) {
            publication_end(batch->exchange, batch->entries[i].account, item++, err);
        }
    }
}

static void stored(struct store_request *request)
{
    struct batch *batch = CONTAINER_OF(request, struct batch, store.request);

    end_items(batch, request->err);
    if (request->err == OK) {
        answer(batch);
    } else {
        exchange_store_failed(batch->exchange, request);
    }
}

static void submit(struct batch *batch)
{
    if (batch->items_len == 0) {
        answer(batch);
        return;
    }
    batch->store.items = batch->items;
    batch->store.items_len = batch->items_len;
    exchange_submit(batch->exchange, STORE_CALL_publish, &batch->store.request, stored);
}

static bool has_key_header(struct exchange *exchange)
{
    struct diag diag = {0};

    if (slice_is_empty(exchange_header(exchange, "Idempotency-Key"))) {
        return false;
    }
    (void)diag_field(&diag, ERR_INVALID, "Idempotency-Key",
                     "each event of a batch has an \"id\" of its own instead");
    exchange_input_failed(exchange, ERR_INVALID, &diag);
    return true;
}

void native_events_publish_batch(struct exchange *exchange)
{
    const struct form *form = find_form(exchange);
    struct diag diag = {0};
    struct json_doc doc;

    if (publication_is_refused(exchange) || query_is_refused(exchange, NULL, 0) ||
        has_key_header(exchange)) {
        return;
    }
    if (form == NULL) {
        (void)diag_field(&diag, ERR_INVALID, "Content-Type",
                         "expected application/json, application/x-ndjson or "
                         "application/cloudevents-batch+json");
        exchange_problem(exchange, PROBLEM_MEDIA_TYPE, &diag);
        return;
    }
    struct batch *batch = exchange_new(exchange, sizeof *batch);
    batch->exchange = exchange;
    batch->rules = publication_rules(exchange, /* has_account= */ true);
    batch->parse = form->parse;
    exchange_on_end(exchange, clear_batch, batch);
    json_doc_init(&doc);
    if (form->read(batch, &doc)) {
        submit(batch);
    }
    json_doc_clear(&doc);
}
