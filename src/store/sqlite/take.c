/*
 * What dispatch asks: what is due for a channel, which channels have something, how much there is.
 */
#include "base/mem.h"
#include "store/sqlite/event_row.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { TAKE_MAX = 4096 };

/* ---- take ----------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = ((const struct id *)a)->value;
    uint64_t right = ((const struct id *)b)->value;

    return (left > right) - (left < right);
}

static bool is_held(const struct store_take *take, struct id delivery)
{
    return take->held_len > 0 &&
           bsearch(&delivery, take->held, take->held_len, sizeof *take->held, compare_ids) != NULL;
}

/* Adds a delivery with its event; *is_over: no room for it. */
static enum err add_due(struct database *db, struct store_take *take, struct store_due *due,
                        size_t *bytes, bool *is_over)
{
    enum err err = event_row_of_delivery(db, due->delivery, &due->event);

    if (err != OK || due->event == NULL) {
        return err;
    }
    *is_over = take->items_len > 0 && *bytes + due->event->data.len > take->bytes_max;
    if (*is_over) {
        event_release(due->event);
        return OK;
    }
    *bytes += due->event->data.len;
    take->items[take->items_len++] = *due;
    return OK;
}

/* Takes rows as they come until one is not due or there is no room for it. */
static enum err take_rows(struct database *db, struct store_take *take, sqlite3_stmt *rows,
                          size_t *bytes)
{
    bool has_row = true;
    bool is_over = false;
    enum err err = OK;

    while (!is_over && err == OK) {
        err = sql_next(db, rows, &has_row);
        if (err != OK || !has_row) {
            break;
        }
        struct store_due due = {
            .delivery = column_id(rows, 0),
            .due = engine_due(column_wall(rows, 1), take->now),
            .attempts = column_u32(rows, 2),
        };
        if (is_held(take, due.delivery)) {
            continue;
        }
        is_over = take->items_len == take->max || (!take->is_ordered && due.due.us > take->now.us);
        if (!is_over) {
            err = add_due(db, take, &due, bytes, &is_over);
        }
        if (is_over) {
            take->next_due = due.due;
        }
    }
    sql_end(rows);
    return err;
}

/* Takes what is due behind `after` by its due time. */
static enum err take_by_due(struct database *db, struct store_take *take, struct wall after,
                            size_t *bytes)
{
    sqlite3_stmt *rows = sql_use(db, SQL_pending_by_due);

    bind_id(rows, 1, take->channel);
    bind_wall(rows, 2, after);
    return take_rows(db, take, rows, bytes);
}

static enum err take_in_order(struct database *db, struct store_take *take)
{
    sqlite3_stmt *rows = sql_use(db, SQL_pending_in_order);
    size_t bytes = 0;

    bind_id(rows, 1, take->channel);
    bind_id(rows, 2, ID_NONE);
    return take_rows(db, take, rows, &bytes);
}

/* Those too far ahead stand last in the index and are due all the same: a second look finds them
 * behind those that are not due yet. */
static enum err take_due(struct database *db, struct store_take *take)
{
    static const struct wall first = {-1};
    const struct wall too_far = {take->now.us + STORE_DUE_US_MAX};
    size_t bytes = 0;
    enum err err = take_by_due(db, take, first, &bytes);
    struct wall next_due = take->next_due;

    if (err != OK || next_due.us <= take->now.us || next_due.us == WALL_NEVER.us) {
        return err; /* full already, or there is nothing more */
    }
    err = take_by_due(db, take, too_far, &bytes);
    if (next_due.us < take->next_due.us) {
        take->next_due = next_due;
    }
    return err;
}

enum err sqlite_take(struct engine_reader *reader, struct wall now, struct store_take *take)
{
    struct database *db = &reader->db;

    (void)now;
    take->max = take->max < TAKE_MAX ? take->max : TAKE_MAX;
    take->items = MEM_ARRAY(take->max, struct store_due);
    take->items_len = 0;
    take->next_due = WALL_NEVER;
    enum err err = reader_begin(reader, &take->request);
    if (err == OK) {
        err = take->is_ordered ? take_in_order(db, take) : take_due(db, take);
    }
    return reader_end(reader, err);
}

/* ---- lanes ---------------------------------------------------------------------------------- */

static void add_lane(struct store_lanes *lanes, size_t *room, const struct store_lane *lane)
{
    if (lanes->lanes_len == *room) {
        *room = *room == 0 ? 64 : 2 * *room;
        lanes->lanes = mem_resize(lanes->lanes, *room, sizeof *lanes->lanes);
    }
    lanes->lanes[lanes->lanes_len++] = *lane;
}

/* A lane whose first is not due yet may still have one that is too far ahead, and so due now. */
static enum err look_far_ahead(struct database *db, struct wall now, struct store_lane *lane)
{
    sqlite3_stmt *row = sql_use(db, SQL_pending_by_due);
    bool has_row = false;

    bind_id(row, 1, lane->channel);
    bind_wall(row, 2, (struct wall){now.us + STORE_DUE_US_MAX});
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        lane->next_due = now;
    }
    sql_end(row);
    return err;
}

static enum err next_lane(struct database *db, struct store_lane *lane, bool *has_row)
{
    sqlite3_stmt *row = sql_use(db, SQL_next_lane);

    bind_id(row, 1, lane->channel);
    enum err err = sql_next(db, row, has_row);
    if (err == OK && *has_row) {
        lane->channel = column_id(row, 0);
        lane->next_due = column_wall(row, 1);
        lane->account = column_id(row, 2);
    }
    sql_end(row);
    return err;
}

/* Jumps from channel to channel through the index: as many steps as channels, not as rows. */
static enum err find_lanes(struct database *db, struct wall now, struct store_lanes *lanes)
{
    struct store_lane lane = {0};
    size_t room = 0;
    bool has_row = true;
    enum err err = OK;

    while (has_row && err == OK) {
        err = next_lane(db, &lane, &has_row);
        if (err == OK && has_row && lane.next_due.us > now.us) {
            err = look_far_ahead(db, now, &lane);
        }
        if (err == OK && has_row) {
            add_lane(lanes, &room, &lane);
        }
    }
    return err;
}

/* Without the time limit: nothing is sent before it is answered, and it is asked once, at the
 * start. */
enum err sqlite_lanes(struct engine_reader *reader, struct wall now, struct store_lanes *lanes)
{
    lanes->lanes = NULL;
    lanes->lanes_len = 0;
    enum err err = reader_begin(reader, &lanes->request);
    reader->deadline = MONO_NEVER;
    if (err == OK) {
        err = find_lanes(&reader->db, now, lanes);
    }
    return reader_end(reader, err);
}

/* ---- stats ---------------------------------------------------------------------------------- */

static uint64_t file_bytes(const char *folder, const char *name)
{
    char *path = engine_path(folder, name);
    struct stat found;
    uint64_t bytes = stat(path, &found) == 0 ? (uint64_t)found.st_size : 0;

    mem_free(path);
    return bytes;
}

/* Needs no snapshot: the writer counts, and the system knows the files. */
enum err sqlite_stats(struct engine_reader *reader, struct wall now, struct store_stats *stats)
{
    const struct engine *engine = reader->engine;

    (void)now;
    stats->pending = (uint64_t)atomic_load(&engine->pending_shown);
    stats->bytes =
        file_bytes(engine->folder, "tidings.db") + file_bytes(engine->folder, "tidings.db-wal");
    return OK;
}
