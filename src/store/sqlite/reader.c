/*
 * The readers: connections that only read, each call in a snapshot of its own with a limited time,
 * so that no call can hold up the checkpoints for long.
 */
#include "base/mem.h"
#include "os/env.h"
#include "store/sqlite/sqlite_internal.h"

#define READ_US_MAX (2 * US_PER_SECOND)

/* Steps of SQLite's machine between two looks at the clock: well below a millisecond. */
enum { LOOK_EVERY = 20000 };

static int is_out_of_time(void *ctx)
{
    const struct engine_reader *reader = ctx;

    return env_mono(reader->engine->env).us > reader->deadline.us;
}

enum err sqlite_reader_open(struct engine *engine, struct engine_reader **out, struct diag *diag)
{
    struct engine_reader *reader = MEM_NEW(struct engine_reader);

    reader->engine = engine;
    reader->deadline = MONO_NEVER;
    enum err err = database_open(&reader->db, engine->file, /* is_writer= */ false, diag);
    if (err == OK) {
        err = database_run(&reader->db, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384");
    }
    if (err == OK) {
        err = database_prepare(&reader->db);
    }
    if (err != OK) {
        sqlite_reader_close(reader);
        return err;
    }
    sqlite3_progress_handler(reader->db.handle, LOOK_EVERY, is_out_of_time, reader);
    *out = reader;
    return OK;
}

void sqlite_reader_close(struct engine_reader *reader)
{
    database_close(&reader->db);
    mem_free(reader);
}

enum err reader_begin(struct engine_reader *reader, struct store_request *request)
{
    struct database *db = &reader->db;

    checkpoint_reader_enters(&reader->engine->checkpoint);
    db->diag = &request->diag;
    reader->deadline.us = env_mono(reader->engine->env).us + READ_US_MAX;
    enum err err = sql_run(db, sql_use(db, SQL_begin_read));
    return err != OK ? err : meta_get(db, "mark", &reader->mark.value);
}

enum err reader_end(struct engine_reader *reader, enum err err)
{
    struct database *db = &reader->db;

    reader->deadline = MONO_NEVER;
    if (sqlite3_get_autocommit(db->handle) == 0) {
        enum err ended = sql_run(db, sql_use(db, SQL_commit));

        err = err == OK ? ended : err;
    }
    checkpoint_reader_leaves(&reader->engine->checkpoint);
    return err;
}
