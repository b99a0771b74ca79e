/*
 * A channel's settings from and to JSON. The table `members` is what the API, the store and the
 * messages about wrong input agree on: a new setting is a field of struct channel and a row here.
 */
#include "base/mem.h"
#include "base/timetext.h"
#include "model/channel_internal.h"
#include "model/field.h"

/* Which kinds a member fits, as bits. */
enum {
    WEBHOOK = 1 << CHANNEL_WEBHOOK,
    EMAIL = 1 << CHANNEL_EMAIL,
    QUEUE = 1 << CHANNEL_QUEUE,
    PUSHED = WEBHOOK | EMAIL,
    ANY = 0xff, /* even none, while the kind itself is read */
};

static bool is_dialect_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((name.ptr[i] < 'a' || name.ptr[i] > 'z') && name.ptr[i] != '-') {
            return false;
        }
    }
    return name.len > 0;
}

static enum err check_dialect(struct slice dialect, const char *field, struct diag *diag)
{
    if (!is_dialect_name(dialect)) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected the name of a dialect, such as \"standard\"");
    }
    return OK;
}

/* ---- the table ---- */

#define FIELD(field) .offset = offsetof(struct channel, field)

/* Read in this order: the kind decides which of the others fit. */
static const struct channel_member members[] = {
    {"kind", &channel_member_kind, ANY, FIELD(kind)},
    {"dialect", &channel_member_line, ANY, FIELD(dialect), .max = CHANNEL_DIALECT_BYTES_MAX,
     .text = "standard", .check = check_dialect},
    {"url", &channel_member_line, WEBHOOK, FIELD(url), .max = CHANNEL_URL_BYTES_MAX,
     .check = url_check},
    {"address", &channel_member_line, EMAIL, FIELD(address), .max = CHANNEL_ADDRESS_BYTES_MAX,
     .check = address_check},
    {"description", &channel_member_line, ANY, FIELD(description),
     .max = CHANNEL_DESCRIPTION_BYTES_MAX},
    {"events", &channel_member_patterns, ANY, FIELD(events)},
    {"headers", &channel_member_headers, WEBHOOK, FIELD(headers)},
    {"timeout_ms", &channel_member_timeout, PUSHED, FIELD(timeout_us), .min = 100 * US_PER_MS,
     .max = 120 * US_PER_SECOND},
    {"retry", &channel_member_retry, PUSHED, FIELD(retry)},
    {"max_in_flight", &channel_member_count, PUSHED, FIELD(max_in_flight), .min = 1,
     .max = CHANNEL_IN_FLIGHT_MAX, .by_default = 8},
    {"rate_limit", &channel_member_pace, PUSHED, FIELD(rate_limit)},
    {"ordered", &channel_member_ordered, PUSHED, FIELD(is_ordered)},
    {"enabled", &channel_member_flag, ANY, FIELD(is_enabled), .by_default = true},
    {"max_receives", &channel_member_count, QUEUE, FIELD(max_receives), .min = 0,
     .max = CHANNEL_RECEIVES_MAX, .by_default = 0},
    {"lease_ms", &channel_member_milliseconds, QUEUE, FIELD(lease_us), .min = US_PER_SECOND,
     .max = 12 * US_PER_HOUR, .by_default = US_PER_MINUTE},
    {"tls", &channel_member_tls, WEBHOOK, FIELD(ca_pem)},
    {"options", &channel_member_options, ANY, FIELD(options)},
    {"secret", &channel_member_secret, WEBHOOK, FIELD(secrets), .is_never_put = true},
};

/* Shown, never taken. */
static const char *const read_only[] = {"id", "account", "created_at", "updated_at", "health"};

static bool fits(const struct channel_member *member, enum channel_kind kind)
{
    return (member->kinds & 1u << kind) != 0;
}

/* ---- reading ---- */

static bool is_member(struct json given)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (json_name_is(given, members[i].name)) {
            return true;
        }
    }
    return false;
}

static enum err check_names(struct json settings, struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_LEN(read_only); i++) {
        if (json_exists(json_member(settings, read_only[i]))) {
            return diag_field(diag, ERR_INVALID, read_only[i],
                              "this is told by the server and cannot be set");
        }
    }
    for (struct json at = json_first(settings); json_exists(at); at = json_next(at)) {
        if (!is_member(at)) {
            return diag_field(diag, ERR_INVALID, field_member("", json_name(at)).chars,
                              "a channel has no such member");
        }
    }
    return OK;
}

static enum err read_member(const struct channel_member *member, struct json settings,
                            struct channel_draft *draft)
{
    struct json value = json_member(settings, member->name);

    if (!json_exists(value) && draft->base != NULL) {
        return OK;
    }
    if (json_is_null(value)) {
        return member->type->reset(member, draft);
    }
    if (!fits(member, draft->channel.kind)) {
        return diag_field(draft->diag, ERR_INVALID, member->name,
                          "a channel of the kind \"%s\" has no such member",
                          channel_kind_word(draft->channel.kind));
    }
    return member->type->set(member, value, draft);
}

/* What one member alone cannot tell. */
static enum err check_whole(const struct channel *channel, const struct dialect_rules *rules,
                            struct diag *diag)
{
    bool may_lack_url = rules != NULL && rules->takes_url_from_event;
    bool needs_url = channel->kind == CHANNEL_WEBHOOK && !may_lack_url;

    if (needs_url && slice_is_empty(channel->url)) {
        return diag_field(diag, ERR_INVALID, "url", "a webhook channel needs a URL");
    }
    if (channel->kind == CHANNEL_EMAIL && slice_is_empty(channel->address)) {
        return diag_field(diag, ERR_INVALID, "address", "an e-mail channel needs an address");
    }
    return OK;
}

static enum err read_draft(struct json settings, struct channel_draft *draft)
{
    enum err err = check_names(settings, draft->diag);

    for (size_t i = 0; i < ARRAY_LEN(members) && err == OK; i++) {
        err = read_member(&members[i], settings, draft);
    }
    return err != OK ? err : check_whole(&draft->channel, channel_draft_rules(draft), draft->diag);
}

enum err channel_from_json(struct json settings, const struct channel *base,
                           const struct channel_defaults *defaults, struct channel **out,
                           struct diag *diag)
{
    struct channel_draft draft = {.base = base, .defaults = defaults, .diag = diag};
    size_t bytes = json_raw(settings).len;

    if (json_type(settings) != JSON_OBJECT) {
        return field_expected(settings, "", "an object", diag);
    }
    if (base != NULL) {
        channel_lend(&draft.channel, base);
    }
    buf_init(&draft.scratch, bytes); /* no text grows when its escapes are undone */
    buf_reserve(&draft.scratch, bytes);
    enum err err = read_draft(settings, &draft);
    if (err == OK) {
        *out = channel_pack(&draft.channel);
    }
    buf_clear(&draft.scratch);
    mem_wipe(&draft.channel.secrets, sizeof draft.channel.secrets);
    return err;
}

/* ---- writing ---- */

static void put_members(const struct channel *channel, enum channel_view view,
                        struct json_writer *out)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (fits(&members[i], channel->kind) && !members[i].is_never_put) {
            json_key(out, members[i].name);
            members[i].type->put(&members[i], channel, view, out);
        }
    }
}

void channel_settings_json(const struct channel *channel, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    put_members(channel, CHANNEL_STORED, &writer);
    json_end_object(&writer);
}

static void put_health(const struct health *health, struct json_writer *out)
{
    json_begin_object(out);
    json_key(out, "state");
    json_put_text(out, health_word(health->state));
    json_key(out, "failing_since");
    if (health->state == HEALTH_HEALTHY) {
        json_put_null(out);
    } else {
        json_put_text(out, timetext_rfc3339(health->failing_since).chars);
    }
    json_end_object(out);
}

void channel_api_json(const struct channel *channel, struct slice account_name,
                      struct json_writer *out)
{
    json_begin_object(out);
    json_key(out, "id");
    json_put_text(out, id_text(ID_CHANNEL, channel->id).chars);
    json_key(out, "account");
    json_put_string(out, account_name);
    put_members(channel, CHANNEL_SHOWN, out);
    json_key(out, "health");
    put_health(&channel->health, out);
    json_key(out, "created_at");
    json_put_text(out, timetext_rfc3339(channel->created).chars);
    json_key(out, "updated_at");
    json_put_text(out, timetext_rfc3339(channel->updated).chars);
    json_end_object(out);
}
