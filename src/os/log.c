#include "os/log.h"

#include "base/buf.h"
#include "base/slice.h"
#include "base/timetext.h"
#include "base/utf8.h"
#include "os/env.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE_BYTES_MAX =
        PIPE_BUF,          /* a longer one could be torn apart by another writer of the same pipe */
    VALUE_BYTES_MAX = 512, /* more than any diag holds */
};

static const char line_end[] = "\n";
static const char cut_line_end[] = " cut=true\n";

struct line {
    char chars[LINE_BYTES_MAX];
    size_t len;
    bool is_cut;
};

static const char *const level_words[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

static _Atomic(enum log_level) lowest_level = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&lowest_level, level, memory_order_relaxed);
}

enum err log_level_parse(const char *word, enum log_level *out)
{
    for (size_t i = 0; i < ARRAY_LEN(level_words); i++) {
        if (strcmp(word, level_words[i]) == 0) {
            *out = (enum log_level)i;
            return OK;
        }
    }
    return ERR_INVALID;
}

/* Whether a terminal or a viewer of logs would do something with the character other than show it
 * in its place. */
static bool acts_on_viewer(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x0000, 0x001f}, /* controls */
        {0x007f, 0x009f}, /* delete, more controls */
        {0x2028, 0x202e}, /* line and paragraph separators, direction of text */
        {0x2066, 0x2069}, /* direction of text */
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* Whether value can stand without quotes. */
static bool is_bare(struct slice value)
{
    struct slice rest = value;

    while (rest.len > 0) {
        uint32_t code = 0;
        size_t len = utf8_next(rest, &code);

        if (len == 0 || acts_on_viewer(code) || code == ' ' || code == '"' || code == '=' ||
            code == '\\') {
            return false;
        }
        rest = slice_sub(rest, len, rest.len);
    }
    return value.len > 0;
}

static void add_escaped(struct buf *out, struct slice character)
{
    static const char named[] = "\"\\\n\r\t";
    static const char names[] = "\"\\nrt";
    const char *at = memchr(named, character.ptr[0], sizeof named - 1);

    if (at != NULL) {
        buf_byte(out, '\\');
        buf_byte(out, names[at - named]);
        return;
    }
    for (size_t i = 0; i < character.len; i++) {
        buf_printf(out, "\\x%02x", (unsigned char)character.ptr[i]);
    }
}

static void add_quoted(struct buf *out, struct slice rest)
{
    buf_byte(out, '"');
    while (rest.len > 0) {
        uint32_t code = 0;
        size_t len = utf8_next(rest, &code);
        struct slice character = slice_sub(rest, 0, len > 0 ? len : 1);

        if (len == 0 || acts_on_viewer(code) || code == '"' || code == '\\') {
            add_escaped(out, character);
        } else {
            buf_slice(out, character);
        }
        rest = slice_sub(rest, character.len, rest.len);
    }
    buf_byte(out, '"');
}

static void add_text(struct buf *out, struct slice text)
{
    if (is_bare(text)) {
        buf_slice(out, text);
    } else {
        add_quoted(out, text);
    }
}

static void add_value(struct buf *out, struct slice value)
{
    static const char dots[] = "...";
    struct buf cut;

    if (value.len <= VALUE_BYTES_MAX) {
        add_text(out, value);
        return;
    }
    buf_init(&cut, VALUE_BYTES_MAX + sizeof dots);
    buf_slice(&cut, utf8_cut(value, VALUE_BYTES_MAX));
    buf_text(&cut, dots);
    add_text(out, buf_view(&cut));
    buf_clear(&cut);
}

/* Adds text whole or, when it does not fit any more, neither it nor anything after it. */
static void line_add(struct line *line, const char *text, size_t len)
{
    size_t room = sizeof line->chars - (sizeof cut_line_end - 1) - line->len;

    if (line->is_cut || len > room) {
        line->is_cut = true;
        return;
    }
    memcpy(line->chars + line->len, text, len);
    line->len += len;
}

static void line_add_pair(struct line *line, const char *key, const char *value)
{
    struct buf pair;

    buf_init(&pair, LINE_BYTES_MAX);
    buf_printf(&pair, " %s=", key);
    add_value(&pair, slice_of(value));
    line_add(line, buf_cstr(&pair), pair.len);
    buf_clear(&pair);
}

static void line_begin(struct line *line, enum log_level level, const char *event)
{
    struct timetext now = timetext_rfc3339(env_wall(env_system()));

    line->len = 0;
    line->is_cut = false;
    line_add(line, now.chars, strlen(now.chars));
    line_add_pair(line, "level", level_words[level]);
    line_add_pair(line, "event", event);
}

/* A line that cannot be written is lost: the log must not stop the work. */
static void line_write(struct line *line)
{
    const char *end = line->is_cut ? cut_line_end : line_end;
    size_t end_len = strlen(end);
    ssize_t written = -1;

    memcpy(line->chars + line->len, end, end_len);
    do {
        written = write(STDERR_FILENO, line->chars, line->len + end_len);
    } while (written < 0 && errno == EINTR);
}

void log_line(enum log_level level, const char *event, ...)
{
    int errno_before = errno;
    struct line line;
    va_list args;

    if (level < atomic_load_explicit(&lowest_level, memory_order_relaxed)) {
        return;
    }
    line_begin(&line, level, event);
    va_start(args, event);
    for (const char *key = va_arg(args, const char *); key != NULL;
         key = va_arg(args, const char *)) {
        const char *value = va_arg(args, const char *);

        if (value != NULL) {
            line_add_pair(&line, key, value);
        }
    }
    va_end(args);
    line_write(&line);
    errno = errno_before;
}

void log_fatal(const char *what, int error)
{
    log_line(LOG_ERROR, "fatal", "what", what, "error", strerror(error), NULL);
    _Exit(EXIT_FAILURE);
}

struct log_number log_number(long long number)
{
    struct log_number text;

    (void)snprintf(text.chars, sizeof text.chars, "%lld", number); /* 24 bytes hold any */
    return text;
}
