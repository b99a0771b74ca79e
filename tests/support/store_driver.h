/*
 * A store in a test: opened with the clock in the test's hand, and every call made to look
 * synchronous.
 *
 * The test's thread is the caller: its mailbox runs until the request that it waits for came back.
 */
#ifndef SUPPORT_STORE_DRIVER_H
#define SUPPORT_STORE_DRIVER_H

#include "base/mem.h"
#include "model/schedule.h"
#include "store/engine.h"
#include "store/store.h"
#include "support/test_dialects.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct driver {
    struct env_manual clock;
    struct store *store;
    struct mailbox *mailbox;
    struct store_view view;
    struct store_options options;
    /* What the hooks were told; read them only after a call has come back. */
    size_t published, nudged, changed;
    struct id newest_published;
    struct id nudged_delivery;
};

static inline void driver_published(void *ctx, struct store_publish_item *const *items, size_t len)
{
    struct driver *driver = ctx;

    driver->published += len;
    driver->newest_published = items[len - 1]->id;
}

static inline void driver_nudged(void *ctx, struct id account, struct id channel,
                                 struct id delivery)
{
    struct driver *driver = ctx;

    (void)account;
    (void)channel;
    driver->nudged++;
    driver->nudged_delivery = delivery;
}

static inline void driver_changed(void *ctx, struct id account, struct id channel)
{
    struct driver *driver = ctx;

    (void)account;
    (void)channel;
    driver->changed++;
}

static inline void driver_fatal(void *ctx, enum err err, const struct diag *diag)
{
    (void)ctx;
    (void)fprintf(stderr, "fatal: %s: %s\n", err_word(err), diag->text);
    abort();
}

/* Prepares a driver; driver->options may be changed before driver_open. */
static inline void driver_init(struct driver *driver, const struct engine_ops *engine,
                               const char *path)
{
    memset(driver, 0, sizeof *driver);
    env_manual_init(&driver->clock, (struct wall){INT64_C(1770000000) * US_PER_SECOND}, 1);
    driver->mailbox = mailbox_new();
    driver->options = (struct store_options){
        .engine = engine,
        .path = path,
        .node = 1,
        .readers = 2,
        .queue_max = 1000,
        .batch_max = 256,
        .channel_defaults = {.webhook = schedule_default(),
                             .email = schedule_default_mail(),
                             .timeout_us = 15 * US_PER_SECOND,
                             .dialects = test_dialects},
        .hooks = {.ctx = driver,
                  .published = driver_published,
                  .nudged = driver_nudged,
                  .changed = driver_changed,
                  .fatal = driver_fatal},
    };
}

static inline enum err driver_try_open(struct driver *driver, struct diag *diag)
{
    return store_open(&driver->clock.env, &driver->options, &driver->store, diag);
}

static inline void driver_open(struct driver *driver)
{
    struct diag diag = {0};

    if (driver_try_open(driver, &diag) != OK) {
        fail_msg("store_open: %s", diag.text);
    }
}

static inline void driver_close(struct driver *driver)
{
    store_view_clear(&driver->view);
    store_close(driver->store);
    driver->store = NULL;
}

/* Also closes what is open. */
static inline void driver_free(struct driver *driver)
{
    driver_close(driver);
    mailbox_free(driver->mailbox);
    driver->mailbox = NULL;
}

static inline void driver_done(struct store_request *request)
{
    /* The waiting loop looks at reply_to: cleared, the request is back. */
    request->reply_to = NULL;
}

/* Starts a call; driver_wait waits for it. */
static inline void driver_start(struct driver *driver, struct store_request *request,
                                enum store_call call)
{
    request->call = call;
    request->reply_to = driver->mailbox;
    request->done = driver_done;
    store_submit(driver->store, request);
}

static inline enum err driver_wait(struct driver *driver, struct store_request *request)
{
    while (request->reply_to != NULL) {
        assert_true(mailbox_wait(driver->mailbox, 2 * US_PER_MINUTE));
        (void)mailbox_run(driver->mailbox);
    }
    return request->err;
}

/* enum err err = DRIVER_CALL(&driver, steer, &steer); */
#define DRIVER_CALL(driver, name, call)                                                            \
    (driver_start((driver), &(call)->request, STORE_CALL_##name),                                  \
     driver_wait((driver), &(call)->request))

static inline struct directory *driver_directory(struct driver *driver)
{
    return store_view(driver->store, &driver->view);
}

static inline struct json driver_json(struct json_doc *doc, const char *text)
{
    json_doc_init(doc);
    assert_int_equal(json_parse(doc, slice_of(text), NULL), OK);
    return json_root(doc);
}

/* Makes an account and returns its id. */
static inline struct id driver_account(struct driver *driver, const char *name)
{
    struct json_doc doc;
    struct store_put_account put = {0};

    assert_int_equal(account_from_json(slice_of(name), driver_json(&doc, "{}"), NULL,
                                       &test_dialects, &put.account, NULL),
                     OK);
    assert_int_equal(DRIVER_CALL(driver, put_account, &put), OK);
    struct id id = put.account->id;
    account_release(put.account);
    json_doc_clear(&doc);
    return id;
}

/* Makes a channel from its settings as JSON and returns its id. */
static inline struct id driver_channel(struct driver *driver, struct id account,
                                       const char *settings)
{
    struct json_doc doc;
    struct store_put_channel put = {.account = account};
    struct diag diag = {0};

    if (channel_from_json(driver_json(&doc, settings), NULL, &driver->options.channel_defaults,
                          &put.channel, &diag) != OK) {
        fail_msg("channel: %s %s", diag.field, diag.text);
    }
    assert_int_equal(DRIVER_CALL(driver, put_channel, &put), OK);
    struct id id = put.channel->id;
    channel_release(put.channel);
    json_doc_clear(&doc);
    return id;
}

#define DRIVER_WEBHOOK "{\"kind\":\"webhook\",\"url\":\"https://example.com/\",\"events\":[\"*\"]}"
#define DRIVER_QUEUE "{\"kind\":\"queue\",\"events\":[\"*\"]}"

/* Publishes one event to one channel and returns the event's id. */
static inline struct id driver_publish(struct driver *driver, struct id account, struct id channel,
                                       enum store_way way, const char *data)
{
    struct store_target target = {.channel = channel, .way = way};
    struct event *event = event_new(&(struct event_parts){
        .account = account,
        .type = SLICE("order.created"),
        .content_type = SLICE("application/json"),
        .data = slice_of(data),
    });
    struct store_publish_item item = {
        .event = event, .targets = &target, .targets_len = channel.value != 0};
    struct store_publish publish = {.items = &item, .items_len = 1};

    assert_int_equal(DRIVER_CALL(driver, publish, &publish), OK);
    assert_int_equal(item.err, OK);
    event_release(event);
    return item.id;
}

/* Where a delivery stands; its attempts are counted, not kept. */
static inline struct store_delivery driver_delivery(struct driver *driver, struct id account,
                                                    struct id delivery, size_t *attempts)
{
    struct store_get_delivery get = {.account = account, .delivery = delivery};

    assert_int_equal(DRIVER_CALL(driver, get_delivery, &get), OK);
    if (attempts != NULL) {
        *attempts = get.attempts_len;
    }
    struct store_delivery found = get.found;
    found.event_type = SLICE(""); /* was lent from the request */
    store_request_clear(&get.request);
    return found;
}

/* Settles a delivery's attempt: number 1 is a fresh one's. */
static inline void driver_settle(struct driver *driver, struct store_settle_item *item)
{
    struct store_settle settle = {.items = item, .items_len = 1};

    assert_int_equal(DRIVER_CALL(driver, settle, &settle), OK);
}

#endif
