#include "store/sqlite/schema.h"

#include "base/macro.h"

#include <stdio.h>

/* "Tdng": tells our files from other databases. */
#define APPLICATION_ID 0x54646e67

/*
 * The common way of an event only appends: one row each in event, event_by_account, attempt and
 * attempt_by_delivery, and in event_by_name when the event has a name. These indexes begin with a
 * bucket of creation order, so what is inserted falls into a small hot part of them, however much
 * lies behind.
 *
 * In event, data stands last: it may be long, and what stands behind a long value is slow to reach.
 * targets holds for each delivery 8 bytes of channel id (most significant first) and 1 byte of way.
 * A NULL content_type is application/json; NULL data was removed by age. The name came later than
 * data; it is read only to find its row in event_by_name when the event goes.
 *
 * In pending, due is when to try; for the queue it is when the lease ends, 0 when it is available.
 *
 * In operation, idem is the key it was opened with, until that does not count any more; body is of
 * the request that ended it. Its long values stand last too. removed_account has those whose
 * operations retention has still to remove, as removed has the channels.
 *
 * Where a delivery stands: pending has a row; ended has a row; without both it was delivered by its
 * first attempt, unless it is fresh: its event above the mark and no attempt known.
 */
static const char *const steps[] = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"

    "CREATE TABLE event (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, type TEXT NOT NULL,"
    " content_type TEXT, client_ref TEXT, server_ref TEXT, notify_url TEXT, external_id TEXT,"
    " attributes TEXT, idem BLOB, targets BLOB NOT NULL, data BLOB);"
    "CREATE TABLE bucket (id INTEGER PRIMARY KEY, first INTEGER NOT NULL UNIQUE);"
    "CREATE TABLE event_by_account (bucket INTEGER, account INTEGER, event INTEGER,"
    " PRIMARY KEY (bucket, account, event)) WITHOUT ROWID;"

    "CREATE TABLE attempt (id INTEGER PRIMARY KEY, delivery INTEGER NOT NULL, previous INTEGER,"
    " number INTEGER NOT NULL, began INTEGER NOT NULL, took INTEGER NOT NULL,"
    " outcome INTEGER NOT NULL, status INTEGER NOT NULL, detail TEXT, answer BLOB);"
    "CREATE TABLE attempt_by_delivery (bucket INTEGER, delivery INTEGER, attempt INTEGER NOT NULL,"
    " PRIMARY KEY (bucket, delivery)) WITHOUT ROWID;"

    "CREATE TABLE pending (channel INTEGER, delivery INTEGER, way INTEGER NOT NULL,"
    " due INTEGER NOT NULL, attempts INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " account INTEGER NOT NULL, last_attempt INTEGER, PRIMARY KEY (channel, delivery))"
    " WITHOUT ROWID;"
    "CREATE INDEX pending_due ON pending (channel, due, delivery) WHERE way <> 3;"
    "CREATE TABLE ended (delivery INTEGER PRIMARY KEY, state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, last_attempt INTEGER, at INTEGER NOT NULL);"

    "CREATE TABLE idempotency (key BLOB PRIMARY KEY, event INTEGER NOT NULL, body BLOB NOT NULL)"
    " WITHOUT ROWID;"

    "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " sealed INTEGER NOT NULL, settings BLOB NOT NULL, credentials BLOB NOT NULL,"
    " created INTEGER NOT NULL, updated INTEGER NOT NULL);"
    "CREATE TABLE channel (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " sealed INTEGER NOT NULL, settings BLOB NOT NULL, secrets BLOB NOT NULL,"
    " created INTEGER NOT NULL, updated INTEGER NOT NULL, health INTEGER NOT NULL,"
    " failing_since INTEGER NOT NULL, health_changed INTEGER NOT NULL);"
    "CREATE INDEX channel_by_account ON channel (account);"
    "CREATE TABLE key (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, scope INTEGER NOT NULL,"
    " account INTEGER, label TEXT, created INTEGER NOT NULL);"
    "CREATE INDEX key_by_account ON key (account);"
    "CREATE TABLE removed (channel INTEGER PRIMARY KEY);",

    "ALTER TABLE event ADD COLUMN name TEXT;"
    "CREATE TABLE event_by_name (bucket INTEGER, account INTEGER, name TEXT, event INTEGER,"
    " PRIMARY KEY (bucket, account, name, event)) WITHOUT ROWID;",

    "CREATE TABLE operation (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " state INTEGER NOT NULL, created INTEGER NOT NULL, deadline INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, delayed INTEGER NOT NULL, steps INTEGER NOT NULL,"
    " ended INTEGER NOT NULL, code INTEGER NOT NULL, event INTEGER, command TEXT, client_ref TEXT,"
    " server_ref TEXT, notify_url TEXT, origin TEXT, idem BLOB, body BLOB, result TEXT, data TEXT,"
    " outcome TEXT);"
    "CREATE INDEX operation_by_account ON operation (account);"
    "CREATE INDEX operation_due ON operation (deadline)"
    " WHERE state = 0 AND deadline > 0 AND delayed = 0;"
    "CREATE INDEX operation_ended ON operation (ended) WHERE ended > 0;"
    "CREATE INDEX operation_keyed ON operation (id) WHERE idem IS NOT NULL;"
    "CREATE TABLE removed_account (account INTEGER PRIMARY KEY);",
};

enum { VERSION = ARRAY_LEN(steps) };

/* A file without tables is new; any other must have our mark. */
static enum err check_owner(struct database *db, int64_t version)
{
    int64_t application = 0;
    int64_t tables = 0;
    enum err err = database_number(db, "PRAGMA application_id", &application);

    if (err == OK) {
        err = database_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (err == OK && application != APPLICATION_ID && (tables > 0 || version > 0)) {
        err = diag_set(db->diag, ERR_CORRUPT, "the database was not made by this program");
    }
    return err;
}

static enum err take_steps(struct database *db, int64_t version)
{
    char numbers[96];

    for (int64_t i = version; i < VERSION; i++) {
        enum err err = database_run(db, steps[i]);

        if (err != OK) {
            return err;
        }
    }
    (void)snprintf(numbers, sizeof numbers, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   APPLICATION_ID, (int)VERSION);
    return database_run(db, numbers);
}

enum err schema_upgrade(struct database *db)
{
    int64_t version = 0;
    enum err err = database_number(db, "PRAGMA user_version", &version);

    if (err == OK) {
        err = check_owner(db, version);
    }
    if (err != OK || version == VERSION) {
        return err;
    }
    if (version > VERSION) {
        return diag_set(db->diag, ERR_VERSION,
                        "the data has version %lld and this program knows up to %d: run the newer "
                        "program that wrote it",
                        (long long)version, (int)VERSION);
    }
    err = database_run(db, "BEGIN IMMEDIATE");
    if (err == OK) {
        err = take_steps(db, version);
    }
    if (err == OK) {
        err = database_run(db, "COMMIT");
    }
    if (err != OK) {
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL); /* the first failure counts */
    }
    return err;
}
