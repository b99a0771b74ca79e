/*
 * What a consumer says of messages: by the receipt of a lease, by a message's name alone, or of the
 * head of a queue that is read in strict order; and showing that head.
 */
#include "store/sqlite/answer.h"

#include "store/sqlite/attempt_row.h"
#include "store/sqlite/queue.h"
#include "store/sqlite/retain.h"
#include "store/sqlite/standing.h"

enum { LOST_MAX = 256 }; /* heads without an event that one show ends */

/* Delivered by its first attempt, which is its last: no row says so. */
static enum err end_plainly(struct engine *engine, const struct pending_row *row)
{
    enum err err = pending_delete(engine, row->channel, row->delivery);

    return err != OK ? err : attempt_row_index(engine, row->delivery, row->last_attempt);
}

enum err answer_acknowledge(struct engine *engine, const struct engine_batch *batch,
                            struct pending_row *row)
{
    row->attempts = row->attempts > 0 ? row->attempts : 1;
    struct attempt attempt = {
        .number = row->attempts,
        .began = batch->now,
        .outcome = ATTEMPT_DELIVERED,
    };
    bool is_plain = row->attempts == 1 && row->last_attempt.value == 0;
    enum err err = attempt_row_append(engine, batch, row->delivery, row->last_attempt, &attempt);

    if (err != OK) {
        return err;
    }
    row->last_attempt = attempt.id;
    err = is_plain ? end_plainly(engine, row)
                   : pending_end(engine, batch->now, row, DELIVERY_DELIVERED);
    return err != OK ? err : retain_drop_data_of(engine, row->delivery);
}

/* ---- By receipt ----------------------------------------------------------------------------- */

static enum err hold_until(struct engine *engine, const struct pending_row *row, struct wall due)
{
    sqlite3_stmt *update = sql_use(&engine->db, SQL_due_pending);

    bind_id(update, 1, row->channel);
    bind_id(update, 2, row->delivery);
    bind_wall(update, 3, due);
    return sql_run(&engine->db, update);
}

/* The receive does not count, but its epoch is used up. */
static enum err undo(struct engine *engine, struct pending_row *row)
{
    row->due = (struct wall){0};
    row->attempts--;
    return pending_move(engine, row);
}

static enum err answer_row(struct engine *engine, const struct engine_batch *batch,
                           const struct store_answer *answer, struct pending_row *row)
{
    switch (answer->kind) {
    case STORE_ACK:
    case STORE_ACK_NAMED:
    case STORE_ACK_HEAD:
        return answer_acknowledge(engine, batch, row);
    case STORE_RELEASE:
        return hold_until(engine, row, (struct wall){0});
    case STORE_EXTEND:
        return hold_until(engine, row, (struct wall){batch->now.us + answer->lease_us});
    case STORE_UNDO:
        return undo(engine, row);
    }
    return OK;
}

static bool is_theirs(const struct store_answer *answer, const struct pending_row *row)
{
    return row->is_found && row->way == STORE_QUEUE && row->account.value == answer->account.value;
}

static enum err answer_by_receipt(struct engine *engine, const struct engine_batch *batch,
                                  const struct store_answer *answer, struct store_answer_item *item)
{
    struct pending_row row;
    enum err err = pending_get(&engine->db, answer->channel, item->delivery, &row);

    if (err != OK) {
        return err;
    }
    if (!is_theirs(answer, &row)) {
        item->err = ERR_NOT_FOUND;
    } else if (row.epoch != item->epoch) {
        item->err = ERR_STALE;
    }
    return item->err == OK ? answer_row(engine, batch, answer, &row) : OK;
}

/* ---- By name -------------------------------------------------------------------------------- */

static bool may_be_named(const struct store_answer *answer, const struct delivery_origin *origin)
{
    return origin->is_found && origin->way == STORE_QUEUE &&
           origin->account.value == answer->account.value &&
           origin->channel.value == answer->channel.value &&
           id_time(origin->event).us >= answer->since.us;
}

static enum err answer_by_name(struct engine *engine, const struct engine_batch *batch,
                               const struct store_answer *answer, struct store_answer_item *item)
{
    struct database *db = &engine->db;
    struct delivery_origin origin;
    struct standing standing;
    enum err err = event_row_origin(db, item->delivery, &origin);

    if (err != OK || !may_be_named(answer, &origin)) {
        item->err = ERR_NOT_FOUND;
        return err;
    }
    err = standing_get(db, &origin, item->delivery, batch->mark, &standing);
    if (err != OK) {
        return err;
    }
    if (standing.has_pending) {
        return answer_row(engine, batch, answer, &standing.row);
    }
    item->err = standing.state == DELIVERY_DELIVERED ? OK : ERR_NOT_FOUND;
    return OK;
}

/* ---- The head of a queue in strict order ---------------------------------------------------- */

static enum err answer_head(struct engine *engine, const struct engine_batch *batch,
                            const struct store_answer *answer, struct store_answer_item *item)
{
    struct pending_row row;
    enum err err = pending_first(&engine->db, answer->channel, &row);

    if (err != OK) {
        return err;
    }
    if (!is_theirs(answer, &row) || row.delivery.value != item->delivery.value ||
        row.attempts < item->epoch) {
        item->err = ERR_NOT_FOUND;
        return OK;
    }
    return answer_row(engine, batch, answer, &row);
}

/* Only the first showing is written. An undone receive leaves its epoch used up. */
static enum err note_shown(struct engine *engine, struct pending_row *row)
{
    if (row->attempts > 0) {
        return OK;
    }
    row->attempts = 1;
    row->epoch++;
    return pending_lease(engine, row);
}

/* Shows the oldest row. One whose event is gone ends instead, or it would block the queue for ever;
 * *is_over: there was no such row. */
static enum err show_first(struct engine *engine, const struct engine_batch *batch,
                           struct store_show *show, bool *is_over)
{
    struct event *event = NULL;
    struct pending_row row;
    enum err err = pending_first(&engine->db, show->channel, &row);

    *is_over = !row.is_found || row.way != STORE_QUEUE || row.account.value != show->account.value;
    if (err != OK || *is_over) {
        return err;
    }
    err = event_row_of_delivery(&engine->db, row.delivery, &event);
    if (err == OK && event == NULL) {
        return pending_end(engine, batch->now, &row, DELIVERY_FAILED);
    }
    if (err == OK && !show->is_look) {
        err = note_shown(engine, &row);
    }
    *is_over = true;
    show->message = (struct store_message){event, row.delivery, row.epoch, row.attempts};
    return err;
}

enum err sqlite_show(struct engine *engine, const struct engine_batch *batch,
                     struct store_show *show)
{
    bool is_over = false;
    enum err err = OK;

    (void)engine_write(engine, &show->request);
    show->message = (struct store_message){0};
    for (int lost = 0; lost <= LOST_MAX && !is_over && err == OK; lost++) {
        err = show_first(engine, batch, show, &is_over);
    }
    return err;
}

/* ---- The call ------------------------------------------------------------------------------- */

static enum err answer_item(struct engine *engine, const struct engine_batch *batch,
                            const struct store_answer *answer, struct store_answer_item *item)
{
    item->err = OK;
    switch (answer->kind) {
    case STORE_ACK:
    case STORE_RELEASE:
    case STORE_EXTEND:
    case STORE_UNDO:
        return answer_by_receipt(engine, batch, answer, item);
    case STORE_ACK_NAMED:
        return answer_by_name(engine, batch, answer, item);
    case STORE_ACK_HEAD:
        return answer_head(engine, batch, answer, item);
    }
    return OK;
}

/* What was leased becomes free, or at another time. What is acknowledged only goes. */
static bool moves_leases(enum store_answer_kind kind)
{
    return kind == STORE_RELEASE || kind == STORE_EXTEND || kind == STORE_UNDO;
}

enum err sqlite_answer(struct engine *engine, const struct engine_batch *batch,
                       struct store_answer *answer)
{
    enum err err = OK;

    (void)engine_write(engine, &answer->request);
    if (moves_leases(answer->kind)) {
        queue_forget_hint(engine, answer->channel);
    }
    for (size_t i = 0; i < answer->items_len && err == OK; i++) {
        err = answer_item(engine, batch, answer, &answer->items[i]);
    }
    return err;
}
