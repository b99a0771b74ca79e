#include "store/sqlite/idempotency.h"

static struct slice hash_slice(const uint8_t *hash)
{
    return slice_from(hash, STORE_HASH_BYTES);
}

enum err idempotency_find(struct engine *engine, struct idempotency_key key, struct wall now,
                          struct idempotency_use *out)
{
    struct database *db = &engine->db;
    sqlite3_stmt *row = sql_use(db, SQL_get_idempotency);
    bool has_row = false;

    *out = (struct idempotency_use){.id = ID_NONE};
    bind_blob(row, 1, hash_slice(key.key));
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        struct id id = column_id(row, 0);

        if (now.us - id_time(id).us < engine->idempotency_us) {
            out->id = id;
            out->is_same_body = slice_equal(column_slice(row, 1), hash_slice(key.body));
        }
    }
    sql_end(row);
    return err;
}

enum err idempotency_put(struct database *db, struct idempotency_key key, struct id id)
{
    sqlite3_stmt *put = sql_use(db, SQL_put_idempotency);

    bind_blob(put, 1, hash_slice(key.key));
    bind_id(put, 2, id);
    bind_blob(put, 3, hash_slice(key.body));
    return sql_run(db, put);
}

enum err idempotency_drop(struct database *db, const uint8_t *key, struct id id)
{
    sqlite3_stmt *drop = sql_use(db, SQL_delete_idempotency);

    bind_blob(drop, 1, hash_slice(key));
    bind_id(drop, 2, id);
    return sql_run(db, drop);
}
