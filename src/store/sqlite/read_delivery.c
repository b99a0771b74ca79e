#include "base/mem.h"
#include "store/sqlite/attempt_row.h"
#include "store/sqlite/event_row.h"
#include "store/sqlite/period.h"
#include "store/sqlite/standing.h"

/* Bounds of one call, so that it stays short. What lies beyond comes with the next one, by its
 * cursor. */
enum { EVENTS_MAX = 4000, LOOKED_MAX = 8000, DELIVERIES_MAX = 1000 };

/* ---- One delivery with its attempts --------------------------------------------------------- */

static enum err read_attempts(struct engine_reader *reader, struct store_get_delivery *get,
                              const struct delivery_origin *origin, const struct standing *standing)
{
    struct id newest = standing->last_attempt;
    bool has_row = standing->has_pending || standing->has_ended;
    enum err err = OK;

    if (!has_row && standing->state == DELIVERY_DELIVERED) {
        err = attempt_row_find(&reader->db, origin->event, get->delivery, &newest);
    }
    return err != OK ? err
                     : attempt_row_chain(&reader->db, newest, &get->attempts, &get->attempts_len);
}

static enum err read_delivery(struct engine_reader *reader, struct store_get_delivery *get)
{
    struct database *db = &reader->db;
    struct delivery_origin origin;
    struct standing standing;
    enum err err = event_row_origin(db, get->delivery, &origin);

    if (err != OK) {
        return err;
    }
    if (!origin.is_found || origin.account.value != get->account.value) {
        return diag_set(db->diag, ERR_NOT_FOUND, "there is no such delivery");
    }
    err = event_row_get(db, origin.event, &get->event);
    if (err == OK) {
        err = standing_get(db, &origin, get->delivery, reader->mark, &standing);
    }
    if (err != OK) {
        return err;
    }
    get->found = standing_describe(&standing, &origin, get->delivery, get->event->type);
    return read_attempts(reader, get, &origin, &standing);
}

enum err sqlite_get_delivery(struct engine_reader *reader, struct wall now,
                             struct store_get_delivery *get)
{
    (void)now;
    get->event = NULL;
    get->attempts = NULL;
    get->attempts_len = 0;
    enum err err = reader_begin(reader, &get->request);
    if (err == OK) {
        err = read_delivery(reader, get);
    }
    return reader_end(reader, err);
}

/* ---- Many ----------------------------------------------------------------------------------- */

/* A walk through the deliveries of an account's events, newest first. */
struct walk {
    struct engine_reader *reader;
    struct store_list_deliveries *list;
    uint32_t events, looked;
};

static bool is_wanted(const struct store_list_deliveries *list, const struct standing *standing)
{
    return !list->has_state || list->state == standing->state;
}

/* Looks at one delivery of an event's row; list->page.has_more: the answer is full before it. */
static enum err look_at(struct walk *walk, sqlite3_stmt *row, uint32_t index)
{
    struct store_list_deliveries *list = walk->list;
    struct store_target target = targets_at(column_slice(row, 3), index);
    struct standing standing;
    const struct delivery_origin origin = {
        .event = column_id(row, 0),
        .account = list->page.account,
        .channel = target.channel,
        .way = target.way,
        .index = index,
        .is_found = true,
    };
    struct id delivery = event_delivery_id(origin.event, index);

    if ((list->page.after.value != 0 && delivery.value >= list->page.after.value) ||
        (list->channel.value != 0 && list->channel.value != target.channel.value)) {
        return OK;
    }
    enum err err =
        standing_get(&walk->reader->db, &origin, delivery, walk->reader->mark, &standing);
    if (err != OK) {
        return err;
    }
    bool wanted = is_wanted(list, &standing);
    list->page.has_more =
        ++walk->looked > LOOKED_MAX || (wanted && list->deliveries_len == list->page.max);
    if (list->page.has_more) {
        return OK;
    }
    list->page.last = delivery;
    if (wanted) {
        struct slice type = column_slice(row, 2);

        list->deliveries[list->deliveries_len++] = standing_describe(
            &standing, &origin, delivery, slice_from(mem_text(type.ptr, type.len), type.len));
    }
    return OK;
}

static enum err look_at_event(struct walk *walk, struct id event)
{
    struct database *db = &walk->reader->db;
    struct store_list_deliveries *list = walk->list;
    sqlite3_stmt *row = sql_use(db, SQL_find_event);
    bool has_row = false;

    bind_id(row, 1, event);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        for (uint32_t i = targets_count(column_slice(row, 3)); i > 0 && err == OK; i--) {
            err = look_at(walk, row, i - 1);
            if (list->page.has_more) {
                break;
            }
        }
    }
    sql_end(row);
    if (!list->page.has_more) {
        /* below its deliveries: the next call goes on with the event before */
        list->page.last = event;
    }
    return err;
}

static enum err list_rows(struct walk *walk, const struct period *period, sqlite3_stmt *rows)
{
    struct database *db = &walk->reader->db;
    struct store_list_deliveries *list = walk->list;
    bool has_row = true;
    enum err err = OK;

    while (has_row && !list->page.has_more && err == OK) {
        err = sql_next(db, rows, &has_row);
        if (err == OK && has_row) {
            list->page.has_more = ++walk->events > EVENTS_MAX;
            if (!list->page.has_more) {
                err = look_at_event(walk, column_id(rows, 0));
            }
        }
    }
    sql_end(rows);
    if (err == OK && !list->page.has_more) {
        err = period_rest(db, period, &list->page.has_more, &list->page.last);
    }
    return err;
}

enum err sqlite_list_deliveries(struct engine_reader *reader, struct wall now,
                                struct store_list_deliveries *list)
{
    struct walk walk = {.reader = reader, .list = list};
    struct period period = {
        .account = list->page.account,
        .from = list->page.from,
        .to = list->page.to,
        .is_newest_first = true,
    };
    sqlite3_stmt *rows = NULL;

    (void)now;
    if (list->page.after.value != 0 && list->page.after.value < list->page.to.value) {
        period.to = list->page.after; /* an event's id is below those of its deliveries */
    }
    list->page.max = list->page.max < DELIVERIES_MAX ? list->page.max : DELIVERIES_MAX;
    list->deliveries = MEM_ARRAY(list->page.max, struct store_delivery);
    list->deliveries_len = 0;
    list->page.has_more = false;
    list->page.last = list->page.after;
    enum err err = reader_begin(reader, &list->request);
    if (err == OK) {
        err = period_begin(&reader->db, &period, &rows);
    }
    if (err == OK) {
        err = list_rows(&walk, &period, rows);
    }
    return reader_end(reader, err);
}
