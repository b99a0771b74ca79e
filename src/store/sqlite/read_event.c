#include "base/mem.h"
#include "model/filter.h"
#include "store/sqlite/event_row.h"
#include "store/sqlite/period.h"
#include "store/sqlite/standing.h"

/* Bounds of one call, so that it stays short. What lies beyond comes with the next one, by its
 * cursor. */
enum { ROWS_MAX = 4000, EVENTS_MAX = 1000 };

/* ---- One event ------------------------------------------------------------------------------ */

static enum err describe_targets(struct engine_reader *reader, struct store_get_event *get,
                                 struct slice targets)
{
    uint32_t count = targets_count(targets);
    enum err err = OK;

    get->deliveries = MEM_ARRAY(count, struct store_delivery);
    for (uint32_t i = 0; i < count && err == OK; i++) {
        struct store_target target = targets_at(targets, i);
        struct id delivery = event_delivery_id(get->event, i);
        struct standing standing;
        const struct delivery_origin origin = {
            .event = get->event,
            .account = get->account,
            .channel = target.channel,
            .way = target.way,
            .index = i,
            .is_found = true,
        };

        err = standing_get(&reader->db, &origin, delivery, reader->mark, &standing);
        if (err == OK) {
            get->deliveries[get->deliveries_len++] =
                standing_describe(&standing, &origin, delivery, get->found->type);
        }
    }
    return err;
}

static enum err read_deliveries(struct engine_reader *reader, struct store_get_event *get)
{
    struct database *db = &reader->db;
    sqlite3_stmt *row = sql_use(db, SQL_find_event);
    bool has_row = false;

    bind_id(row, 1, get->event);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        err = describe_targets(reader, get, column_slice(row, 3));
    }
    sql_end(row);
    return err;
}

static enum err read_event(struct engine_reader *reader, struct store_get_event *get)
{
    enum err err = event_row_get(&reader->db, get->event, &get->found);

    if (err != OK) {
        return err;
    }
    if (get->found == NULL || get->found->account.value != get->account.value) {
        event_release(get->found);
        get->found = NULL;
        return diag_set(reader->db.diag, ERR_NOT_FOUND, "there is no such event");
    }
    return read_deliveries(reader, get);
}

enum err sqlite_get_event(struct engine_reader *reader, struct wall now,
                          struct store_get_event *get)
{
    (void)now;
    get->found = NULL;
    get->deliveries = NULL;
    get->deliveries_len = 0;
    enum err err = reader_begin(reader, &get->request);
    if (err == OK) {
        err = read_event(reader, get);
    }
    return reader_end(reader, err);
}

static enum err find_by_name(struct database *db, struct store_find_event *find, struct id *out)
{
    sqlite3_stmt *row = sql_use(db, SQL_find_event_by_name);
    bool has_row = false;

    bind_id(row, 1, find->account);
    bind_text(row, 2, find->name);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK) {
        *out = has_row ? column_id(row, 0) : ID_NONE;
    }
    sql_end(row);
    return err;
}

enum err sqlite_find_event(struct engine_reader *reader, struct wall now,
                           struct store_find_event *find)
{
    struct id event = ID_NONE;

    (void)now;
    find->found = NULL;
    enum err err = reader_begin(reader, &find->request);
    if (err == OK) {
        err = find_by_name(&reader->db, find, &event);
    }
    if (err == OK && event.value != 0) {
        err = event_row_get(&reader->db, event, &find->found);
    }
    return reader_end(reader, err);
}

/* ---- Many ----------------------------------------------------------------------------------- */

/* An event that a list comes by. */
struct candidate {
    struct id event;
    struct id delivery; /* its one to the list's channel, if there is one */
    bool is_wanted;     /* by the filters */
};

/* Whether the event has a delivery to the list's channel, which it notes. */
static bool goes_to_channel(const struct store_list_events *list, struct slice targets,
                            struct candidate *candidate)
{
    for (uint32_t i = 0; i < targets_count(targets); i++) {
        if (targets_at(targets, i).channel.value == list->channel.value) {
            candidate->delivery = event_delivery_id(candidate->event, i);
            return true;
        }
    }
    return false;
}

/* Looks at what the filters ask for before the event with all its data is read. */
static enum err check_filters(struct database *db, const struct store_list_events *list,
                              struct candidate *candidate)
{
    sqlite3_stmt *row = sql_use(db, SQL_find_event);
    bool has_row = false;

    candidate->is_wanted = slice_is_empty(list->type) && list->channel.value == 0;
    if (candidate->is_wanted) {
        return OK;
    }
    bind_id(row, 1, candidate->event);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        candidate->is_wanted =
            (slice_is_empty(list->type) || filter_matches(list->type, column_slice(row, 2))) &&
            (list->channel.value == 0 || goes_to_channel(list, column_slice(row, 3), candidate));
    }
    sql_end(row);
    return err;
}

/* Adds a wanted event unless the limits forbid it; *is_over: the answer is full before it. */
static enum err add_event(struct database *db, struct store_list_events *list,
                          const struct candidate *candidate, size_t *bytes, bool *is_over)
{
    struct event *event = NULL;

    *is_over = list->events_len == list->page.max;
    if (*is_over) {
        return OK;
    }
    enum err err = event_row_get(db, candidate->event, &event);
    if (err != OK || event == NULL) {
        return err;
    }
    *is_over = list->events_len > 0 && *bytes + event->data.len > list->bytes_max;
    if (*is_over) {
        event_release(event);
        return OK;
    }
    *bytes += event->data.len;
    if (list->deliveries != NULL) {
        list->deliveries[list->events_len] = candidate->delivery;
    }
    list->events[list->events_len++] = event;
    return OK;
}

static enum err look_at(struct database *db, struct store_list_events *list, struct id event,
                        size_t *bytes)
{
    struct candidate candidate = {.event = event};
    enum err err = check_filters(db, list, &candidate);

    if (err == OK && candidate.is_wanted) {
        err = add_event(db, list, &candidate, bytes, &list->page.has_more);
    }
    if (!list->page.has_more) {
        list->page.last = event;
    }
    return err;
}

static enum err list_rows(struct database *db, struct store_list_events *list,
                          const struct period *period, sqlite3_stmt *rows)
{
    uint32_t looked = 0;
    size_t bytes = 0;
    bool has_row = true;
    enum err err = OK;

    while (has_row && !list->page.has_more && err == OK) {
        err = sql_next(db, rows, &has_row);
        if (err != OK || !has_row) {
            break;
        }
        list->page.has_more = ++looked > ROWS_MAX;
        if (!list->page.has_more) {
            err = look_at(db, list, column_id(rows, 0), &bytes);
        }
    }
    sql_end(rows);
    if (err == OK && !list->page.has_more) {
        err = period_rest(db, period, &list->page.has_more, &list->page.last);
    }
    return err;
}

static struct period period_of(const struct store_list_events *list)
{
    struct period period = {
        .account = list->page.account,
        .from = list->page.from,
        .to = list->page.to,
        .is_newest_first = list->is_newest_first,
    };

    if (list->page.after.value != 0 && list->is_newest_first) {
        period.to = list->page.after.value < list->page.to.value ? list->page.after : list->page.to;
    } else if (list->page.after.value != 0 && list->page.after.value >= list->page.from.value) {
        period.from = (struct id){list->page.after.value + 1};
    }
    return period;
}

enum err sqlite_list_events(struct engine_reader *reader, struct wall now,
                            struct store_list_events *list)
{
    struct period period = period_of(list);
    sqlite3_stmt *rows = NULL;

    (void)now;
    list->page.max = list->page.max < EVENTS_MAX ? list->page.max : EVENTS_MAX;
    list->events = MEM_ARRAY(list->page.max, struct event *);
    list->deliveries = list->channel.value != 0 ? MEM_ARRAY(list->page.max, struct id) : NULL;
    list->events_len = 0;
    list->page.has_more = false;
    list->page.last = list->page.after;
    enum err err = reader_begin(reader, &list->request);
    if (err == OK) {
        err = period_begin(&reader->db, &period, &rows);
    }
    if (err == OK) {
        err = list_rows(&reader->db, list, &period, rows);
    }
    return reader_end(reader, err);
}
