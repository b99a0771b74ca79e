/*
 * What time ends, in slices. Each walk goes through the old end of the store in the order of ids,
 * from where it stood, so a slice touches few pages. What it costs depends on its size and on what
 * is kept past its age, not on how much is stored.
 *
 *   removed channels   what is pending for them becomes canceled
 *   data               goes from events past their age, once no delivery needs it; queue messages
 *                      expire
 *   idempotency keys   go past their age
 *   operations         go once they ended long ago: see retain_operation.c
 *   the rest           whole events, attempts, buckets: see retain_rest.c
 *
 * No walk passes the mark: above it deliveries are under way that have no row.
 */
#include "store/sqlite/event_row.h"
#include "store/sqlite/idempotency.h"
#include "store/sqlite/pending.h"
#include "store/sqlite/retain_internal.h"

#include <string.h>

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
            .has_name = column_i64(row, 6) == 0,
            .is_found = true,
        };
        if (out->has_key) {
            memcpy(out->key, key.ptr, key.len);
        }
    }
    sql_end(row);
    return err;
}

struct id retain_end_of(const struct sweep *sweep, struct wall before)
{
    struct id end = id_floor(before);

    return end.value <= sweep->mark.value ? end : (struct id){sweep->mark.value + 1};
}

enum err retain_next_event(struct sweep *sweep, struct id after, struct wall before,
                           struct old_event *out)
{
    sqlite3_stmt *row = sql_use(&sweep->engine->db, SQL_next_event);

    *out = (struct old_event){.is_found = false};
    if (sweep->left == 0) {
        return OK;
    }
    bind_id(row, 1, after);
    bind_id(row, 2, retain_end_of(sweep, before));
    enum err err = read_old_event(sweep->engine, row, out);
    if (err != OK || !out->is_found) {
        return err;
    }
    uint32_t cost = 1 + targets_count(out->targets);
    if (cost > sweep->left && sweep->left < sweep->retain->max) {
        *out = (struct old_event){.is_found = false}; /* the next slice begins with it */
        sweep->left = 0;
    } else {
        sweep->left -= cost < sweep->left ? cost : sweep->left;
    }
    return OK;
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

static enum err forget_removed(struct database *db, struct id channel)
{
    sqlite3_stmt *gone = sql_use(db, SQL_delete_removed);

    bind_id(gone, 1, channel);
    return sql_run(db, gone);
}

static enum err cancel_pending(struct sweep *sweep, const struct pending_row *row)
{
    enum err err = pending_end(sweep->engine, sweep->now, row, DELIVERY_CANCELED);

    sweep->left--;
    sweep->retain->removed++;
    return err != OK ? err : retain_drop_data_of(sweep->engine, row->delivery);
}

static enum err sweep_removed(struct sweep *sweep)
{
    struct database *db = &sweep->engine->db;
    struct pending_row row = {.is_found = false};
    struct id channel = ID_NONE;
    enum err err = next_removed(db, &channel);

    while (err == OK && channel.value != 0 && sweep->left > 0) {
        err = pending_first(db, channel, &row);
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

bool retain_ends_by_age(const struct store_retain *retain, const struct pending_row *row)
{
    return row->way == STORE_QUEUE &&
           !retain->waits_for_ever(retain->ctx, row->account, row->channel);
}

/* What is still pending of an event: within a sweep what ends by age expires; *is_needed tells
 * whether anything is left. */
static enum err look_at_targets(struct engine *engine, struct id event, struct slice targets,
                                const struct sweep *sweep, bool *is_needed)
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
        if (sweep != NULL && retain_ends_by_age(sweep->retain, &row)) {
            err = pending_end(engine, sweep->now, &row, DELIVERY_EXPIRED);
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

enum err retain_drop_data_of(struct engine *engine, struct id delivery)
{
    struct delivery_origin origin = {.is_found = false};

    /* An event has at most as many deliveries as an account has channels. */
    if (id_distance(engine->now.data_dropped, delivery) > ACCOUNT_CHANNELS_MAX) {
        return OK;
    }
    enum err err = event_row_origin(&engine->db, delivery, &origin);
    return err == OK && origin.is_found ? retain_drop_data_late(engine, origin.event) : err;
}

static enum err sweep_event_data(struct sweep *sweep, const struct old_event *event)
{
    bool is_needed = false;
    enum err err = look_at_targets(sweep->engine, event->id, event->targets, sweep, &is_needed);

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
        err = retain_next_event(sweep, *cursor, sweep->retain->payloads_before, &event);
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

enum err retain_drop_key(struct sweep *sweep, const struct old_event *event)
{
    if (!event->has_key) {
        return OK;
    }
    sweep->retain->removed++;
    return idempotency_drop(&sweep->engine->db, event->key, event->id);
}

static enum err sweep_keys(struct sweep *sweep)
{
    struct id *cursor = &sweep->engine->now.keys_dropped;
    struct id before = *cursor;
    struct old_event event;
    enum err err = OK;

    do {
        err = retain_next_event(sweep, *cursor, sweep->retain->idempotency_before, &event);
        if (err == OK && event.is_found) {
            *cursor = event.id;
            err = retain_drop_key(sweep, &event);
        }
    } while (err == OK && event.is_found);
    if (err == OK && cursor->value != before.value) {
        err = meta_put(&sweep->engine->db, "keys_dropped", cursor->value);
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
        sweep_removed,           sweep_data,          sweep_keys,
        retain_sweep_operations, retain_sweep_events, retain_sweep_attempts,
        retain_sweep_buckets,
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
