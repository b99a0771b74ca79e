/*
 * Reporting on an operation: POST .../operations/{operation}/step, /complete
 *
 *   find it --there--> store the move with its event --> find it again --> answer
 *     ^   |
 *     |   '--not there, but its id is young--> sleep --the wait is over--> 404
 *     |                                          |
 *     '------------------rung--------------------'
 *
 * 1. Another door may hand an operation's id to the provider before the operation is stored, so a
 *    report can come some milliseconds early. Whoever stores it then rings for it.
 * 2. The exchange listens before it asks, so no ring is lost.
 * 3. One ring wakes one waiting report, which rings for the next one when it found what it was rung
 *    for.
 */
#include "dispatch/news.h"
#include "model/field.h"
#include "wire/app.h"
#include "wire/fingerprint.h"
#include "wire/native/envelope.h"
#include "wire/native/member.h"
#include "wire/native/native.h"
#include "wire/native/operation_json.h"
#include "wire/native/publication.h"
#include "wire/native/query.h"
#include "wire/native/settings_put.h"

/* So long after its making an id may be known before the operation is stored. */
#define YOUNG_US US_PER_MINUTE
/* How long a report waits for it. */
#define WAIT_US (5 * US_PER_SECOND)

/* One request. Goes with the exchange. */
struct advancing {
    struct exchange *exchange;
    bool is_step;
    struct news_told told;
    struct slice header_key; /* empty: none */
    struct buf *scratch;     /* for texts with escapes; goes with the exchange */
    bool may_come;           /* it is worth waiting for until `until` */
    struct mono until;
    struct store_get_operation get;
    struct news news;
};

/* ---- reading ---- */

static enum err check_code(const struct advancing *advancing, int64_t code, struct diag *diag)
{
    if (!advancing->is_step && code == OPERATION_CODE_PENDING) {
        return diag_field(diag, ERR_INVALID, "code", "%d is no end: report it as a step",
                          OPERATION_CODE_PENDING);
    }
    return OK;
}

static enum err read_code(struct advancing *advancing, struct json body, struct diag *diag)
{
    struct json value = json_member(body, "code");
    int64_t code = advancing->is_step ? OPERATION_CODE_PENDING : OPERATION_CODE_DONE;
    enum err err = OK;

    if (!json_is_null(value)) {
        err = field_number(value, "code", OPERATION_CODE_MIN, OPERATION_CODE_MAX, &code, diag);
    }
    if (err == OK) {
        err = check_code(advancing, code, diag);
    }
    advancing->told.code = (int32_t)code;
    if (advancing->is_step) {
        advancing->told.news = OPERATION_NEWS_STEP;
    } else {
        bool is_failed = operation_state_of(advancing->told.code) == OPERATION_FAILED;
        advancing->told.news = is_failed ? OPERATION_NEWS_FAILED : OPERATION_NEWS_COMPLETED;
    }
    return err;
}

static enum err read_result(struct advancing *advancing, struct json body, struct diag *diag)
{
    struct json value = json_member(body, "result");

    advancing->told.result = advancing->is_step ? SLICE(OPERATION_PENDING_RESULT) : SLICE("OK");
    return json_is_null(value) ? OK
                               : field_line(value, "result", OPERATION_RESULT_BYTES_MAX,
                                            advancing->scratch, &advancing->told.result, diag);
}

static enum err read_report(struct advancing *advancing, struct json body, struct diag *diag)
{
    static const char *const names[] = {"code", "result", "data"};
    enum err err = field_members(body, "", names, ARRAY_LEN(names), diag);

    if (err == OK) {
        err = read_code(advancing, body, diag);
    }
    if (err == OK) {
        err = read_result(advancing, body, diag);
    }
    if (err == OK) {
        err = operation_json_data(advancing->exchange, body, &advancing->told.data, diag);
    }
    if (err == OK && !slice_is_empty(advancing->header_key)) {
        err = idempotency_key_check(advancing->header_key, diag);
    }
    return err;
}

/* ---- what makes it the same report ---- */

/* An end is the same by its content, a step by its key. */
static void identify(struct advancing *advancing)
{
    struct store_advance *advance = &advancing->news.advance;
    const struct news_told *told = &advancing->told;
    const struct slice body[] = {slice_from(&told->code, sizeof told->code), told->result,
                                 told->data};
    const struct slice key[] = {slice_from(&advance->account.value, sizeof(uint64_t)),
                                slice_from(&advance->operation.value, sizeof(uint64_t)),
                                advancing->header_key};

    if (!advancing->is_step) {
        fingerprint_make(SLICE("operation end"), body, ARRAY_LEN(body), advance->body);
    } else if (!slice_is_empty(advancing->header_key)) {
        advance->item.is_idempotent = true;
        fingerprint_make(SLICE("operation step"), body, ARRAY_LEN(body), advance->item.body);
        fingerprint_make(SLICE("idempotency: step"), key, ARRAY_LEN(key),
                         advance->item.idempotency);
    }
}

/* ---- answering ---- */

/* The operation as it is now, and the event that tells the report. */
static void answer(struct advancing *advancing)
{
    const struct store_publish_item *item = &advancing->news.advance.item;
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(advancing->exchange));
    json_begin_object(&writer);
    json_key(&writer, "operation");
    json_begin_object(&writer);
    operation_json_members(advancing->get.found, &writer);
    json_end_object(&writer);
    member_put_id("event", ID_EVENT, item->id, &writer);
    json_key(&writer, "duplicate");
    json_put_bool(&writer, news_is_duplicate(&advancing->news));
    json_key(&writer, "deliveries");
    json_put_i64(&writer, item->deliveries);
    json_end_object(&writer);
    exchange_answer_json(advancing->exchange, 200);
}

static void found_again(struct store_request *request)
{
    struct advancing *advancing = CONTAINER_OF(request, struct advancing, get.request);

    if (request->err == OK) {
        answer(advancing);
    } else {
        exchange_store_failed(advancing->exchange, request);
    }
    store_request_clear(request);
}

static void find(struct advancing *advancing, store_done_fn *done)
{
    exchange_submit(advancing->exchange, STORE_CALL_get_operation, &advancing->get.request, done);
}

/* ---- storing ---- */

static void advanced(struct store_request *request)
{
    struct advancing *advancing = CONTAINER_OF(request, struct advancing, news.advance.request);

    news_end(&advancing->news);
    store_request_clear(&advancing->get.request);
    if (request->err != OK) {
        exchange_store_failed(advancing->exchange, request);
    } else if (advancing->news.advance.item.err != OK) {
        operation_json_conflict(advancing->exchange);
    } else {
        find(advancing, found_again);
    }
}

/* By the newest settings: the wait may have been long. */
static void advance(struct advancing *advancing)
{
    struct exchange *exchange = advancing->exchange;
    struct account *account =
        directory_account_by_id(exchange_directory(exchange), advancing->get.account);

    news_begin(&advancing->news, app_of(exchange)->dispatch, account, advancing->get.found,
               &advancing->told);
    identify(advancing);
    exchange_submit(exchange, STORE_CALL_advance, &advancing->news.advance.request, advanced);
}

/* ---- finding ---- */

static void found(struct store_request *request);

static void woken(struct exchange *exchange, void *ctx)
{
    struct advancing *advancing = ctx;

    if (exchange_was_rung(exchange)) {
        find(advancing, found);
    } else if (exchange_is_draining(exchange)) {
        exchange_problem(exchange, PROBLEM_STOPPING, NULL);
    } else {
        exchange_problem(exchange, PROBLEM_NOT_FOUND, NULL);
    }
}

static void found(struct store_request *request)
{
    struct advancing *advancing = CONTAINER_OF(request, struct advancing, get.request);
    struct exchange *exchange = advancing->exchange;
    int64_t wait_us = advancing->until.us - env_mono(exchange_env(exchange)).us;

    if (request->err == OK) {
        if (advancing->may_come) { /* invariant 3 */
            server_ring(app_of(exchange)->server, advancing->get.operation.value, 1);
        }
        advance(advancing);
        return;
    }
    store_request_clear(request);
    if (request->err == ERR_NOT_FOUND && advancing->may_come && wait_us > 0) {
        exchange_wait(exchange, wait_us, woken, advancing);
    } else {
        exchange_store_failed(exchange, request);
    }
}

/* Whether it may be in the making; clocks of two servers may differ a little. */
static bool is_young(struct exchange *exchange, struct id operation)
{
    int64_t age_us = env_wall(exchange_env(exchange)).us - id_time(operation).us;

    return age_us > -YOUNG_US && age_us < YOUNG_US;
}

static void find_or_wait(struct advancing *advancing, struct id operation)
{
    struct exchange *exchange = advancing->exchange;

    advancing->get.account = exchange_account(exchange)->id;
    advancing->get.operation = operation;
    advancing->may_come = is_young(exchange, operation);
    if (advancing->may_come) {
        advancing->until.us = env_mono(exchange_env(exchange)).us + WAIT_US;
        exchange_listen(exchange, operation.value); /* invariant 2 */
    }
    find(advancing, found);
}

static void handle(struct exchange *exchange, bool is_step)
{
    struct advancing *advancing = exchange_new(exchange, sizeof *advancing);
    struct id operation;
    struct json body;
    struct diag diag = {0};

    if (publication_is_refused(exchange) || query_is_refused(exchange, NULL, 0) ||
        settings_path_id(exchange, ID_OPERATION, "operation", &operation) != OK ||
        exchange_json(exchange, /* may_be_empty= */ true, &body) != OK) {
        return;
    }
    advancing->exchange = exchange;
    advancing->is_step = is_step;
    advancing->header_key = exchange_header(exchange, "Idempotency-Key");
    advancing->scratch = operation_json_scratch(exchange, body);
    enum err err = read_report(advancing, body, &diag);
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    find_or_wait(advancing, operation);
}

void native_operation_step(struct exchange *exchange)
{
    handle(exchange, /* is_step= */ true);
}

void native_operation_complete(struct exchange *exchange)
{
    handle(exchange, /* is_step= */ false);
}
