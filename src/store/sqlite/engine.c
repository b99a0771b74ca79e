/*
 * The engine's life, its transactions, and the table of its calls.
 *
 *   <folder>/lock          held while a process uses the folder
 *   <folder>/tidings.db    the database, with -wal and -shm beside it
 *   <folder>/reserve       room given up when the disk is full, see reserve.c
 */
#include "base/mem.h"
#include "os/file.h"
#include "store/sqlite/bucket.h"
#include "store/sqlite/queue.h"
#include "store/sqlite/retain.h"
#include "store/sqlite/schema.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* Targets of the widest event: as many as an account may have channels. */
enum { SCRATCH_BYTES_MAX = 1024 * 1024 };

char *engine_path(const char *folder, const char *name)
{
    struct buf path;
    size_t len = 0;

    buf_init(&path, 4096); /* PATH_MAX */
    buf_printf(&path, "%s/%s", folder, name);
    return buf_take(&path, &len);
}

struct database *engine_write(struct engine *engine, struct store_request *request)
{
    engine->db.diag = &request->diag;
    return &engine->db;
}

void engine_committed(struct engine *engine)
{
    engine->committed = engine->now;
    atomic_store(&engine->pending_shown, engine->committed.pending);
}

/* ---- Opening and closing -------------------------------------------------------------------- */

/* A file that was made is only there for good when its folder is flushed too. */
static enum err flush_folder(const char *folder, struct diag *diag)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err = OK;

    if (fd < 0 || fsync(fd) != 0) {
        err = diag_set(diag, ERR_IO, "flush folder %s: %s", folder, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd); /* was only read from */
    }
    return err;
}

/* Made by us and not by SQLite, so that nobody else can read it; the log takes over its mode. */
static enum err make_file(const char *path, struct diag *diag)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        return diag_set(diag, ERR_IO, "open %s: %s", path, strerror(errno));
    }
    (void)close(fd); /* nothing was written */
    return OK;
}

static enum err lock_folder(struct engine *engine, struct diag *diag)
{
    char *path = engine_path(engine->folder, "lock");
    enum err err = folder_make(engine->folder, diag);

    if (err == OK) {
        err = file_lock(path, &engine->lock_fd, diag);
    }
    mem_free(path);
    return err;
}

/* Where the file system lacks what the log needs, SQLite stays in another mode and says nothing. */
static enum err check_log(struct database *db)
{
    int64_t is_on = 0;
    enum err err =
        database_number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &is_on);

    if (err == OK && is_on == 0) {
        err = diag_set(db->diag, ERR_IO,
                       "the file system cannot hold a write-ahead log: it needs "
                       "shared memory and locks, as local disks have");
    }
    return err;
}

/*
 * Pages of 8 KiB hold several events of 1 KiB each; they must be set before the first table is
 * made. Checkpoints are our own (checkpoint.h). What is deleted is not overwritten with zeros: it
 * would cost retention a second write of everything.
 */
static enum err set_up(struct engine *engine)
{
    static const char settings[] = "PRAGMA page_size = 8192;"
                                   "PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = FULL;" /* see set_flushes */
                                   "PRAGMA wal_autocheckpoint = 0;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA secure_delete = OFF;"
                                   "PRAGMA cache_size = -65536;"; /* KiB */
    struct database *db = &engine->db;
    enum err err = database_run(db, settings);

    engine->flushes = true;
    if (err == OK) {
        err = check_log(db);
    }
    if (err == OK) {
        err = schema_upgrade(db);
    }
    if (err == OK) {
        err = flush_folder(engine->folder, db->diag);
    }
    if (err == OK) {
        err = database_prepare(db);
    }
    checkpoint_watch(&engine->checkpoint, db);
    return err;
}

static enum err load_memory(struct engine *engine)
{
    struct database *db = &engine->db;
    enum err err = database_number(db, "SELECT count(*) FROM pending", &engine->now.pending);

    if (err == OK) {
        err = meta_get(db, "mark", &engine->now.mark.value);
    }
    if (err == OK) {
        err = bucket_load(engine);
    }
    if (err == OK) {
        err = retain_load(engine);
    }
    engine_committed(engine);
    return err;
}

static void close_engine(struct engine *engine)
{
    queue_forget_hints(engine);
    database_close(&engine->db);
    checkpoint_clear(&engine->checkpoint);
    if (engine->lock_fd >= 0) {
        (void)close(engine->lock_fd); /* gives up the lock; nothing was written */
    }
    buf_clear(&engine->scratch);
    mem_wipe(engine->master_key, sizeof engine->master_key);
    mem_free(engine->folder);
    mem_free(engine->file);
    mem_free(engine);
}

static struct engine *new_engine(const struct engine_options *options)
{
    struct engine *engine = MEM_NEW(struct engine);

    engine->env = options->env;
    engine->folder = mem_text(options->path, strlen(options->path));
    engine->file = engine_path(options->path, "tidings.db");
    engine->lock_fd = -1;
    engine->channel_defaults = options->channel_defaults;
    engine->idempotency_us = options->idempotency_us;
    if (options->master_key != NULL) {
        engine->has_master_key = true;
        memcpy(engine->master_key, options->master_key, sizeof engine->master_key);
    }
    map_init(&engine->queue_hints, env_random_u64(options->env));
    buf_init(&engine->scratch, SCRATCH_BYTES_MAX);
    checkpoint_init(&engine->checkpoint);
    return engine;
}

static enum err open_engine(const struct engine_options *options, struct engine **out,
                            struct diag *diag)
{
    struct engine *engine = new_engine(options);
    enum err err = lock_folder(engine, diag);

    if (err == OK) {
        err = make_file(engine->file, diag);
    }
    if (err == OK) {
        err = database_open(&engine->db, engine->file, /* is_writer= */ true, diag);
    }
    if (err == OK) {
        err = set_up(engine);
    }
    if (err == OK) {
        err = load_memory(engine);
    }
    if (err != OK) {
        close_engine(engine);
        return err;
    }
    *out = engine;
    return OK;
}

/* ---- Transactions --------------------------------------------------------------------------- */

/*
 * Whether the next commits flush the log. What was not flushed stands in the same file before what
 * comes later, so a later flush covers it; and a checkpoint flushes the log in either case. It must
 * be said outside of a transaction, and SQLite acts on it when it is prepared, not when it runs.
 */
static enum err set_flushes(struct engine *engine, bool flushes)
{
    enum err err = OK;

    if (engine->flushes != flushes) {
        err = database_run(&engine->db,
                           flushes ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    }
    if (err == OK) {
        engine->flushes = flushes;
    }
    return err;
}

static enum err begin(struct engine *engine, const struct engine_batch *batch, struct diag *diag)
{
    struct database *db = &engine->db;

    db->diag = diag;
    enum err err = set_flushes(engine, !batch->needs_no_flush);
    if (err == OK) {
        err = sql_run(db, sql_use(db, SQL_begin_write));
    }
    if (err == OK && batch->mark.value != engine->now.mark.value) {
        err = meta_put(db, "mark", batch->mark.value);
        engine->now.mark = batch->mark;
    }
    return err;
}

static enum err commit(struct engine *engine, struct diag *diag)
{
    struct database *db = &engine->db;

    db->diag = diag;
    enum err err = sql_run(db, sql_use(db, SQL_commit));
    if (err == OK) {
        engine_committed(engine);
    }
    return err;
}

static void roll_back(struct engine *engine)
{
    struct database *db = &engine->db;

    db->diag = NULL;
    if (sqlite3_get_autocommit(db->handle) ==
        0) { /* some failures have rolled back by themselves */
        enum err err = sql_run(db, sql_use(db, SQL_rollback));
        assert(err == OK); /* it only forgets pages and needs nothing that could be lacking */
    }
    engine->now = engine->committed;
    queue_forget_hints(engine);
}

static enum err settled(struct engine *engine, struct diag *diag)
{
    engine->db.diag = diag;
    return checkpoint_run(&engine->checkpoint, &engine->db);
}

/* ---- The table ------------------------------------------------------------------------------ */

const struct engine_ops engine_sqlite = {
    .name = "sqlite",
    .open = open_engine,
    .close = close_engine,
    .load = sqlite_load,
    .recover = sqlite_recover,
    .begin = begin,
    .commit = commit,
    .rollback = roll_back,
    .settled = settled,
    .relieve = sqlite_relieve,
    .reserve = sqlite_reserve,
    .publish = sqlite_publish,
    .settle = sqlite_settle,
    .receive = sqlite_receive,
    .answer = sqlite_answer,
    .steer = sqlite_steer,
    .show = sqlite_show,
    .open_operation = sqlite_open_operation,
    .advance = sqlite_advance,
    .put_account = sqlite_put_account,
    .put_channel = sqlite_put_channel,
    .put_key = sqlite_put_key,
    .remove = sqlite_remove,
    .retain = sqlite_retain,
    .reader_open = sqlite_reader_open,
    .reader_close = sqlite_reader_close,
    .get_event = sqlite_get_event,
    .list_events = sqlite_list_events,
    .get_delivery = sqlite_get_delivery,
    .list_deliveries = sqlite_list_deliveries,
    .find_event = sqlite_find_event,
    .get_operation = sqlite_get_operation,
    .list_operations = sqlite_list_operations,
    .due_operations = sqlite_due_operations,
    .take = sqlite_take,
    .lanes = sqlite_lanes,
    .stats = sqlite_stats,
};
