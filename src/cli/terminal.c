#include "cli/terminal.h"

#include "base/macro.h"
#include "base/utf8.h"

#include <sys/ioctl.h>
#include <unistd.h>

struct range {
    uint32_t first, last;
};

/*
 * The larger blocks of combining and invisible characters; a rare one that is missing makes a
 * column crooked, no more.
 */
static const struct range zero_width[] = {
    {0x0300, 0x036f},   {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x0900, 0x0902},   {0x093c, 0x093c}, {0x0941, 0x0948}, {0x094d, 0x094d}, {0x0e31, 0x0e31},
    {0x0e34, 0x0e3a},   {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},
    {0x20d0, 0x20ff},   {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0x1f3fb, 0x1f3ff},
    {0xe0100, 0xe01ef},
};

/* Wide and full-width characters (Unicode Standard Annex 11), by blocks. */
static const struct range double_width[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
    {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97c},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff},
    {0x20000, 0x3fffd},
};

/*
 * Characters that turn the direction of what follows them, and so can make a text read as another.
 */
static const struct range direction[] = {
    {0x061c, 0x061c}, {0x200e, 0x200f}, {0x202a, 0x202e}, {0x2066, 0x2069}};

static bool is_among(uint32_t code, const struct range *ranges, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static size_t width_of(uint32_t code)
{
    if (code < 0x300) {
        return 1;
    }
    if (is_among(code, zero_width, ARRAY_LEN(zero_width))) {
        return 0;
    }
    return is_among(code, double_width, ARRAY_LEN(double_width)) ? 2 : 1;
}

/* The next character of text and its bytes; a byte that belongs to none counts as U+FFFD. */
static uint32_t next(struct slice text, size_t *bytes)
{
    uint32_t code = 0;

    *bytes = utf8_next(text, &code);
    if (*bytes == 0) {
        *bytes = 1;
        code = 0xfffd;
    }
    return code;
}

size_t terminal_columns(void)
{
    struct winsize size;

    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return SIZE_MAX;
}

struct slice terminal_cut(struct slice text, size_t width)
{
    size_t at = 0, used = 0, bytes = 0;

    while (at < text.len) {
        used += width_of(next(slice_sub(text, at, text.len), &bytes));
        if (used > width) {
            break;
        }
        at += bytes;
    }
    return slice_sub(text, 0, at);
}

size_t terminal_width(struct slice text)
{
    size_t width = 0, bytes = 0;

    for (size_t at = 0; at < text.len; at += bytes) {
        width += width_of(next(slice_sub(text, at, text.len), &bytes));
    }
    return width;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
           is_among(code, direction, ARRAY_LEN(direction));
}

static bool is_space(uint32_t code)
{
    return code == '\n' || code == '\t' || code == '\r';
}

static void put(struct buf *out, struct slice text, bool is_line)
{
    size_t bytes = 0;

    for (size_t at = 0; at < text.len; at += bytes) {
        uint32_t code = next(slice_sub(text, at, text.len), &bytes);
        if (is_space(code) && is_line) {
            buf_byte(out, ' ');
        } else if (code == '\n' || code == '\t' || !is_control(code)) {
            utf8_put(out, code);
        } else if (code != '\r') {
            utf8_put(out, 0xfffd);
        }
    }
}

void terminal_put_line(struct buf *out, struct slice text)
{
    put(out, text, /* is_line= */ true);
}

void terminal_put_text(struct buf *out, struct slice text)
{
    put(out, text, /* is_line= */ false);
}
