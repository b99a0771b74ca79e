/*
 * One connection to the database file, with all statements prepared, for one thread at a time.
 *
 * A failing call says OK, ERR_FULL, ERR_IO, ERR_CORRUPT, ERR_BUSY or (for a reader past its time)
 * ERR_TIMEOUT, and puts the words into database->diag, which whoever begins an operation points to
 * where they shall go.
 *
 *   sqlite3_stmt *rows = sql_use(db, SQL_load_keys);
 *   while ((err = sql_next(db, rows, &has_row)) == OK && has_row) { ... column_id(rows, 0) ... }
 *   sql_end(rows);
 */
#ifndef STORE_SQLITE_DATABASE_H
#define STORE_SQLITE_DATABASE_H

#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"
#include "base/time.h"
#include "store/sqlite/statements.h"

#include <sqlite3.h>
#include <stdbool.h>

struct database {
    sqlite3 *handle;
    sqlite3_stmt *statements[SQL_COUNT];
    struct diag *diag; /* borrowed; may be NULL */
};

/* Opens the file, without statements: the tables may not be there yet. A writer makes it when it is
 * not there. */
enum err database_open(struct database *db, const char *path, bool is_writer,
                       struct diag *diag) MUST_CHECK;
enum err database_prepare(struct database *db) MUST_CHECK;
void database_close(struct database *db);

/* Runs SQL that is not in the table: settings of the connection, steps of the schema. */
enum err database_run(struct database *db, const char *text) MUST_CHECK;

/* The one number that a query gives. */
enum err database_number(struct database *db, const char *query, int64_t *out) MUST_CHECK;

/* What a result code of SQLite means, with the words in db->diag. Not for SQLITE_OK, ROW or
 * DONE. */
enum err database_fail(struct database *db, int code);

/* A statement, ready to be bound: every one of its parameters is bound at each use. */
sqlite3_stmt *sql_use(struct database *db, enum sql which);

/* Runs a statement that gives no rows. */
enum err sql_run(struct database *db, sqlite3_stmt *statement) MUST_CHECK;

/* The next row, lent until the next call. */
enum err sql_next(struct database *db, sqlite3_stmt *rows, bool *has_row) MUST_CHECK;

/* Ends reading: the row's memory goes, and with it the hold on the snapshot outside a
 * transaction. */
void sql_end(sqlite3_stmt *rows);

/* Binding. Texts and blobs are borrowed until the statement's next use. An empty text becomes NULL,
 * an empty blob does not. */
void bind_i64(sqlite3_stmt *statement, int at, int64_t value);
void bind_id(sqlite3_stmt *statement, int at, struct id id);
void bind_id_or_null(sqlite3_stmt *statement, int at, struct id id); /* NULL for ID_NONE */
void bind_wall(sqlite3_stmt *statement, int at, struct wall wall);
void bind_text(sqlite3_stmt *statement, int at, struct slice text);
void bind_blob(sqlite3_stmt *statement, int at, struct slice blob);
void bind_blob_copy(sqlite3_stmt *statement, int at, struct slice blob); /* copied, not borrowed */
void bind_null(sqlite3_stmt *statement, int at);

/* Columns of the row, from 0. NULL reads as zero or empty. */
int64_t column_i64(sqlite3_stmt *row, int at);
uint32_t column_u32(sqlite3_stmt *row, int at);
struct id column_id(sqlite3_stmt *row, int at);
struct wall column_wall(sqlite3_stmt *row, int at);
struct slice column_slice(sqlite3_stmt *row, int at); /* text or blob, lent until the next row */

#endif
