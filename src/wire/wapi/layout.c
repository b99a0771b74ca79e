#include "wire/wapi/layout.h"

#include <string.h>

/* Deeper lines are not indented further: a document of many levels would become mostly spaces. */
enum { LEVELS_MAX = 16, SPACES_A_LEVEL = 2 };

static void start_line(struct buf *out, unsigned level)
{
    unsigned shown = level < LEVELS_MAX ? level : LEVELS_MAX;

    if (out->len > 0 && out->ptr[out->len - 1] != '\n') {
        buf_byte(out, '\n');
    }
    buf_printf(out, "%*s", (int)(shown * SPACES_A_LEVEL), "");
}

/* ---- XML: '<' and '>' are only in tags ---- */

static struct slice cut_tag(struct slice *rest)
{
    const char *end = memchr(rest->ptr, '>', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->ptr) + 1 : rest->len;
    struct slice tag = slice_sub(*rest, 0, len);

    *rest = slice_sub(*rest, len, rest->len);
    return tag;
}

static struct slice cut_text(struct slice *rest)
{
    const char *end = memchr(rest->ptr, '<', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
    struct slice text = slice_sub(*rest, 0, len);

    *rest = slice_sub(*rest, len, rest->len);
    return text;
}

/* An element without children stays on one line: its end follows its begin. */
static void layout_xml(struct slice document, struct buf *out)
{
    unsigned level = 0;
    bool has_just_begun = false;

    while (document.len > 0) {
        struct slice tag = cut_tag(&document);
        struct slice text = cut_text(&document);
        bool is_end = slice_starts(tag, SLICE("</"));
        bool is_declaration = slice_starts(tag, SLICE("<?"));

        level -= is_end;
        if (!(is_end && has_just_begun)) {
            start_line(out, level);
        }
        buf_slice(out, tag);
        if (!is_end && !is_declaration) {
            buf_slice(out, text);
        }
        level += !is_end && !is_declaration;
        has_just_begun = !is_end && !is_declaration;
    }
    buf_byte(out, '\n');
}

/* ---- JSON ---- */

/* How long the string at the start of text is, quotes included. */
static size_t string_len(struct slice text)
{
    size_t at = 1;

    while (at < text.len && text.ptr[at] != '"') {
        at += text.ptr[at] == '\\' ? 2 : 1;
    }
    return at + 1;
}

/* How much at the start of text stays together: a string, an empty container, or one character. */
static size_t token_len(struct slice text)
{
    if (text.ptr[0] == '"') {
        return string_len(text);
    }
    return slice_starts(text, SLICE("{}")) || slice_starts(text, SLICE("[]")) ? 2 : 1;
}

static void layout_json(struct slice document, struct buf *out)
{
    unsigned level = 0;

    while (document.len > 0) {
        struct slice token = slice_sub(document, 0, token_len(document));
        bool is_one = token.len == 1;
        char first = token.ptr[0];

        document = slice_sub(document, token.len, document.len);
        if (is_one && (first == '}' || first == ']')) {
            start_line(out, --level);
        }
        buf_slice(out, token);
        if (is_one && first == ':') {
            buf_byte(out, ' ');
        } else if (is_one && (first == '{' || first == '[')) {
            start_line(out, ++level);
        } else if (is_one && first == ',') {
            start_line(out, level);
        }
    }
    buf_byte(out, '\n');
}

void layout_document(enum wapi_format format, struct slice document, struct buf *out)
{
    switch (format) {
    case WAPI_XML:
        layout_xml(document, out);
        break;
    case WAPI_JSON:
        layout_json(document, out);
        break;
    }
}
