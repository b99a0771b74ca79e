/*
 * Acknowledging: POST /notifications/ack {"messageInfos": [{"messageIdentifier": "..."}, ...]}
 *
 * An entry names a message by its identifier (messageIdentifier, or messageId as receiving calls
 * it) or by any handle that it was received with; what it gives must all mean the same message.
 * Each entry is acknowledged on its own, and the answer lists those that were not: unknown, another
 * merchant's, too old, or no identifier at all. What was acknowledged before is no failure. Entries
 * that say the same again do not count. All that is acknowledged is on disk before the answer
 * leaves.
 */
#include "model/alias.h"
#include "model/field.h"
#include "model/receipt.h"
#include "wire/app.h"
#include "wire/checkout/checkout.h"
#include "wire/checkout/merchant.h"
#include "wire/checkout/parameters.h"

#define ENTRIES "messageInfos"

/* One entry of the request. */
struct entry {
    struct json identifier, handle; /* as given; absent or empty where not */
    struct store_answer_item *item; /* shared by those that mean one message; NULL: it means none */
    bool is_repeated;               /* one before it says the same */
};

/* One request. All of it goes with the exchange. */
struct acknowledging {
    struct exchange *exchange;
    const struct channel *channel; /* lent by the exchange; NULL: there is no queue */
    struct store_answer store;
    struct entry *entries;
    size_t entries_len;
};

/* ---- the answer ---- */

static bool has_failed(const struct entry *entry)
{
    return entry->item == NULL || entry->item->err != OK;
}

/* As it was given; one that named nothing has an empty identifier. */
static void put_failed(const struct entry *entry, struct json_writer *out)
{
    json_begin_object(out);
    if (json_exists(entry->identifier) || !json_exists(entry->handle)) {
        json_key(out, "messageIdentifier");
        json_put_raw(out,
                     json_exists(entry->identifier) ? json_raw(entry->identifier) : SLICE("\"\""));
    }
    if (json_exists(entry->handle)) {
        json_key(out, "receiptHandle");
        json_put_raw(out, json_raw(entry->handle));
    }
    json_end_object(out);
}

static void answer(struct acknowledging *acknowledging)
{
    struct json_writer writer;

    json_writer_init(&writer, exchange_out(acknowledging->exchange));
    json_begin_object(&writer);
    json_key(&writer, "ackFailedMessages");
    json_begin_array(&writer);
    for (size_t i = 0; i < acknowledging->entries_len; i++) {
        const struct entry *entry = &acknowledging->entries[i];

        if (!entry->is_repeated && has_failed(entry)) {
            put_failed(entry, &writer);
        }
    }
    json_end_array(&writer);
    json_end_object(&writer);
    exchange_answer_json(acknowledging->exchange, 200);
}

static void acknowledged(struct store_request *request)
{
    struct acknowledging *acknowledging =
        CONTAINER_OF(request, struct acknowledging, store.request);

    if (request->err == OK) {
        answer(acknowledging);
    } else {
        exchange_store_failed(acknowledging->exchange, request);
    }
}

/* ---- what an entry means ---- */

/* A text's delivery; ERR_INVALID: it is none of this merchant's. */
typedef enum err read_text_fn(const struct acknowledging *acknowledging, struct slice text,
                              struct id *out);

static enum err read_identifier(const struct acknowledging *acknowledging, struct slice text,
                                struct id *out)
{
    return alias_from_uuid(app_of(acknowledging->exchange)->settings.alias_key,
                           acknowledging->store.account, text, out);
}

static enum err read_handle(const struct acknowledging *acknowledging, struct slice text,
                            struct id *out)
{
    struct receipt receipt;
    enum err err = receipt_parse(store_receipt_key(exchange_store(acknowledging->exchange)),
                                 acknowledging->channel->id, text, &receipt);

    if (err == OK) {
        *out = receipt.delivery;
    }
    return err;
}

/* Reads a member that is there into *out, which must not be another one then. */
static enum err agree(const struct acknowledging *acknowledging, struct json member,
                      read_text_fn *read, struct id *out)
{
    struct id delivery = ID_NONE;
    struct buf scratch;

    if (!json_exists(member)) {
        return OK;
    }
    buf_init(&scratch, json_raw(member).len);
    enum err err = read(acknowledging, json_string(member, &scratch), &delivery);
    buf_clear(&scratch);
    if (err != OK || (out->value != 0 && out->value != delivery.value)) {
        return ERR_INVALID;
    }
    *out = delivery;
    return OK;
}

/* The store's item of a delivery: the one that it has already, or a new one. */
static struct store_answer_item *item_of(struct acknowledging *acknowledging, struct id delivery,
                                         bool *is_repeated)
{
    struct store_answer *store = &acknowledging->store;

    for (size_t i = 0; i < store->items_len; i++) {
        if (store->items[i].delivery.value == delivery.value) {
            *is_repeated = true;
            return &store->items[i];
        }
    }
    store->items[store->items_len].delivery = delivery;
    return &store->items[store->items_len++];
}

/* Whether an entry before this one, which means no message either, says the same. */
static bool repeats_nonsense(const struct acknowledging *acknowledging, const struct entry *entry)
{
    for (const struct entry *before = acknowledging->entries; before < entry; before++) {
        if (before->item == NULL &&
            slice_equal(json_raw(before->identifier), json_raw(entry->identifier)) &&
            slice_equal(json_raw(before->handle), json_raw(entry->handle))) {
            return true;
        }
    }
    return false;
}

/* second is the other name of the identifier. */
static void look_up(struct acknowledging *acknowledging, struct entry *entry, struct json second)
{
    struct id delivery = ID_NONE;
    bool is_one = acknowledging->channel != NULL &&
                  agree(acknowledging, entry->identifier, read_identifier, &delivery) == OK &&
                  agree(acknowledging, second, read_identifier, &delivery) == OK &&
                  agree(acknowledging, entry->handle, read_handle, &delivery) == OK &&
                  delivery.value != 0;

    if (is_one) {
        entry->item = item_of(acknowledging, delivery, &entry->is_repeated);
    } else {
        entry->is_repeated = repeats_nonsense(acknowledging, entry);
    }
}

/* ---- the request ---- */

/* A string; absent, null and "" are all the same in this form of JSON. */
static enum err read_member(struct json info, const char *name, uint32_t at, struct json *out,
                            struct diag *diag)
{
    struct json value = json_member(info, name);

    *out = (struct json){0};
    if (json_is_null(value) || slice_is(json_raw(value), "\"\"")) {
        return OK;
    }
    if (json_type(value) != JSON_STRING) {
        return field_expected(value,
                              field_member(field_item(ENTRIES, at).chars, slice_of(name)).chars,
                              "a string", diag);
    }
    *out = value;
    return OK;
}

static enum err read_entry(struct acknowledging *acknowledging, struct json info, struct diag *diag)
{
    uint32_t at = (uint32_t)acknowledging->entries_len;
    struct entry *entry = &acknowledging->entries[acknowledging->entries_len++];
    struct json identifier, id;

    if (json_type(info) != JSON_OBJECT) {
        return field_expected(info, field_item(ENTRIES, at).chars, "an object", diag);
    }
    enum err err = read_member(info, "messageIdentifier", at, &identifier, diag);
    if (err == OK) {
        err = read_member(info, "messageId", at, &id, diag);
    }
    if (err == OK) {
        err = read_member(info, "receiptHandle", at, &entry->handle, diag);
    }
    if (err == OK) {
        entry->identifier = json_exists(identifier) ? identifier : id;
        look_up(acknowledging, entry, id);
    }
    return err;
}

static enum err read_entries(struct acknowledging *acknowledging, struct json body,
                             struct diag *diag)
{
    struct exchange *exchange = acknowledging->exchange;
    struct json infos = json_member(body, ENTRIES);
    uint32_t max = app_of(exchange)->settings.checkout.acks_max;
    enum err err = field_array(infos, ENTRIES, 1, max, "messages", diag);
    size_t count = json_count(infos);

    if (err == OK) {
        acknowledging->entries = exchange_new(exchange, count * sizeof(struct entry));
        acknowledging->store.items =
            exchange_new(exchange, count * sizeof(struct store_answer_item));
    }
    for (struct json info = json_first(infos); json_exists(info) && err == OK;
         info = json_next(info)) {
        err = read_entry(acknowledging, info, diag);
    }
    return err;
}

static struct wall oldest_that_counts(const struct exchange *exchange)
{
    return (struct wall){env_wall(exchange_env(exchange)).us -
                         app_of(exchange)->settings.checkout.window_us};
}

/* Reads the request; false when it was refused. */
static bool read_request(struct acknowledging *acknowledging)
{
    struct exchange *exchange = acknowledging->exchange;
    struct json body;
    struct diag diag = {0};
    enum err err = parameters_are_known(exchange, NULL, 0, &diag);

    if (err == OK && exchange_json(exchange, /* may_be_empty= */ false, &body) != OK) {
        return false;
    }
    if (err == OK) {
        err = read_entries(acknowledging, body, &diag);
    }
    if (err != OK) {
        exchange_refuse(exchange, PROBLEM_INVALID, &diag);
    }
    return err == OK;
}

void checkout_ack(struct exchange *exchange)
{
    if (!merchant_is_known(exchange)) {
        return;
    }
    struct acknowledging *acknowledging = exchange_new(exchange, sizeof *acknowledging);
    acknowledging->exchange = exchange;
    acknowledging->channel = merchant_channel(exchange);
    acknowledging->store.account = exchange_account(exchange)->id;
    if (!read_request(acknowledging)) {
        return;
    }
    if (acknowledging->store.items_len == 0) {
        answer(acknowledging); /* the store has nothing to do */
        return;
    }
    acknowledging->store.channel = acknowledging->channel->id;
    acknowledging->store.kind = STORE_ACK_NAMED;
    acknowledging->store.since = oldest_that_counts(exchange);
    exchange_submit(exchange, STORE_CALL_answer, &acknowledging->store.request, acknowledged);
}
