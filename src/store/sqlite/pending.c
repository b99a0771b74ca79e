#include "store/sqlite/pending.h"

enum err pending_get(struct database *db, struct id channel, struct id delivery,
                     struct pending_row *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_get_pending);
    bool has_row = false;

    *out = (struct pending_row){.channel = channel, .delivery = delivery};
    bind_id(row, 1, channel);
    bind_id(row, 2, delivery);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        out->way = (enum store_way)column_i64(row, 0);
        out->due = column_wall(row, 1);
        out->attempts = column_u32(row, 2);
        out->epoch = column_u32(row, 3);
        out->account = column_id(row, 4);
        out->last_attempt = column_id(row, 5);
        out->is_found = true;
    }
    sql_end(row);
    return err;
}

struct pending_row pending_read(sqlite3_stmt *row, struct id channel)
{
    return (struct pending_row){
        .channel = channel,
        .delivery = column_id(row, 0),
        .due = column_wall(row, 1),
        .attempts = column_u32(row, 2),
        .epoch = column_u32(row, 3),
        .account = column_id(row, 4),
        .last_attempt = column_id(row, 5),
        .way = (enum store_way)column_i64(row, 6),
        .is_found = true,
    };
}

enum err pending_first(struct database *db, struct id channel, struct pending_row *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_pending_in_order);
    bool has_row = false;

    *out = (struct pending_row){.channel = channel};
    bind_id(row, 1, channel);
    bind_id(row, 2, ID_NONE);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        *out = pending_read(row, channel);
    }
    sql_end(row);
    return err;
}

struct wall pending_due_now(enum store_way way, struct wall now)
{
    static const struct wall not_leased = {0};

    return way == STORE_QUEUE ? not_leased : now;
}

enum err pending_put(struct engine *engine, struct wall now, const struct pending_row *row)
{
    sqlite3_stmt *put = sql_use(&engine->db, SQL_put_pending);

    bind_id(put, 1, row->channel);
    bind_id(put, 2, row->delivery);
    bind_i64(put, 3, row->way);
    bind_wall(put, 4, row->due);
    bind_i64(put, 5, row->attempts);
    bind_id(put, 6, row->account);
    bind_id_or_null(put, 7, row->last_attempt);
    enum err err = sql_run(&engine->db, put);
    if (err != OK) {
        return err;
    }
    if (sqlite3_changes(engine->db.handle) == 0) {
        return ended_put(engine, now,
                         &(struct ended_row){.delivery = row->delivery,
                                             .state = DELIVERY_CANCELED,
                                             .attempts = row->attempts,
                                             .last_attempt = row->last_attempt});
    }
    engine->now.pending++;
    return OK;
}

enum err pending_move(struct engine *engine, const struct pending_row *row)
{
    sqlite3_stmt *move = sql_use(&engine->db, SQL_move_pending);

    bind_id(move, 1, row->channel);
    bind_id(move, 2, row->delivery);
    bind_wall(move, 3, row->due);
    bind_i64(move, 4, row->attempts);
    bind_id_or_null(move, 5, row->last_attempt);
    return sql_run(&engine->db, move);
}

enum err pending_lease(struct engine *engine, const struct pending_row *row)
{
    sqlite3_stmt *lease = sql_use(&engine->db, SQL_lease_pending);

    bind_id(lease, 1, row->channel);
    bind_id(lease, 2, row->delivery);
    bind_wall(lease, 3, row->due);
    bind_i64(lease, 4, row->attempts);
    bind_i64(lease, 5, row->epoch);
    return sql_run(&engine->db, lease);
}

enum err pending_delete(struct engine *engine, struct id channel, struct id delivery)
{
    sqlite3_stmt *gone = sql_use(&engine->db, SQL_delete_pending);

    bind_id(gone, 1, channel);
    bind_id(gone, 2, delivery);
    enum err err = sql_run(&engine->db, gone);
    if (err == OK) {
        engine->now.pending -= sqlite3_changes(engine->db.handle);
    }
    return err;
}

enum err ended_get(struct database *db, struct id delivery, struct ended_row *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_get_ended);
    bool has_row = false;

    *out = (struct ended_row){.delivery = delivery};
    bind_id(row, 1, delivery);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        out->state = (enum delivery_state)column_i64(row, 0);
        out->attempts = column_u32(row, 1);
        out->last_attempt = column_id(row, 2);
        out->is_found = true;
    }
    sql_end(row);
    return err;
}

enum err ended_put(struct engine *engine, struct wall now, const struct ended_row *row)
{
    sqlite3_stmt *put = sql_use(&engine->db, SQL_put_ended);

    bind_id(put, 1, row->delivery);
    bind_i64(put, 2, row->state);
    bind_i64(put, 3, row->attempts);
    bind_id_or_null(put, 4, row->last_attempt);
    bind_wall(put, 5, now);
    return sql_run(&engine->db, put);
}

enum err ended_delete(struct engine *engine, struct id delivery)
{
    sqlite3_stmt *gone = sql_use(&engine->db, SQL_delete_ended);

    bind_id(gone, 1, delivery);
    return sql_run(&engine->db, gone);
}

enum err pending_end(struct engine *engine, struct wall now, const struct pending_row *row,
                     enum delivery_state state)
{
    enum err err = pending_delete(engine, row->channel, row->delivery);

    if (err != OK) {
        return err;
    }
    return ended_put(engine, now,
                     &(struct ended_row){.delivery = row->delivery,
                                         .state = state,
                                         .attempts = row->attempts,
                                         .last_attempt = row->last_attempt});
}
