#include "cli/grid.h"

#include "base/mem.h"
#include "cli/terminal.h"

#include <assert.h>

enum {
    GAP = 2, /* between columns */
    CELLS_BYTES_MAX = 64 * 1024 * 1024,
};

struct cell {
    size_t offset, len; /* in struct grid.text */
    size_t width;
};

struct grid {
    const char *const *titles;
    size_t columns_len;
    struct buf text;    /* of all cells, one after the other */
    struct cell *cells; /* owned */
    size_t cells_len, cells_room;
};

struct grid *grid_new(const char *const *titles, size_t columns_len)
{
    struct grid *grid = MEM_NEW(struct grid);

    assert(columns_len > 0 && columns_len <= GRID_COLUMNS_MAX);
    grid->titles = titles;
    grid->columns_len = columns_len;
    buf_init(&grid->text, CELLS_BYTES_MAX);
    return grid;
}

void grid_free(struct grid *grid)
{
    if (grid != NULL) {
        buf_clear(&grid->text);
        mem_free(grid->cells);
        mem_free(grid);
    }
}

void grid_put(struct grid *grid, struct slice cell)
{
    size_t from = grid->text.len;

    if (grid->cells_len == grid->cells_room) {
        grid->cells_room = grid->cells_room * 2 + 64;
        grid->cells = mem_resize(grid->cells, grid->cells_room, sizeof(grid->cells[0]));
    }
    terminal_put_line(&grid->text, cell);
    size_t len = grid->text.len - from;
    grid->cells[grid->cells_len++] =
        (struct cell){from, len, terminal_width(slice_sub(buf_view(&grid->text), from, len))};
}

/* 0 for a column in which nothing stands. */
static void measure(const struct grid *grid, size_t *widths)
{
    for (size_t i = 0; i < grid->cells_len; i++) {
        size_t *width = &widths[i % grid->columns_len];
        if (grid->cells[i].width > *width) {
            *width = grid->cells[i].width;
        }
    }
    for (size_t i = 0; grid->titles != NULL && i < grid->columns_len; i++) {
        size_t title = terminal_width(slice_of(grid->titles[i]));
        if ((widths[i] > 0 || grid->cells_len == 0) && title > widths[i]) {
            widths[i] = title;
        }
    }
}

static size_t sum(const size_t *widths, size_t len)
{
    size_t total = 0;

    for (size_t i = 0; i < len; i++) {
        total += widths[i] > 0 ? widths[i] + GAP : 0;
    }
    return total > GAP ? total - GAP : 0;
}

/* Takes from the widest column as long as it is too wide and there is one to take from. */
static void fit(size_t *widths, size_t len, size_t width_max)
{
    size_t total = sum(widths, len);

    while (total > width_max) {
        size_t widest = 0;
        for (size_t i = 1; i < len; i++) {
            widest = widths[i] > widths[widest] ? i : widest;
        }
        if (widths[widest] <= GRID_WIDTH_MIN) {
            return;
        }
        widths[widest]--;
        total--;
    }
}

static void put_cell(struct slice text, size_t text_width, size_t width, struct buf *out)
{
    if (text_width > width) {
        text = terminal_cut(text, width - 1);
        text_width = terminal_width(text) + 1;
        buf_slice(out, text);
        buf_text(out, "…");
    } else {
        buf_slice(out, text);
    }
    buf_printf(out, "%*s", (int)(width - text_width + GAP), "");
}

static void end_line(struct buf *out)
{
    while (out->len > 0 && out->ptr[out->len - 1] == ' ') {
        buf_cut(out, out->len - 1);
    }
    buf_byte(out, '\n');
}

static void print_titles(const struct grid *grid, const size_t *widths, struct buf *out)
{
    for (size_t i = 0; i < grid->columns_len; i++) {
        struct slice title = slice_of(grid->titles[i]);
        if (widths[i] > 0) {
            put_cell(title, terminal_width(title), widths[i], out);
        }
    }
    end_line(out);
}

void grid_print(const struct grid *grid, size_t width, struct buf *out)
{
    size_t widths[GRID_COLUMNS_MAX] = {0};
    struct slice text = buf_view(&grid->text);

    assert(grid->cells_len % grid->columns_len == 0);
    measure(grid, widths);
    fit(widths, grid->columns_len, width);
    if (grid->titles != NULL) {
        print_titles(grid, widths, out);
    }
    for (size_t i = 0; i < grid->cells_len; i++) {
        const struct cell *cell = &grid->cells[i];
        size_t column = i % grid->columns_len;
        if (widths[column] > 0) {
            put_cell(slice_sub(text, cell->offset, cell->len), cell->width, widths[column], out);
        }
        if (column + 1 == grid->columns_len) {
            end_line(out);
        }
    }
}
