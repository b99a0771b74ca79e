#include "model/key.h"

#include "base/encode.h"
#include "base/mem.h"
#include "base/timetext.h"
#include "model/pack.h"
#include "model/reference.h"

#include <assert.h>
#include <string.h>

static const struct slice text_start = SLICE("tk_");

/* Fewer would be found by trying. */
enum { TEXT_BYTES_MIN = 21 };

static const struct {
    const char *word;
    enum key_scope scope;
} scopes[] = {
#define KEY_ROW(name, word, number) {word, KEY_##name},
    KEY_SCOPES(KEY_ROW)
#undef KEY_ROW
};

const char *key_scope_word(enum key_scope scope)
{
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        if (scopes[i].scope == scope) {
            return scopes[i].word;
        }
    }
    assert(false);
    return "";
}

enum err key_scope_parse(struct slice word, enum key_scope *out)
{
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        if (slice_is(word, scopes[i].word)) {
            *out = scopes[i].scope;
            return OK;
        }
    }
    return ERR_INVALID;
}

struct key *key_new(struct id id, const uint8_t hash[SHA256_BYTES], enum key_scope scope,
                    struct id account, struct slice label, struct wall created)
{
    struct key *key = mem_new(1, sizeof *key + pack_text_bytes(label));
    char *at = (char *)(key + 1);

    atomic_init(&key->references, 1);
    key->id = id;
    memcpy(key->hash, hash, SHA256_BYTES);
    key->scope = scope;
    key->account = account;
    key->label = pack_text(&at, label);
    key->created = created;
    return key;
}

struct key *key_hold(struct key *key)
{
    reference_take(&key->references);
    return key;
}

void key_release(struct key *key)
{
    if (key != NULL && reference_drop(&key->references)) {
        mem_free(key);
    }
}

void key_text(const uint8_t chance[32], char out[KEY_TEXT_SIZE])
{
    struct buf text;

    buf_init(&text, KEY_TEXT_SIZE - 1);
    buf_slice(&text, text_start);
    base32_encode(&text, chance, 32);
    assert(text.len == KEY_TEXT_SIZE - 1);
    memcpy(out, text.ptr, KEY_TEXT_SIZE);
    mem_wipe(text.ptr, text.len);
    buf_clear(&text);
}

void key_hash(struct slice text, uint8_t out[SHA256_BYTES])
{
    sha256(text, out);
}

static bool is_visible_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

enum err key_text_check(struct slice text, struct diag *diag)
{
    if (!slice_starts(text, text_start) || text.len < TEXT_BYTES_MIN ||
        text.len > KEY_TEXT_BYTES_MAX || !is_visible_ascii(text)) {
        return diag_set(diag, ERR_INVALID,
                        "a key begins with %.*s and has %d to %d visible ASCII characters",
                        SLICE_ARGS(text_start), TEXT_BYTES_MIN, KEY_TEXT_BYTES_MAX);
    }
    return OK;
}

void key_api_json(const struct key *key, struct slice account_name, struct json_writer *out)
{
    json_begin_object(out);
    json_key(out, "id");
    json_put_text(out, id_text(ID_KEY, key->id).chars);
    json_key(out, "label");
    json_put_string(out, key->label);
    json_key(out, "scope");
    json_put_text(out, key_scope_word(key->scope));
    json_key(out, "account");
    if (slice_is_empty(account_name)) {
        json_put_null(out);
    } else {
        json_put_string(out, account_name);
    }
    json_key(out, "created_at");
    json_put_text(out, timetext_rfc3339(key->created).chars);
    json_end_object(out);
}
