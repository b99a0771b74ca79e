/*
 * API keys: tk_ and 52 characters; shown once, stored as their SHA-256 (they are 256 bits of
 * chance, so a slow hash gains nothing).
 */
#ifndef MODEL_KEY_H
#define MODEL_KEY_H

#include "base/id.h"
#include "base/json.h"
#include "base/sign.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdbool.h>

/*
 * X(name, word, number in the store). admin: everything; publish: events, for every account;
 * account: one account's history, queue and channels.
 */
#define KEY_SCOPES(X)                                                                              \
    X(ADMIN, "admin", 1)                                                                           \
    X(PUBLISH, "publish", 2)                                                                       \
    X(ACCOUNT, "account", 3)

enum key_scope {
#define KEY_ENUM(name, word, number) KEY_##name = number,
    KEY_SCOPES(KEY_ENUM)
#undef KEY_ENUM
};

const char *key_scope_word(enum key_scope scope);
enum err key_scope_parse(struct slice word, enum key_scope *out) MUST_CHECK;

enum {
    KEY_TEXT_SIZE = 3 + 52 + 1,
    KEY_TEXT_BYTES_MAX = 256, /* of one that an operator sets */
    KEY_LABEL_BYTES_MAX = 128,
};

/* Immutable once made, shared by reference count. */
struct key {
    _Atomic uint32_t references;
    struct id id;
    uint8_t hash[SHA256_BYTES];
    enum key_scope scope;
    struct id account; /* of an account key; ID_NONE otherwise */
    struct slice label;
    struct wall created;
};

/* With one reference; label is copied. */
struct key *key_new(struct id id, const uint8_t hash[SHA256_BYTES], enum key_scope scope,
                    struct id account, struct slice label, struct wall created);
struct key *key_hold(struct key *key);
void key_release(struct key *key); /* NULL is fine */

/* The text of a key from 32 bytes of chance, and the hash of a text (whether or not it is one). */
void key_text(const uint8_t chance[32], char out[KEY_TEXT_SIZE]);
void key_hash(struct slice text, uint8_t out[SHA256_BYTES]);

/*
 * For keys an operator sets: "tk_" and more than 20 characters, visible ASCII without spaces, as a
 * header can carry them. ERR_INVALID.
 */
enum err key_text_check(struct slice text, struct diag *diag) MUST_CHECK;

/* account_name is empty for a key that belongs to no account. */
void key_api_json(const struct key *key, struct slice account_name, struct json_writer *out);

#endif
