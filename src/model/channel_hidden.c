/*
 * Kinds of values of a channel's settings that may hold a secret: headers and the key of TLS, which
 * are stored whole and shown hidden, and the signing secret, which is stored on its own.
 */
#include "base/encode.h"
#include "base/mem.h"
#include "model/channel_internal.h"
#include "model/field.h"
#include "model/header.h"

#include <string.h>

/*
 * A hidden text that comes back as it was shown stays what it was, so that what was read from the
 * API can be sent back changed in another place. kept is empty when there was none.
 */
static enum err keep_hidden(struct slice *text, struct slice kept, const char *field,
                            struct diag *diag)
{
    if (!slice_is(*text, CHANNEL_HIDDEN)) {
        return OK;
    }
    if (slice_is_empty(kept)) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected the value itself: " CHANNEL_HIDDEN
                          " is only how a hidden one is shown");
    }
    *text = kept;
    return OK;
}

static void put_secret(struct slice text, enum channel_view view, struct json_writer *out)
{
    json_put_string(out, view == CHANNEL_SHOWN ? SLICE(CHANNEL_HIDDEN) : text);
}

/* ---- headers ---- */

static struct slice find_header(const struct channel_header *headers, uint32_t len,
                                struct slice name)
{
    for (uint32_t i = 0; i < len; i++) {
        if (slice_equal_nocase(headers[i].name, name)) {
            return headers[i].value;
        }
    }
    return SLICE("");
}

static enum err read_header(struct json value, const char *field, struct channel_draft *draft,
                            struct channel_header *out)
{
    const struct channel *base = draft->base;
    enum err err;

    out->name = json_name(value);
    err = header_name_check(out->name, field, draft->diag);
    if (err == OK) {
        err = field_text(value, field, HEADER_VALUE_BYTES_MAX, &draft->scratch, &out->value,
                         draft->diag);
    }
    if (err == OK) {
        err = header_value_check(out->value, field, draft->diag);
    }
    if (err == OK) {
        struct slice kept =
            base == NULL ? SLICE("") : find_header(base->headers, base->headers_len, out->name);

        err = keep_hidden(&out->value, kept, field, draft->diag);
    }
    return err;
}

static enum err set_headers(const struct channel_member *member, struct json value,
                            struct channel_draft *draft)
{
    uint32_t len = 0;

    if (json_type(value) != JSON_OBJECT) {
        return field_expected(value, member->name, "an object of names and values", draft->diag);
    }
    if (json_count(value) > CHANNEL_HEADERS_MAX) {
        return diag_field(draft->diag, ERR_INVALID, member->name, "expected at most %d headers",
                          CHANNEL_HEADERS_MAX);
    }
    for (struct json at = json_first(value); json_exists(at); at = json_next(at)) {
        struct field_name field = field_member(member->name, json_name(at));
        enum err err = read_header(at, field.chars, draft, &draft->headers[len]);

        if (err != OK) {
            return err;
        }
        if (!slice_is_empty(find_header(draft->headers, len, draft->headers[len].name))) {
            return diag_field(draft->diag, ERR_INVALID, field.chars,
                              "this header is there already; letter case makes no difference");
        }
        len++;
    }
    draft->channel.headers = draft->headers;
    draft->channel.headers_len = len;
    return OK;
}

static enum err reset_headers(const struct channel_member *member, struct channel_draft *draft)
{
    (void)member;
    draft->channel.headers = NULL;
    draft->channel.headers_len = 0;
    return OK;
}

static void put_headers(const struct channel_member *member, const struct channel *channel,
                        enum channel_view view, struct json_writer *out)
{
    (void)member;
    json_begin_object(out);
    for (uint32_t i = 0; i < channel->headers_len; i++) {
        json_key(out, channel->headers[i].name.ptr);
        put_secret(channel->headers[i].value, view, out);
    }
    json_end_object(out);
}

const struct channel_member_type channel_member_headers = {set_headers, reset_headers, put_headers};

/* ---- TLS ---- */

static const char *const pem_names[] = {"ca", "certificate", "key"};

/* In the same order. */
static const struct {
    size_t offset;
    bool is_secret;
} pems[ARRAY_LEN(pem_names)] = {
    {offsetof(struct channel, ca_pem), false},
    {offsetof(struct channel, certificate_pem), false},
    {offsetof(struct channel, key_pem), true},
};

static struct slice pem_of(const struct channel *channel, size_t i)
{
    return *(const struct slice *)(const void *)((const char *)channel + pems[i].offset);
}

static void set_pem(struct channel *channel, size_t i, struct slice pem)
{
    *(struct slice *)(void *)((char *)channel + pems[i].offset) = pem;
}

/* Whether it looks like PEM; whether OpenSSL takes it is known when it is first used. */
static bool is_pem(struct slice text)
{
    static const struct slice start = SLICE("-----BEGIN ");

    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if (byte >= 0x7f || (byte < ' ' && byte != '\n' && byte != '\r' && byte != '\t')) {
            return false;
        }
    }
    return text.len > 0 && memmem(text.ptr, text.len, start.ptr, start.len) != NULL;
}

static enum err read_pem(struct json value, size_t i, struct channel_draft *draft)
{
    struct field_name field = field_member("tls", slice_of(pem_names[i]));
    struct slice kept =
        pems[i].is_secret && draft->base != NULL ? pem_of(draft->base, i) : SLICE("");
    struct slice pem = SLICE("");

    if (json_is_null(value)) {
        set_pem(&draft->channel, i, pem);
        return OK;
    }
    enum err err =
        field_text(value, field.chars, CHANNEL_PEM_BYTES_MAX, &draft->scratch, &pem, draft->diag);
    if (err == OK && pems[i].is_secret) {
        err = keep_hidden(&pem, kept, field.chars, draft->diag);
    }
    if (err == OK && !is_pem(pem)) {
        err = diag_field(draft->diag, ERR_INVALID, field.chars,
                         "expected PEM text, with \"-----BEGIN ...\"");
    }
    if (err == OK) {
        set_pem(&draft->channel, i, pem);
    }
    return err;
}

static enum err set_tls(const struct channel_member *member, struct json value,
                        struct channel_draft *draft)
{
    const struct channel *channel = &draft->channel;
    enum err err = field_members(value, member->name, pem_names, ARRAY_LEN(pem_names), draft->diag);

    for (size_t i = 0; i < ARRAY_LEN(pems) && err == OK; i++) {
        err = read_pem(json_member(value, pem_names[i]), i, draft);
    }
    if (err == OK && slice_is_empty(channel->certificate_pem) != slice_is_empty(channel->key_pem)) {
        bool lacks_key = slice_is_empty(channel->key_pem);

        err = diag_field(draft->diag, ERR_INVALID, lacks_key ? "tls.key" : "tls.certificate",
                         "a client certificate and its private key are given together");
    }
    return err;
}

static enum err reset_tls(const struct channel_member *member, struct channel_draft *draft)
{
    (void)member;
    for (size_t i = 0; i < ARRAY_LEN(pems); i++) {
        set_pem(&draft->channel, i, SLICE(""));
    }
    return OK;
}

static void put_tls(const struct channel_member *member, const struct channel *channel,
                    enum channel_view view, struct json_writer *out)
{
    (void)member;
    json_begin_object(out);
    for (size_t i = 0; i < ARRAY_LEN(pems); i++) {
        struct slice pem = pem_of(channel, i);

        json_key(out, pem_names[i]);
        if (slice_is_empty(pem)) {
            json_put_null(out);
        } else if (pems[i].is_secret) {
            put_secret(pem, view, out);
        } else {
            json_put_string(out, pem);
        }
    }
    json_end_object(out);
}

const struct channel_member_type channel_member_tls = {set_tls, reset_tls, put_tls};

/* ---- the signing secret ---- */

/* Standard Webhooks writes a symmetric secret as whsec_ and base64, a private key as whsk_. */
static enum err decode_secret(struct slice text, struct channel_secret *out)
{
    bool is_seed = slice_starts(text, SLICE("whsk_"));
    struct slice prefix = is_seed ? SLICE("whsk_") : SLICE("whsec_");
    struct buf bytes;

    if (!slice_starts(text, prefix)) {
        return ERR_INVALID;
    }
    buf_init(&bytes, CHANNEL_SECRET_BYTES_MAX);
    enum err err = base64_decode(&bytes, slice_sub(text, prefix.len, text.len));
    size_t least = is_seed ? ED25519_SEED_BYTES : CHANNEL_SECRET_BYTES_MIN;
    size_t most = is_seed ? ED25519_SEED_BYTES : CHANNEL_SECRET_BYTES_MAX;
    if (err != OK || bytes.len < least || bytes.len > most || buf_check(&bytes) != OK) {
        err = ERR_INVALID;
    } else {
        memcpy(out->bytes, bytes.ptr, bytes.len);
        out->len = (uint8_t)bytes.len;
        out->until = WALL_NEVER;
    }
    mem_wipe(bytes.ptr, bytes.len);
    buf_clear(&bytes);
    return err;
}

static enum err set_secret(const struct channel_member *member, struct json value,
                           struct channel_draft *draft)
{
    if (draft->base != NULL) {
        return diag_field(draft->diag, ERR_INVALID, member->name,
                          "cannot be changed here: rotate it");
    }
    if (json_type(value) != JSON_STRING ||
        decode_secret(json_string(value, &draft->scratch), &draft->channel.secrets[0]) != OK) {
        return diag_field(draft->diag, ERR_INVALID, member->name,
                          "expected whsec_ and base64 of %d to %d bytes, or whsk_ and base64 of %d",
                          CHANNEL_SECRET_BYTES_MIN, CHANNEL_SECRET_BYTES_MAX, ED25519_SEED_BYTES);
    }
    draft->channel.secrets_len = 1;
    return OK;
}

/* Without one the server makes it. */
static enum err reset_secret(const struct channel_member *member, struct channel_draft *draft)
{
    (void)member;
    (void)draft;
    return OK;
}

const struct channel_member_type channel_member_secret = {.set = set_secret, .reset = reset_secret};
