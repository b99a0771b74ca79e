#include "store/sqlite/event_row.h"

#include "store/sqlite/number.h"

static const struct slice json_type_text = SLICE("application/json");

/* ---- Targets -------------------------------------------------------------------------------- */

void targets_pack(struct buf *out, const struct store_target *targets, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        number_pack(out, targets[i].channel.value);
        buf_byte(out, (char)targets[i].way);
    }
}

uint32_t targets_count(struct slice packed)
{
    return (uint32_t)(packed.len / TARGET_BYTES);
}

struct store_target targets_at(struct slice packed, uint32_t index)
{
    const char *at = packed.ptr + (size_t)index * TARGET_BYTES;

    return (struct store_target){
        .channel = {number_unpack(at)},
        .way = (enum store_way)at[NUMBER_BYTES],
    };
}

/* ---- Writing -------------------------------------------------------------------------------- */

enum err event_row_insert(struct engine *engine, const struct store_publish_item *item)
{
    sqlite3_stmt *insert = sql_use(&engine->db, SQL_insert_event);
    const struct event *event = item->event;

    buf_reset(&engine->scratch);
    targets_pack(&engine->scratch, item->targets, item->targets_len);
    bind_id(insert, 1, event->id);
    bind_id(insert, 2, event->account);
    bind_text(insert, 3, event->type);
    if (slice_equal(event->content_type, json_type_text)) {
        bind_null(insert, 4); /* nearly always; it would cost 16 bytes an event */
    } else {
        bind_text(insert, 4, event->content_type);
    }
    bind_text(insert, 5, event->client_ref);
    bind_text(insert, 6, event->server_ref);
    bind_text(insert, 7, event->notify_url);
    bind_text(insert, 8, event->external_id);
    bind_text(insert, 9, event->attributes);
    if (item->is_idempotent) {
        bind_blob(insert, 10, slice_from(item->idempotency, sizeof item->idempotency));
    } else {
        bind_null(insert, 10);
    }
    bind_blob(insert, 11, buf_view(&engine->scratch));
    bind_blob(insert, 12, event->data);
    bind_text(insert, 13, item->name);
    return sql_run(&engine->db, insert);
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct event *event_row_make(sqlite3_stmt *row)
{
    struct slice content_type = column_slice(row, 4);

    return event_new(&(struct event_parts){
        .id = column_id(row, 0),
        .account = column_id(row, 1),
        .account_name = column_slice(row, 2),
        .type = column_slice(row, 3),
        .content_type = slice_is_empty(content_type) ? json_type_text : content_type,
        .client_ref = column_slice(row, 5),
        .server_ref = column_slice(row, 6),
        .notify_url = column_slice(row, 7),
        .external_id = column_slice(row, 8),
        .attributes = column_slice(row, 9),
        .data = column_slice(row, 10),
    });
}

enum err event_row_get(struct database *db, struct id event, struct event **out)
{
    sqlite3_stmt *row = sql_use(db, SQL_get_event);
    bool has_row = false;

    bind_id(row, 1, event);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK) {
        *out = has_row ? event_row_make(row) : NULL;
    }
    sql_end(row);
    return err;
}

/* The event before a delivery is not its own when that one is gone. */
static bool is_one_of(struct id delivery, struct id event, struct slice targets)
{
    int64_t steps = id_distance(event, delivery);

    return steps >= 1 && steps <= (int64_t)targets_count(targets);
}

enum err event_row_of_delivery(struct database *db, struct id delivery, struct event **out)
{
    sqlite3_stmt *row = sql_use(db, SQL_get_event_of_delivery);
    bool has_row = false;

    *out = NULL;
    bind_id(row, 1, delivery);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row &&
        is_one_of(delivery, column_id(row, 0), column_slice(row, EVENT_COLUMNS_COUNT))) {
        *out = event_row_make(row);
    }
    sql_end(row);
    return err;
}

static void read_origin(sqlite3_stmt *row, struct id delivery, struct delivery_origin *out)
{
    struct id event = column_id(row, 0);
    struct slice targets = column_slice(row, 3);

    if (!is_one_of(delivery, event, targets)) {
        return;
    }
    uint32_t index = (uint32_t)id_distance(event, delivery) - 1;
    struct store_target target = targets_at(targets, index);
    *out = (struct delivery_origin){
        .event = event,
        .account = column_id(row, 1),
        .channel = target.channel,
        .way = target.way,
        .index = index,
        .has_data = column_i64(row, 4) == 0,
        .is_found = true,
    };
}

enum err event_row_origin(struct database *db, struct id delivery, struct delivery_origin *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_find_event);
    bool has_row = false;

    *out = (struct delivery_origin){.is_found = false};
    bind_id(row, 1, delivery);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        read_origin(row, delivery, out);
    }
    sql_end(row);
    return err;
}
