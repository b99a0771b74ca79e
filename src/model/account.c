#include "model/account.h"

#include "base/mem.h"
#include "base/timetext.h"
#include "model/field.h"
#include "model/pack.h"
#include "model/reference.h"

#include <assert.h>
#include <string.h>

static const size_t texts[] = {
    offsetof(struct account, name),
    offsetof(struct account, description),
    offsetof(struct account, metadata),
};

/* Members of the settings besides the dialects' credentials. */
static const char *const member_names[] = {"description", "metadata"};

static bool is_name_character(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
}

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_character(name.ptr[i])) {
            return false;
        }
    }
    /* "." and ".." would vanish from a path. */
    return name.len > 0 && name.len <= ACCOUNT_NAME_BYTES_MAX && !slice_is(name, ".") &&
           !slice_is(name, "..");
}

enum err account_name_check(struct slice name, struct diag *diag)
{
    if (!is_name(name)) {
        return diag_field(diag, ERR_INVALID, "account",
                          "an account's id has 1 to %d letters, digits, dots, '_' and '-', and is "
                          "not \".\" or \"..\"",
                          ACCOUNT_NAME_BYTES_MAX);
    }
    return OK;
}

/* ---- life ---- */

/* With copies of the texts that from lends, and with room for channels_len channels. */
static struct account *new_account(const struct account *from, uint32_t channels_len)
{
    struct account *account =
        mem_new(1, sizeof *account + pack_texts_bytes(from, texts, ARRAY_LEN(texts)));
    char *at = (char *)(account + 1);

    atomic_init(&account->references, 1);
    account->id = from->id;
    account->name = from->name;
    account->description = from->description;
    account->metadata = from->metadata;
    account->created = from->created;
    account->updated = from->updated;
    pack_texts(&at, account, texts, ARRAY_LEN(texts));
    account->credentials = credentials_hold(from->credentials);
    account->channels = MEM_ARRAY(channels_len, struct channel *);
    account->channels_len = channels_len;
    return account;
}

static void drop_channels(struct account *account)
{
    for (uint32_t i = 0; i < account->channels_len; i++) {
        channel_release(account->channels[i]);
    }
    mem_free(account->channels);
}

void account_set_credentials(struct account *account, struct credentials *credentials)
{
    (void)credentials_hold(credentials); /* gives back what it got */
    credentials_release(account->credentials);
    account->credentials = credentials;
}

struct slice account_credentials(const struct account *account, const char *dialect)
{
    const struct credential *found = credentials_of(account->credentials, dialect);

    return found != NULL ? found->raw : (struct slice){0};
}

struct account *account_hold(struct account *account)
{
    reference_take(&account->references);
    return account;
}

void account_release(struct account *account)
{
    if (account != NULL && reference_drop(&account->references)) {
        drop_channels(account);
        credentials_release(account->credentials);
        mem_free(account);
    }
}

/* ---- channels ---- */

/* Puts references to count channels into to. */
static void hold_channels(struct channel **to, struct channel *const *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        to[i] = channel_hold(from[i]);
    }
}

/* The first place whose channel's id is not below. */
static uint32_t find_place(const struct account *account, struct id channel)
{
    uint32_t low = 0;
    uint32_t high = account->channels_len;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (account->channels[middle]->id.value < channel.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct account *account, uint32_t place, struct id channel)
{
    return place < account->channels_len && account->channels[place]->id.value == channel.value;
}

struct channel *account_channel(const struct account *account, struct id channel)
{
    uint32_t place = find_place(account, channel);

    return is_at(account, place, channel) ? account->channels[place] : NULL;
}

struct channel *account_channel_of_dialect(const struct account *account, const char *dialect)
{
    for (uint32_t i = 0; i < account->channels_len; i++) {
        struct channel *channel = account->channels[i];

        if (slice_is(channel->dialect, dialect) && channel_is_active(channel)) {
            return channel;
        }
    }
    return NULL;
}

bool account_has_dialect(const struct account *account, const char *dialect)
{
    for (uint32_t i = 0; i < account->channels_len; i++) {
        if (slice_is(account->channels[i]->dialect, dialect)) {
            return true;
        }
    }
    return false;
}

/* The same account with the channel at place left out, or with another at place, or both. */
static struct account *with_place(const struct account *account, uint32_t place, bool skips,
                                  struct channel *channel)
{
    uint32_t added = channel != NULL;
    uint32_t behind = place + skips;
    struct account *changed = new_account(account, account->channels_len + added - skips);

    hold_channels(changed->channels, account->channels, place);
    if (channel != NULL) {
        changed->channels[place] = channel_hold(channel);
    }
    hold_channels(changed->channels + place + added, account->channels + behind,
                  account->channels_len - behind);
    return changed;
}

struct account *account_with_channel(const struct account *account, struct channel *channel)
{
    uint32_t place = find_place(account, channel->id);

    return with_place(account, place, is_at(account, place, channel->id), channel);
}

struct account *account_without_channel(const struct account *account, struct id channel)
{
    uint32_t place = find_place(account, channel);

    return with_place(account, place, is_at(account, place, channel), NULL);
}

struct account *account_with_channels_of(struct account *account, const struct account *other)
{
    struct channel **channels = MEM_ARRAY(other->channels_len, struct channel *);

    assert(reference_is_only(&account->references));
    hold_channels(channels, other->channels, other->channels_len);
    drop_channels(account);
    account->channels = channels;
    account->channels_len = other->channels_len;
    return account;
}

/* ---- settings ---- */

/* Whether a member of the settings is known: one of its own, or a dialect's credentials. */
static bool is_member(struct json given, const struct dialect_rules_table *dialects)
{
    for (size_t i = 0; i < ARRAY_LEN(member_names); i++) {
        if (json_name_is(given, member_names[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < dialects->len; i++) {
        if (dialects->rules[i].login != NULL && json_name_is(given, dialects->rules[i].name)) {
            return true;
        }
    }
    return false;
}

static enum err check_names(struct json settings, const struct dialect_rules_table *dialects,
                            struct diag *diag)
{
    if (json_type(settings) != JSON_OBJECT) {
        return field_expected(settings, "", "an object", diag);
    }
    for (struct json at = json_first(settings); json_exists(at); at = json_next(at)) {
        if (!is_member(at, dialects)) {
            return diag_field(diag, ERR_INVALID, field_member("", json_name(at)).chars,
                              "an account has no such member");
        }
    }
    return OK;
}

/* Description and metadata into draft, which lends them from settings or scratch. */
static enum err read_texts(struct json settings, struct buf *scratch, struct account *draft,
                           struct diag *diag)
{
    struct json description = json_member(settings, "description");
    struct json metadata = json_member(settings, "metadata");
    enum err err = OK;

    if (json_exists(description)) {
        draft->description = SLICE("");
    }
    if (json_exists(metadata)) {
        draft->metadata = SLICE("");
    }
    if (!json_is_null(description)) {
        err = field_line(description, "description", ACCOUNT_DESCRIPTION_BYTES_MAX, scratch,
                         &draft->description, diag);
    }
    if (err == OK && !json_is_null(metadata)) {
        err = field_raw_object(metadata, "metadata", ACCOUNT_SETTINGS_BYTES_MAX, &draft->metadata,
                               diag);
    }
    return err;
}

static void draft_from(struct account *draft, struct slice name, const struct account *base)
{
    draft->name = name;
    if (base != NULL) {
        draft->id = base->id;
        draft->description = base->description;
        draft->metadata = base->metadata;
        draft->created = base->created;
        draft->updated = base->updated;
    }
}

enum err account_from_json(struct slice name, struct json settings, const struct account *base,
                           const struct dialect_rules_table *dialects, struct account **out,
                           struct diag *diag)
{
    struct account draft = {.references = 0};
    struct credentials *credentials = NULL;
    struct buf scratch;
    size_t bytes = json_raw(settings).len;
    enum err err = check_names(settings, dialects, diag);

    buf_init(&scratch, bytes); /* no text grows when its escapes are undone */
    buf_reserve(&scratch, bytes);
    draft_from(&draft, name, base);
    if (err == OK) {
        err = read_texts(settings, &scratch, &draft, diag);
    }
    if (err == OK) {
        err = credentials_from_json(settings, base != NULL ? base->credentials : NULL, dialects,
                                    &credentials, diag);
    }
    if (err == OK) {
        draft.credentials = credentials;
        *out = new_account(&draft, 0);
        if (base != NULL) {
            (void)account_with_channels_of(*out, base); /* the same account comes back */
        }
    }
    credentials_release(credentials);
    buf_clear(&scratch);
    return err;
}

static void put_texts(const struct account *account, struct json_writer *out)
{
    json_key(out, "description");
    json_put_string(out, account->description);
    json_key(out, "metadata");
    field_put_raw_object(account->metadata, out);
}

void account_settings_json(const struct account *account, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    put_texts(account, &writer);
    json_end_object(&writer);
}

static void put_credential_names(const struct account *account, struct json_writer *out)
{
    const struct credentials *credentials = account->credentials;

    json_begin_array(out);
    for (uint32_t i = 0; credentials != NULL && i < credentials->items_len; i++) {
        json_put_text(out, credentials->items[i].rules->name);
    }
    json_end_array(out);
}

void account_api_json(const struct account *account, struct json_writer *out)
{
    json_begin_object(out);
    json_key(out, "id");
    json_put_string(out, account->name);
    put_texts(account, out);
    json_key(out, "credentials");
    put_credential_names(account, out);
    json_key(out, "created_at");
    json_put_text(out, timetext_rfc3339(account->created).chars);
    json_key(out, "updated_at");
    json_put_text(out, timetext_rfc3339(account->updated).chars);
    json_end_object(out);
}
