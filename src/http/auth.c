/*
 * Who calls: the text after "Bearer" is hashed, and the hash looked up among the stored keys; the
 * key from the settings counts beside them. What the directory is asked for is the hash of 256 bits
 * of chance, so the time that a look-up takes tells nothing about a key.
 */
#include "http/exchange_internal.h"
#include "http/guard.h"
#include "http/server_internal.h"

#include <assert.h>
#include <string.h>

/* The token of "Bearer token"; empty when it is anything else. */
static struct slice bearer_token(struct slice authorization)
{
    struct slice rest = authorization;
    struct slice scheme = {NULL, 0};

    if (slice_is_empty(rest) || !slice_cut(&rest, ' ', &scheme) ||
        !slice_equal_nocase(scheme, SLICE("Bearer"))) {
        return (struct slice){NULL, 0};
    }
    return slice_trim(rest);
}

static void hash_token(const struct connection *connection, struct slice token,
                       uint8_t out[SHA256_BYTES])
{
    if (secret_equal(token, slice_from(connection->key_text, connection->key_len))) {
        memcpy(out, connection->key_hash, SHA256_BYTES);
    } else {
        key_hash(token, out);
    }
}

static struct key *find_key(struct exchange *exchange, const uint8_t hash[SHA256_BYTES])
{
    struct key *settings_key = exchange->reactor->server->settings_key;
    struct directory *directory = exchange_directory(exchange);

    if (settings_key != NULL && secret_equal(slice_from(settings_key->hash, SHA256_BYTES),
                                             slice_from(hash, SHA256_BYTES))) {
        return settings_key;
    }
    return directory != NULL ? directory_key(directory, hash) : NULL;
}

/* The key was right: neither it nor its origin shall be doubted again. */
static void remember(struct exchange *exchange, struct slice token,
                     const uint8_t hash[SHA256_BYTES])
{
    struct connection *connection = exchange->connection;

    assert(token.len > 0 && token.len <= sizeof connection->key_text && token.ptr != NULL);
    if (secret_equal(token, slice_from(connection->key_text, connection->key_len)) &&
        slice_equal(origin_key(&connection->key_origin), origin_key(&exchange->origin))) {
        return;
    }
    connection->key_origin = exchange->origin;
    memcpy(connection->key_text, token.ptr, token.len);
    connection->key_len = token.len;
    memcpy(connection->key_hash, hash, SHA256_BYTES);
    guard_proved(exchange->reactor->server->guard, &exchange->origin, hash);
}

/* Too many wrong keys came from there: says when the next may come. */
static bool must_wait(struct exchange *exchange, const uint8_t hash[SHA256_BYTES],
                      struct diag *diag)
{
    struct guard *guard = exchange->reactor->server->guard;
    const struct origin *origin = &exchange->origin;
    int64_t wait_us = guard_wait_us(guard, origin, exchange->reactor->now);
    char seconds[24];

    if (wait_us == 0 || guard_knows(guard, origin, hash)) {
        return false;
    }
    (void)snprintf(seconds, sizeof seconds, "%lld",
                   (long long)((wait_us + US_PER_SECOND - 1) / US_PER_SECOND));
    exchange_put_header(exchange, "Retry-After", slice_of(seconds));
    (void)diag_set(diag, ERR_BUSY, "too many wrong keys came from your address; wait %s s",
                   seconds);
    return true;
}

bool exchange_may_try(struct exchange *exchange, struct slice secret, struct diag *diag)
{
    uint8_t hash[SHA256_BYTES];

    key_hash(secret, hash);
    return !must_wait(exchange, hash, diag);
}

void exchange_tried(struct exchange *exchange, struct slice secret, bool was_right)
{
    struct guard *guard = exchange->reactor->server->guard;
    uint8_t hash[SHA256_BYTES];

    if (was_right) {
        key_hash(secret, hash);
        guard_proved(guard, &exchange->origin, hash);
    } else {
        guard_failed(guard, &exchange->origin, exchange->reactor->now);
    }
}

/* Fills in the key, or tells what is wrong. */
static bool authenticate(struct exchange *exchange, enum problem *problem, struct diag *diag)
{
    struct slice token = bearer_token(exchange->head.authorization);
    uint8_t hash[SHA256_BYTES];

    *problem = PROBLEM_UNAUTHENTICATED;
    if (slice_is_empty(token) || token.len > KEY_TEXT_BYTES_MAX) {
        (void)diag_field(diag, ERR_DENIED, "Authorization", "expected Bearer and a key");
        return false;
    }
    hash_token(exchange->connection, token, hash);
    if (must_wait(exchange, hash, diag)) {
        *problem = PROBLEM_RATE;
        return false;
    }
    struct key *key = find_key(exchange, hash);
    if (key == NULL) {
        guard_failed(exchange->reactor->server->guard, &exchange->origin, exchange->reactor->now);
        (void)diag_field(diag, ERR_DENIED, "Authorization", "there is no such key");
        return false;
    }
    exchange->key = key_hold(key);
    remember(exchange, token, hash);
    return true;
}

static bool may_use_route(const struct exchange *exchange)
{
    unsigned access = exchange->route->access;

    switch (exchange->key->scope) {
    case KEY_ADMIN:
        return true;
    case KEY_PUBLISH:
        return (access & ROUTE_PUBLISH) != 0;
    case KEY_ACCOUNT:
        return (access & ROUTE_ACCOUNT) != 0;
    }
    return false;
}

static bool names_account(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->params_len; i++) {
        if (slice_is(exchange->params[i].name, "account")) {
            return true;
        }
    }
    return false;
}

/* The account in the path, if there is one and the key may see it. */
static struct account *visible_account(struct exchange *exchange)
{
    struct directory *directory = exchange_directory(exchange);
    struct account *account =
        directory != NULL ? directory_account(directory, exchange_param(exchange, "account"))
                          : NULL;
    const struct key *key = exchange->key;

    if (account != NULL && key != NULL && key->scope == KEY_ACCOUNT &&
        key->account.value != account->id.value) {
        return NULL;
    }
    return account;
}

/* What is another's account must look to an account's key as if it were not there. */
static bool may_make_account(const struct exchange *exchange)
{
    return (exchange->route->access & ROUTE_NEW_ACCOUNT) != 0 &&
           exchange->key->scope != KEY_ACCOUNT;
}

bool auth_check(struct exchange *exchange, enum problem *problem, struct diag *diag)
{
    bool needs_key = (exchange->route->access & (ROUTE_OPEN | ROUTE_OWN)) == 0;

    if (needs_key && !authenticate(exchange, problem, diag)) {
        return false;
    }
    if (needs_key && !may_use_route(exchange)) {
        *problem = PROBLEM_FORBIDDEN;
        (void)diag_set(diag, ERR_DENIED, "keys of scope %s are not for this call",
                       key_scope_word(exchange->key->scope));
        return false;
    }
    if (!names_account(exchange)) {
        return true;
    }
    struct account *account = visible_account(exchange);
    if (account == NULL && needs_key && !may_make_account(exchange)) {
        *problem = PROBLEM_NOT_FOUND;
        (void)diag_field(diag, ERR_NOT_FOUND, "account", "there is no such account");
        return false;
    }
    exchange->account = account != NULL ? account_hold(account) : NULL;
    return true;
}

bool auth_is_still_right(struct exchange *exchange)
{
    const struct key *key = exchange->key;

    if (key == NULL || key == exchange->reactor->server->settings_key) {
        return true;
    }
    return directory_key(exchange_directory(exchange), key->hash) != NULL;
}
