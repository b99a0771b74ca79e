/*
 * What is read once, at the start: the settings, and the few numbers that the generic half needs.
 */
#include "base/json.h"
#include "base/mem.h"
#include "store/sqlite/event_row.h"

#include <assert.h>
#include <string.h>

enum { SETTINGS_BYTES_MAX = 1024 * 1024 };

/* Buffers and a parser that one row after the other uses. */
struct load {
    struct engine *engine;
    struct directory *directory;
    struct buf settings, secrets;
    struct json_doc doc;
};

static enum err read_sealed(struct load *load, sqlite3_stmt *row, bool is_sealed, struct id id,
                            const char *settings_name, const char *secrets_name)
{
    buf_reset(&load->settings);
    buf_reset(&load->secrets);
    enum err err =
        sealed_column(load->engine, row, 3, is_sealed, settings_name, id, &load->settings);
    if (err != OK) {
        return err;
    }
    return sealed_column(load->engine, row, 4, is_sealed, secrets_name, id, &load->secrets);
}

/* What was valid when it was stored must be valid now; anything else is damage. */
static enum err damaged(struct load *load, const char *what, struct id id)
{
    struct diag *diag = load->engine->db.diag;
    struct diag reason = diag != NULL ? *diag : (struct diag){0};

    return diag_set(diag, ERR_CORRUPT, "%s %llu cannot be read: %s %s", what,
                    (unsigned long long)id.value, reason.field, reason.text);
}

/* ---- Channels ------------------------------------------------------------------------------- */

static enum err make_channel(struct load *load, sqlite3_stmt *row, struct channel **out)
{
    struct id id = column_id(row, 0);
    struct channel *channel = NULL;
    struct diag *diag = load->engine->db.diag;
    enum err err =
        read_sealed(load, row, column_i64(row, 2) != 0, id, "channel settings", "channel secrets");

    if (err != OK) {
        return err;
    }
    err = json_parse(&load->doc, buf_view(&load->settings), diag);
    if (err == OK) {
        err = channel_from_json(json_root(&load->doc), NULL, &load->engine->channel_defaults,
                                &channel, diag);
    }
    if (err != OK) {
        return damaged(load, "channel", id);
    }
    assert(channel != NULL); /* OK says that it was made */
    channel->id = id;
    channel->account = column_id(row, 1);
    channel->created = column_wall(row, 5);
    channel->updated = column_wall(row, 6);
    channel->health = (struct health){
        .state = (enum health_state)column_i64(row, 7),
        .failing_since = column_wall(row, 8),
        .changed_at = column_wall(row, 9),
    };
    if (!secrets_unpack(buf_view(&load->secrets), channel)) {
        channel_release(channel);
        return damaged(load, "channel", id);
    }
    *out = channel;
    return OK;
}

static enum err count_channels(struct database *db, struct id account, uint32_t *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_count_channels_of);
    bool has_row = false;

    bind_id(row, 1, account);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        *out = column_u32(row, 0);
    }
    sql_end(row);
    return err;
}

/* Fills an account that nobody else has seen yet. */
static enum err load_channels(struct load *load, struct account *account)
{
    struct database *db = &load->engine->db;
    sqlite3_stmt *rows = sql_use(db, SQL_load_channels);
    uint32_t count = 0;
    bool has_row = true;
    enum err err = count_channels(db, account->id, &count);

    if (err != OK) {
        return err;
    }
    mem_free(account->channels);
    account->channels = MEM_ARRAY(count, struct channel *);
    account->channels_len = 0;
    bind_id(rows, 1, account->id);
    while (has_row && err == OK) {
        err = sql_next(db, rows, &has_row);
        if (err == OK && has_row) {
            err = make_channel(load, rows, &account->channels[account->channels_len]);
            account->channels_len += err == OK;
        }
    }
    sql_end(rows);
    return err;
}

/* ---- Accounts and keys ---------------------------------------------------------------------- */

static enum err make_account(struct load *load, sqlite3_stmt *row, struct account **out)
{
    struct id id = column_id(row, 0);
    struct account *account = NULL;
    struct diag *diag = load->engine->db.diag;
    enum err err = read_sealed(load, row, column_i64(row, 2) != 0, id, "account settings",
                               "account credentials");

    if (err != OK) {
        return err;
    }
    err = json_parse(&load->doc, buf_view(&load->settings), diag);
    if (err == OK) {
        err = account_from_json(column_slice(row, 1), json_root(&load->doc), NULL,
                                &load->engine->channel_defaults.dialects, &account, diag);
    }
    if (err != OK) {
        return damaged(load, "account", id);
    }
    assert(account != NULL); /* OK says that it was made */
    account->id = id;
    account->created = column_wall(row, 5);
    account->updated = column_wall(row, 6);
    struct credentials *credentials =
        credentials_new(buf_view(&load->secrets), &load->engine->channel_defaults.dialects);
    account_set_credentials(account, credentials);
    credentials_release(credentials);
    *out = account;
    return OK;
}

static enum err load_account(struct load *load, sqlite3_stmt *row)
{
    struct account *account = NULL;
    enum err err = make_account(load, row, &account);

    if (err != OK || account == NULL) {
        return err;
    }
    err = load_channels(load, account);
    if (err == OK) {
        directory_add_account(load->directory, account);
    }
    account_release(account);
    return err;
}

static enum err load_key(struct load *load, sqlite3_stmt *row)
{
    struct slice hash = column_slice(row, 1);

    if (hash.len != SHA256_BYTES) {
        return damaged(load, "key", column_id(row, 0));
    }
    struct key *key =
        key_new(column_id(row, 0), (const uint8_t *)hash.ptr, (enum key_scope)column_i64(row, 2),
                column_id(row, 3), column_slice(row, 4), column_wall(row, 5));
    directory_add_key(load->directory, key);
    key_release(key);
    return OK;
}

static enum err load_each(struct load *load, enum sql which,
                          enum err (*load_one)(struct load *load, sqlite3_stmt *row))
{
    struct database *db = &load->engine->db;
    sqlite3_stmt *rows = sql_use(db, which);
    bool has_row = true;
    enum err err = OK;

    while (has_row && err == OK) {
        err = sql_next(db, rows, &has_row);
        if (err == OK && has_row) {
            err = load_one(load, rows);
        }
    }
    sql_end(rows);
    return err;
}

static enum err load_directory(struct engine *engine, struct directory *directory)
{
    struct load load = {.engine = engine, .directory = directory};

    buf_init(&load.settings, SETTINGS_BYTES_MAX);
    buf_init(&load.secrets, SETTINGS_BYTES_MAX);
    json_doc_init(&load.doc);
    enum err err = load_each(&load, SQL_load_accounts, load_account);
    if (err == OK) {
        err = load_each(&load, SQL_load_keys, load_key);
    }
    mem_wipe(load.settings.ptr, load.settings.len);
    mem_wipe(load.secrets.ptr, load.secrets.len);
    buf_clear(&load.settings);
    buf_clear(&load.secrets);
    json_doc_clear(&load.doc);
    return err;
}

/* ---- Numbers -------------------------------------------------------------------------------- */

static enum err newest_of(struct database *db, enum sql which, struct id *newest)
{
    sqlite3_stmt *row = sql_use(db, which);
    bool has_row = false;
    enum err err = sql_next(db, row, &has_row);

    if (err == OK && has_row && column_id(row, 0).value > newest->value) {
        *newest = column_id(row, 0);
    }
    sql_end(row);
    return err;
}

/* The newest event's deliveries have ids too. */
static enum err newest_delivery(struct database *db, struct id *newest)
{
    sqlite3_stmt *row = sql_use(db, SQL_find_event);
    bool has_row = false;

    bind_i64(row, 1, INT64_MAX);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        struct id last = id_offset(column_id(row, 0), targets_count(column_slice(row, 3)));

        *newest = last.value > newest->value ? last : *newest;
    }
    sql_end(row);
    return err;
}

static enum err load_newest(struct database *db, struct id *newest)
{
    static const enum sql tables[] = {SQL_newest_attempt, SQL_newest_account, SQL_newest_channel,
                                      SQL_newest_key, SQL_newest_operation};
    enum err err = newest_delivery(db, newest);

    for (size_t i = 0; i < ARRAY_LEN(tables) && err == OK; i++) {
        err = newest_of(db, tables[i], newest);
    }
    return err;
}

/* The first start makes one, every other reads it. */
static enum err load_receipt_key(struct engine *engine, uint8_t key[32])
{
    static const char name[] = "receipt_key";
    struct database *db = &engine->db;
    sqlite3_stmt *row = sql_use(db, SQL_get_meta);
    bool has_row = false;

    bind_text(row, 1, slice_of(name));
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        struct slice stored = column_slice(row, 0);

        if (stored.len == 32) {
            memcpy(key, stored.ptr, 32);
        } else {
            err = diag_set(db->diag, ERR_CORRUPT, "the receipt key is damaged");
        }
    }
    sql_end(row);
    if (err != OK || has_row) {
        return err;
    }
    engine->env->random(engine->env, key, 32);
    sqlite3_stmt *put = sql_use(db, SQL_put_meta);
    bind_text(put, 1, slice_of(name));
    bind_blob(put, 2, slice_from(key, 32));
    return sql_run(db, put);
}

enum err sqlite_load(struct engine *engine, struct engine_state *state, struct diag *diag)
{
    struct database *db = &engine->db;

    db->diag = diag;
    enum err err = load_receipt_key(engine, state->receipt_key);
    if (err == OK) {
        err = load_directory(engine, state->directory);
    }
    if (err == OK) {
        err = load_newest(db, &state->newest);
    }
    if (err == OK) {
        state->mark = engine->now.mark;
    }
    return err;
}
