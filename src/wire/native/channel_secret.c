/*
 * A channel's signing secret: shown to its owner, and made anew while the old one goes on signing
 * for a while, so that receivers can change over.
 */
#include "base/mem.h"
#include "base/timetext.h"
#include "wire/native/channel_json.h"
#include "wire/native/native.h"
#include "wire/native/settings_put.h"

/* How long the old secret goes on signing when the caller says nothing, and at most. */
#define OVERLAP_US US_PER_DAY
#define OVERLAP_MAX_US (30 * US_PER_DAY)

struct rotation {
    struct exchange *exchange;
    struct store_put_channel put;
    struct id channel;
    int64_t overlap_us;
    unsigned tries;
};

static void answer(struct exchange *exchange, const struct channel *channel)
{
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(exchange));
    json_begin_object(&writer);
    channel_json_put_secrets(&writer, channel, env_wall(exchange_env(exchange)));
    json_end_object(&writer);
    exchange_answer_json(exchange, 200);
}

static struct channel *signing_channel(struct exchange *exchange)
{
    struct channel *channel = settings_path_channel(exchange);

    if (channel != NULL && channel->kind != CHANNEL_WEBHOOK) {
        struct diag diag = {0};
        (void)diag_set(&diag, ERR_CONFLICT, "only webhook channels sign");
        exchange_problem(exchange, PROBLEM_CONFLICT, &diag);
        return NULL;
    }
    return channel;
}

/* GET .../secret */
void native_channel_secret(struct exchange *exchange)
{
    struct channel *channel = signing_channel(exchange);

    if (channel != NULL) {
        answer(exchange, channel);
    }
}

static void release_channel(void *ctx)
{
    struct rotation *state = ctx;
    channel_release(state->put.channel);
}

/* The new secret in front; the ones before go on until the overlap is over. */
static void rotate(struct channel *channel, struct env *env, int64_t overlap_us)
{
    struct wall until = {env_wall(env).us + overlap_us};
    uint32_t kept =
        channel->secrets_len < CHANNEL_SECRETS_MAX ? channel->secrets_len : CHANNEL_SECRETS_MAX - 1;

    memmove(&channel->secrets[1], &channel->secrets[0], kept * sizeof(channel->secrets[0]));
    for (uint32_t i = 1; i <= kept; i++) {
        if (channel->secrets[i].until.us > until.us) {
            channel->secrets[i].until = until;
        }
    }
    env->random(env, channel->secrets[0].bytes, CHANNEL_SECRET_BYTES);
    channel->secrets[0].len = CHANNEL_SECRET_BYTES;
    channel->secrets[0].until = WALL_NEVER;
    channel->secrets_len = kept + 1;
}

static void rotate_once(struct rotation *state);

static void rotated(struct store_request *request)
{
    struct rotation *state = CONTAINER_OF(request, struct rotation, put.request);

    if (settings_should_retry(request->err, &state->tries)) {
        rotate_once(state);
        return;
    }
    if (request->err != OK) {
        exchange_store_failed(state->exchange, request);
        return;
    }
    answer(state->exchange, state->put.channel);
}

static void rotate_once(struct rotation *state)
{
    struct exchange *exchange = state->exchange;
    struct id account = exchange_account(exchange)->id;
    struct account *owner = directory_account_by_id(exchange_directory(exchange), account);
    struct channel *base = owner == NULL ? NULL : account_channel(owner, state->channel);

    if (base == NULL) {
        exchange_problem(exchange, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    channel_release(state->put.channel);
    state->put.channel = channel_copy(base);
    rotate(state->put.channel, exchange_env(exchange), state->overlap_us);
    state->put.account = account;
    state->put.expected = base->updated;
    exchange_submit(exchange, STORE_CALL_put_channel, &state->put.request, rotated);
}

static enum err read_overlap(struct json body, int64_t *out, struct diag *diag)
{
    struct json member = json_member(body, "overlap");
    struct buf scratch;

    for (struct json any = json_first(body); json_exists(any); any = json_next(any)) {
        if (!json_name_is(any, "overlap")) {
            char name[DIAG_FIELD_SIZE];
            (void)snprintf(name, sizeof(name), "%.*s", SLICE_ARGS(json_name(any)));
            return diag_field(diag, ERR_INVALID, name, "a rotation takes \"overlap\" only");
        }
    }
    if (!json_exists(member)) {
        return OK;
    }
    buf_init(&scratch, 64);
    bool is_right = json_type(member) == JSON_STRING &&
                    duration_parse(json_string(member, &scratch), out) == OK &&
                    *out <= OVERLAP_MAX_US;
    buf_clear(&scratch);
    return is_right ? OK
                    : diag_field(diag, ERR_INVALID, "overlap",
                                 "must be a duration such as \"24h\", at most 30d");
}

/* POST .../rotate-secret {"overlap": "24h"}: the old secret signs too until the overlap is over. */
void native_channel_rotate(struct exchange *exchange)
{
    struct channel *channel = signing_channel(exchange);
    struct diag diag = {0};
    struct json body;

    if (channel == NULL || exchange_json(exchange, /* may_be_empty= */ true, &body) != OK) {
        return;
    }
    struct rotation *state = exchange_new(exchange, sizeof(*state));
    state->exchange = exchange;
    state->channel = channel->id;
    state->overlap_us = OVERLAP_US;
    enum err err = read_overlap(body, &state->overlap_us, &diag);
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    exchange_on_end(exchange, release_channel, state);
    rotate_once(state);
}
