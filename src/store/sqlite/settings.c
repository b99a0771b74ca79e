#include "base/mem.h"
#include "store/sqlite/sqlite_internal.h"

/* Settings have limits of their own, well below. */
enum { SETTINGS_BYTES_MAX = 1024 * 1024 };

/* A buffer for what may be secret. */
static struct buf secret_buf(void)
{
    struct buf buf;

    buf_init(&buf, SETTINGS_BYTES_MAX);
    return buf;
}

static void wipe(struct buf *buf)
{
    mem_wipe(buf->ptr, buf->len);
    buf_clear(buf);
}

enum err sqlite_put_account(struct engine *engine, const struct engine_batch *batch,
                            struct store_put_account *put)
{
    struct database *db = engine_write(engine, &put->request);
    const struct account *account = put->account;
    sqlite3_stmt *upsert = sql_use(db, SQL_put_account);
    struct buf settings = secret_buf();

    (void)batch;
    account_settings_json(account, &settings);
    bind_id(upsert, 1, account->id);
    bind_text(upsert, 2, account->name);
    bind_i64(upsert, 3, engine->has_master_key);
    sealed_bind(engine, upsert, 4, "account settings", account->id, buf_view(&settings));
    sealed_bind(engine, upsert, 5, "account credentials", account->id,
                account->credentials != NULL ? account->credentials->raw : SLICE(""));
    bind_wall(upsert, 6, account->created);
    bind_wall(upsert, 7, account->updated);
    enum err err = sql_run(db, upsert);
    wipe(&settings);
    return err;
}

static void bind_health(sqlite3_stmt *statement, int at, const struct health *health)
{
    bind_i64(statement, at, health->state);
    bind_wall(statement, at + 1, health->failing_since);
    bind_wall(statement, at + 2, health->changed_at);
}

enum err sqlite_put_channel(struct engine *engine, const struct engine_batch *batch,
                            struct store_put_channel *put)
{
    struct database *db = engine_write(engine, &put->request);
    const struct channel *channel = put->channel;
    sqlite3_stmt *upsert = sql_use(db, SQL_put_channel);
    struct buf settings = secret_buf();
    struct buf secrets = secret_buf();

    (void)batch;
    channel_settings_json(channel, &settings);
    secrets_pack(&secrets, channel);
    bind_id(upsert, 1, channel->id);
    bind_id(upsert, 2, channel->account);
    bind_i64(upsert, 3, engine->has_master_key);
    sealed_bind(engine, upsert, 4, "channel settings", channel->id, buf_view(&settings));
    sealed_bind(engine, upsert, 5, "channel secrets", channel->id, buf_view(&secrets));
    bind_wall(upsert, 6, channel->created);
    bind_wall(upsert, 7, channel->updated);
    bind_health(upsert, 8, &channel->health);
    enum err err = sql_run(db, upsert);
    wipe(&settings);
    wipe(&secrets);
    return err;
}

enum err sqlite_put_key(struct engine *engine, const struct engine_batch *batch,
                        struct store_put_key *put)
{
    struct database *db = engine_write(engine, &put->request);
    const struct key *key = put->key;
    sqlite3_stmt *insert = sql_use(db, SQL_put_key);

    (void)batch;
    bind_id(insert, 1, key->id);
    bind_blob(insert, 2, slice_from(key->hash, sizeof key->hash));
    bind_i64(insert, 3, key->scope);
    bind_id_or_null(insert, 4, key->account);
    bind_text(insert, 5, key->label);
    bind_wall(insert, 6, key->created);
    return sql_run(db, insert);
}

static enum err run_with_id(struct database *db, enum sql which, struct id id)
{
    sqlite3_stmt *statement = sql_use(db, which);

    bind_id(statement, 1, id);
    return sql_run(db, statement);
}

/* Each in this order: channels are noted before they go. */
static enum err run_all(struct database *db, const enum sql *which, size_t len, struct id id)
{
    enum err err = OK;

    for (size_t i = 0; i < len && err == OK; i++) {
        err = run_with_id(db, which[i], id);
    }
    return err;
}

enum err sqlite_remove(struct engine *engine, const struct engine_batch *batch,
                       struct store_remove *target)
{
    static const enum sql channel[] = {SQL_note_removed, SQL_delete_channel};
    static const enum sql account[] = {SQL_note_removed_of, SQL_delete_channels_of,
                                       SQL_delete_keys_of, SQL_note_removed_account,
                                       SQL_delete_account};
    struct database *db = engine_write(engine, &target->request);

    (void)batch;
    if (target->key.value != 0) {
        return run_with_id(db, SQL_delete_key, target->key);
    }
    if (target->channel.value != 0) {
        return run_all(db, channel, ARRAY_LEN(channel), target->channel);
    }
    return run_all(db, account, ARRAY_LEN(account), target->account);
}
