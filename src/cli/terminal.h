/*
 * What a terminal makes of text: how wide it is, and what must not reach it.
 *
 * Texts come from servers and from those who send webhooks: a control character in them could move
 * the cursor, change the title or hide what stands before it, so none gets through.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "base/buf.h"
#include "base/slice.h"

#include <stddef.h>

/*
 * The columns of the terminal on standard output; SIZE_MAX when that is none, so that nothing is
 * cut for a pipe.
 */
size_t terminal_columns(void);

/*
 * How many columns text takes: 2 for a wide character, 0 for a combining one. Broken UTF-8 counts 1
 * a byte.
 */
size_t terminal_width(struct slice text);

/* The longest start of text that is at most width columns wide. */
struct slice terminal_cut(struct slice text, size_t width);

/*
 * Appends text on one line: U+FFFD stands for control and direction characters and for broken
 * UTF-8, a space for line ends and tabs.
 */
void terminal_put_line(struct buf *out, struct slice text);

/* The same for text of several lines: line ends and tabs stay. */
void terminal_put_text(struct buf *out, struct slice text);

#endif
