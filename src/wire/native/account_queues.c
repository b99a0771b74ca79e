#include "wire/native/account_queues.h"

#include "wire/app.h"

#include <assert.h>

enum { QUEUE_SETTINGS_BYTES_MAX = 128 };

struct making {
    struct exchange *exchange;
    struct id account;
    struct json settings;
    account_queues_done_fn *done;
    void *ctx;
    size_t next; /* the dialect to look at */
    struct store_put_channel put;
};

static void make_next(struct making *making);

static void release_channel(void *ctx)
{
    struct making *making = ctx;

    channel_release(making->put.channel);
}

static void made(struct store_request *request)
{
    struct making *making = CONTAINER_OF(request, struct making, put.request);

    if (request->err == OK) {
        make_next(making);
    } else {
        making->done(making->ctx, request);
    }
}

/* A channel that is switched off is the owner's wish, but not where there has to be one: there what
 * comes would reach nobody. */
static bool has_channel(const struct account *account, const struct dialect_rules *rules)
{
    return rules->is_exclusive ? account_channel_of_dialect(account, rules->name) != NULL
                               : account_has_dialect(account, rules->name);
}

static bool is_wanted(const struct making *making, const struct dialect_rules *rules)
{
    struct json given = json_member(making->settings, rules->name);
    const struct account *account =
        directory_account_by_id(exchange_directory(making->exchange), making->account);

    return rules->makes_queue && json_type(given) == JSON_OBJECT && account != NULL &&
           !has_channel(account, rules);
}

static struct channel *new_queue(struct making *making, const struct dialect_rules *rules)
{
    const struct app *app = app_of(making->exchange);
    struct channel *channel = NULL;
    struct json_doc doc;
    struct buf text;

    json_doc_init(&doc);
    buf_init(&text, QUEUE_SETTINGS_BYTES_MAX);
    buf_printf(&text, "{\"kind\":\"queue\",\"dialect\":\"%s\"}", rules->name);
    enum err err = json_parse(&doc, buf_view(&text), NULL);
    if (err == OK) {
        err = channel_from_json(json_root(&doc), NULL, &app->channel_defaults, &channel, NULL);
    }
    assert(err == OK); /* it has nothing of a peer's in it */
    json_doc_clear(&doc);
    buf_clear(&text);
    return channel; /* without a secret: nothing of a queue is signed */
}

static void make_next(struct making *making)
{
    const struct dialect_rules_table *table = &app_of(making->exchange)->channel_defaults.dialects;

    while (making->next < table->len) {
        const struct dialect_rules *rules = &table->rules[making->next++];

        if (is_wanted(making, rules)) {
            channel_release(making->put.channel);
            making->put.channel = new_queue(making, rules);
            making->put.account = making->account;
            making->put.expected.us = 0;
            exchange_submit(making->exchange, STORE_CALL_put_channel, &making->put.request, made);
            return;
        }
    }
    making->done(making->ctx, NULL);
}

void account_queues_make(struct exchange *exchange, struct id account, struct json settings,
                         account_queues_done_fn *done, void *ctx)
{
    struct making *making = exchange_new(exchange, sizeof *making);

    *making = (struct making){
        .exchange = exchange, .account = account, .settings = settings, .done = done, .ctx = ctx};
    exchange_on_end(exchange, release_channel, making);
    make_next(making);
}
