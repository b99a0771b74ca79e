/*
 * What time ends, in slices. Each walk goes through the old end of the store in the order of ids,
 * from where it stood, so a slice touches few pages and costs the same however much is stored.
 *
 *   removed channels   what is pending for them becomes canceled
 *   data goes from events past their age, once no delivery needs it; queue messages expire
 *   idempotency keys go past their age the rest events with all that belongs to them, attempts,
 *   buckets
 *
 * No walk passes the mark: above it deliveries are under way that have no row.
 */
#include "store/sqlite/retain.h"

#include "store/sqlite/bucket.h"
#include "store/sqlite/event_row.h"
#include "store/sqlite/pending.h"

#include <string.h>

/* A slice, shared by all walks. */
struct sweep {
    struct engine *engine;
    struct store_retain *retain;
    struct wall now;
    struct id mark;
    uint32_t left; /* rows that may still be looked at */
};

/* What a walk needs of an event's row, copied out of it because the row is about to change. */
struct old_event {
    struct id id, account;
    struct slice targets; /* lent from engine->scratch */
    bool has_data;
    bool has_key;
    uint8_t key[STORE_HASH_BYTES];
    bool is_found;
};

static enum err read_old_event(struct engine *engine, sqlite3_stmt *row, struct old_event *out)
{
    struct database *db = &engine->db;
    bool has_row = false;

    *out = (struct old_event){.is_found = false};
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        struct slice key = column_slice(row, 5);

        buf_reset(&engine->scratch);
        buf_slice(&engine->scratch, column_slice(row, 3));
        *out = (struct old_event){
            .id = column_id(row, 0),
            .account = column_id(row, 1),
            .targets = buf_view(&engine->scratch),
            .has_data = column_i64(row, 4) == 0,
            .has_key = key.len == STORE_HASH_BYTES,
            .is_found = true,
        };
        if (out->has_key) {
            memcpy(out->key, key.ptr, key.len);
        }
    }
    sql_end(row);
    return err;
}

/* Where a walk over what is older than `before` ends: the first id that it leaves alone. */
static struct id end_of(const struct sweep *sweep, struct wall before)
{
    struct id end = id_floor(before);

    return end.value <= sweep->mark.value ? end : (struct id){sweep->mark.value + 1};
}

/* The next event behind `after` that is older than `before`, if the slice has room for it. */
static enum err next_event(struct sweep *sweep, struct id after, struct wall before,
                           struct old_event *out)
{
    sqlite3_stmt *row = sql_use(&sweep->engine->db, SQL_next_event);

    *out = (struct old_event){.is_found = false};
    if (sweep->left == 0) {
        return OK;
    }
    bind_id(row, 1, after);
    bind_id(row, 2, end_of(sweep, before));
    enum err err = read_old_event(sweep->engine, row, out);
    sweep->left -= out->is_found;
    return err;
}

/* ---- Removed channels ----------------------------------------------------------------------- */

static enum err next_removed(struct database *db, struct id *channel)
{
    sqlite3_stmt *row = sql_use(db, SQL_next_removed);
    bool has_row = false;
    enum err err = sql_next(db, row, &has_row);

    if (err == OK) {
        *channel = has_row ? column_id(row, 0) : ID_NONE;
    }
    sql_end(row);
    return err;
}

/* The first delivery that is pending for a channel. */
static enum err first_pending(struct database *db, struct id channel, struct pending_row *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_pending_in_order);
    bool has_row = false;

    *out = (struct pending_row){.channel = channel};
    bind_id(row, 1, channel);
    bind_id(row, 2, ID_NONE);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        out->delivery = column_id(row, 0);
        out->attempts = column_u32(row, 2);
        out->last_attempt = column_id(row, 5);
        out->is_found = true;
    }
    sql_end(row);
    return err;
}

static enum err forget_removed(struct database *db, struct id channel)
{
    sqlite3_stmt *gone = sql_use(db, SQL_delete_removed);

    bind_id(gone, 1, channel);
    return sql_run(db, gone);
}

static enum err cancel_pending(struct sweep *sweep, const struct pending_row *row)
{
    struct delivery_origin origin;
    enum err err = pending_end(sweep->engine, sweep->now, row, DELIVERY_CANCELED);

    if (err == OK) {
        err = event_row_origin(&sweep->engine->db, row->delivery, &origin);
    }
    sweep->left--;
    sweep->retain->removed++;
    return err == OK && origin.is_found ? retain_drop_data_late(sweep->engine, origin.event) : err;
}

static enum err sweep_removed(struct sweep *sweep)
{
    struct database *db = &sweep->engine->db;
    struct pending_row row = {.is_found = false};
    struct id channel = ID_NONE;
    enum err err = next_removed(db, &channel);

    while (err == OK && channel.value != 0 && sweep->left > 0) {
        err = first_pending(db, channel, &row);
        if (err == OK && row.is_found) {
            err = cancel_pending(sweep, &row);
        } else if (err == OK) {
            err = forget_removed(db, channel);
            err = err == OK ? next_removed(db, &channel) : err;
        }
    }
    return err;
}

/* ---- Data ----------------------------------------------------------------------------------- */

static enum err drop_data(struct engine *engine, struct id event)
{
    sqlite3_stmt *drop = sql_use(&engine->db, SQL_drop_data);

    bind_id(drop, 1, event);
    return sql_run(&engine->db, drop);
}

/* What is still pending of an event: the queue's expire when `now` is given; *is_needed tells
 * whether anything is left. */
static enum err look_at_targets(struct engine *engine, struct id event, struct slice targets,
                                const struct wall *now, bool *is_needed)
{
    uint32_t count = targets_count(targets);
    enum err err = OK;

    *is_needed = false;
    for (uint32_t i = 0; i < count && err == OK; i++) {
        struct store_target target = targets_at(targets, i);
        struct pending_row row;

        err = pending_get(&engine->db, target.channel, event_delivery_id(event, i), &row);
        if (err != OK || !row.is_found) {
            continue;
        }
        if (now != NULL && row.way == STORE_QUEUE) {
            err = pending_end(engine, *now, &row, DELIVERY_EXPIRED);
        } else {
            *is_needed = true;
        }
    }
    return err;
}

enum err retain_drop_data_late(struct engine *engine, struct id event)
{
    sqlite3_stmt *row = sql_use(&engine->db, SQL_next_event);
    struct old_event old;
    bool is_needed = false;

    if (event.value > engine->now.data_dropped.value) {
        return OK;
    }
    bind_id(row, 1, (struct id){event.value - 1});
    bind_id(row, 2, (struct id){event.value + 1});
    enum err err = read_old_event(engine, row, &old);
    if (err == OK && old.is_found && old.has_data) {
        err = look_at_targets(engine, event, old.targets, NULL, &is_needed);
    }
    return err == OK && old.is_found && old.has_data && !is_needed ? drop_data(engine, event) : err;
}

static enum err sweep_event_data(struct sweep *sweep, const struct old_event *event)
{
    bool is_needed = false;
    enum err err =
        look_at_targets(sweep->engine, event->id, event->targets, &sweep->now, &is_needed);

    if (err != OK || is_needed || !event->has_data) {
        return err;
    }
    sweep->retain->removed++;
    return drop_data(sweep->engine, event->id);
}

static enum err sweep_data(struct sweep *sweep)
{
    struct id *cursor = &sweep->engine->now.data_dropped;
    struct id before = *cursor;
    struct old_event event;
    enum err err = OK;

    do {
        err = next_event(sweep, *cursor, sweep->retain->payloads_before, &event);
        if (err == OK && event.is_found) {
            *cursor = event.id;
            err = sweep_event_data(sweep, &event);
        }
    } while (err == OK && event.is_found);
    if (err == OK && cursor->value != before.value) {
        err = meta_put(&sweep->engine->db, "data_dropped", cursor->value);
    }
    return err;
}

/* ---- Idempotency keys ----------------------------------------------------------------------- */

/* Only while it is this event's: the same key may have been used anew since. */
static enum err drop_key(struct sweep *sweep, const struct old_event *event)
{
    sqlite3_stmt *drop = sql_use(&sweep->engine->db, SQL_delete_idempotency);

    if (!event->has_key) {
        return OK;
    }
    bind_blob(drop, 1, slice_from(event->key, sizeof event->key));
    bind_id(drop, 2, event->id);
    sweep->retain->removed++;
    return sql_run(&sweep->engine->db, drop);
}

static enum err sweep_keys(struct sweep *sweep)
{
    struct id *cursor = &sweep->engine->now.keys_dropped;
    struct id before = *cursor;
    struct old_event event;
    enum err err = OK;

    do {
        err = next_event(sweep, *cursor, sweep->retain->idempotency_before, &event);
        if (err == OK && event.is_found) {
            *cursor = event.id;
            err = drop_key(sweep, &event);
        }
    } while (err == OK && event.is_found);
    if (err == OK && cursor->value != before.value) {
        err = meta_put(&sweep->engine->db, "keys_dropped", cursor->value);
    }
    return err;
}

/* ---- The rest ------------------------------------------------------------------------------- */

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

static enum err delete_from_index(struct engine *engine, const struct old_event *event)
{
    sqlite3_stmt *gone = sql_use(&engine->db, SQL_delete_event_by_account);
    int64_t bucket = 0;
    enum err err = bucket_of(&engine->db, event->id, &bucket);

    if (err != OK) {
        return err;
    }
    bind_i64(gone, 1, bucket);
    bind_id(gone, 2, event->account);
    bind_id(gone, 3, event->id);
    return sql_run(&engine->db, gone);
}

static enum err delete_event(struct sweep *sweep, const struct old_event *event)
{
    struct engine *engine = sweep->engine;
    sqlite3_stmt *gone = sql_use(&engine->db, SQL_delete_event);
    enum err err = delete_deliveries(engine, event);

    if (err == OK) {
        err = drop_key(sweep, event);
    }
    if (err == OK) {
        err = delete_from_index(engine, event);
    }
    if (err != OK) {
        return err;
    }
    bind_id(gone, 1, event->id);
    sweep->retain->removed++;
    return sql_run(&engine->db, gone);
}

static enum err sweep_events(struct sweep *sweep)
{
    struct old_event event;
    enum err err = OK;

    do {
        err = next_event(sweep, ID_NONE, sweep->retain->rest_before, &event);
        if (err == OK && event.is_found) {
            err = delete_event(sweep, &event);
        }
    } while (err == OK && event.is_found);
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

static enum err sweep_attempts(struct sweep *sweep)
{
    sqlite3_stmt *gone = sql_use(&sweep->engine->db, SQL_delete_attempts);
    uint32_t deleted = 0;

    bind_id(gone, 1, end_of(sweep, sweep->retain->rest_before));
    return delete_some(sweep, gone, &deleted);
}

/* Empties a bucket whose events are all gone, and forgets it. */
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

/* The buckets before the one in which the age limit falls. The walk over events has ended, so
 * theirs are gone. */
static enum err sweep_buckets(struct sweep *sweep)
{
    struct database *db = &sweep->engine->db;
    int64_t limit = 0;
    int64_t bucket = 0;
    enum err err = bucket_of(db, end_of(sweep, sweep->retain->rest_before), &limit);

    while (err == OK && sweep->left > 0) {
        err = bucket_oldest(db, &bucket);
        if (err != OK || bucket == 0 || bucket >= limit) {
            break;
        }
        err = sweep_bucket(sweep, bucket);
    }
    return err;
}

/* ---- The slice ------------------------------------------------------------------------------ */

enum err retain_load(struct engine *engine)
{
    enum err err = meta_get(&engine->db, "data_dropped", &engine->now.data_dropped.value);

    return err != OK ? err : meta_get(&engine->db, "keys_dropped", &engine->now.keys_dropped.value);
}

enum err sqlite_retain(struct engine *engine, const struct engine_batch *batch,
                       struct store_retain *retain)
{
    static enum err (*const walks[])(struct sweep * sweep) = {
        sweep_removed, sweep_data, sweep_keys, sweep_events, sweep_attempts, sweep_buckets,
    };
    struct sweep sweep = {
        .engine = engine,
        .retain = retain,
        .now = batch->now,
        .mark = batch->mark,
        .left = retain->max,
    };
    enum err err = OK;

    (void)engine_write(engine, &retain->request);
    retain->removed = 0;
    for (size_t i = 0; i < ARRAY_LEN(walks) && err == OK && sweep.left > 0; i++) {
        err = walks[i](&sweep);
    }
    retain->has_more = sweep.left == 0;
    return err;
}
