#include "base/json_internal.h"
#include "base/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void json_writer_init(struct json_writer *writer, struct buf *out)
{
    *writer = (struct json_writer){.out = out};
}

/* In front of each value and name. */
static void put_comma(struct json_writer *writer)
{
    if (writer->needs_comma) {
        buf_byte(writer->out, ',');
    }
    writer->needs_comma = true;
}

static void begin(struct json_writer *writer, char bracket)
{
    put_comma(writer);
    buf_byte(writer->out, bracket);
    writer->needs_comma = false;
    writer->depth++;
}

static void end(struct json_writer *writer, char bracket)
{
    assert(writer->depth > 0);
    writer->depth--;
    buf_byte(writer->out, bracket);
    writer->needs_comma = true;
}

void json_begin_object(struct json_writer *writer)
{
    begin(writer, '{');
}

void json_end_object(struct json_writer *writer)
{
    end(writer, '}');
}

void json_begin_array(struct json_writer *writer)
{
    begin(writer, '[');
}

void json_end_array(struct json_writer *writer)
{
    end(writer, ']');
}

void json_key(struct json_writer *writer, const char *name)
{
    json_key_slice(writer, slice_of(name));
}

void json_key_slice(struct json_writer *writer, struct slice name)
{
    json_put_string(writer, name);
    buf_byte(writer->out, ':');
    writer->needs_comma = false;
}

void json_put_string(struct json_writer *writer, struct slice text)
{
    put_comma(writer);
    json_escape(writer->out, text);
}

void json_put_text(struct json_writer *writer, const char *text)
{
    if (text == NULL) {
        json_put_null(writer);
    } else {
        json_put_string(writer, slice_of(text));
    }
}

void json_put_i64(struct json_writer *writer, int64_t number)
{
    put_comma(writer);
    buf_printf(writer->out, "%" PRId64, number);
}

void json_put_bool(struct json_writer *writer, bool truth)
{
    put_comma(writer);
    buf_text(writer->out, truth ? "true" : "false");
}

void json_put_null(struct json_writer *writer)
{
    put_comma(writer);
    buf_text(writer->out, "null");
}

void json_put_raw(struct json_writer *writer, struct slice json)
{
    put_comma(writer);
    buf_slice(writer->out, json);
}

static void escape_ascii(struct buf *out, unsigned char byte)
{
    static const char letters[128] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                      ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};

    if (letters[byte] != 0) {
        buf_add(out, (const char[]){'\\', letters[byte]}, 2);
    } else {
        buf_printf(out, "\\u%04x", byte);
    }
}

/*
 * Writes what stands at the start of rest, which is not plain, and returns how many bytes of it
 * that were.
 */
static size_t put_special(struct buf *out, struct slice rest)
{
    size_t len = utf8_next(rest, NULL);

    if (len == 0) {
        utf8_put(out, 0xfffd);
        return 1;
    }
    if (len == 1) {
        escape_ascii(out, (unsigned char)rest.ptr[0]);
    } else {
        buf_add(out, rest.ptr, len);
    }
    return len;
}

void json_escape(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    while (text.len > 0) {
        size_t plain = (size_t)(json_skip_plain(text.ptr, text.ptr + text.len) - text.ptr);

        buf_add(out, text.ptr, plain);
        text = slice_sub(text, plain, text.len);
        if (text.len > 0) {
            text = slice_sub(text, put_special(out, text), text.len);
        }
    }
    buf_byte(out, '"');
}
