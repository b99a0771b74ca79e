#include "base/utf8.h"
#include "base/xml.h"

#include <assert.h>
#include <string.h>

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool may_begin_name(char byte)
{
    return is_letter(byte) || byte == '_';
}

static bool may_be_in_name(char byte)
{
    return may_begin_name(byte) || (byte >= '0' && byte <= '9') || byte == '-' || byte == '.';
}

bool xml_is_name(struct slice text)
{
    if (text.len == 0 || !may_begin_name(text.ptr[0]) ||
        slice_equal_nocase(slice_sub(text, 0, 3), SLICE("xml"))) {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (!may_be_in_name(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* What stands for a character in a text or an attribute; NULL: the character itself. */
static const char *reference_of(uint32_t code, bool is_attribute)
{
    static const struct {
        uint32_t code;
        bool only_in_attribute;
        const char *reference;
    } references[] = {
        {'&', false, "&amp;"}, {'<', false, "&lt;"},  {'>', false, "&gt;"}, {'\r', false, "&#13;"},
        {'"', true, "&quot;"}, {'\'', true, "&#39;"}, {'\t', true, "&#9;"}, {'\n', true, "&#10;"},
    };

    for (size_t i = 0; i < ARRAY_LEN(references); i++) {
        if (references[i].code == code && (is_attribute || !references[i].only_in_attribute)) {
            return references[i].reference;
        }
    }
    return NULL;
}

/* XML 1.0 section 2.2; surrogates are no code points of UTF-8. */
static bool is_allowed(uint32_t code)
{
    return code >= 0x20 ? code != 0xfffe && code != 0xffff
                        : code == '\t' || code == '\n' || code == '\r';
}

/* How many bytes at the start of text are only themselves: printable ASCII but & < > and quotes. */
static size_t plain_len(struct slice text)
{
    size_t len = 0;

    for (; len < text.len; len++) {
        unsigned char byte = (unsigned char)text.ptr[len];

        if (byte < ' ' || byte >= 0x7f || strchr("&<>\"'", byte) != NULL) {
            break;
        }
    }
    return len;
}

/* The one character at the start of text; returns its bytes. */
static size_t escape_character(struct buf *out, struct slice text, bool is_attribute)
{
    uint32_t code = 0;
    size_t len = utf8_next(text, &code);

    if (len == 0 || !is_allowed(code)) {
        utf8_put(out, 0xfffd);
        return len > 0 ? len : 1;
    }
    const char *reference = reference_of(code, is_attribute);
    if (reference != NULL) {
        buf_text(out, reference);
    } else {
        buf_add(out, text.ptr, len);
    }
    return len;
}

void xml_escape(struct buf *out, struct slice text, bool is_attribute)
{
    while (text.len > 0) {
        size_t len = plain_len(text);

        if (len > 0) {
            buf_add(out, text.ptr, len);
        } else {
            len = escape_character(out, text, is_attribute);
        }
        text = slice_sub(text, len, text.len);
    }
}

static void put_tag(struct buf *out, const char *begin, struct slice name)
{
    assert(xml_is_name(name));
    buf_text(out, begin);
    buf_slice(out, name);
    buf_byte(out, '>');
}

void xml_begin(struct buf *out, struct slice name)
{
    put_tag(out, "<", name);
}

void xml_end(struct buf *out, struct slice name)
{
    put_tag(out, "</", name);
}

void xml_element(struct buf *out, const char *name, struct slice text)
{
    xml_begin(out, slice_of(name));
    xml_escape(out, text, false);
    xml_end(out, slice_of(name));
}
