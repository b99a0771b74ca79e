#include "base/utf8.h"

#include <assert.h>
#include <string.h>

/* The high bit of each byte: set anywhere, a word is not all ASCII. */
#define HIGH_BITS UINT64_C(0x8080808080808080)

/*
 * What may follow a lead byte (RFC 3629 section 4): how long the sequence is and between what the
 * second byte must lie, which is where overlong forms, surrogates and everything above U+10FFFF
 * fall out.
 */
struct lead {
    unsigned char first, last; /* lead bytes of this kind */
    unsigned char len;
    unsigned char second_min, second_max;
};

static const struct lead leads[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct lead *lead_of(unsigned char byte)
{
    for (size_t i = 0; i < ARRAY_LEN(leads); i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

static bool follows(const struct lead *lead, const unsigned char *bytes)
{
    if (bytes[1] < lead->second_min || bytes[1] > lead->second_max) {
        return false;
    }
    for (size_t i = 2; i < lead->len; i++) {
        if (!is_continuation(bytes[i])) {
            return false;
        }
    }
    return true;
}

static uint32_t decode(const unsigned char *bytes, size_t len)
{
    uint32_t code =
        bytes[0] & (0xffu >> (len + 1)); /* the lead byte has len ones and a zero in front */

    for (size_t i = 1; i < len; i++) {
        code = code << 6 | (bytes[i] & 0x3fu);
    }
    return code;
}

size_t utf8_next(struct slice text, uint32_t *code)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    uint32_t found;
    size_t len = 1;

    if (text.len == 0) {
        return 0;
    }
    if (bytes[0] < 0x80) {
        found = bytes[0];
    } else {
        const struct lead *lead = lead_of(bytes[0]);

        if (lead == NULL || lead->len > text.len || !follows(lead, bytes)) {
            return 0;
        }
        len = lead->len;
        found = decode(bytes, len);
    }
    if (code != NULL) {
        *code = found;
    }
    return len;
}

/*
 * How many ASCII bytes text starts with, found eight at a time: up to seven may be left out at the
 * end.
 */
static size_t ascii_words(struct slice text)
{
    size_t offset = 0;
    uint64_t word;

    for (; text.len - offset >= sizeof word; offset += sizeof word) {
        memcpy(&word, text.ptr + offset, sizeof word);
        if ((word & HIGH_BITS) != 0) {
            break;
        }
    }
    return offset;
}

bool utf8_is_valid(struct slice text)
{
    while (text.len > 0) {
        size_t len = ascii_words(text);

        if (len == 0) {
            len = utf8_next(text, NULL);
        }
        if (len == 0) {
            return false;
        }
        text = slice_sub(text, len, text.len);
    }
    return true;
}

void utf8_put(struct buf *out, uint32_t code)
{
    assert(code <= 0x10ffff && (code < 0xd800 || code > 0xdfff));
    if (code < 0x80) {
        buf_byte(out, (char)code);
        return;
    }
    char bytes[4];
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; code >>= 6) {
        bytes[i] = (char)(0x80u | (code & 0x3fu));
    }
    bytes[0] = (char)(0xf00u >> len | code); /* len ones and a zero */
    buf_add(out, bytes, len);
}

size_t utf8_count(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += !is_continuation((unsigned char)text.ptr[i]);
    }
    return count;
}

struct slice utf8_cut(struct slice text, size_t bytes_max)
{
    if (text.len <= bytes_max) {
        return text;
    }
    /*
     * Back to the last character's start; what would be dropped begins with no continuation byte
     * then.
     */
    while (bytes_max > 0 && is_continuation((unsigned char)text.ptr[bytes_max])) {
        bytes_max--;
    }
    return slice_sub(text, 0, bytes_max);
}

bool utf8_has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if (byte < 0x20 || byte == 0x7f) {
            return true;
        }
        /* U+0080 to U+009F are 0xC2 and the code itself. */
        if (byte == 0xc2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xa0) {
            return true;
        }
    }
    return false;
}
