#include "world.h"

#include "base/list.h"
#include "os/log.h"
#include "send/sender.h"
#include "store/replies.h"

#include <inttypes.h>

enum { ACCEPTED = 200, REFUSED = 503, URL_SIZE = 64, USUAL_SEED = 20260102 };
#define ANSWER_US (2 * US_PER_MS)

/* sender_new and the store have no other way to it. */
static struct world *the_world;

void __real_store_submit(struct store *store, struct store_request *request);
void __wrap_store_submit(struct store *store, struct store_request *request);

static void come_back(struct store_request *request)
{
    request->done = NULL;
}

/*
 * The link puts this in the place of store_submit. A request of the worker is answered before this
 * returns, and then lies in the worker's mailbox: so answers come in the order of the requests,
 * and nothing of the worker's is ever under way, whatever the store's threads do. (Several of them
 * read: that one has answered a later request says nothing of what another one has in hand.)
 */
void __wrap_store_submit(struct store *store, struct store_request *request)
{
    struct mailbox *asker = request->reply_to;
    store_done_fn *done = request->done;

    if (asker == the_world->driver.mailbox) {
        __real_store_submit(store, request);
        return;
    }
    request->reply_to = the_world->answers;
    request->done = come_back;
    __real_store_submit(store, request);
    while (request->done != NULL) {
        (void)mailbox_wait(the_world->answers, -1);
        (void)mailbox_run(the_world->answers);
    }
    request->reply_to = asker;
    request->done = done;
    reply_post(request);
}

/* ---- the sender ---- */

struct sender {
    struct world *world;
    struct heap air; /* of flown, by when they end */
};

struct flown {
    struct heap_link ends;
    struct outbound *outbound;
    struct world_answer answer;
    uint32_t channel;
    char retry_after[32];
    char detail[32];
};

struct sender *sender_new(struct env *env, const struct sender_options *options)
{
    struct sender *sender = MEM_NEW(struct sender);

    (void)env;
    (void)options;
    sender->world = the_world;
    heap_init(&sender->air);
    return sender;
}

static void land(struct sender *sender, struct flown *flown)
{
    heap_remove(&sender->air, &flown->ends);
    sender->world->in_flight[flown->channel]--;
}

void sender_abort(struct sender *sender, struct outbound *outbound)
{
    struct flown *flown = outbound->private_state;

    land(sender, flown);
    mem_free(flown);
}

void sender_free(struct sender *sender)
{
    struct heap_link *link;

    if (sender == NULL) {
        return;
    }
    while ((link = heap_first(&sender->air)) != NULL) {
        sender_abort(sender, CONTAINER_OF(link, struct flown, ends)->outbound);
    }
    heap_clear(&sender->air);
    mem_free(sender);
}

uint32_t sender_active(const struct sender *sender)
{
    return (uint32_t)sender->air.count;
}

/* A header's value as text, which ends in zero. */
static const char *header(const struct outbound *outbound, const char *name)
{
    for (uint32_t i = 0; i < outbound->headers_len; i++) {
        if (slice_is(outbound->headers[i].name, name)) {
            return outbound->headers[i].value.ptr;
        }
    }
    return "";
}

static struct world_try *note_try(struct world *world, const struct outbound *outbound)
{
    if (world->tries_len == world->tries_room) {
        world->tries_room = world->tries_room == 0 ? 64 : 2 * world->tries_room;
        world->tries = mem_resize(world->tries, world->tries_room, sizeof *world->tries);
    }
    struct world_try *noted = &world->tries[world->tries_len++];
    *noted = (struct world_try){
        .channel = (uint32_t)strtoul(header(outbound, "channel"), NULL, 10),
        .delivery.value = strtoull(header(outbound, "delivery"), NULL, 10),
        .number = (uint32_t)strtoul(header(outbound, "number"), NULL, 10),
        .began = world_now(world),
    };
    (void)snprintf(noted->type, sizeof noted->type, "%s", header(outbound, "type"));
    return noted;
}

void sender_start(struct sender *sender, struct outbound *outbound)
{
    struct world *world = sender->world;
    struct flown *flown = MEM_NEW(struct flown);
    const struct world_try *noted = note_try(world, outbound);

    flown->outbound = outbound;
    flown->channel = noted->channel;
    outbound->private_state = flown;
    if (++world->in_flight[flown->channel] > world->in_flight_peak[flown->channel]) {
        world->in_flight_peak[flown->channel] = world->in_flight[flown->channel];
    }
    flown->answer = world->receive(world->ctx, noted);
    heap_insert(&sender->air, &flown->ends,
                env_mono(&world->driver.clock.env).us + flown->answer.takes_us);
}

static void finish(struct sender *sender, struct flown *flown)
{
    struct outbound *outbound = flown->outbound;
    const struct world_answer *answer = &flown->answer;
    bool has_answer = answer->outcome == ATTEMPT_ANSWER;

    (void)snprintf(flown->retry_after, sizeof flown->retry_after, "%" PRId64,
                   answer->retry_after_us / US_PER_SECOND);
    (void)snprintf(flown->detail, sizeof flown->detail, "%s %" PRId32,
                   attempt_word(answer->outcome), answer->status);
    outbound->result = (struct outbound_result){
        .outcome = answer->outcome,
        .status = has_answer ? answer->status : 0,
        .detail = slice_of(flown->detail),
        .headers = {{SLICE("retry-after"), slice_of(flown->retry_after)}},
        .headers_len = answer->retry_after_us > 0 ? 1 : 0,
        .took_us = answer->takes_us,
    };
    land(sender, flown);
    outbound->done(outbound);
    mem_free(flown);
}

static bool finish_due(struct sender *sender)
{
    struct mono now = env_mono(&sender->world->driver.clock.env);
    bool has_finished = false;
    struct heap_link *link;

    while ((link = heap_first(&sender->air)) != NULL && link->key <= now.us) {
        finish(sender, CONTAINER_OF(link, struct flown, ends));
        has_finished = true;
    }
    return has_finished;
}

/* ---- time ---- */

/*
 * Rests until there is time to pass; how much. 0: the test may have done something meanwhile, or
 * wants the worker to end.
 */
static int64_t time_left(struct world *world, struct mailbox *wake)
{
    int64_t now = env_mono(&world->driver.clock.env).us;
    int64_t left_us = 0;

    (void)pthread_mutex_lock(&world->lock);
    if (world->until.us <= now) {
        unsigned asked = world->asked;

        world->rested = asked;
        (void)pthread_cond_broadcast(&world->moved);
        while (world->asked == asked) {
            (void)pthread_cond_wait(&world->moved, &world->lock);
        }
    } else {
        left_us = world->until.us - now;
    }
    bool has_to_end = left_us == 0 && world->until.us == MONO_NEVER.us;
    (void)pthread_mutex_unlock(&world->lock);
    if (has_to_end) {
        (void)mailbox_wait(wake, -1); /* else time would pass before it hears of it */
    }
    return left_us;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void sender_run(struct sender *sender, struct mailbox *wake, int64_t timeout_us)
{
    struct world *world = sender->world;

    if (finish_due(sender) || timeout_us == 0 || mailbox_wait(wake, 0)) {
        return;
    }
    int64_t step_us = smaller(timeout_us, time_left(world, wake));
    struct heap_link *next = heap_first(&sender->air);
    if (next != NULL) {
        step_us = smaller(step_us, next->key - env_mono(&world->driver.clock.env).us);
    }
    if (step_us > 0) {
        env_manual_advance(&world->driver.clock, step_us);
        (void)finish_due(sender);
    }
}

/* Lets the worker go on until then. */
static void let_go(struct world *world, struct mono until)
{
    (void)pthread_mutex_lock(&world->lock);
    world->until = until;
    world->asked++;
    (void)pthread_cond_broadcast(&world->moved);
    (void)pthread_mutex_unlock(&world->lock);
}

void world_run(struct world *world, int64_t us)
{
    let_go(world, (struct mono){env_mono(&world->driver.clock.env).us + us});
    (void)pthread_mutex_lock(&world->lock);
    while (world->rested != world->asked) {
        (void)pthread_cond_wait(&world->moved, &world->lock);
    }
    (void)pthread_mutex_unlock(&world->lock);
}

struct wall world_now(struct world *world)
{
    return env_wall(&world->driver.clock.env);
}

/* ---- the dialect: headers that tell the receiver what it is ---- */

static void add_number(struct dialect_draft *draft, const char *name, uint64_t value)
{
    size_t from = draft->text->len;

    buf_printf(draft->text, "%" PRIu64, value);
    struct slice text = slice_sub(buf_view(draft->text), from, draft->text->len);
    buf_byte(draft->text, '\0');
    dialect_add_header(draft, slice_of(name), text);
}

static enum err encode(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                       struct diag *diag)
{
    size_t from = draft->text->len;

    (void)diag;
    buf_slice(draft->text, attempt->event->type);
    struct slice type = slice_sub(buf_view(draft->text), from, draft->text->len);
    buf_byte(draft->text, '\0');
    dialect_add_header(draft, SLICE("type"), type);
    add_number(draft, "channel",
               strtoul(attempt->channel->url.ptr + strlen("https://example.com/"), NULL, 10));
    add_number(draft, "delivery", attempt->delivery.value);
    add_number(draft, "number", attempt->number);
    return OK;
}

static struct dialect_judgement judge(const struct dialect_attempt *attempt,
                                      const struct outbound_result *result, struct buf *detail)
{
    (void)detail;
    return dialect_judge_status(result, attempt->now);
}

static const struct dialect dialect_plain = {
    .name = "standard",
    .kinds = 1U << CHANNEL_WEBHOOK,
    .encode = encode,
    .judge = judge,
};

static const struct dialect *const dialects[] = {&dialect_plain};

/* ---- the store's hooks ---- */

static void on_published(void *ctx, struct store_publish_item *const *items, size_t len)
{
    dispatch_published(((struct world *)ctx)->dispatch, items, len);
}

static void on_nudged(void *ctx, struct id account, struct id channel, struct id delivery)
{
    dispatch_nudged(((struct world *)ctx)->dispatch, account, channel, delivery);
}

static void on_changed(void *ctx, struct id account, struct id channel)
{
    struct world *world = ctx;

    if (world->dispatch != NULL) {
        dispatch_changed(world->dispatch, account, channel);
    }
}

/* ---- the world ---- */

uint64_t world_seed(void)
{
    const char *given = getenv("TIDINGS_SIMULATION_SEED");

    return given != NULL ? strtoull(given, NULL, 10) : USUAL_SEED;
}

void world_init(struct world *world, uint64_t seed, world_receive_fn *receive, void *ctx)
{
    static unsigned worlds;

    memset(world, 0, sizeof *world);
    the_world = world;
    (void)snprintf(world->path, sizeof world->path, "world-%u", worlds++);
    print_message("seed %" PRIu64 "\n", seed);
    log_set_level(LOG_ERROR); /* channels fail all the time here */
    driver_init(&world->driver, &engine_memory, world->path);
    env_manual_init(&world->driver.clock, (struct wall){INT64_C(1770000000) * US_PER_SECOND}, seed);
    chance_init(&world->chance, seed);
    world->driver.options.readers = 1; /* so that reads come back in order */
    world->driver.options.hooks.ctx = world;
    world->driver.options.hooks.published = on_published;
    world->driver.options.hooks.nudged = on_nudged;
    world->driver.options.hooks.changed = on_changed;
    world->receive = receive;
    world->ctx = ctx;
    world->options = (struct dispatch_options){
        .threads = 1,
        .memory_bytes = 64 * 1024 * 1024,
        .in_flight_max = 4096,
        .dialects = {dialects, ARRAY_LEN(dialects)},
        .health = {.warn_after_us = US_PER_DAY, .disable_after_us = 5 * US_PER_DAY},
    };
    (void)pthread_mutex_init(&world->lock, NULL);
    (void)pthread_cond_init(&world->moved, NULL);
    world->answers = mailbox_new();
    driver_open(&world->driver);
    world->account = driver_account(&world->driver, "acme");
    world_start(world);
}

void world_start(struct world *world)
{
    struct diag diag = {0};

    world->until = env_mono(&world->driver.clock.env);
    world->dispatch = dispatch_new(&world->driver.clock.env, &world->options);
    assert_int_equal(dispatch_start(world->dispatch, world->driver.store, &diag), OK);
    world_run(world, 0);
}

void world_stop(struct world *world)
{
    world_run(world, 0); /* else the next message might not be that it has to end */
    let_go(world, MONO_NEVER);
    dispatch_drain(world->dispatch, US_PER_MINUTE);
    struct dispatch *dispatch = world->dispatch;
    world->dispatch = NULL;
    dispatch_free(dispatch);
}

void world_free(struct world *world)
{
    if (world->dispatch != NULL) {
        world_stop(world);
    }
    driver_free(&world->driver);
    mailbox_free(world->answers);
    (void)pthread_mutex_destroy(&world->lock);
    (void)pthread_cond_destroy(&world->moved);
    mem_free(world->tries);
}

uint32_t world_channel(struct world *world, const char *settings)
{
    char text[1024];
    uint32_t number = world->channels_len++;

    assert_true(number < WORLD_CHANNELS_MAX);
    (void)snprintf(text, sizeof text,
                   "{\"kind\":\"webhook\",\"url\":\"https://example.com/%" PRIu32 "\"%s%s}", number,
                   settings[0] == '\0' ? "" : ",", settings);
    world->channels[number] = driver_channel(&world->driver, world->account, text);
    return number;
}

static struct account *the_account(struct world *world)
{
    return directory_account_by_id(driver_directory(&world->driver), world->account);
}

void world_patch(struct world *world, uint32_t channel, const char *settings)
{
    struct channel *base = account_channel(the_account(world), world->channels[channel]);
    struct store_put_channel put = {.account = world->account, .expected = base->updated};
    char text[1024];
    struct json_doc doc;

    (void)snprintf(text, sizeof text, "{%s}", settings);
    assert_int_equal(channel_from_json(driver_json(&doc, text), base,
                                       &world->driver.options.channel_defaults, &put.channel, NULL),
                     OK);
    assert_int_equal(DRIVER_CALL(&world->driver, put_channel, &put), OK);
    channel_release(put.channel);
    json_doc_clear(&doc);
}

struct store_publish_item world_publish(struct world *world, const char *type)
{
    struct store_publish_item item = {.event = event_new(&(struct event_parts){
                                          .account = world->account,
                                          .account_name = SLICE("acme"),
                                          .type = slice_of(type),
                                          .content_type = SLICE("application/json"),
                                          .data = SLICE("1"),
                                      })};
    struct store_publish publish = {.items = &item, .items_len = 1};
    struct account *account = account_hold(the_account(world));

    intake_match(world->dispatch, account, &item);
    assert_int_equal(DRIVER_CALL(&world->driver, publish, &publish), OK);
    account_release(account);
    event_release(item.event);
    return item;
}

enum err world_steer(struct world *world, struct id delivery, enum store_steer_kind kind)
{
    struct store_steer steer = {.account = world->account, .delivery = delivery, .kind = kind};

    return DRIVER_CALL(&world->driver, steer, &steer);
}

struct store_delivery world_delivery(struct world *world, struct id delivery)
{
    return driver_delivery(&world->driver, world->account, delivery, NULL);
}

struct world_answer world_accept(void *ctx, const struct world_try *attempt)
{
    (void)ctx;
    (void)attempt;
    return (struct world_answer){
        .outcome = ATTEMPT_ANSWER, .status = ACCEPTED, .takes_us = ANSWER_US};
}

struct world_answer world_refuse(void *ctx, const struct world_try *attempt)
{
    (void)ctx;
    (void)attempt;
    return (struct world_answer){
        .outcome = ATTEMPT_ANSWER, .status = REFUSED, .takes_us = ANSWER_US};
}
