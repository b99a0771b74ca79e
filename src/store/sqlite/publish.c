#include "store/sqlite/publish.h"

#include "store/sqlite/bucket.h"
#include "store/sqlite/event_row.h"
#include "store/sqlite/idempotency.h"
#include "store/sqlite/pending.h"

/* ---- Events that are known ------------------------------------------------------------------ */

enum err publish_count_deliveries(struct database *db, struct id event, uint32_t *out)
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

static struct idempotency_key key_of(const struct store_publish_item *item)
{
    return (struct idempotency_key){.key = item->idempotency, .body = item->body};
}

enum err publish_is_known(struct engine *engine, struct store_publish_item *item, struct wall now,
                          bool *is_known)
{
    struct idempotency_use use = {.id = ID_NONE};
    enum err err = item->is_idempotent ? idempotency_find(engine, key_of(item), now, &use) : OK;

    *is_known = err == OK && use.id.value != 0;
    if (!*is_known) {
        return err;
    }
    if (!use.is_same_body) {
        item->err = ERR_CONFLICT;
        return OK;
    }
    item->is_duplicate = true;
    item->id = use.id;
    return publish_count_deliveries(&engine->db, use.id, &item->deliveries);
}

/* ---- New ones ------------------------------------------------------------------------------- */

static enum err index_by_account(struct database *db, int64_t bucket, const struct event *event)
{
    sqlite3_stmt *insert = sql_use(db, SQL_insert_event_by_account);

    bind_i64(insert, 1, bucket);
    bind_id(insert, 2, event->account);
    bind_id(insert, 3, event->id);
    return sql_run(db, insert);
}

static enum err index_by_name(struct database *db, int64_t bucket, const struct event *event,
                              struct slice name)
{
    sqlite3_stmt *insert = sql_use(db, SQL_insert_event_by_name);

    bind_i64(insert, 1, bucket);
    bind_id(insert, 2, event->account);
    bind_text(insert, 3, name);
    bind_id(insert, 4, event->id);
    return sql_run(db, insert);
}

static enum err index_event(struct engine *engine, const struct store_publish_item *item)
{
    int64_t bucket = 0;
    enum err err = bucket_for_event(engine, item->id, &bucket);

    if (err == OK) {
        err = index_by_account(&engine->db, bucket, item->event);
    }
    if (err == OK && !slice_is_empty(item->name)) {
        err = index_by_name(&engine->db, bucket, item->event, item->name);
    }
    return err;
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

enum err publish_new(struct engine *engine, struct wall now, const struct store_publish_item *item)
{
    enum err err = event_row_insert(engine, item);

    if (err == OK) {
        err = index_event(engine, item);
    }
    if (err == OK) {
        err = put_targets(engine, now, item);
    }
    if (err == OK && item->is_idempotent) {
        err = idempotency_put(&engine->db, key_of(item), item->id);
    }
    return err;
}

static enum err publish_item(struct engine *engine, const struct engine_batch *batch,
                             struct store_publish_item *item)
{
    bool is_known = false;
    enum err err = publish_is_known(engine, item, batch->now, &is_known);

    return err != OK || is_known ? err : publish_new(engine, batch->now, item);
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
