#include "store/sqlite/database.h"

#include "base/macro.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { BUSY_MS = 5000 };

static const char *const texts[SQL_COUNT] = {
#define SQL_TEXT(name, text) [SQL_##name] = (text),
    SQL_STATEMENTS(SQL_TEXT)
#undef SQL_TEXT
};

/* ---- Failing -------------------------------------------------------------------------------- */

/* SQLite tells a full disk in two ways: by its own code, and as a failed write with the system's
 * reason. A failed flush is never "full". */
static bool is_full(struct database *db, int code)
{
    if ((code & 0xff) == SQLITE_FULL) {
        return true;
    }
    int reason = sqlite3_system_errno(db->handle);
    return (code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_FSYNC &&
           code != SQLITE_IOERR_DIR_FSYNC && (reason == ENOSPC || reason == EDQUOT);
}

static enum err classify(struct database *db, int code)
{
    if (is_full(db, code)) {
        return ERR_FULL;
    }
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_INTERRUPT:
        return ERR_TIMEOUT;
    default:
        return ERR_IO;
    }
}

enum err database_fail(struct database *db, int code)
{
    int reason = sqlite3_system_errno(db->handle);

    return diag_set(db->diag, classify(db, code), "database: %s (code %d%s%s)",
                    sqlite3_errmsg(db->handle), code, reason != 0 ? ": " : "",
                    reason != 0 ? strerror(reason) : "");
}

/* ---- The connection ------------------------------------------------------------------------- */

enum err database_open(struct database *db, const char *path, bool is_writer, struct diag *diag)
{
    int flags = is_writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;

    *db = (struct database){.diag = diag};
    int code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        enum err err = diag_set(diag, ERR_IO, "open %s: %s", path, sqlite3_errmsg(db->handle));

        database_close(db);
        return err;
    }
    /* Both fail only without a handle. Only an operator's tool can ever be in our way. */
    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    return OK;
}

enum err database_prepare(struct database *db)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        int code = sqlite3_prepare_v3(db->handle, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &db->statements[i], NULL);

        if (code != SQLITE_OK) {
            return database_fail(db, code);
        }
    }
    return OK;
}

void database_close(struct database *db)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        (void)sqlite3_finalize(db->statements[i]); /* tells of the last step again */
    }
    int code = sqlite3_close(db->handle);
    assert(code == SQLITE_OK); /* anything else: something of it is still in use */
    *db = (struct database){0};
}

enum err database_run(struct database *db, const char *text)
{
    int code = sqlite3_exec(db->handle, text, NULL, NULL, NULL);

    return code == SQLITE_OK ? OK : database_fail(db, code);
}

enum err database_number(struct database *db, const char *query, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    bool has_row = false;
    int code = sqlite3_prepare_v2(db->handle, query, -1, &statement, NULL);

    if (code != SQLITE_OK) {
        return database_fail(db, code);
    }
    enum err err = sql_next(db, statement, &has_row);
    if (err == OK && has_row) {
        *out = column_i64(statement, 0);
    }
    (void)sqlite3_finalize(statement); /* tells of the last step again */
    return err;
}

/* ---- Statements ----------------------------------------------------------------------------- */

sqlite3_stmt *sql_use(struct database *db, enum sql which)
{
    return db->statements[which];
}

enum err sql_next(struct database *db, sqlite3_stmt *rows, bool *has_row)
{
    int code = sqlite3_step(rows);

    *has_row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        return OK;
    }
    enum err err = database_fail(db, code);
    sql_end(rows);
    return err;
}

enum err sql_run(struct database *db, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_DONE) {
        sql_end(statement);
        return OK;
    }
    enum err err = database_fail(db, code);
    sql_end(statement);
    return err;
}

void sql_end(sqlite3_stmt *rows)
{
    (void)sqlite3_reset(rows); /* tells of the last step again */
}

/* ---- Binding. It fails only for a wrong index or a statement in use: our own bugs. ---------- */

static void bound(int code)
{
    assert(code == SQLITE_OK);
}

void bind_i64(sqlite3_stmt *statement, int at, int64_t value)
{
    bound(sqlite3_bind_int64(statement, at, value));
}

void bind_id(sqlite3_stmt *statement, int at, struct id id)
{
    /* The upper half of all ids lies past 2089 and is only ever asked for, as the end of a
     * period. */
    bound(sqlite3_bind_int64(statement, at, id.value > INT64_MAX ? INT64_MAX : (int64_t)id.value));
}

void bind_id_or_null(sqlite3_stmt *statement, int at, struct id id)
{
    if (id.value == 0) {
        bind_null(statement, at);
    } else {
        bind_id(statement, at, id);
    }
}

void bind_wall(sqlite3_stmt *statement, int at, struct wall wall)
{
    bind_i64(statement, at, wall.us);
}

void bind_text(sqlite3_stmt *statement, int at, struct slice text)
{
    if (text.len == 0) {
        bind_null(statement, at);
    } else {
        bound(sqlite3_bind_text(statement, at, text.ptr, (int)text.len, SQLITE_STATIC));
    }
}

void bind_blob(sqlite3_stmt *statement, int at, struct slice blob)
{
    /* A NULL pointer would bind NULL, which means: there is none. */
    bound(sqlite3_bind_blob(statement, at, blob.len > 0 ? blob.ptr : "", (int)blob.len,
                            SQLITE_STATIC));
}

void bind_blob_copy(sqlite3_stmt *statement, int at, struct slice blob)
{
    bound(sqlite3_bind_blob(statement, at, blob.len > 0 ? blob.ptr : "", (int)blob.len,
                            SQLITE_TRANSIENT));
}

void bind_null(sqlite3_stmt *statement, int at)
{
    bound(sqlite3_bind_null(statement, at));
}

/* ---- Columns -------------------------------------------------------------------------------- */

int64_t column_i64(sqlite3_stmt *row, int at)
{
    return sqlite3_column_int64(row, at);
}

uint32_t column_u32(sqlite3_stmt *row, int at)
{
    return (uint32_t)sqlite3_column_int64(row, at);
}

struct id column_id(sqlite3_stmt *row, int at)
{
    return (struct id){(uint64_t)sqlite3_column_int64(row, at)};
}

struct wall column_wall(sqlite3_stmt *row, int at)
{
    return (struct wall){sqlite3_column_int64(row, at)};
}

struct slice column_slice(sqlite3_stmt *row, int at)
{
    const void *ptr = sqlite3_column_blob(row, at);

    return slice_from(ptr, ptr != NULL ? (size_t)sqlite3_column_bytes(row, at) : 0);
}
