#include "store/sqlite/attempt_row.h"
#include "store/sqlite/queue.h"
#include "store/sqlite/retain.h"
#include "store/sqlite/standing.h"

static enum err has_channel(struct database *db, struct id channel, bool *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_has_channel);

    bind_id(row, 1, channel);
    enum err err = sql_next(db, row, out);
    sql_end(row);
    return err;
}

static enum err make_due(struct engine *engine, struct pending_row *row, struct wall due)
{
    row->due = due;
    return pending_move(engine, row);
}

/* A final delivery gets a row again, with the attempts it had. */
static enum err revive(struct engine *engine, struct wall now, const struct store_steer *steer,
                       const struct delivery_origin *origin, const struct standing *standing)
{
    struct id last_attempt = standing->last_attempt;
    enum err err = OK;

    if (!standing->has_ended) {
        err = attempt_row_find(&engine->db, origin->event, steer->delivery, &last_attempt);
    } else {
        err = ended_delete(engine, steer->delivery);
    }
    if (err != OK) {
        return err;
    }
    return pending_put(
        engine, now,
        &(struct pending_row){.channel = origin->channel,
                              .delivery = steer->delivery,
                              .account = origin->account,
                              .way = origin->way == STORE_QUEUE ? STORE_QUEUE : STORE_WAITING,
                              .due = pending_due_now(origin->way, now),
                              .attempts = standing->attempts,
                              .last_attempt = last_attempt});
}

static enum err retry(struct engine *engine, struct wall now, struct store_steer *steer,
                      const struct delivery_origin *origin, struct standing *standing)
{
    struct diag *diag = &steer->request.diag;
    bool has = false;
    enum err err = has_channel(&engine->db, origin->channel, &has);

    if (err != OK) {
        return err;
    }
    if (!has) {
        steer->request.err = diag_set(diag, ERR_CONFLICT, "its channel was deleted");
        return OK;
    }
    if (!origin->has_data) {
        steer->request.err = diag_set(diag, ERR_CONFLICT, "the event's data is not kept any more");
        return OK;
    }
    queue_forget_hint(engine, origin->channel);
    if (standing->has_pending) {
        return make_due(engine, &standing->row, pending_due_now(origin->way, now));
    }
    return standing->is_fresh ? OK : revive(engine, now, steer, origin, standing);
}

static enum err cancel(struct engine *engine, struct wall now, struct store_steer *steer,
                       const struct delivery_origin *origin, const struct standing *standing)
{
    struct diag *diag = &steer->request.diag;

    if (standing->has_pending) {
        enum err err = pending_end(engine, now, &standing->row, DELIVERY_CANCELED);

        return err != OK ? err : retain_drop_data_late(engine, origin->event);
    }
    steer->request.err =
        standing->is_fresh
            ? diag_set(diag, ERR_CONFLICT, "it is being tried for the first time just now")
            : diag_set(diag, ERR_CONFLICT, "it has ended: %s", delivery_word(standing->state));
    return OK;
}

enum err sqlite_steer(struct engine *engine, const struct engine_batch *batch,
                      struct store_steer *steer)
{
    struct database *db = engine_write(engine, &steer->request);
    struct delivery_origin origin;
    struct standing standing;
    enum err err = event_row_origin(db, steer->delivery, &origin);

    if (err != OK) {
        return err;
    }
    if (!origin.is_found || origin.account.value != steer->account.value) {
        steer->request.err = diag_set(db->diag, ERR_NOT_FOUND, "there is no such delivery");
        return OK;
    }
    steer->channel = origin.channel;
    steer->is_queue = origin.way == STORE_QUEUE;
    err = standing_get(db, &origin, steer->delivery, batch->mark, &standing);
    if (err != OK) {
        return err;
    }
    switch (steer->kind) {
    case STORE_STEER_RETRY:
        return retry(engine, batch->now, steer, &origin, &standing);
    case STORE_STEER_CANCEL:
        return cancel(engine, batch->now, steer, &origin, &standing);
    }
    return OK;
}
