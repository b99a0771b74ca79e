/*
 * What a consumer does with messages it has received: POST .../channels/{channel}/ack, /release,
 * /extend
 *
 * Each receipt has its own result, in the order of the request:
 *   ok       done
 *   stale    the lease is over and another consumer has received it since
 *   gone     it is not in the queue any more: acknowledged before, expired or canceled
 *   invalid  no receipt of this channel
 * The status is 200 when any of them is ok or gone; otherwise nothing at all has been done, and a
 * consumer that looks at the status alone must see that: 409 when any is stale, 400 when all are
 * invalid, both as a problem with the results in it.
 */
#include "model/field.h"
#include "model/receipt.h"
#include "wire/native/native.h"
#include "wire/native/query.h"
#include "wire/native/queue.h"
#include "wire/queue_receive.h"

enum { RECEIPTS_MAX = 1000 };

/* One receipt of the request. */
struct entry {
    struct slice raw;               /* as it came, quotes included; lent by the exchange's body */
    struct store_answer_item *item; /* NULL: it is no receipt of this channel */
};

/* One request. All of it goes with the exchange. */
struct answering {
    struct exchange *exchange;
    const struct channel *channel; /* lent by the exchange */
    struct store_answer store;
    struct entry *entries;
    size_t entries_len;
};

/* ---- the answer ---- */

static const char *status_word(const struct entry *entry)
{
    if (entry->item == NULL) {
        return "invalid";
    }
    if (entry->item->err == OK) {
        return "ok";
    }
    return entry->item->err == ERR_STALE ? "stale" : "gone";
}

static bool has_status(const struct answering *answering, const char *word)
{
    for (size_t i = 0; i < answering->entries_len; i++) {
        if (slice_is(slice_of(status_word(&answering->entries[i])), word)) {
            return true;
        }
    }
    return false;
}

static void put_results(const struct answering *answering, struct json_writer *out)
{
    json_key(out, "results");
    json_begin_array(out);
    for (size_t i = 0; i < answering->entries_len; i++) {
        json_begin_object(out);
        json_key(out, "receipt");
        json_put_raw(out, answering->entries[i].raw);
        json_key(out, "status");
        json_put_text(out, status_word(&answering->entries[i]));
        json_end_object(out);
    }
    json_end_array(out);
}

static void answer_results(struct answering *answering)
{
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(answering->exchange));
    json_begin_object(&writer);
    put_results(answering, &writer);
    json_end_object(&writer);
    exchange_answer_json(answering->exchange, 200);
}

/* A problem document with one member more, as RFC 9457 section 3.2 allows. */
static void answer_problem(struct answering *answering, enum problem problem,
                           const struct diag *diag)
{
    struct buf *out = exchange_out(answering->exchange);
    struct json_writer writer;

    problem_write(problem, diag, out);
    buf_cut(out, out->len - 1); /* its last brace */
    buf_byte(out, ',');
    json_writer_init(&writer, out);
    put_results(answering, &writer);
    buf_byte(out, '}');
    exchange_answer(answering->exchange, problem_status(problem), "application/problem+json");
}

static void answer(struct answering *answering)
{
    struct diag diag = {0};

    if (has_status(answering, "ok") || has_status(answering, "gone")) {
        answer_results(answering);
    } else if (has_status(answering, "stale")) {
        (void)diag_field(&diag, ERR_STALE, "receipts", "others have received these messages since");
        answer_problem(answering, PROBLEM_STALE, &diag);
    } else {
        (void)diag_field(&diag, ERR_INVALID, "receipts", "expected receipts of this channel");
        answer_problem(answering, PROBLEM_INVALID, &diag);
    }
}

static void answered(struct store_request *request)
{
    struct answering *answering = CONTAINER_OF(request, struct answering, store.request);

    if (request->err != OK) {
        exchange_store_failed(answering->exchange, request);
        return;
    }
    if (answering->store.kind == STORE_EXTEND &&
        queue_receive_lease_is_short(answering->store.lease_us)) {
        /* it may be shorter than it was */
        queue_receive_ring(answering->exchange, answering->channel->id);
    }
    answer(answering);
}

/* ---- the request ---- */

static void take_receipt(struct answering *answering, struct json value)
{
    struct entry *entry = &answering->entries[answering->entries_len++];
    const uint8_t *key = store_receipt_key(exchange_store(answering->exchange));
    struct receipt receipt;

    entry->raw = json_raw(value);
    /* Ours have no escapes, so what stands between the quotes is the text. */
    if (receipt_parse(key, answering->channel->id, slice_sub(entry->raw, 1, entry->raw.len - 2),
                      &receipt) != OK) {
        return;
    }
    entry->item = &answering->store.items[answering->store.items_len++];
    entry->item->delivery = receipt.delivery;
    entry->item->epoch = receipt.epoch;
}

static enum err read_receipts(struct answering *answering, struct json receipts, struct diag *diag)
{
    struct exchange *exchange = answering->exchange;
    uint32_t at = 0;
    enum err err = field_array(receipts, "receipts", 1, RECEIPTS_MAX, "receipts", diag);

    if (err != OK) {
        return err;
    }
    size_t count = json_count(receipts);
    answering->entries = exchange_new(exchange, count * sizeof *answering->entries);
    answering->store.items = exchange_new(exchange, count * sizeof *answering->store.items);
    for (struct json value = json_first(receipts); json_exists(value); value = json_next(value)) {
        if (json_type(value) != JSON_STRING) {
            return field_expected(value, field_item("receipts", at).chars, "a string", diag);
        }
        take_receipt(answering, value);
        at++;
    }
    return OK;
}

static enum err read_request(struct answering *answering, struct json settings, struct diag *diag)
{
    static const char *const names[] = {"receipts", "lease_ms"};
    bool has_lease = answering->store.kind == STORE_EXTEND;
    enum err err = field_members(settings, "", names, has_lease ? 2 : 1, diag);

    if (err == OK) {
        err = read_receipts(answering, json_member(settings, "receipts"), diag);
    }
    if (err == OK && has_lease) {
        err = queue_lease(settings, answering->channel, &answering->store.lease_us, diag);
    }
    return err;
}

static void handle(struct exchange *exchange, enum store_answer_kind kind)
{
    struct answering *answering = exchange_new(exchange, sizeof *answering);
    struct json settings;
    struct diag diag = {0};

    if (query_is_refused(exchange, NULL, 0) ||
        (answering->channel = queue_of_path(exchange)) == NULL ||
        exchange_json(exchange, /* may_be_empty= */ false, &settings) != OK) {
        return;
    }
    answering->exchange = exchange;
    answering->store.kind = kind;
    if (read_request(answering, settings, &diag) != OK) {
        exchange_input_failed(exchange, ERR_INVALID, &diag);
        return;
    }
    answering->store.account = exchange_account(exchange)->id;
    answering->store.channel = answering->channel->id;
    if (answering->store.items_len == 0) {
        answer(answering); /* the store has nothing to do */
    } else {
        exchange_submit(exchange, STORE_CALL_answer, &answering->store.request, answered);
    }
}

void native_queue_ack(struct exchange *exchange)
{
    handle(exchange, STORE_ACK);
}

void native_queue_release(struct exchange *exchange)
{
    handle(exchange, STORE_RELEASE);
}

void native_queue_extend(struct exchange *exchange)
{
    handle(exchange, STORE_EXTEND);
}
