#include "base/mem.h"
#include "store/sqlite/sqlite_internal.h"

/* Bounds of one call, so that it stays short. What lies beyond comes with the next one. */
enum { LOOKED_MAX = 4000, OPERATIONS_MAX = 1000 };

/* The operation of a row of OPERATION_COLUMNS. */
static struct operation *make_operation(sqlite3_stmt *row)
{
    return operation_new(&(struct operation){
        .id = column_id(row, 0),
        .account = column_id(row, 1),
        .state = (enum operation_state)column_i64(row, 2),
        .created = column_wall(row, 3),
        .deadline = column_wall(row, 4),
        .expires = column_i64(row, 5) != 0,
        .is_delayed = column_i64(row, 6) != 0,
        .steps = column_u32(row, 7),
        .ended = column_wall(row, 8),
        .code = (int32_t)column_i64(row, 9),
        .event = column_id(row, 10),
        .command = column_slice(row, 11),
        .client_ref = column_slice(row, 12),
        .server_ref = column_slice(row, 13),
        .notify_url = column_slice(row, 14),
        .origin = column_slice(row, 15),
        .result = column_slice(row, 16),
        .data = column_slice(row, 17),
        .outcome = column_slice(row, 18),
    });
}

/* ---- One ------------------------------------------------------------------------------------ */

static enum err read_operation(struct database *db, struct store_get_operation *get)
{
    sqlite3_stmt *row = sql_use(db, SQL_get_operation);
    bool has_row = false;

    bind_id(row, 1, get->operation);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row && column_id(row, 1).value == get->account.value) {
        get->found = make_operation(row);
    }
    sql_end(row);
    if (err == OK && get->found == NULL) {
        err = diag_set(db->diag, ERR_NOT_FOUND, "there is no such operation");
    }
    return err;
}

enum err sqlite_get_operation(struct engine_reader *reader, struct wall now,
                              struct store_get_operation *get)
{
    (void)now;
    get->found = NULL;
    enum err err = reader_begin(reader, &get->request);
    if (err == OK) {
        err = read_operation(&reader->db, get);
    }
    return reader_end(reader, err);
}

/* ---- Many ----------------------------------------------------------------------------------- */

/* An answer that is being filled. */
struct gathered {
    struct operation **operations; /* borrowed: the request's */
    size_t len, max, bytes, bytes_max;
};

static bool is_full(const struct gathered *gathered)
{
    return gathered->len == gathered->max ||
           (gathered->len > 0 && gathered->bytes >= gathered->bytes_max);
}

static void gather(struct gathered *gathered, sqlite3_stmt *row)
{
    struct operation *operation = make_operation(row);

    gathered->bytes += operation->data.len + operation->outcome.len;
    gathered->operations[gathered->len++] = operation;
}

static enum err list_rows(struct database *db, struct store_list_operations *list,
                          sqlite3_stmt *rows)
{
    struct gathered gathered = {
        .operations = list->operations, .max = list->page.max, .bytes_max = list->bytes_max};
    uint32_t looked = 0;
    bool has_row = true;
    enum err err = OK;

    while (err == OK && has_row && !list->page.has_more) {
        err = sql_next(db, rows, &has_row);
        if (err != OK || !has_row) {
            break;
        }
        bool is_wanted = !list->has_state || column_i64(rows, 2) == list->state;
        list->page.has_more = ++looked > LOOKED_MAX || (is_wanted && is_full(&gathered));
        if (!list->page.has_more && is_wanted) {
            gather(&gathered, rows);
        }
        if (!list->page.has_more) {
            list->page.last = column_id(rows, 0);
        }
    }
    sql_end(rows);
    list->operations_len = gathered.len;
    return err;
}

enum err sqlite_list_operations(struct engine_reader *reader, struct wall now,
                                struct store_list_operations *list)
{
    struct database *db = &reader->db;
    bool is_behind = list->page.after.value != 0 && list->page.after.value < list->page.to.value;

    (void)now;
    list->page.max = list->page.max < OPERATIONS_MAX ? list->page.max : OPERATIONS_MAX;
    list->operations = MEM_ARRAY(list->page.max, struct operation *);
    list->operations_len = 0;
    list->page.has_more = false;
    list->page.last = list->page.after;
    enum err err = reader_begin(reader, &list->request);
    if (err == OK) {
        sqlite3_stmt *rows = sql_use(db, SQL_operations_down);

        bind_id(rows, 1, list->page.account);
        bind_id(rows, 2, list->page.from);
        bind_id(rows, 3, is_behind ? list->page.after : list->page.to);
        err = list_rows(db, list, rows);
    }
    return reader_end(reader, err);
}

/* ---- Due ------------------------------------------------------------------------------------ */

/* The rows come by their deadlines: the first that is not wanted is the next one. */
static enum err read_due(struct database *db, struct store_due_operations *due)
{
    struct gathered gathered = {
        .operations = due->operations, .max = due->max, .bytes_max = due->bytes_max};
    sqlite3_stmt *rows = sql_use(db, SQL_operations_due);
    bool has_row = true;
    enum err err = OK;

    while (err == OK && has_row && due->next.us == WALL_NEVER.us) {
        err = sql_next(db, rows, &has_row);
        if (err != OK || !has_row) {
            break;
        }
        if (column_wall(rows, 4).us <= due->now.us && !is_full(&gathered)) {
            gather(&gathered, rows);
        } else {
            due->next = column_wall(rows, 4);
        }
    }
    sql_end(rows);
    due->operations_len = gathered.len;
    return err;
}

enum err sqlite_due_operations(struct engine_reader *reader, struct wall now,
                               struct store_due_operations *due)
{
    (void)now;
    due->max = due->max < OPERATIONS_MAX ? due->max : OPERATIONS_MAX;
    due->operations = MEM_ARRAY(due->max, struct operation *);
    due->operations_len = 0;
    due->next = WALL_NEVER;
    enum err err = reader_begin(reader, &due->request);
    if (err == OK) {
        err = read_due(&reader->db, due);
    }
    return reader_end(reader, err);
}
