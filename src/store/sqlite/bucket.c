#include "store/sqlite/bucket.h"

enum { EVENTS_MAX = 8192 };

enum err bucket_load(struct engine *engine)
{
    struct database *db = &engine->db;
    sqlite3_stmt *row = sql_use(db, SQL_newest_bucket);
    bool has_row = false;
    enum err err = sql_next(db, row, &has_row);

    if (err != OK || !has_row) {
        sql_end(row);
        return err;
    }
    engine->now.bucket.id = column_i64(row, 0);
    struct id first = column_id(row, 1);
    sql_end(row);

    row = sql_use(db, SQL_count_bucket);
    bind_id(row, 1, first);
    err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        engine->now.bucket.events = column_u32(row, 0);
    }
    sql_end(row);
    return err;
}

static enum err begin_bucket(struct engine *engine, struct id first)
{
    struct bucket *bucket = &engine->now.bucket;
    sqlite3_stmt *insert = sql_use(&engine->db, SQL_insert_bucket);

    *bucket = (struct bucket){.id = bucket->id + 1};
    bind_i64(insert, 1, bucket->id);
    bind_id(insert, 2, first);
    return sql_run(&engine->db, insert);
}

enum err bucket_for_event(struct engine *engine, struct id event, int64_t *out)
{
    struct bucket *bucket = &engine->now.bucket;
    enum err err = OK;

    if (bucket->id == 0 || bucket->events >= EVENTS_MAX) {
        err = begin_bucket(engine, event);
    }
    bucket->events++;
    *out = bucket->id;
    return err;
}

enum err bucket_of(struct database *db, struct id id, int64_t *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_bucket_of);
    bool has_row = false;

    bind_id(row, 1, id);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK) {
        *out = has_row ? column_i64(row, 0) : 0;
    }
    sql_end(row);
    return err;
}

enum err bucket_oldest(struct database *db, int64_t *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_oldest_bucket);
    bool has_row = false;
    enum err err = sql_next(db, row, &has_row);

    if (err == OK) {
        *out = has_row ? column_i64(row, 0) : 0;
    }
    sql_end(row);
    return err;
}
