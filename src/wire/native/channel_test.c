/*
 * The test button: one event to one channel at once, past its queue, recorded nowhere; the answer
 * tells what came of it.
 */
#include "http/exchange.h"
#include "wire/app.h"
#include "wire/native/native.h"
#include "wire/native/settings_put.h"

struct test {
    struct exchange *exchange;
    struct dispatch_probe probe;
};

static void release(void *ctx)
{
    struct test *state = ctx;

    channel_release(state->probe.channel);
    account_release(state->probe.account);
    event_release(state->probe.event);
    buf_clear(&state->probe.answer);
}

static void tested(struct dispatch_probe *probe)
{
    struct test *state = CONTAINER_OF(probe, struct test, probe);
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(state->exchange));
    json_begin_object(&writer);
    json_key(&writer, "outcome");
    json_put_text(&writer, attempt_word(probe->outcome));
    json_key(&writer, "status");
    if (probe->status == 0) {
        json_put_null(&writer); /* there was no answer */
    } else {
        json_put_i64(&writer, probe->status);
    }
    json_key(&writer, "took_ms");
    json_put_i64(&writer, probe->took_us / US_PER_MS);
    json_key(&writer, "detail");
    json_put_text(&writer, probe->detail);
    json_key(&writer, "answer");
    json_put_string(&writer, buf_view(&probe->answer));
    json_end_object(&writer);
    exchange_answer_json(state->exchange, 200);
}

/* An id of the present that the store does not know: nothing of a test is kept. */
static struct id passing_id(struct env *env)
{
    return id_by_chance(env_wall(env), env_random_u64(env));
}

static enum err make_event(struct exchange *exchange, struct json body, struct buf *scratch,
                           struct event **out, struct diag *diag)
{
    struct account *account = exchange_account(exchange);
    struct json type = json_member(body, "type"), data = json_member(body, "data");
    struct event_parts parts = {
        .id = passing_id(exchange_env(exchange)),
        .account = account->id,
        .account_name = account->name,
        .type = SLICE("tidings.test"),
        .content_type = SLICE("application/json"),
        .data = json_exists(data) ? json_raw(data) : SLICE("{\"message\":\"This is a test.\"}"),
    };

    if (json_exists(type)) {
        parts.type = json_type(type) == JSON_STRING ? json_string(type, scratch) : SLICE("");
        enum err err = event_type_check(parts.type, diag);
        if (err != OK) {
            return err;
        }
    }
    *out = event_new(&parts);
    return OK;
}

static enum err check_members(struct json body, struct diag *diag)
{
    for (struct json member = json_first(body); json_exists(member); member = json_next(member)) {
        if (!json_name_is(member, "type") && !json_name_is(member, "data")) {
            char name[DIAG_FIELD_SIZE];
            (void)snprintf(name, sizeof(name), "%.*s", SLICE_ARGS(json_name(member)));
            return diag_field(diag, ERR_INVALID, name, "a test takes \"type\" and \"data\" only");
        }
    }
    return OK;
}

/* POST .../test {"type"?, "data"?} */
void native_channel_test(struct exchange *exchange)
{
    struct channel *channel = settings_path_channel(exchange);
    struct diag diag = {0};
    struct json body;
    struct buf scratch;

    if (channel == NULL || exchange_json(exchange, /* may_be_empty= */ true, &body) != OK) {
        return;
    }
    if (channel->kind == CHANNEL_QUEUE) {
        (void)diag_set(&diag, ERR_CONFLICT, "a queue is fetched, not sent to: publish an event");
        exchange_problem(exchange, PROBLEM_CONFLICT, &diag);
        return;
    }
    struct test *state = exchange_new(exchange, sizeof(*state));
    state->exchange = exchange;
    buf_init(&scratch, EVENT_TYPE_BYTES_MAX + 1);
    enum err err = check_members(body, &diag);
    if (err == OK) {
        err = make_event(exchange, body, &scratch, &state->probe.event, &diag);
    }
    buf_clear(&scratch);
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    state->probe.channel = channel_hold(channel);
    state->probe.account = account_hold(exchange_account(exchange));
    state->probe.delivery = id_offset(state->probe.event->id, 1);
    state->probe.done = tested;
    exchange_on_end(exchange, release, state);
    state->probe.reply_to = exchange_mailbox(exchange);
    dispatch_probe(app_of(exchange)->dispatch, &state->probe);
}
