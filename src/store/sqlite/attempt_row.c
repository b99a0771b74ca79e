#include "store/sqlite/attempt_row.h"

#include "base/mem.h"
#include "store/sqlite/bucket.h"

/*
 * How many buckets a first attempt may lie behind its event: 8 million events in the time that one
 * attempt takes. Beyond that a delivery would still show as delivered, but without its attempt.
 */
enum { LOOK_BUCKETS_MAX = 1024 };

enum err attempt_row_append(struct engine *engine, const struct engine_batch *batch,
                            struct id delivery, struct id previous, struct attempt *attempt)
{
    sqlite3_stmt *insert = sql_use(&engine->db, SQL_insert_attempt);

    attempt->id = id_make(batch->ids, batch->now, 1);
    bind_id(insert, 1, attempt->id);
    bind_id(insert, 2, delivery);
    bind_id_or_null(insert, 3, previous);
    bind_i64(insert, 4, attempt->number);
    bind_wall(insert, 5, attempt->began);
    bind_i64(insert, 6, attempt->took_us);
    bind_i64(insert, 7, attempt->outcome);
    bind_i64(insert, 8, attempt->status);
    bind_text(insert, 9, attempt->detail);
    if (slice_is_empty(attempt->answer)) {
        bind_null(insert, 10);
    } else {
        bind_blob(insert, 10, attempt->answer);
    }
    return sql_run(&engine->db, insert);
}

enum err attempt_row_index(struct engine *engine, struct id delivery, struct id attempt)
{
    sqlite3_stmt *insert = sql_use(&engine->db, SQL_insert_first_attempt);

    bind_i64(insert, 1, engine->now.bucket.id);
    bind_id(insert, 2, delivery);
    bind_id(insert, 3, attempt);
    return sql_run(&engine->db, insert);
}

enum err attempt_row_find(struct database *db, struct id event, struct id delivery, struct id *out)
{
    int64_t bucket = 0;
    bool has_row = false;
    enum err err = bucket_of(db, event, &bucket);

    if (err != OK) {
        return err;
    }
    sqlite3_stmt *row = sql_use(db, SQL_find_first_attempt);
    bind_id(row, 1, delivery);
    bind_i64(row, 2, bucket);
    bind_i64(row, 3, bucket + LOOK_BUCKETS_MAX);
    err = sql_next(db, row, &has_row);
    if (err == OK) {
        *out = has_row ? column_id(row, 0) : ID_NONE;
    }
    sql_end(row);
    return err;
}

static struct slice own_text(struct slice text)
{
    return slice_from(mem_text(text.ptr, text.len), text.len);
}

/* Reads one attempt and the id of the one before; *is_found is false when it was removed by age. */
static enum err read_attempt(struct database *db, struct id id, struct attempt *out,
                             struct id *previous, bool *is_found)
{
    sqlite3_stmt *row = sql_use(db, SQL_get_attempt);

    bind_id(row, 1, id);
    enum err err = sql_next(db, row, is_found);
    if (err == OK && *is_found) {
        *previous = column_id(row, 0);
        *out = (struct attempt){
            .id = id,
            .number = column_u32(row, 1),
            .began = column_wall(row, 2),
            .took_us = column_i64(row, 3),
            .outcome = (enum attempt_outcome)column_i64(row, 4),
            .status = (int32_t)column_i64(row, 5),
            .detail = own_text(column_slice(row, 6)),
            .answer = own_text(column_slice(row, 7)),
        };
    }
    sql_end(row);
    return err;
}

static void reverse(struct attempt *attempts, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        struct attempt swapped = attempts[i];

        attempts[i] = attempts[len - 1 - i];
        attempts[len - 1 - i] = swapped;
    }
}

enum err attempt_row_chain(struct database *db, struct id newest, struct attempt **out,
                           size_t *out_len)
{
    struct attempt *attempts = MEM_ARRAY(STORE_ATTEMPTS_MAX, struct attempt);
    size_t len = 0;
    bool is_found = true;
    enum err err = OK;

    while (newest.value != 0 && len < STORE_ATTEMPTS_MAX && is_found && err == OK) {
        err = read_attempt(db, newest, &attempts[len], &newest, &is_found);
        len += err == OK && is_found;
    }
    reverse(attempts, len);
    *out = attempts; /* the request's also after a failure: its clear frees them */
    *out_len = len;
    return err;
}
