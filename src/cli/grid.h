/*
 * A table for a person: columns as wide as their widest cell, cut down to what the terminal is
 * wide.
 *
 * Columns in which nothing stands are left out. When it is too wide, the widest columns are cut
 * first and end in "…", but never below GRID_WIDTH_MIN, so that an id can always be copied.
 */
#ifndef CLI_GRID_H
#define CLI_GRID_H

#include "base/buf.h"
#include "base/slice.h"

struct grid; /* opaque */

enum { GRID_WIDTH_MIN = 17, GRID_COLUMNS_MAX = 12 }; /* 17: the length of an id */

/* titles (columns_len of them, at most GRID_COLUMNS_MAX) are borrowed; NULL: none are shown. */
struct grid *grid_new(const char *const *titles, size_t columns_len);
void grid_free(struct grid *grid);

/* The next cell, row by row; copied, in one line and without what a terminal must not get. */
void grid_put(struct grid *grid, struct slice cell);

/* Titles and rows, fitted into width columns where that is possible. The last row must be full. */
void grid_print(const struct grid *grid, size_t width, struct buf *out);

#endif
