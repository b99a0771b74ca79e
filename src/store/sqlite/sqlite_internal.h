/*
 * What the files of the SQLite engine share: the engine, its readers, and the calls that engine.c
 * puts into its table.
 */
#ifndef STORE_SQLITE_SQLITE_INTERNAL_H
#define STORE_SQLITE_SQLITE_INTERNAL_H

#include "base/buf.h"
#include "base/map.h"
#include "base/sign.h"
#include "store/engine.h"
#include "store/sqlite/checkpoint.h"
#include "store/sqlite/database.h"

/* The newest bucket: the next 8,192 events go there. */
struct bucket {
    int64_t id;      /* 0: there is none yet */
    uint32_t events; /* in it */
};

/* What a transaction changes in memory and a rollback must undo. */
struct engine_memory {
    struct bucket bucket;
    struct id mark;         /* as stored */
    int64_t pending;        /* rows in pending */
    struct id data_dropped; /* how far the walks of retain.c have come */
    struct id keys_dropped;
    struct id rest_kept; /* how far this round over whole events has come */
};

struct engine {
    struct database db; /* the one connection that writes */
    struct env *env;
    char *folder; /* owned */
    char *file;   /* owned: the database's path */
    int lock_fd;  /* -1: not held */
    bool has_master_key;
    uint8_t master_key[SEAL_KEY_BYTES];
    struct channel_defaults channel_defaults;
    int64_t idempotency_us;

    struct engine_memory now;       /* as the running transaction leaves it */
    struct engine_memory committed; /* as the last commit left it */
    _Atomic int64_t pending_shown;  /* committed.pending, for the readers */
    bool flushes;                   /* at commit: the connection's setting */
    struct map queue_hints;         /* see queue.c; values owned */
    struct buf scratch;             /* for the targets of one event */
    struct checkpoint checkpoint;
};

struct engine_reader {
    struct engine *engine;
    struct database db;
    struct mono deadline; /* of the running call */
    struct id mark;       /* in its snapshot */
};

/* The path of a file of the engine's folder; owned by the caller. */
char *engine_path(const char *folder, const char *name);

/* A transaction was committed: what it changed in memory counts. */
void engine_committed(struct engine *engine);

/* A writing call begins: failures put their words into its request. */
struct database *engine_write(struct engine *engine, struct store_request *request);

/* A channel's secrets as stored: each 32 bytes and 8 bytes of `until`, the newest first. */
void secrets_pack(struct buf *out, const struct channel *channel);
bool secrets_unpack(struct slice packed, struct channel *channel); /* false: not what we wrote */

/* Secrets at rest. Under a master key a value is bound encrypted, for this column (`what`) of this
 * row alone; else as it is. */
void sealed_bind(struct engine *engine, sqlite3_stmt *statement, int at, const char *what,
                 struct id row, struct slice plain);
enum err sealed_column(struct engine *engine, sqlite3_stmt *row, int at, bool is_sealed,
                       const char *what, struct id id, struct buf *out) MUST_CHECK;

#define WRITES(name)                                                                               \
    enum err sqlite_##name(struct engine *engine, const struct engine_batch *batch,                \
                           struct store_##name *name)
#define READS(name)                                                                                \
    enum err sqlite_##name(struct engine_reader *reader, struct wall now, struct store_##name *name)

WRITES(publish);
WRITES(settle);
WRITES(receive);
WRITES(answer);
WRITES(steer);
WRITES(show);
WRITES(open_operation);
WRITES(advance);
WRITES(put_account);
WRITES(put_channel);
WRITES(put_key);

WRITES(retain);
enum err sqlite_remove(struct engine *engine, const struct engine_batch *batch,
                       struct store_remove *target);
READS(get_event);
READS(list_events);
READS(get_delivery);
READS(list_deliveries);
READS(find_event);
READS(get_operation);
READS(list_operations);
READS(due_operations);
READS(take);
READS(lanes);
READS(stats);
#undef WRITES
#undef READS

enum err sqlite_load(struct engine *engine, struct engine_state *state, struct diag *diag);
enum err sqlite_recover(struct engine *engine, struct id mark, struct wall now, uint64_t *out_count,
                        struct diag *diag);
/* A reading call begins with a snapshot and a time limit, and ends with neither. */
enum err reader_begin(struct engine_reader *reader, struct store_request *request) MUST_CHECK;
enum err reader_end(struct engine_reader *reader, enum err err);

/* Numbers kept under a name: cursors and the mark. Absent ones read as 0. */
enum err meta_get(struct database *db, const char *name, uint64_t *out) MUST_CHECK;
enum err meta_put(struct database *db, const char *name, uint64_t value) MUST_CHECK;

enum err sqlite_reader_open(struct engine *engine, struct engine_reader **out, struct diag *diag);
void sqlite_reader_close(struct engine_reader *reader);
void sqlite_relieve(struct engine *engine);
enum err sqlite_reserve(struct engine *engine);

#endif
