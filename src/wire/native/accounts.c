/*
 * Accounts: the provider's customers.
 */
#include "http/page.h"
#include "wire/app.h"
#include "wire/native/account_queues.h"
#include "wire/native/native.h"
#include "wire/native/query.h"
#include "wire/native/removal.h"
#include "wire/native/settings_put.h"

struct put {
    struct exchange *exchange;
    struct store_put_account put;
    unsigned tries;
    struct json settings; /* as given; lent by the exchange */
    bool is_patch;
    bool is_new;
};

static void release_account(void *ctx)
{
    struct put *state = ctx;
    account_release(state->put.account);
}

static void answer(struct exchange *exchange, const struct account *account, unsigned status)
{
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(exchange));
    account_api_json(account, &writer);
    exchange_answer_json(exchange, status);
}

static void put_once(struct put *state);

static void queues_made(void *ctx, const struct store_request *failed)
{
    struct put *state = ctx;

    if (failed != NULL) {
        exchange_store_failed(state->exchange, failed);
        return;
    }
    answer(state->exchange, state->put.account, state->is_new ? 201 : 200);
}

static void put_done(struct store_request *request)
{
    struct put *state = CONTAINER_OF(request, struct put, put.request);

    if (settings_should_retry(request->err, &state->tries)) {
        put_once(state);
        return;
    }
    if (request->err != OK) {
        exchange_store_failed(state->exchange, request);
        return;
    }
    account_queues_make(state->exchange, state->put.account->id, state->settings, queues_made,
                        state);
}

/* Makes the account anew from the newest snapshot and submits it. */
static void put_once(struct put *state)
{
    struct exchange *exchange = state->exchange;
    struct slice name = exchange_param(exchange, "account");
    struct account *base = directory_account(exchange_directory(exchange), name);
    struct account *account = NULL;
    struct diag diag = {0};

    if (base == NULL && state->is_patch) {
        exchange_problem(exchange, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (exchange_json(exchange, /* may_be_empty= */ true, &state->settings) != OK) {
        return;
    }
    enum err err = account_name_check(name, &diag);
    if (err == OK) {
        err = account_from_json(name, state->settings, state->is_patch ? base : NULL,
                                &app_of(exchange)->channel_defaults.dialects, &account, &diag);
    }
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    if (base != NULL) {
        account->id = base->id;
        account->created = base->created;
        state->put.expected = base->updated;
    }
    state->is_new = base == NULL;
    account_release(state->put.account);
    state->put.account = account;
    exchange_submit(exchange, STORE_CALL_put_account, &state->put.request, put_done);
}

static void put(struct exchange *exchange, bool is_patch)
{
    struct put *state = exchange_new(exchange, sizeof(*state));

    state->exchange = exchange;
    state->is_patch = is_patch;
    exchange_on_end(exchange, release_account, state);
    put_once(state);
}

/* PUT: creates (201), or replaces the settings (200) and keeps the channels. */
void native_account_put(struct exchange *exchange)
{
    put(exchange, /* is_patch= */ false);
}

/* PATCH: changes the members given; null sets a default again. */
void native_account_patch(struct exchange *exchange)
{
    put(exchange, /* is_patch= */ true);
}

void native_account_get(struct exchange *exchange)
{
    answer(exchange, exchange_account(exchange), 200);
}

/* GET /v1/accounts: by name, in pages. */
void native_accounts_list(struct exchange *exchange)
{
    struct account *found[PAGE_LIMIT_MAX + 1];
    struct slice after = {0};
    struct diag diag = {0};
    struct json_writer writer;
    uint32_t limit = 0;

    if (query_is_refused(exchange, page_parameters, PAGE_PARAMETERS)) {
        return;
    }
    enum err err = page_limit(exchange, &limit, &diag);
    if (err == OK) {
        err = page_cursor_name(exchange, &after, &diag);
    }
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    size_t count = directory_accounts_after(exchange_directory(exchange), after, found, limit + 1);
    bool has_more = count > limit;
    count = has_more ? limit : count;
    page_begin(exchange, &writer);
    for (size_t i = 0; i < count; i++) {
        account_api_json(found[i], &writer);
    }
    page_end_name(exchange, &writer, has_more, count > 0 ? found[count - 1]->name : SLICE(""));
}

/* DELETE: the account with its channels and keys; what was pending is canceled. */
void native_account_delete(struct exchange *exchange)
{
    removal_submit(exchange, exchange_account(exchange)->id, ID_NONE, ID_NONE);
}
