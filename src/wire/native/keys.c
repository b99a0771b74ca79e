/*
 * API keys: made here, shown once, stored as their hash.
 */
#include "base/mem.h"
#include "http/page.h"
#include "wire/native/native.h"
#include "wire/native/query.h"
#include "wire/native/removal.h"
#include "wire/native/settings_put.h"

struct creation {
    struct exchange *exchange;
    struct store_put_key put;
    char text[KEY_TEXT_SIZE];
};

static void release(void *ctx)
{
    struct creation *state = ctx;

    mem_wipe(state->text, sizeof(state->text));
    key_release(state->put.key);
}

static struct slice account_name_of(struct exchange *exchange, const struct key *key)
{
    struct account *account = directory_account_by_id(exchange_directory(exchange), key->account);
    return account == NULL ? SLICE("") : account->name;
}

static void created(struct store_request *request)
{
    struct creation *state = CONTAINER_OF(request, struct creation, put.request);
    struct exchange *exchange = state->exchange;
    struct json_writer writer;

    if (request->err != OK) {
        exchange_store_failed(exchange, request);
        return;
    }
    struct buf *out = exchange_out(exchange);
    json_writer_init(&writer, out);
    key_api_json(state->put.key, account_name_of(exchange, state->put.key), &writer);
    out->len--; /* opens the object again for the one member that no other answer has */
    buf_printf(out, ",\"key\":\"%s\"}", state->text);
    exchange_answer_json(exchange, 201);
}

struct key_request {
    enum key_scope scope;
    struct id account;
    struct slice label;
};

static enum err read_text(struct json body, const char *name, struct buf *scratch,
                          struct slice *out, struct diag *diag)
{
    struct json member = json_member(body, name);

    if (!json_exists(member)) {
        return OK;
    }
    if (json_type(member) != JSON_STRING) {
        return diag_field(diag, ERR_INVALID, name, "must be a string");
    }
    *out = json_string(member, scratch);
    return OK;
}

static enum err refuse_unknown(struct json body, struct diag *diag)
{
    for (struct json member = json_first(body); json_exists(member); member = json_next(member)) {
        if (!json_name_is(member, "scope") && !json_name_is(member, "account") &&
            !json_name_is(member, "label")) {
            char name[DIAG_FIELD_SIZE];
            (void)snprintf(name, sizeof(name), "%.*s", SLICE_ARGS(json_name(member)));
            return diag_field(diag, ERR_INVALID, name, "a key has no such member");
        }
    }
    return OK;
}

/* An account key names its account; the others must not. */
static enum err read_account(struct exchange *exchange, enum key_scope scope, struct slice name,
                             struct id *out, struct diag *diag)
{
    struct account *account = directory_account(exchange_directory(exchange), name);

    if (scope != KEY_ACCOUNT) {
        return name.len == 0 ? OK
                             : diag_field(diag, ERR_INVALID, "account",
                                          "goes with the scope \"account\" only");
    }
    if (account == NULL) {
        return diag_field(diag, ERR_INVALID, "account", "must name an account that exists");
    }
    *out = account->id;
    return OK;
}

static enum err read_request(struct exchange *exchange, struct json body, struct buf *scratch,
                             struct key_request *out, struct diag *diag)
{
    struct slice scope = {0}, account = {0};

    enum err err = refuse_unknown(body, diag);
    if (err == OK) {
        err = read_text(body, "scope", scratch, &scope, diag);
    }
    if (err == OK) {
        err = read_text(body, "account", scratch, &account, diag);
    }
    if (err == OK) {
        err = read_text(body, "label", scratch, &out->label, diag);
    }
    if (err == OK && key_scope_parse(scope, &out->scope) != OK) {
        err =
            diag_field(diag, ERR_INVALID, "scope", "must be \"admin\", \"publish\" or \"account\"");
    }
    if (err == OK && out->label.len > KEY_LABEL_BYTES_MAX) {
        err =
            diag_field(diag, ERR_INVALID, "label", "is longer than %d bytes", KEY_LABEL_BYTES_MAX);
    }
    return err != OK ? err : read_account(exchange, out->scope, account, &out->account, diag);
}

/* POST /v1/keys {"scope", "account"?, "label"?}: 201 with the key, this once. */
void native_key_create(struct exchange *exchange)
{
    struct key_request wanted = {0};
    struct diag diag = {0};
    struct json body;
    struct buf scratch;
    uint8_t chance[32], hash[SHA256_BYTES];

    if (exchange_json(exchange, /* may_be_empty= */ false, &body) != OK) {
        return;
    }
    buf_init(&scratch, exchange_body(exchange).len + 1);
    buf_reserve(&scratch, exchange_body(exchange).len);
    enum err err = read_request(exchange, body, &scratch, &wanted, &diag);
    if (err != OK) {
        buf_clear(&scratch);
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    struct env *env = exchange_env(exchange);
    struct creation *state = exchange_new(exchange, sizeof(*state));
    env->random(env, chance, sizeof(chance));
    key_text(chance, state->text);
    key_hash(slice_of(state->text), hash);
    state->exchange = exchange;
    state->put.key =
        key_new(ID_NONE, hash, wanted.scope, wanted.account, wanted.label, env_wall(env));
    buf_clear(&scratch);
    exchange_on_end(exchange, release, state);
    exchange_submit(exchange, STORE_CALL_put_key, &state->put.request, created);
}

/* GET /v1/keys: by id, in pages; never the keys themselves. */
void native_keys_list(struct exchange *exchange)
{
    struct key *found[PAGE_LIMIT_MAX + 1];
    struct id after = ID_NONE;
    struct diag diag = {0};
    struct json_writer writer;
    uint32_t limit = 0;

    if (query_is_refused(exchange, page_parameters, PAGE_PARAMETERS)) {
        return;
    }
    enum err err = page_limit(exchange, &limit, &diag);
    if (err == OK) {
        err = page_cursor_id(exchange, ID_KEY, &after, &diag);
    }
    if (err != OK) {
        exchange_input_failed(exchange, err, &diag);
        return;
    }
    size_t count = directory_keys_after(exchange_directory(exchange), after, found, limit + 1);
    bool has_more = count > limit;
    count = has_more ? limit : count;
    page_begin(exchange, &writer);
    for (size_t i = 0; i < count; i++) {
        key_api_json(found[i], account_name_of(exchange, found[i]), &writer);
    }
    page_end_id(exchange, &writer, has_more, ID_KEY, count > 0 ? found[count - 1]->id : ID_NONE);
}

/* DELETE /v1/keys/{key}: it stops working at once. */
void native_key_delete(struct exchange *exchange)
{
    struct id id;

    if (settings_path_id(exchange, ID_KEY, "key", &id) == OK) {
        removal_submit(exchange, ID_NONE, ID_NONE, id);
    }
}
