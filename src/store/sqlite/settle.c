#include "store/sqlite/attempt_row.h"
#include "store/sqlite/pending.h"
#include "store/sqlite/retain.h"

/* The attempt of an item, if it has one; *newest becomes its id. */
static enum err append_attempt(struct engine *engine, const struct engine_batch *batch,
                               struct store_settle_item *item, struct id *newest)
{
    if (!item->has_attempt) {
        return OK;
    }
    enum err err = attempt_row_append(engine, batch, item->delivery, *newest, &item->attempt);
    if (err == OK) {
        *newest = item->attempt.id;
    }
    return err;
}

/* A delivery that has no row yet. The common way is the first: delivered at once, nothing but
 * appends. */
static enum err settle_fresh(struct engine *engine, const struct engine_batch *batch,
                             struct store_settle_item *item)
{
    struct id newest = ID_NONE;
    uint32_t attempts = item->has_attempt ? item->attempt.number : 0;
    enum err err = append_attempt(engine, batch, item, &newest);

    if (err != OK) {
        return err;
    }
    if (item->next != STORE_FINAL) {
        return pending_put(engine, batch->now,
                           &(struct pending_row){.channel = item->channel,
                                                 .delivery = item->delivery,
                                                 .account = item->account,
                                                 .way = STORE_WAITING,
                                                 .due = item->due,
                                                 .attempts = attempts,
                                                 .last_attempt = newest});
    }
    if (item->state == DELIVERY_DELIVERED && attempts == 1) {
        return attempt_row_index(engine, item->delivery, newest);
    }
    return ended_put(engine, batch->now,
                     &(struct ended_row){.delivery = item->delivery,
                                         .state = item->state,
                                         .attempts = attempts,
                                         .last_attempt = newest});
}

/* Canceled while it was under way: the attempt is recorded behind the others, the state stays. */
static enum err settle_late(struct engine *engine, const struct engine_batch *batch,
                            struct store_settle_item *item)
{
    struct ended_row ended;
    enum err err = ended_get(&engine->db, item->delivery, &ended);

    if (err == OK) {
        err = append_attempt(engine, batch, item, &ended.last_attempt);
    }
    if (err != OK || !ended.is_found || !item->has_attempt) {
        return err;
    }
    sqlite3_stmt *late = sql_use(&engine->db, SQL_late_attempt);
    bind_id(late, 1, item->delivery);
    bind_i64(late, 2, item->attempt.number);
    bind_id(late, 3, ended.last_attempt);
    return sql_run(&engine->db, late);
}

static enum err settle_pending(struct engine *engine, const struct engine_batch *batch,
                               struct store_settle_item *item, struct pending_row *row)
{
    enum err err = append_attempt(engine, batch, item, &row->last_attempt);

    if (err != OK) {
        return err;
    }
    if (item->has_attempt) {
        row->attempts = item->attempt.number;
    }
    if (item->next != STORE_FINAL) {
        row->due = item->due;
        return pending_move(engine, row);
    }
    err = pending_end(engine, batch->now, row, item->state);
    return err != OK ? err : retain_drop_data_late(engine, item->event);
}

static enum err settle_item(struct engine *engine, const struct engine_batch *batch,
                            struct store_settle_item *item)
{
    struct pending_row row;

    if (item->is_fresh) {
        return settle_fresh(engine, batch, item);
    }
    enum err err = pending_get(&engine->db, item->channel, item->delivery, &row);
    if (err != OK) {
        return err;
    }
    return row.is_found ? settle_pending(engine, batch, item, &row)
                        : settle_late(engine, batch, item);
}

static enum err put_health(struct database *db, const struct store_settle_health *item)
{
    sqlite3_stmt *put = sql_use(db, SQL_put_health);

    bind_id(put, 1, item->channel);
    bind_i64(put, 2, item->health.state);
    bind_wall(put, 3, item->health.failing_since);
    bind_wall(put, 4, item->health.changed_at);
    return sql_run(db, put);
}

enum err sqlite_settle(struct engine *engine, const struct engine_batch *batch,
                       struct store_settle *settle)
{
    struct database *db = engine_write(engine, &settle->request);
    enum err err = OK;

    for (size_t i = 0; i < settle->items_len && err == OK; i++) {
        err = settle_item(engine, batch, &settle->items[i]);
    }
    for (size_t i = 0; i < settle->health_len && err == OK; i++) {
        err = put_health(db, &settle->health[i]);
    }
    return err;
}
