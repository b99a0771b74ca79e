/*
 * Operations: a new one, and what becomes of it. Each move is the event that tells it and a small
 * change of the operation's row, in one transaction.
 */
#include "store/advance.h"
#include "store/sqlite/idempotency.h"
#include "store/sqlite/publish.h"

/* ---- New ones ------------------------------------------------------------------------------- */

static enum err insert_row(struct database *db, const struct engine_batch *batch,
                           const struct store_open_operation *open)
{
    const struct operation *operation = open->operation;
    sqlite3_stmt *insert = sql_use(db, SQL_insert_operation);

    bind_id(insert, 1, open->id);
    bind_id(insert, 2, operation->account);
    bind_wall(insert, 3, batch->now);
    bind_wall(insert, 4, operation->deadline);
    bind_i64(insert, 5, operation->expires);
    bind_text(insert, 6, operation->command);
    bind_text(insert, 7, operation->client_ref);
    bind_text(insert, 8, operation->server_ref);
    bind_text(insert, 9, operation->notify_url);
    bind_text(insert, 10, operation->origin);
    if (open->is_idempotent) {
        bind_blob(insert, 11, slice_from(open->idempotency, sizeof open->idempotency));
    } else {
        bind_null(insert, 11);
    }
    bind_text(insert, 12, operation->data);
    return sql_run(db, insert);
}

static struct idempotency_key key_of(const struct store_open_operation *open)
{
    return (struct idempotency_key){.key = open->idempotency, .body = open->body};
}

/* Whether its key was used before: then the request has the answer. */
static enum err is_known(struct engine *engine, struct wall now, struct store_open_operation *open,
                         bool *out)
{
    struct idempotency_use use = {.id = ID_NONE};
    enum err err = open->is_idempotent ? idempotency_find(engine, key_of(open), now, &use) : OK;

    *out = err == OK && use.id.value != 0;
    if (!*out) {
        return err;
    }
    if (use.is_same_body) {
        open->is_duplicate = true;
        open->id = use.id;
    } else {
        open->request.err = diag_set(&open->request.diag, ERR_CONFLICT,
                                     "the key was used before with another content");
    }
    return OK;
}

static enum err has_row_of(struct database *db, struct id operation, bool *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_get_operation_state);

    bind_id(row, 1, operation);
    enum err err = sql_next(db, row, out);
    sql_end(row);
    return err;
}

enum err sqlite_open_operation(struct engine *engine, const struct engine_batch *batch,
                               struct store_open_operation *open)
{
    struct database *db = engine_write(engine, &open->request);
    bool is_decided = false;
    bool is_there = false;
    enum err err = is_known(engine, batch->now, open, &is_decided);

    if (err == OK && !is_decided) {
        err = has_row_of(db, open->id, &is_there);
    }
    if (err != OK || is_decided) {
        return err;
    }
    if (is_there) {
        open->request.err =
            diag_set(&open->request.diag, ERR_EXISTS, "there is an operation of that id");
        return OK;
    }
    err = insert_row(db, batch, open);
    if (err == OK && open->is_idempotent) {
        err = idempotency_put(db, key_of(open), open->id);
    }
    return err;
}

/* ---- What becomes of them ------------------------------------------------------------------- */

/* Whether the operation may move; what it takes to know is short, however long its data. */
static enum err is_allowed(struct database *db, struct store_advance *advance, bool *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_get_operation_state);
    struct operation found = {.id = advance->operation};
    bool has_row = false;

    bind_id(row, 1, advance->operation);
    enum err err = sql_next(db, row, &has_row);
    struct slice ended_by = SLICE("");
    if (err == OK && has_row) {
        found.account = column_id(row, 0);
        found.state = (enum operation_state)column_i64(row, 1);
        found.is_delayed = column_i64(row, 2) != 0;
        found.steps = column_u32(row, 3);
        found.event = column_id(row, 4);
        ended_by = column_slice(row, 5);
    }
    if (err == OK) {
        *out = advance_is_allowed(advance, has_row ? &found : NULL, ended_by);
    }
    sql_end(row);
    return err;
}

static enum err change_row(struct database *db, enum sql which, struct id operation)
{
    sqlite3_stmt *change = sql_use(db, which);

    bind_id(change, 1, operation);
    return sql_run(db, change);
}

static enum err end_row(struct database *db, struct wall now, const struct store_advance *advance)
{
    sqlite3_stmt *end = sql_use(db, SQL_end_operation);

    bind_id(end, 1, advance->operation);
    bind_i64(end, 2, advance->state);
    bind_wall(end, 3, now);
    bind_i64(end, 4, advance->code);
    bind_id(end, 5, advance->item.id);
    bind_blob(end, 6, slice_from(advance->body, sizeof advance->body));
    bind_text(end, 7, advance->result);
    bind_text(end, 8, advance->outcome);
    return sql_run(db, end);
}

static enum err move_row(struct database *db, struct wall now, const struct store_advance *advance)
{
    switch (advance->kind) {
    case STORE_ADVANCE_STEP:
        return change_row(db, SQL_step_operation, advance->operation);
    case STORE_ADVANCE_DELAY:
        return change_row(db, SQL_delay_operation, advance->operation);
    case STORE_ADVANCE_END:
        return end_row(db, now, advance);
    }
    return OK;
}

enum err sqlite_advance(struct engine *engine, const struct engine_batch *batch,
                        struct store_advance *advance)
{
    struct database *db = engine_write(engine, &advance->request);
    struct store_publish_item *item = &advance->item;
    bool is_decided = false;
    enum err err = publish_is_known(engine, item, batch->now, &is_decided);

    if (err != OK || is_decided) {
        advance->is_duplicate = item->is_duplicate;
        return err;
    }
    bool goes = false;
    err = is_allowed(db, advance, &goes);
    if (err == OK && advance->is_duplicate) {
        return publish_count_deliveries(db, item->id, &item->deliveries);
    }
    if (err == OK && goes) {
        err = publish_new(engine, batch->now, item);
    }
    return err == OK && goes ? move_row(db, batch->now, advance) : err;
}
