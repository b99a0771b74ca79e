#include "send/mail_text.h"

#include "base/encode.h"
#include "base/utf8.h"

#include <string.h>

enum {
    LINE_MAX_CHARS = 76, /* RFC 2047 section 2, RFC 2045 section 6.7 */
    WORD_MAX_CHARS = 75, /* RFC 2047 section 2: an encoded word */
};

#define WORD_START "=?UTF-8?B?"
#define WORD_END "?="

/* Characters beside letters and digits that need no quotes in a display name (RFC 5322 section
 * 3.2.3), and the space between. */
static const char atom_characters[] = " !#$%&'*+-/=?^_`{|}~";

static bool is_alphanumeric(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

static bool is_plain(char byte)
{
    return byte >= ' ' && byte <= '~';
}

bool mail_text_is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_plain(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* How many bytes of text an encoded word of chars characters can hold. */
static size_t word_room(size_t chars)
{
    size_t encoded = chars - (sizeof WORD_START - 1) - (sizeof WORD_END - 1);

    return encoded / 4 * 3;
}

/* Encoded words, the first one beginning at column of a line, each of the others on a line of its
 * own. */
static void add_words(struct buf *out, struct slice text, size_t column)
{
    size_t room = word_room(LINE_MAX_CHARS - column);

    while (text.len > 0) {
        struct slice part = utf8_cut(text, room);

        buf_text(out, WORD_START);
        base64_encode(out, part.ptr, part.len);
        buf_text(out, WORD_END);
        text = slice_sub(text, part.len, text.len);
        if (text.len > 0) {
            buf_text(out, "\r\n ");
        }
        room = word_room(WORD_MAX_CHARS);
    }
}

/* Whether a reader gets back what was meant when text stands in a header as it is. */
static bool stands_for_itself(struct slice text, size_t column)
{
    return mail_text_is_plain(text) && text.len <= LINE_MAX_CHARS - column &&
           slice_trim(text).len == text.len &&
           (text.len == 0 || memmem(text.ptr, text.len, "=?", 2) == NULL);
}

void mail_text_header(struct buf *out, const char *name, struct slice text)
{
    size_t column = strlen(name) + 2;

    buf_text(out, name);
    buf_text(out, ": ");
    if (stands_for_itself(text, column)) {
        buf_slice(out, text);
    } else {
        add_words(out, text, column);
    }
    buf_text(out, "\r\n");
}

static bool is_atoms(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alphanumeric(text.ptr[i]) && strchr(atom_characters, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static void add_quoted(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\') {
            buf_byte(out, '\\');
        }
        buf_byte(out, text.ptr[i]);
    }
    buf_byte(out, '"');
}

void mail_text_address(struct buf *out, const char *name, struct slice display,
                       struct slice address)
{
    /* Half a line: quotes and backslashes may double it. */
    size_t column = strlen(name) + 2 + LINE_MAX_CHARS / 2;

    buf_printf(out, "%s: ", name);
    if (display.len == 0) {
        buf_printf(out, "%.*s\r\n", SLICE_ARGS(address));
        return;
    }
    bool fits = column + sizeof " <>" + address.len <= LINE_MAX_CHARS;
    if (!stands_for_itself(display, column)) {
        add_words(out, display, strlen(name) + 2);
        fits = false; /* how full the line is, is not known */
    } else if (is_atoms(display)) {
        buf_slice(out, display);
    } else {
        add_quoted(out, display);
    }
    buf_printf(out, "%s <%.*s>\r\n", fits ? "" : "\r\n", SLICE_ARGS(address));
}

void mail_text_parameter(struct buf *out, const char *name, struct slice value)
{
    value = utf8_cut(value, MAIL_TEXT_PARAMETER_BYTES_MAX);
    if (mail_text_is_plain(value)) {
        buf_printf(out, "; %s=", name);
        add_quoted(out, value);
    } else {
        buf_printf(out, "; %s*=UTF-8''", name);
        percent_encode(out, value);
    }
}

/* One line of quoted-printable while it is written. */
struct quoted_line {
    struct buf *out;
    size_t column;
};

/* Adds a character or an escape, with a soft line end before it when it would leave no room for one
 * behind it. */
static void add_piece(struct quoted_line *line, const char *piece, size_t len)
{
    if (line->column + len > LINE_MAX_CHARS - 1) {
        buf_text(line->out, "=\r\n");
        line->column = 0;
    }
    buf_add(line->out, piece, len);
    line->column += len;
}

static void add_escape(struct quoted_line *line, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    char escape[] = {'=', digits[byte >> 4], digits[byte & 0xf]};

    add_piece(line, escape, sizeof escape);
}

/* One line of text, without its end. */
static void add_quoted_line(struct buf *out, struct slice text)
{
    struct quoted_line line = {.out = out};

    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        /* Relays drop spaces at the end of a line. */
        bool is_last_space = byte == ' ' && i + 1 == text.len;

        if (is_plain(byte) && byte != '=' && !is_last_space) {
            add_piece(&line, &byte, 1);
        } else {
            add_escape(&line, (unsigned char)byte);
        }
    }
    buf_text(out, "\r\n");
}

void mail_text_quoted_printable(struct buf *out, struct slice text)
{
    struct slice line;

    if (text.len == 0) {
        return;
    }
    /* The end of the last line begins no further one. */
    if (slice_ends(text, SLICE("\n"))) {
        text = slice_sub(text, 0, text.len - 1);
    }
    while (slice_cut(&text, '\n', &line)) {
        if (slice_ends(line, SLICE("\r"))) {
            line = slice_sub(line, 0, line.len - 1);
        }
        add_quoted_line(out, line);
    }
}
