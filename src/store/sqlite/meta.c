#include "store/sqlite/sqlite_internal.h"

enum err meta_get(struct database *db, const char *name, uint64_t *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_get_meta);
    bool has_row = false;

    bind_text(row, 1, slice_of(name));
    enum err err = sql_next(db, row, &has_row);
    if (err == OK) {
        *out = has_row ? (uint64_t)column_i64(row, 0) : 0;
    }
    sql_end(row);
    return err;
}

enum err meta_put(struct database *db, const char *name, uint64_t value)
{
    sqlite3_stmt *put = sql_use(db, SQL_put_meta);

    bind_text(put, 1, slice_of(name));
    bind_id(put, 2, (struct id){value});
    return sql_run(db, put);
}
