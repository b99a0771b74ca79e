#include "wire/native/envelope.h"

#include "model/account.h"
#include "model/field.h"
#include "wire/fingerprint.h"

#include <string.h>

void envelope_init(struct envelope *envelope)
{
    *envelope = (struct envelope){.parts.content_type = SLICE("application/json")};
    buf_init(&envelope->attributes, EVENT_ATTRIBUTES_BYTES_MAX);
}

void envelope_clear(struct envelope *envelope)
{
    buf_clear(&envelope->scratch);
    buf_clear(&envelope->attributes);
}

/* ---- reading ---- */

enum err envelope_take_data(struct envelope *envelope, struct slice data,
                            const struct envelope_rules *rules, struct diag *diag)
{
    if (data.len > rules->data_bytes_max) {
        return diag_field(diag, ERR_LIMIT, "data", "expected at most %zu bytes, not %zu",
                          rules->data_bytes_max, data.len);
    }
    envelope->parts.data = data;
    return OK;
}

/* These two checks name the member themselves, always the same. */
static enum err check_type(struct slice text, UNUSED const char *field, struct diag *diag)
{
    return event_type_check(text, diag);
}

static enum err check_account(struct slice text, UNUSED const char *field, struct diag *diag)
{
    return account_name_check(text, diag);
}

static enum err check_id(struct slice text, const char *field, struct diag *diag)
{
    /* Taken for absent, it would silently be no protection against storing twice. */
    if (slice_is_empty(text)) {
        return diag_field(diag, ERR_INVALID, field, "expected at least one character");
    }
    return OK;
}

static enum err check_url(struct slice text, const char *field, struct diag *diag)
{
    return slice_is_empty(text) ? OK : url_check(text, field, diag);
}

struct text_member {
    const char *name;
    size_t bytes_max;
    size_t at; /* the struct slice in struct envelope */
    enum err (*check)(struct slice text, const char *field, struct diag *diag);
    bool is_account; /* taken only where the rules have it */
};

static const struct text_member texts[] = {
    /* SIZE_MAX: the check has better words for what is too long. */
    {"type", SIZE_MAX, offsetof(struct envelope, parts.type), check_type, false},
    {"id", EVENT_REFERENCE_BYTES_MAX, offsetof(struct envelope, parts.external_id), check_id,
     false},
    {"client_ref", EVENT_REFERENCE_BYTES_MAX, offsetof(struct envelope, parts.client_ref), NULL,
     false},
    {"server_ref", EVENT_REFERENCE_BYTES_MAX, offsetof(struct envelope, parts.server_ref), NULL,
     false},
    {"notify_url", EVENT_URL_BYTES_MAX, offsetof(struct envelope, parts.notify_url), check_url,
     false},
    {"account", SIZE_MAX, offsetof(struct envelope, account), check_account, true},
};

static enum err take_text(struct envelope *envelope, const struct text_member *member,
                          struct json value, struct diag *diag)
{
    struct slice text = SLICE("");
    enum err err = OK;

    if (json_is_null(value)) {
        return OK;
    }
    err = field_line(value, member->name, member->bytes_max, &envelope->scratch, &text, diag);
    if (err == OK && member->check != NULL) {
        err = member->check(text, member->name, diag);
    }
    if (err == OK) {
        memcpy((char *)envelope + member->at, &text, sizeof text);
    }
    return err;
}

static enum err take_member(struct envelope *envelope, struct json value,
                            const struct envelope_rules *rules, struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (json_name_is(value, texts[i].name) && (rules->has_account || !texts[i].is_account)) {
            return take_text(envelope, &texts[i], value, diag);
        }
    }
    if (json_name_is(value, "data")) {
        return envelope_take_data(envelope, json_raw(value), rules, diag);
    }
    return diag_field(diag, ERR_INVALID, field_member("", json_name(value)).chars,
                      "an event has no such member");
}

static enum err check_complete(const struct envelope *envelope, const struct envelope_rules *rules,
                               struct diag *diag)
{
    if (rules->has_account && slice_is_empty(envelope->account)) {
        return diag_field(diag, ERR_INVALID, "account", "expected the name of an account");
    }
    if (slice_is_empty(envelope->parts.type)) {
        return diag_field(diag, ERR_INVALID, "type",
                          "expected an event type such as order.created");
    }
    if (slice_is_empty(envelope->parts.data)) {
        return diag_field(diag, ERR_INVALID, "data", "expected a value, which may be null");
    }
    return OK;
}

enum err envelope_parse(struct envelope *envelope, struct json value,
                        const struct envelope_rules *rules, struct diag *diag)
{
    enum err err = OK;

    if (json_type(value) != JSON_OBJECT) {
        return field_expected(value, "", "an event as an object", diag);
    }
    field_scratch(value, /* more= */ 0, &envelope->scratch);
    for (struct json at = json_first(value); json_exists(at) && err == OK; at = json_next(at)) {
        err = take_member(envelope, at, rules, diag);
    }
    return err == OK ? check_complete(envelope, rules, diag) : err;
}

/* ---- what makes it the same event ---- */

/* Which kind of key it is: the same text as two kinds of key is two keys. */
static struct slice kind_of_key(const struct envelope *envelope, struct slice header_key)
{
    if (!slice_is_empty(header_key)) {
        return SLICE("idempotency: header");
    }
    return slice_is_empty(envelope->source) ? SLICE("idempotency: id")
                                            : SLICE("idempotency: source and id");
}

void envelope_identify(const struct envelope *envelope, struct id account, struct slice header_key,
                       struct store_publish_item *item)
{
    const struct event_parts *parts = &envelope->parts;
    bool has_header = !slice_is_empty(header_key);
    const struct slice key[] = {slice_from(&account.value, sizeof account.value),
                                has_header ? SLICE("") : envelope->source,
                                has_header ? header_key : parts->external_id};
    const struct slice body[] = {parts->type,        parts->content_type, parts->data,
                                 parts->client_ref,  parts->server_ref,   parts->notify_url,
                                 parts->external_id, parts->attributes};

    item->is_idempotent = has_header || !slice_is_empty(parts->external_id);
    if (item->is_idempotent) {
        fingerprint_make(kind_of_key(envelope, header_key), key, ARRAY_LEN(key), item->idempotency);
        fingerprint_make(SLICE("event"), body, ARRAY_LEN(body), item->body);
    }
}

bool envelope_is_printable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

enum err idempotency_key_check(struct slice key, struct diag *diag)
{
    if (key.len == 0 || key.len > IDEMPOTENCY_KEY_BYTES_MAX || !envelope_is_printable(key)) {
        return diag_field(diag, ERR_INVALID, "Idempotency-Key",
                          "expected 1 to %d printable ASCII characters", IDEMPOTENCY_KEY_BYTES_MAX);
    }
    return OK;
}
