/*
 * The last walks of retain.c: whole events with all that belongs to them, attempts, buckets.
 */
#include "store/sqlite/bucket.h"
#include "store/sqlite/pending.h"
#include "store/sqlite/retain_internal.h"

static enum err delete_deliveries(struct engine *engine, const struct old_event *event)
{
    uint32_t count = targets_count(event->targets);
    enum err err = OK;

    for (uint32_t i = 0; i < count && err == OK; i++) {
        struct store_target target = targets_at(event->targets, i);
        struct id delivery = event_delivery_id(event->id, i);

        err = pending_delete(engine, target.channel, delivery);
        if (err == OK) {
            err = ended_delete(engine, delivery);
        }
    }
    return err;
}

static enum err delete_index_row(struct database *db, enum sql statement, int64_t bucket,
                                 const struct old_event *event)
{
    sqlite3_stmt *gone = sql_use(db, statement);

    bind_i64(gone, 1, bucket);
    bind_id(gone, 2, event->account);
    bind_id(gone, 3, event->id);
    return sql_run(db, gone);
}

/* While the event's own row is still there: it knows the name. */
static enum err delete_from_indexes(struct engine *engine, const struct old_event *event)
{
    struct database *db = &engine->db;
    int64_t bucket = 0;
    enum err err = bucket_of(db, event->id, &bucket);

    if (err == OK) {
        err = delete_index_row(db, SQL_delete_event_by_account, bucket, event);
    }
    if (err == OK && event->has_name) {
        err = delete_index_row(db, SQL_delete_event_by_name, bucket, event);
    }
    return err;
}

static enum err delete_event(struct sweep *sweep, const struct old_event *event)
{
    struct engine *engine = sweep->engine;
    sqlite3_stmt *gone = sql_use(&engine->db, SQL_delete_event);
    enum err err = delete_deliveries(engine, event);

    if (err == OK) {
        err = retain_drop_key(sweep, event);
    }
    if (err == OK) {
        err = delete_from_indexes(engine, event);
    }
    if (err != OK) {
        return err;
    }
    bind_id(gone, 1, event->id);
    sweep->retain->removed++;
    return sql_run(&engine->db, gone);
}

/* Whether a delivery of it is still to be sent, or waits for ever. */
static enum err is_needed(const struct sweep *sweep, const struct old_event *event, bool *out)
{
    uint32_t count = targets_count(event->targets);
    enum err err = OK;

    *out = false;
    for (uint32_t i = 0; i < count && err == OK && !*out; i++) {
        struct store_target target = targets_at(event->targets, i);
        struct pending_row row;

        err =
            pending_get(&sweep->engine->db, target.channel, event_delivery_id(event->id, i), &row);
        *out = err == OK && row.is_found && !retain_ends_by_age(sweep->retain, &row);
    }
    return err;
}

static enum err sweep_event(struct sweep *sweep, const struct old_event *event)
{
    bool is_kept = false;
    enum err err = is_needed(sweep, event, &is_kept);

    return err != OK || is_kept ? err : delete_event(sweep, event);
}

/* In rounds: an event that is kept for a delivery is looked at again in the next one. */
enum err retain_sweep_events(struct sweep *sweep)
{
    struct id *cursor = &sweep->engine->now.rest_kept;
    struct old_event event;
    enum err err = OK;

    do {
        err = retain_next_event(sweep, *cursor, sweep->retain->rest_before, &event);
        if (err == OK && event.is_found) {
            *cursor = event.id;
            err = sweep_event(sweep, &event);
        }
    } while (err == OK && event.is_found);
    if (sweep->left > 0) {
        *cursor = ID_NONE;
    }
    return err;
}

/* Runs a delete of at most what the slice has left; the second parameter is that number. */
static enum err delete_some(struct sweep *sweep, sqlite3_stmt *statement, uint32_t *deleted)
{
    struct database *db = &sweep->engine->db;

    bind_i64(statement, 2, sweep->left);
    enum err err = sql_run(db, statement);
    if (err == OK) {
        *deleted = (uint32_t)sqlite3_changes(db->handle);
        sweep->left -= *deleted;
        sweep->retain->removed += *deleted;
    }
    return err;
}

enum err retain_sweep_attempts(struct sweep *sweep)
{
    sqlite3_stmt *gone = sql_use(&sweep->engine->db, SQL_delete_attempts);
    uint32_t deleted = 0;

    bind_id(gone, 1, retain_end_of(sweep, sweep->retain->rest_before));
    return delete_some(sweep, gone, &deleted);
}

/* Empties a bucket, and forgets it unless an event is kept in it. */
static enum err sweep_bucket(struct sweep *sweep, int64_t bucket)
{
    struct database *db = &sweep->engine->db;
    sqlite3_stmt *statement = sql_use(db, SQL_delete_first_attempts);
    uint32_t deleted = 0;

    bind_i64(statement, 1, bucket);
    enum err err = delete_some(sweep, statement, &deleted);
    if (err != OK || sweep->left == 0) {
        return err;
    }
    statement = sql_use(db, SQL_delete_bucket);
    bind_i64(statement, 1, bucket);
    return sql_run(db, statement);
}

static enum err next_bucket(struct database *db, int64_t after, int64_t *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_next_bucket);
    bool has_row = false;

    bind_i64(row, 1, after);
    enum err err = sql_next(db, row, &has_row);
    *out = err == OK && has_row ? column_i64(row, 0) : 0;
    sql_end(row);
    return err;
}

/* The buckets before the one in which the age limit falls. The walk over events has ended, so
 * theirs are gone but for a few. */
enum err retain_sweep_buckets(struct sweep *sweep)
{
    struct database *db = &sweep->engine->db;
    int64_t limit = 0;
    int64_t bucket = 0;
    enum err err = bucket_of(db, retain_end_of(sweep, sweep->retain->rest_before), &limit);

    while (err == OK && sweep->left > 0) {
        err = next_bucket(db, bucket, &bucket);
        if (err != OK || bucket == 0 || bucket >= limit) {
            break;
        }
        err = sweep_bucket(sweep, bucket);
    }
    return err;
}
