/* What stands between a string's quotes: for the parser, the look-ups and the writer alike. */
#include "base/encode.h"
#include "base/json_internal.h"
#include "base/utf8.h"

#include <endian.h>
#include <string.h>

/* The same byte eight times. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * The top bit of each byte of word that is not plain. A borrow may also mark a byte above one that
 * is rightly marked, never one below it, so the lowest mark is right.
 */
static uint64_t mark_special(uint64_t word)
{
    uint64_t quote = word ^ EIGHT('"');
    uint64_t backslash = word ^ EIGHT('\\');

    return (((quote - EIGHT(1)) & ~quote) | ((backslash - EIGHT(1)) & ~backslash) |
            ((word - EIGHT(0x20)) & ~word) | word) &
           EIGHT(0x80);
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

const char *json_skip_plain(const char *at, const char *end)
{
    uint64_t word;

    for (; (size_t)(end - at) >= sizeof word; at += sizeof word) {
        memcpy(&word, at, sizeof word);
        uint64_t marks = mark_special(le64toh(word));
        if (marks != 0) {
            return at + __builtin_ctzll(marks) / 8;
        }
    }
    while (at < end && is_plain((unsigned char)*at)) {
        at++;
    }
    return at;
}

/* Reads \uXXXX. */
static bool read_unit(const char *at, const char *end, uint32_t *unit)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
        return false;
    }
    *unit = 0;
    for (int i = 2; i < 6; i++) {
        int value = hex_digit(at[i]);

        if (value < 0) {
            return false;
        }
        *unit = *unit << 4 | (uint32_t)value;
    }
    return true;
}

static size_t read_unicode(const char *at, const char *end, uint32_t *code)
{
    uint32_t low;

    if (!read_unit(at, end, code)) {
        return 0;
    }
    if (*code < 0xd800 || *code > 0xdfff) {
        return 6;
    }
    if (*code > 0xdbff || !read_unit(at + 6, end, &low) || low < 0xdc00 || low > 0xdfff) {
        return 0; /* half a pair */
    }
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

size_t json_read_escape(const char *at, const char *end, uint32_t *code)
{
    static const char meanings[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                       ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

    if (end - at < 2) {
        return 0;
    }
    if (at[1] == 'u') {
        return read_unicode(at, end, code);
    }
    unsigned char letter = (unsigned char)at[1];
    if (letter >= ARRAY_LEN(meanings) || meanings[letter] == 0) {
        return 0;
    }
    *code = (uint32_t)meanings[letter];
    return 2;
}

void json_undo_escapes(struct slice raw, struct buf *out)
{
    const char *at = raw.ptr;
    const char *end = raw.ptr + raw.len;

    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        uint32_t code = 0;

        if (escape == NULL) {
            buf_add(out, at, (size_t)(end - at));
            return;
        }
        buf_add(out, at, (size_t)(escape - at));
        at = escape + json_read_escape(escape, end, &code);
        utf8_put(out, code);
    }
}
