/*
 * Channels: where an account wants its events.
 */
#include "base/mem.h"
#include "http/page.h"
#include "model/url.h"
#include "wire/app.h"
#include "wire/dialects.h"
#include "wire/native/channel_json.h"
#include "wire/native/native.h"
#include "wire/native/query.h"
#include "wire/native/removal.h"
#include "wire/native/settings_put.h"

struct put {
    struct exchange *exchange;
    struct store_put_channel put;
    struct id id; /* of the channel to change; none: a new one */
    unsigned tries;
};

static void release_channel(void *ctx)
{
    struct put *state = ctx;
    channel_release(state->put.channel);
}

/* What the model cannot know: dialects, mail, addresses that are never reached. */
static enum err check(const struct app *app, const struct channel *channel, struct diag *diag)
{
    enum err err = dialects_check(&app->dialects, channel, diag);

    if (err == OK && channel->kind == CHANNEL_EMAIL && !app->has_mail) {
        return diag_field(diag, ERR_INVALID, "kind",
                          "this server sends no mail: [smtp] url is not set");
    }
    if (err == OK && channel->url.len > 0 &&
        policy_refuses_host(&app->policy, url_host(channel->url))) {
        return diag_field(diag, ERR_INVALID, "url", "this address is not allowed");
    }
    return err;
}

static void put_once(struct put *state);

static void put_done(struct store_request *request)
{
    struct put *state = CONTAINER_OF(request, struct put, put.request);
    struct exchange *exchange = state->exchange;

    if (settings_should_retry(request->err, &state->tries)) {
        put_once(state);
        return;
    }
    if (request->err != OK) {
        exchange_store_failed(exchange, request);
        return;
    }
    bool is_new = state->id.value == 0;
    channel_json_answer(exchange, state->put.channel, /* with_secret= */ is_new,
                        is_new ? 201 : 200);
}

/* A new channel signs with a secret of its own. */
static void give_secret(struct exchange *exchange, struct channel *channel)
{
    struct env *env = exchange_env(exchange);

    if (channel->secrets_len > 0) {
        return;
    }
    env->random(env, channel->secrets[0].bytes, CHANNEL_SECRET_BYTES);
    channel->secrets[0].len = CHANNEL_SECRET_BYTES;
    channel->secrets[0].until = WALL_NEVER;
    channel->secrets_len = 1;
}

/* An owner who switches a channel on wants it to be tried again, whatever happened before. */
static void enable_again(struct put *state, struct json settings, struct channel *channel)
{
    state->put.is_enabled_again = json_type(json_member(settings, "enabled")) == JSON_TRUE;
    if (state->put.is_enabled_again) {
        (void)health_enable(&channel->health, env_wall(exchange_env(state->exchange)));
    }
}

static enum err make(struct put *state, const struct channel *base, struct diag *diag,
                     struct channel **out)
{
    struct app *app = app_of(state->exchange);
    struct json settings;

    if (exchange_json(state->exchange, /* may_be_empty= */ false, &settings) != OK) {
        return ERR_CLOSED; /* answered */
    }
    enum err err = channel_from_json(settings, base, &app->channel_defaults, out, diag);
    if (err != OK) {
        return err;
    }
    err = check(app, *out, diag);
    if (err != OK) {
        channel_release(*out);
        return err;
    }
    give_secret(state->exchange, *out);
    enable_again(state, settings, *out);
    return OK;
}

/* Makes the channel anew from the newest snapshot and submits it. */
static void put_once(struct put *state)
{
    struct exchange *exchange = state->exchange;
    struct id account = exchange_account(exchange)->id;
    struct account *owner = directory_account_by_id(exchange_directory(exchange), account);
    const struct channel *base = owner == NULL ? NULL : account_channel(owner, state->id);
    struct channel *channel = NULL;
    struct diag diag = {0};

    if (owner == NULL || (base == NULL && state->id.value != 0)) {
        exchange_problem(exchange, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    enum err err = make(state, base, &diag, &channel);
    if (err == ERR_CLOSED) {
        return;
    }
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    channel_release(state->put.channel);
    state->put.channel = channel;
    state->put.account = account;
    state->put.expected.us = base == NULL ? 0 : base->updated.us;
    exchange_submit(exchange, STORE_CALL_put_channel, &state->put.request, put_done);
}

static void put(struct exchange *exchange, struct id id)
{
    struct put *state = exchange_new(exchange, sizeof(*state));

    state->exchange = exchange;
    state->id = id;
    exchange_on_end(exchange, release_channel, state);
    put_once(state);
}

/* POST .../channels: 201 with the channel and, this once, its signing secret. */
void native_channel_create(struct exchange *exchange)
{
    put(exchange, ID_NONE);
}

/*
 * PATCH: changes the members given; null sets a default again; "enabled": true also ends being
 * disabled for failures.
 */
void native_channel_patch(struct exchange *exchange)
{
    struct channel *channel = settings_path_channel(exchange);

    if (channel != NULL) {
        put(exchange, channel->id);
    }
}

void native_channel_get(struct exchange *exchange)
{
    struct channel *channel = settings_path_channel(exchange);

    if (channel != NULL) {
        channel_json_answer(exchange, channel, /* with_secret= */ false, 200);
    }
}

/* First of the account's channels (sorted by id) behind the cursor. */
static uint32_t first_after(const struct account *account, struct id after)
{
    uint32_t i = 0;

    while (i < account->channels_len && account->channels[i]->id.value <= after.value) {
        i++;
    }
    return i;
}

/* GET .../channels: by id, in pages. */
void native_channels_list(struct exchange *exchange)
{
    const struct account *account = exchange_account(exchange);
    struct id after = ID_NONE, last = ID_NONE;
    struct diag diag = {0};
    struct json_writer writer;
    uint32_t limit = 0;

    if (query_is_refused(exchange, page_parameters, PAGE_PARAMETERS)) {
        return;
    }
    enum err err = page_limit(exchange, &limit, &diag);
    if (err == OK) {
        err = page_cursor_id(exchange, ID_CHANNEL, &after, &diag);
    }
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    page_begin(exchange, &writer);
    uint32_t i = first_after(account, after);
    for (uint32_t count = 0; i < account->channels_len && count < limit; i++, count++) {
        channel_api_json(account->channels[i], account->name, &writer);
        last = account->channels[i]->id;
    }
    page_end_id(exchange, &writer, i < account->channels_len, ID_CHANNEL, last);
}

/* DELETE: what was pending for it is canceled. */
void native_channel_delete(struct exchange *exchange)
{
    struct channel *channel = settings_path_channel(exchange);

    if (channel != NULL) {
        removal_submit(exchange, exchange_account(exchange)->id, channel->id, ID_NONE);
    }
}
