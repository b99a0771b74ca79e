/*
 * After a start: what was being tried for the first time when the process before ended becomes
 * pending, due now.
 *
 * All of it lies above the mark. A delivery that has an attempt there was settled: it is either
 * delivered or has a row. What has neither attempt nor row was in the air.
 */
#include "base/mem.h"
#include "store/sqlite/event_row.h"
#include "store/sqlite/pending.h"

#include <stdlib.h>

/* Events of one transaction: some hundred milliseconds of work. */
enum { EVENTS_EACH = 20000 };

struct recovery {
    struct engine *engine;
    struct wall now;
    uint64_t *tried; /* deliveries with an attempt above the mark, sorted */
    size_t tried_len, tried_room;
    uint64_t count; /* made pending */
};

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static void note_tried(struct recovery *recovery, struct id delivery)
{
    if (recovery->tried_len == recovery->tried_room) {
        recovery->tried_room = recovery->tried_room == 0 ? 1024 : 2 * recovery->tried_room;
        recovery->tried =
            mem_resize(recovery->tried, recovery->tried_room, sizeof *recovery->tried);
    }
    recovery->tried[recovery->tried_len++] = delivery.value;
}

/* Every attempt of an event above the mark has itself an id above the mark. */
static enum err find_tried(struct recovery *recovery, struct id mark)
{
    struct database *db = &recovery->engine->db;
    sqlite3_stmt *rows = sql_use(db, SQL_attempts_after);
    bool has_row = true;
    enum err err = OK;

    bind_id(rows, 1, mark);
    while (has_row && err == OK) {
        err = sql_next(db, rows, &has_row);
        if (err == OK && has_row) {
            note_tried(recovery, column_id(rows, 0));
        }
    }
    sql_end(rows);
    if (recovery->tried_len > 0) {
        qsort(recovery->tried, recovery->tried_len, sizeof *recovery->tried, compare);
    }
    return err;
}

static bool was_tried(const struct recovery *recovery, struct id delivery)
{
    return recovery->tried_len > 0 && bsearch(&delivery.value, recovery->tried, recovery->tried_len,
                                              sizeof *recovery->tried, compare) != NULL;
}

static enum err recover_delivery(struct recovery *recovery, struct id account, struct id channel,
                                 struct id delivery)
{
    struct database *db = &recovery->engine->db;
    struct pending_row row;
    struct ended_row ended;

    if (was_tried(recovery, delivery)) {
        return OK;
    }
    enum err err = pending_get(db, channel, delivery, &row);
    if (err != OK || row.is_found) {
        return err;
    }
    err = ended_get(db, delivery, &ended);
    if (err != OK || ended.is_found) {
        return err;
    }
    recovery->count++;
    return pending_put(recovery->engine, recovery->now,
                       &(struct pending_row){.channel = channel,
                                             .delivery = delivery,
                                             .account = account,
                                             .way = STORE_WAITING,
                                             .due = recovery->now});
}

static enum err recover_event(struct recovery *recovery, sqlite3_stmt *row)
{
    struct id event = column_id(row, 0);
    struct slice targets = column_slice(row, 2);
    enum err err = OK;

    for (uint32_t i = 0; i < targets_count(targets) && err == OK; i++) {
        struct store_target target = targets_at(targets, i);

        if (target.way == STORE_FRESH) {
            err = recover_delivery(recovery, column_id(row, 1), target.channel,
                                   event_delivery_id(event, i));
        }
    }
    return err;
}

/* One slice of events behind *after, which moves on; *has_more is false at the end. */
static enum err recover_slice(struct recovery *recovery, struct id *after, bool *has_more)
{
    struct database *db = &recovery->engine->db;
    sqlite3_stmt *rows = sql_use(db, SQL_events_from);
    uint32_t looked = 0;
    bool has_row = true;
    enum err err = OK;

    bind_id(rows, 1, *after);
    bind_i64(rows, 2, EVENTS_EACH);
    while (has_row && err == OK) {
        err = sql_next(db, rows, &has_row);
        if (err == OK && has_row) {
            *after = column_id(rows, 0);
            looked++;
            err = recover_event(recovery, rows);
        }
    }
    sql_end(rows);
    *has_more = looked == EVENTS_EACH;
    return err;
}

/* The new mark is stored with each slice, so that a crash in between repeats nothing. */
static enum err commit_slice(struct recovery *recovery, struct id mark)
{
    struct engine *engine = recovery->engine;
    enum err err = meta_put(&engine->db, "mark", mark.value);

    if (err == OK) {
        err = sql_run(&engine->db, sql_use(&engine->db, SQL_commit));
    }
    if (err == OK) {
        engine->now.mark = mark;
        engine_committed(engine);
    }
    return err;
}

static enum err recover_all(struct recovery *recovery, struct id mark)
{
    struct database *db = &recovery->engine->db;
    struct id after = mark;
    bool has_more = true;
    enum err err = find_tried(recovery, mark);

    while (has_more && err == OK) {
        err = sql_run(db, sql_use(db, SQL_begin_write));
        if (err == OK) {
            err = recover_slice(recovery, &after, &has_more);
        }
        if (err == OK) {
            err = commit_slice(recovery, after);
        }
    }
    return err;
}

enum err sqlite_recover(struct engine *engine, struct id mark, struct wall now, uint64_t *out_count,
                        struct diag *diag)
{
    struct recovery recovery = {.engine = engine, .now = now};

    engine->db.diag = diag;
    enum err err = recover_all(&recovery, mark);
    if (err == OK) {
        *out_count = recovery.count;
    }
    mem_free(recovery.tried);
    return err;
}
