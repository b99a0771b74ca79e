#include "model/credentials.h"

#include "base/mem.h"
#include "model/field.h"
#include "model/pack.h"
#include "model/reference.h"

#include <string.h>

/* ---- life ---- */

/* The block also has room for the logins: unescaped they are shorter than where they stand. */
static struct credentials *new_block(struct slice raw, uint32_t items_max, char **at)
{
    struct credentials *credentials =
        mem_new(1, sizeof *credentials + items_max * sizeof(struct credential) +
                       2 * pack_text_bytes(raw) + items_max);

    atomic_init(&credentials->references, 1);
    *at = (char *)&credentials->items[items_max];
    credentials->raw = pack_text(at, raw);
    return credentials;
}

/* The login of one dialect's object, packed behind the others; empty when there is none. */
static struct slice pack_login(struct json object, const char *member, struct buf *scratch,
                               char **at)
{
    struct json value = json_member(object, member);

    buf_reset(scratch);
    return json_type(value) == JSON_STRING ? pack_text(at, json_string(value, scratch))
                                           : (struct slice){0};
}

static void add_item(struct credentials *credentials, const struct dialect_rules *rules,
                     struct json object, struct buf *scratch, char **at)
{
    struct slice raw = json_raw(object);

    credentials->items[credentials->items_len++] = (struct credential){
        .rules = rules,
        .login = pack_login(object, rules->login, scratch, at),
        .raw = raw,
    };
}

struct credentials *credentials_new(struct slice raw, const struct dialect_rules_table *dialects)
{
    struct credentials *credentials = NULL;
    struct json_doc doc;
    struct buf scratch;
    char *at = NULL;

    json_doc_init(&doc);
    buf_init(&scratch, raw.len);
    if (!slice_is_empty(raw)) {
        credentials = new_block(raw, (uint32_t)dialects->len, &at);
    }
    /* Parsed where the copy lies, so that what is pointed to stays. */
    if (credentials != NULL && json_parse(&doc, credentials->raw, NULL) == OK) {
        for (size_t i = 0; i < dialects->len; i++) {
            const struct dialect_rules *rules = &dialects->rules[i];
            struct json object = json_member(json_root(&doc), rules->name);

            if (rules->login != NULL && json_type(object) == JSON_OBJECT) {
                add_item(credentials, rules, object, &scratch, &at);
            }
        }
    }
    mem_wipe(scratch.ptr, scratch.len);
    buf_clear(&scratch);
    json_doc_clear(&doc);
    return credentials;
}

struct credentials *credentials_hold(struct credentials *credentials)
{
    if (credentials != NULL) {
        reference_take(&credentials->references);
    }
    return credentials;
}

void credentials_release(struct credentials *credentials)
{
    if (credentials != NULL && reference_drop(&credentials->references)) {
        mem_wipe((char *)credentials->raw.ptr, credentials->raw.len);
        mem_free(credentials);
    }
}

const struct credential *credentials_of(const struct credentials *credentials, const char *dialect)
{
    for (uint32_t i = 0; credentials != NULL && i < credentials->items_len; i++) {
        if (strcmp(credentials->items[i].rules->name, dialect) == 0) {
            return &credentials->items[i];
        }
    }
    return NULL;
}

/* ---- checking ---- */

bool credentials_are_digits(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return true;
}

bool credentials_are_visible(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

static enum err check_member(struct json object, const struct credential_member *member,
                             struct buf *scratch, struct diag *diag)
{
    struct json value = json_member(object, member->name);
    struct slice text = {0};
    bool is_there = member->is_optional ? !json_is_null(value) : true;

    if (!is_there) {
        return OK;
    }
    bool is_right =
        field_line(value, member->name, member->bytes_max, scratch, &text, NULL) == OK &&
        text.len >= member->bytes_min && (member->fits == NULL || member->fits(text));
    return is_right ? OK
                    : diag_field(diag, ERR_INVALID, member->name, "expected %s", member->expected);
}

static bool is_among(struct json given, const struct credential_member *members, size_t members_len)
{
    for (size_t i = 0; i < members_len; i++) {
        if (json_name_is(given, members[i].name)) {
            return true;
        }
    }
    return false;
}

enum err credentials_check(struct json object, const struct credential_member *members,
                           size_t members_len, struct diag *diag)
{
    struct buf scratch;
    enum err err = OK;

    for (struct json at = json_first(object); json_exists(at); at = json_next(at)) {
        if (!is_among(at, members, members_len)) {
            return diag_field(diag, ERR_INVALID, field_member("", json_name(at)).chars,
                              "there is no such member");
        }
    }
    field_scratch(object, 0, &scratch);
    for (size_t i = 0; i < members_len && err == OK; i++) {
        err = check_member(object, &members[i], &scratch, diag);
    }
    mem_wipe(scratch.ptr, scratch.len);
    buf_clear(&scratch);
    return err;
}

/* ---- reading ---- */

static enum err check_login(struct json object, const struct dialect_rules *rules,
                            struct diag *diag)
{
    struct field_name name = field_member(rules->name, slice_of(rules->login));
    struct buf scratch;
    struct slice login = {0};

    buf_init(&scratch, json_raw(object).len);
    buf_reserve(&scratch, json_raw(object).len);
    enum err err = field_line(json_member(object, rules->login), name.chars,
                              CREDENTIALS_LOGIN_BYTES_MAX, &scratch, &login, diag);
    if (err == OK && slice_is_empty(login)) {
        err = diag_field(diag, ERR_INVALID, name.chars, "must not be empty");
    }
    buf_clear(&scratch);
    return err;
}

/* What the dialect says of its own object; the diag's field gets the dialect's name in front. */
static enum err check_object(struct json object, const struct dialect_rules *rules,
                             struct diag *diag)
{
    struct diag inner = {0};

    if (rules->check_credentials == NULL || rules->check_credentials(object, &inner) == OK) {
        return OK;
    }
    return diag_field(diag, ERR_INVALID, field_member(rules->name, slice_of(inner.field)).chars,
                      "%s", inner.text);
}

static enum err check(struct json object, const struct dialect_rules *rules, struct diag *diag)
{
    struct slice raw;
    enum err err = field_raw_object(object, rules->name, CREDENTIALS_BYTES_MAX, &raw, diag);

    if (err == OK) {
        err = check_login(object, rules, diag);
    }
    return err != OK ? err : check_object(object, rules, diag);
}

/* Writes one dialect's credentials as they are to be; *has_some tells whether there were any. */
static enum err merge_one(struct json settings, struct json before,
                          const struct dialect_rules *rules, struct json_writer *out,
                          bool *has_some, struct diag *diag)
{
    struct json given = json_member(settings, rules->name);
    struct json chosen = json_exists(given) ? given : json_member(before, rules->name);

    if (json_is_null(chosen)) {
        return OK;
    }
    enum err err = json_exists(given) ? check(given, rules, diag) : OK;
    if (err == OK) {
        *has_some = true;
        json_key(out, rules->name);
        json_put_raw(out, json_raw(chosen));
    }
    return err;
}

static enum err merge(struct json settings, struct json before,
                      const struct dialect_rules_table *dialects, struct buf *out,
                      struct diag *diag)
{
    struct json_writer writer;
    bool has_some = false;
    enum err err = OK;

    json_writer_init(&writer, out);
    json_begin_object(&writer);
    for (size_t i = 0; i < dialects->len && err == OK; i++) {
        if (dialects->rules[i].login != NULL) {
            err = merge_one(settings, before, &dialects->rules[i], &writer, &has_some, diag);
        }
    }
    json_end_object(&writer);
    if (err == OK && buf_check(out) != OK) {
        err = diag_field(diag, ERR_INVALID, "", "credentials have at most %d bytes together",
                         CREDENTIALS_BYTES_MAX);
    }
    if (!has_some) {
        buf_reset(out);
    }
    return err;
}

enum err credentials_from_json(struct json settings, struct credentials *before,
                               const struct dialect_rules_table *dialects, struct credentials **out,
                               struct diag *diag)
{
    struct json_doc doc;
    struct buf merged;
    enum err err = OK;

    json_doc_init(&doc);
    buf_init(&merged, CREDENTIALS_BYTES_MAX);
    if (before != NULL) {
        err = json_parse(&doc, before->raw, diag);
    }
    if (err == OK) {
        err = merge(settings, json_root(&doc), dialects, &merged, diag);
    }
    if (err == OK) {
        *out = credentials_new(buf_view(&merged), dialects);
    }
    mem_wipe(merged.ptr, merged.len);
    buf_clear(&merged);
    json_doc_clear(&doc);
    return err;
}
