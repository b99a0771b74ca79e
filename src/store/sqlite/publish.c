#include "store/sqlite/bucket.h"
#include "store/sqlite/event_row.h"
#include "store/sqlite/pending.h"

/* ---- Idempotency keys ----------------------------------------------------------------------- */

static struct slice hash_slice(const uint8_t *hash)
{
    return slice_from(hash, STORE_HASH_BYTES);
}

/* What a key was used for before. */
struct key_use {
    struct id event; /* ID_NONE: not used, or too long ago to count */
    bool is_same_body;
};

static enum err find_key(struct engine *engine, const struct store_publish_item *item,
                         struct wall now, struct key_use *out)
{
    struct database *db = &engine->db;
    sqlite3_stmt *row = sql_use(db, SQL_get_idempotency);
    bool has_row = false;

    *out = (struct key_use){.event = ID_NONE};
    bind_blob(row, 1, hash_slice(item->idempotency));
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        struct id event = column_id(row, 0);

        if (now.us - id_time(event).us < engine->idempotency_us) {
            out->event = event;
            out->is_same_body = slice_equal(column_slice(row, 1), hash_slice(item->body));
        }
    }
    sql_end(row);
    return err;
}

/* How many deliveries an event has; 0 when it is gone. */
static enum err count_deliveries(struct database *db, struct id event, uint32_t *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_find_event);
    bool has_row = false;

    bind_id(row, 1, event);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK) {
        bool is_it = has_row && column_id(row, 0).value == event.value;

        *out = is_it ? targets_count(column_slice(row, 3)) : 0;
    }
    sql_end(row);
    return err;
}

/* Answers an item whose key was used before, in the item; is_decided tells whether it was. */
static enum err check_key(struct engine *engine, struct store_publish_item *item, struct wall now,
                          bool *is_decided)
{
    struct key_use use;
    enum err err = find_key(engine, item, now, &use);

    *is_decided = err == OK && use.event.value != 0;
    if (!*is_decided) {
        return err;
    }
    if (!use.is_same_body) {
        item->err = ERR_CONFLICT;
        return OK;
    }
    item->is_duplicate = true;
    item->id = use.event;
    return count_deliveries(&engine->db, use.event, &item->deliveries);
}

static enum err put_key(struct database *db, const struct store_publish_item *item)
{
    sqlite3_stmt *put = sql_use(db, SQL_put_idempotency);

    bind_blob(put, 1, hash_slice(item->idempotency));
    bind_id(put, 2, item->id);
    bind_blob(put, 3, hash_slice(item->body));
    return sql_run(db, put);
}

/* ---- Events --------------------------------------------------------------------------------- */

static enum err index_event(struct engine *engine, const struct event *event)
{
    sqlite3_stmt *insert = sql_use(&engine->db, SQL_insert_event_by_account);
    int64_t bucket = 0;
    enum err err = bucket_for_event(engine, event->id, &bucket);

    if (err != OK) {
        return err;
    }
    bind_i64(insert, 1, bucket);
    bind_id(insert, 2, event->account);
    bind_id(insert, 3, event->id);
    return sql_run(&engine->db, insert);
}

/* The deliveries that the store itself keeps: those that wait for the sender, and the queue's. */
static enum err put_targets(struct engine *engine, struct wall now,
                            const struct store_publish_item *item)
{
    enum err err = OK;

    for (uint32_t i = 0; i < item->targets_len && err == OK; i++) {
        const struct store_target *target = &item->targets[i];

        if (target->way == STORE_FRESH) {
            continue;
        }
        err = pending_put(engine, now,
                          &(struct pending_row){
                              .channel = target->channel,
                              .delivery = event_delivery_id(item->id, i),
                              .account = item->event->account,
                              .way = target->way,
                              .due.us = pending_due_now(target->way, now).us + target->delay_us,
                          });
    }
    return err;
}

static enum err publish_item(struct engine *engine, const struct engine_batch *batch,
                             struct store_publish_item *item)
{
    bool is_decided = false;
    enum err err = OK;

    if (item->is_idempotent) {
        err = check_key(engine, item, batch->now, &is_decided);
    }
    if (err != OK || is_decided) {
        return err;
    }
    err = event_row_insert(engine, item->event, item->targets, item->targets_len,
                           item->is_idempotent ? hash_slice(item->idempotency) : SLICE(""));
    if (err == OK) {
        err = index_event(engine, item->event);
    }
    if (err == OK) {
        err = put_targets(engine, batch->now, item);
    }
    if (err == OK && item->is_idempotent) {
        err = put_key(&engine->db, item);
    }
    return err;
}

enum err sqlite_publish(struct engine *engine, const struct engine_batch *batch,
                        struct store_publish *publish)
{
    enum err err = OK;

    (void)engine_write(engine, &publish->request);
    for (size_t i = 0; i < publish->items_len && err == OK; i++) {
        err = publish_item(engine, batch, &publish->items[i]);
    }
    return err;
}
