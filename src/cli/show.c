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

static size_t longest_name(struct json object)
{
    size_t longest = 0;

    for (struct json at = json_first(object); json_exists(at); at = json_next(at)) {
        size_t len = json_name(at).len;
        longest = !is_list_of_objects(at) && len > longest ? len : longest;
    }
    return longest;
}

void show_object(struct session *session, struct json object)
{
    size_t width = longest_name(object);
    struct buf scratch;

    if (session->wants_json) {
        return;
    }
    buf_init(&scratch, VALUE_BYTES_MAX);
    for (struct json at = json_first(object); json_exists(at); at = json_next(at)) {
        struct slice name = json_name(at);
        buf_reset(&scratch);
        put_value(at, &scratch);
        if (scratch.len > 0 && !is_list_of_objects(at)) {
            terminal_put_line(&session->out, name);
            buf_printf(&session->out, "%*s", (int)(width - name.len + 2), "");
            terminal_put_line(&session->out, buf_view(&scratch));
            buf_byte(&session->out, '\n');
        }
    }
    buf_clear(&scratch);
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
