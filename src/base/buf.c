#include "base/buf.h"

#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Most texts are short; doubling from here reaches 1 KiB in four steps. */
enum { ROOM_MIN = 64 };

void buf_init(struct buf *buf, size_t bytes_max)
{
    /* The zero byte needs room too. */
    *buf = (struct buf){.bytes_max = bytes_max < SIZE_MAX ? bytes_max : SIZE_MAX - 1};
}

void buf_clear(struct buf *buf)
{
    mem_free(buf->ptr);
    buf_init(buf, buf->bytes_max);
}

static void terminate(struct buf *buf)
{
    if (buf->ptr != NULL) {
        buf->ptr[buf->len] = '\0';
    }
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->is_over = false;
    terminate(buf);
}

void buf_cut(struct buf *buf, size_t len)
{
    if (len < buf->len) {
        buf->len = len;
        terminate(buf);
    }
}

static bool fits(const struct buf *buf, size_t len)
{
    return len <= buf->bytes_max - buf->len;
}

static size_t double_until(size_t room, size_t room_needed)
{
    while (room < room_needed) {
        room = room > SIZE_MAX / 2 ? room_needed : room * 2;
    }
    return room;
}

/* Room for len more, which must fit, and the zero byte. */
static void grow(struct buf *buf, size_t len)
{
    size_t room_needed = buf->len + len + 1;

    if (room_needed <= buf->room) {
        return;
    }
    size_t room = double_until(buf->room > 0 ? buf->room : ROOM_MIN, room_needed);
    if (room > buf->bytes_max + 1) {
        room = buf->bytes_max + 1;
    }
    buf->ptr = mem_resize(buf->ptr, room, 1);
    buf->room = room;
    terminate(buf);
}

/* Makes room for len more, or notes that they do not fit. */
static bool prepare(struct buf *buf, size_t len)
{
    if (buf->is_over || !fits(buf, len)) {
        buf->is_over = true;
        terminate(buf); /* a cut attempt to print may stand there */
        return false;
    }
    grow(buf, len);
    return true;
}

void buf_reserve(struct buf *buf, size_t len)
{
    if (!buf->is_over && fits(buf, len)) {
        grow(buf, len);
    }
}

void buf_add(struct buf *buf, const void *ptr, size_t len)
{
    if (len == 0 || !prepare(buf, len)) {
        return;
    }
    memcpy(buf->ptr + buf->len, ptr, len);
    buf->len += len;
    terminate(buf);
}

void buf_slice(struct buf *buf, struct slice slice)
{
    buf_add(buf, slice.ptr, slice.len);
}

void buf_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_byte(struct buf *buf, char byte)
{
    buf_add(buf, &byte, 1);
}

/* How long the text is, which is there only when that is less than the room left. */
PRINTF_LIKE(2, 0) static size_t print_at_end(struct buf *buf, const char *format, va_list args)
{
    char *end = buf->ptr != NULL ? buf->ptr + buf->len : NULL;
    int len = vsnprintf(end, buf->room - buf->len, format, args);

    assert(len >= 0); /* only a broken format fails */
    return (size_t)len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;

    if (buf->is_over) {
        return;
    }
    va_start(args, format);
    size_t len = print_at_end(buf, format, args);
    va_end(args);
    if (len >= buf->room - buf->len) {
        if (!prepare(buf, len)) {
            return;
        }
        va_start(args, format);
        (void)print_at_end(buf, format, args); /* as long as before */
        va_end(args);
    }
    buf->len += len;
}

struct slice buf_view(const struct buf *buf)
{
    return (struct slice){buf_cstr(buf), buf->len};
}

const char *buf_cstr(const struct buf *buf)
{
    return buf->ptr != NULL ? buf->ptr : "";
}

char *buf_take(struct buf *buf, size_t *len)
{
    grow(buf, 0);

    char *ptr = buf->ptr;
    *len = buf->len;
    buf->ptr = NULL;
    buf_clear(buf);
    return ptr;
}

enum err buf_check(const struct buf *buf)
{
    return buf->is_over ? ERR_LIMIT : OK;
}
