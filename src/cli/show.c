#include "cli/show.h"

#include "cli/grid.h"
#include "cli/terminal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    VALUE_BYTES_MAX = 4 * 1024 * 1024,
    SECONDS_END = 19, /* of "2026-02-03T10:20:30" */
};

static void put_value(struct json value, struct buf *out);

static void put_array(struct json array, struct buf *out)
{
    const char *separator = "";

    for (struct json item = json_first(array); json_exists(item); item = json_next(item)) {
        buf_text(out, separator);
        put_value(item, out);
        separator = ", ";
    }
}

/* As a person would write it: no quotes, nothing for null; objects stay JSON. */
static void put_value(struct json value, struct buf *out)
{
    switch (json_type(value)) {
    case JSON_NONE:
    case JSON_NULL:
        return;
    case JSON_TRUE:
        buf_text(out, "yes");
        return;
    case JSON_FALSE:
        buf_text(out, "no");
        return;
    case JSON_STRING:
        json_unescape(value, out);
        return;
    case JSON_ARRAY:
        put_array(value, out);
        return;
    case JSON_NUMBER:
    case JSON_OBJECT:
        buf_slice(out, json_raw(value));
        return;
    }
}

/* "health.state": the member of a member. */
static struct json find_path(struct json object, struct slice path)
{
    struct slice part;
    char name[64];

    while (path.len > 0 && slice_cut(&path, '.', &part)) {
        assert(part.len < sizeof(name)); /* they are our own tables */
        (void)snprintf(name, sizeof(name), "%.*s", SLICE_ARGS(part));
        object = json_member(object, name);
    }
    return object;
}

static struct json find_member(struct json object, const char *member)
{
    struct slice rest = slice_of(member), path;
    struct json value = {0};

    while (json_is_null(value) && slice_cut(&rest, '|', &path)) {
        value = find_path(object, path);
    }
    return value;
}

static void put_cell(struct grid *grid, struct json item, const struct show_column *column,
                     struct buf *scratch)
{
    buf_reset(scratch);
    put_value(find_member(item, column->member), scratch);
    struct slice text = buf_view(scratch);
    switch (column->form) {
    case SHOW_PLAIN:
        break;
    case SHOW_TIME:
        text = slice_sub(text, 0, SECONDS_END);
        break;
    }
    grid_put(grid, text);
}

void show_list(struct session *session, struct json items, const struct show_column *columns,
               size_t columns_len, const char *none)
{
    const char *titles[GRID_COLUMNS_MAX];
    struct buf scratch;

    if (session->wants_json) {
        return;
    }
    if (json_count(items) == 0) {
        show_line(session, "%s", none);
        return;
    }
    for (size_t i = 0; i < columns_len; i++) {
        titles[i] = columns[i].title;
    }
    struct grid *grid = grid_new(titles, columns_len);
    buf_init(&scratch, VALUE_BYTES_MAX);
    for (struct json item = json_first(items); json_exists(item); item = json_next(item)) {
        for (size_t i = 0; i < columns_len; i++) {
            put_cell(grid, item, &columns[i], &scratch);
        }
    }
    grid_print(grid, terminal_columns(), &session->out);
    buf_clear(&scratch);
    grid_free(grid);
}

void show_page(struct session *session, const struct show_column *columns, size_t columns_len,
               const char *none)
{
    struct json answer = session_answer(session);
    struct buf scratch;

    show_list(session, json_member(answer, "items"), columns, columns_len, none);
    buf_init(&scratch, VALUE_BYTES_MAX);
    const char *cursor = show_text(answer, "next_cursor", &scratch);
    if (cursor[0] != '\0') {
        show_line(session, "There are more: --cursor %s", cursor);
    }
    buf_clear(&scratch);
}

static bool is_list_of_objects(struct json value)
{
    return json_type(value) == JSON_ARRAY && json_type(json_first(value)) == JSON_OBJECT;
}

/* What a publisher wrote stays as it was written. */
static bool is_opened(struct json member)
{
    return json_type(member) == JSON_OBJECT && !json_name_is(member, "data");
}

static void put_line(struct grid *grid, const char *prefix, struct json member)
{
    struct buf name, value;

    buf_init(&name, VALUE_BYTES_MAX);
    buf_init(&value, VALUE_BYTES_MAX);
    put_value(member, &value);
    if (value.len > 0) {
        buf_text(&name, prefix);
        buf_slice(&name, json_name(member));
        grid_put(grid, buf_view(&name));
        grid_put(grid, buf_view(&value));
    }
    buf_clear(&name);
    buf_clear(&value);
}

/* Objects within become lines such as "health.state". */
static void put_lines(struct grid *grid, const char *prefix, struct json object)
{
    for (struct json at = json_first(object); json_exists(at); at = json_next(at)) {
        char inner[DIAG_FIELD_SIZE];
        bool fits = snprintf(inner, sizeof(inner), "%s%.*s.", prefix, SLICE_ARGS(json_name(at))) <
                    (int)sizeof(inner);
        if (is_opened(at) && fits) {
            put_lines(grid, inner, at);
        } else if (!is_list_of_objects(at)) {
            put_line(grid, prefix, at);
        }
    }
}

void show_object(struct session *session, struct json object)
{
    if (session->wants_json) {
        return;
    }
    struct grid *grid = grid_new(NULL, /* columns_len= */ 2);
    put_lines(grid, "", object);
    grid_print(grid, SIZE_MAX, &session->out); /* nothing is cut of what was asked for alone */
    grid_free(grid);
}

void show_line(struct session *session, const char *format, ...)
{
    char line[1024]; /* ids, words and counts */
    va_list args;

    if (session->wants_json) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    buf_text(&session->out, line);
    buf_byte(&session->out, '\n');
}

const char *show_text(struct json object, const char *member, struct buf *scratch)
{
    struct buf raw;

    buf_init(&raw, VALUE_BYTES_MAX);
    put_value(find_member(object, member), &raw);
    buf_reset(scratch);
    terminal_put_line(scratch, buf_view(&raw));
    buf_clear(&raw);
    return buf_cstr(scratch);
}
