#include "harness.h"

#include "base/json.h"
#include "base/mem.h"
#include "model/receipt.h"
#include "os/mailbox.h"
#include "support/test_dialects.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2026-03-01T12:00:00Z, and a seed: every run is the same. */
#define START ((struct wall){INT64_C(1772366400) * US_PER_SECOND})
enum { SEED = 20260301 };

/* Long enough for a machine that is busy with other things. */
#define PATIENCE_US (2 * US_PER_MINUTE)

static const struct engine_ops *engine;

/* ---- The store under test -------------------------------------------------------------------- */

void harness_choose_engine(int argc, char **argv)
{
    engine = argc == 2 ? engine_find(argv[1]) : NULL;
    if (engine == NULL) {
        (void)fprintf(stderr, "usage: %s ENGINE\n", argv[0]);
        exit(EXIT_FAILURE);
    }
}

const struct engine_ops *harness_engine(void)
{
    return engine;
}

static void add_note(struct harness *harness, struct note note)
{
    if (harness->notes_len < NOTES_MAX) {
        harness->notes[harness->notes_len++] = note;
    }
}

static void note_published(void *ctx, struct store_publish_item *const *items, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        add_note(ctx, (struct note){.kind = NOTE_PUBLISHED,
                                    .account = items[i]->event->account,
                                    .thing = items[i]->event->id});
    }
}

static void note_nudged(void *ctx, struct id account, struct id channel, struct id delivery)
{
    add_note(ctx,
             (struct note){
                 .kind = NOTE_NUDGED, .account = account, .channel = channel, .thing = delivery});
}

static void note_changed(void *ctx, struct id account, struct id channel)
{
    add_note(ctx, (struct note){.kind = NOTE_CHANGED, .account = account, .channel = channel});
}

static void note_deadline(void *ctx, struct wall deadline)
{
    add_note(ctx, (struct note){.kind = NOTE_DEADLINE, .deadline = deadline});
}

static void end_by_fatal(void *ctx, enum err err, const struct diag *diag)
{
    (void)ctx;
    (void)fprintf(stderr, "the store cannot go on: %s: %s\n", err_word(err), diag->text);
    abort();
}

static struct store_options plain_options(struct harness *harness)
{
    return (struct store_options){
        .engine = engine,
        .path = harness->path.chars,
        .node = 1,
        .readers = 2,
        .queue_max = 1000,
        .batch_max = 64,
        .channel_defaults = {.webhook = schedule_default(),
                             .email = schedule_default_mail(),
                             .timeout_us = 15 * US_PER_SECOND,
                             .dialects = test_dialects},
        .hooks = {.ctx = harness,
                  .published = note_published,
                  .nudged = note_nudged,
                  .changed = note_changed,
                  .deadline = note_deadline,
                  .fatal = end_by_fatal},
    };
}

int harness_make(void **state)
{
    struct harness *harness = MEM_NEW(struct harness);
    void *scratch = NULL;

    if (scratch_make(&scratch) != 0) {
        mem_free(harness);
        return -1;
    }
    harness->scratch = scratch;
    harness->path = scratch_path(harness->scratch, "data");
    env_manual_init(&harness->clock, START, SEED);
    harness->options = plain_options(harness);
    harness->mailbox = mailbox_new();
    harness_open(harness);
    *state = harness;
    return 0;
}

int harness_remove(void **state)
{
    struct harness *harness = *state;
    void *scratch = harness->scratch;

    harness_close(harness);
    mailbox_free(harness->mailbox);
    mem_free(harness);
    return scratch_remove(&scratch);
}

enum err harness_try_open(struct harness *harness, struct diag *diag)
{
    return store_open(&harness->clock.env, &harness->options, &harness->store, diag);
}

void harness_open(struct harness *harness)
{
    struct diag diag = {0};

    if (harness_try_open(harness, &diag) != OK) {
        fail_msg("the store does not open: %s", diag.text);
    }
}

void harness_close(struct harness *harness)
{
    store_view_clear(&harness->view);
    store_close(harness->store);
    harness->store = NULL;
}

void harness_reopen(struct harness *harness)
{
    harness_close(harness);
    harness_open(harness);
}

void harness_advance(struct harness *harness, int64_t us)
{
    env_manual_advance(&harness->clock, us);
}

struct wall harness_now(const struct harness *harness)
{
    return (struct wall){harness->clock.wall_us};
}

void harness_forget_notes(struct harness *harness)
{
    harness->notes_len = 0;
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* A request that is back has no done any more: that is what whoever waits looks at. */
static void come_back(struct store_request *request)
{
    request->done = NULL;
}

static void send_by(struct store *store, struct mailbox *mailbox, enum store_call call,
                    struct store_request *request)
{
    request->call = call;
    request->reply_to = mailbox;
    request->done = come_back;
    store_submit(store, request);
}

static enum err await(struct mailbox *mailbox, const struct store_request *request)
{
    while (request->done != NULL) {
        bool is_there = mailbox_wait(mailbox, PATIENCE_US);

        assert(is_there); /* also on threads that are not cmocka's */
        (void)mailbox_run(mailbox);
    }
    return request->err;
}

enum err harness_call_by(struct store *store, struct mailbox *mailbox, enum store_call call,
                         struct store_request *request)
{
    send_by(store, mailbox, call, request);
    return await(mailbox, request);
}

void harness_send(struct harness *harness, enum store_call call, struct store_request *request)
{
    send_by(harness->store, harness->mailbox, call, request);
}

enum err harness_await(struct harness *harness, struct store_request *request)
{
    return await(harness->mailbox, request);
}

void hold_here(struct hold *hold)
{
    (void)pthread_mutex_lock(&hold->lock);
    hold->is_in = true;
    (void)pthread_cond_broadcast(&hold->moved);
    while (!hold->may_go) {
        (void)pthread_cond_wait(&hold->moved, &hold->lock);
    }
    (void)pthread_mutex_unlock(&hold->lock);
}

static void hold_committer(void *ctx, UNUSED struct id account, UNUSED struct id channel)
{
    hold_here(ctx);
}

void hold_on_change(struct harness *harness, struct hold *hold)
{
    harness_close(harness);
    harness->options.hooks = (struct store_hooks){
        .ctx = hold, .changed = hold_committer, .fatal = harness->options.hooks.fatal};
    harness_open(harness);
}

void hold_wait(struct hold *hold)
{
    (void)pthread_mutex_lock(&hold->lock);
    while (!hold->is_in) {
        (void)pthread_cond_wait(&hold->moved, &hold->lock);
    }
    (void)pthread_mutex_unlock(&hold->lock);
}

void hold_end(struct hold *hold)
{
    (void)pthread_mutex_lock(&hold->lock);
    hold->may_go = true;
    (void)pthread_cond_broadcast(&hold->moved);
    (void)pthread_mutex_unlock(&hold->lock);
}

/* ---- Settings -------------------------------------------------------------------------------- */

struct id make_account(struct harness *harness, const char *name)
{
    struct store_put_account put = {0};
    struct json_doc doc;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, SLICE("{}"), NULL), OK);
    assert_int_equal(account_from_json(slice_of(name), json_root(&doc), NULL, &test_dialects,
                                       &put.account, NULL),
                     OK);
    assert_int_equal(CALL(harness, put_account, &put), OK);
    struct id id = put.account->id;
    account_release(put.account);
    json_doc_clear(&doc);
    return id;
}

struct id make_channel(struct harness *harness, struct id account, const char *settings)
{
    struct store_put_channel put = {.account = account};
    struct diag diag = {0};
    struct json_doc doc;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, slice_of(settings), NULL), OK);
    if (channel_from_json(json_root(&doc), NULL, &harness->options.channel_defaults, &put.channel,
                          &diag) != OK) {
        fail_msg("%s: %s", diag.field, diag.text);
    }
    assert_int_equal(CALL(harness, put_channel, &put), OK);
    struct id id = put.channel->id;
    channel_release(put.channel);
    json_doc_clear(&doc);
    return id;
}

struct id make_webhook(struct harness *harness, struct id account)
{
    return make_channel(harness, account,
                        "{\"kind\": \"webhook\", \"url\": \"https://example.com/hook\"}");
}

struct id make_queue(struct harness *harness, struct id account)
{
    return make_channel(harness, account, "{\"kind\": \"queue\"}");
}

struct account *see_account(struct harness *harness, struct id account)
{
    return directory_account_by_id(store_view(harness->store, &harness->view), account);
}

struct channel *see_channel(struct harness *harness, struct id account, struct id channel)
{
    return account_channel(see_account(harness, account), channel);
}

void remove_channel(struct harness *harness, struct id account, struct id channel)
{
    struct store_remove target = {.account = account, .channel = channel};

    assert_int_equal(CALL(harness, remove, &target), OK);
}

/* ---- Events ---------------------------------------------------------------------------------- */

struct event *make_event(struct id account, const char *type, struct slice data)
{
    return event_new(&(struct event_parts){
        .account = account,
        .account_name = SLICE("acme"),
        .type = slice_of(type),
        .content_type = SLICE("application/json"),
        .data = data,
    });
}

struct store_publish_item publish_to(struct harness *harness, struct event *event,
                                     struct store_target *targets, uint32_t targets_len)
{
    struct store_publish_item item = {
        .event = event, .targets = targets, .targets_len = targets_len};
    struct store_publish publish = {.items = &item, .items_len = 1};

    assert_int_equal(CALL(harness, publish, &publish), OK);
    assert_int_equal(item.err, OK);
    event_release(event);
    return item;
}

struct id publish_one(struct harness *harness, struct id account, struct id channel,
                      enum store_way way)
{
    struct store_target target = {.channel = channel, .way = way};
    struct event *event = make_event(account, "order.created", SLICE(PLAIN_DATA));

    return event_delivery_id(publish_to(harness, event, &target, 1).id, 0);
}

void publish_many(struct harness *harness, struct id account, size_t count)
{
    enum { EACH = 1000 };
    struct store_publish_item *items = MEM_ARRAY(EACH, struct store_publish_item);
    struct store_publish publish = {.items = items, .items_len = EACH};

    for (size_t i = 0; i < EACH; i++) {
        items[i].event = make_event(account, "stock.changed", SLICE("1"));
    }
    for (size_t i = 0; i < count; i += EACH) {
        assert_int_equal(CALL(harness, publish, &publish), OK);
    }
    for (size_t i = 0; i < EACH; i++) {
        event_release(items[i].event);
    }
    mem_free(items);
}

struct id event_of(struct id delivery)
{
    struct id event = {delivery.value - 1};

    assert_int_equal(event_delivery_id(event, 0).value, delivery.value);
    return event;
}

/* ---- Deliveries ------------------------------------------------------------------------------ */

struct store_delivery see_delivery(struct harness *harness, struct id account, struct id delivery)
{
    struct store_get_delivery get = {.account = account, .delivery = delivery};

    assert_int_equal(CALL(harness, get_delivery, &get), OK);
    get.found.event_type = SLICE("");
    store_request_clear(&get.request);
    return get.found;
}

void assert_state(struct harness *harness, struct id account, struct id delivery,
                  enum delivery_state state)
{
    struct store_delivery found = see_delivery(harness, account, delivery);

    assert_string_equal(delivery_word(found.state), delivery_word(state));
}

struct store_settle_item settle_item(struct id account, struct id channel, struct id delivery,
                                     uint32_t number)
{
    return (struct store_settle_item){
        .account = account,
        .channel = channel,
        .delivery = delivery,
        .event = event_of(delivery),
        .has_attempt = true,
        .attempt = {.number = number,
                    .began = START,
                    .took_us = 1500,
                    .outcome = ATTEMPT_ANSWER,
                    .status = 503,
                    .detail = SLICE("HTTP 503"),
                    .answer = SLICE("busy")},
    };
}

void settle(struct harness *harness, struct store_settle_item item)
{
    struct store_settle settle = {.items = &item, .items_len = 1};

    assert_int_equal(CALL(harness, settle, &settle), OK);
}

void settle_final(struct harness *harness, struct id account, struct id channel, struct id delivery,
                  bool is_fresh, enum delivery_state state)
{
    uint32_t before = is_fresh ? 0 : see_delivery(harness, account, delivery).attempts;
    struct store_settle_item item = settle_item(account, channel, delivery, before + 1);

    item.is_fresh = is_fresh;
    item.next = STORE_FINAL;
    item.state = state;
    if (state == DELIVERY_DELIVERED) {
        item.attempt.outcome = ATTEMPT_DELIVERED;
        item.attempt.status = 200;
        item.attempt.detail = SLICE("HTTP 200");
    }
    settle(harness, item);
}

uint64_t count_pending(struct harness *harness)
{
    struct store_stats stats = {0};

    assert_int_equal(CALL(harness, stats, &stats), OK);
    return stats.pending;
}

uint64_t retain_all(struct harness *harness, const struct store_retain *limits)
{
    struct store_retain retain = *limits;
    uint64_t removed = 0;
    int rounds = 0;

    do {
        assert_int_equal(CALL(harness, retain, &retain), OK);
        removed += retain.removed;
        assert_true(++rounds < 10000); /* it must come to an end */
    } while (retain.has_more);
    return removed;
}
