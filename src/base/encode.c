#include "base/encode.h"

#include <string.h>

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

/* Crockford's: no I, L, O, U, which are misread or make words. */
static const char crockford_upper[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char crockford_lower[] = "0123456789abcdefghjkmnpqrstvwxyz";

static const char base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum {
    MIME_LINE_BYTES = 57, /* make the 76 characters that RFC 2045 section 6.8 allows in a line */
    U64_DIGITS = 13,      /* of 5 bits each */
};

/* Decoders append as they go; a failure takes back what they added. */
static enum err refuse(struct buf *out, size_t len_before)
{
    buf_cut(out, len_before);
    return ERR_INVALID;
}

int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* The byte that two hex digits stand for, -1 when they are none. */
static int hex_byte(const char *digits)
{
    int high = hex_digit(digits[0]);
    int low = hex_digit(digits[1]);

    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

void hex_encode(struct buf *out, const void *ptr, size_t len)
{
    const unsigned char *bytes = ptr;

    buf_reserve(out, len * 2);
    for (size_t i = 0; i < len; i++) {
        char digits[2] = {hex_lower[bytes[i] >> 4], hex_lower[bytes[i] & 0xf]};

        buf_add(out, digits, sizeof digits);
    }
}

enum err hex_decode(struct buf *out, struct slice text)
{
    size_t len_before = out->len;

    if (text.len % 2 != 0) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < text.len; i += 2) {
        int byte = hex_byte(text.ptr + i);

        if (byte < 0) {
            return refuse(out, len_before);
        }
        buf_byte(out, (char)byte);
    }
    return OK;
}

/* One to three bytes as two to four digits. */
static void put_group(struct buf *out, const unsigned char *bytes, size_t len, const char *alphabet)
{
    uint32_t bits = (uint32_t)bytes[0] << 16;
    char digits[4];

    if (len > 1) {
        bits |= (uint32_t)bytes[1] << 8;
    }
    if (len > 2) {
        bits |= bytes[2];
    }
    for (size_t i = 0; i < sizeof digits; i++) {
        digits[i] = alphabet[bits >> (18 - 6 * i) & 0x3f];
    }
    buf_add(out, digits, len + 1);
}

static void put_groups(struct buf *out, const void *ptr, size_t len, const char *alphabet)
{
    const unsigned char *bytes = ptr;

    buf_reserve(out, len / 3 * 4 + 4);
    for (size_t i = 0; i < len; i += 3) {
        put_group(out, bytes + i, len - i < 3 ? len - i : 3, alphabet);
    }
}

void base64_encode(struct buf *out, const void *ptr, size_t len)
{
    static const char *const padding[] = {"", "==", "="};

    put_groups(out, ptr, len, base64_standard);
    buf_text(out, padding[len % 3]);
}

void base64url_encode(struct buf *out, const void *ptr, size_t len)
{
    put_groups(out, ptr, len, base64_url);
}

void base64_encode_lines(struct buf *out, const void *ptr, size_t len)
{
    struct slice rest = slice_from(ptr, len);

    while (rest.len > 0) {
        struct slice line = slice_sub(rest, 0, MIME_LINE_BYTES);

        base64_encode(out, line.ptr, line.len);
        buf_text(out, "\r\n");
        rest = slice_sub(rest, line.len, rest.len);
    }
}

static int base64_value(char digit, const char *alphabet)
{
    if (digit >= 'A' && digit <= 'Z') {
        return digit - 'A';
    }
    if (digit >= 'a' && digit <= 'z') {
        return digit - 'a' + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return digit - '0' + 52;
    }
    if (digit == alphabet[62]) {
        return 62;
    }
    return digit == alphabet[63] ? 63 : -1;
}

/* Reads one to four digits; false when one is wrong, or a bit that stands for nothing is set. */
static bool get_group(struct buf *out, struct slice digits, const char *alphabet)
{
    uint32_t bits = 0;
    size_t len = digits.len * 6 / 8;

    for (size_t i = 0; i < digits.len; i++) {
        int value = base64_value(digits.ptr[i], alphabet);

        if (value < 0) {
            return false;
        }
        bits |= (uint32_t)value << (18 - 6 * i);
    }
    char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
    buf_add(out, bytes, len);
    return len == sizeof bytes || (len > 0 && bits << (8 + 8 * len) == 0);
}

static enum err get_groups(struct buf *out, struct slice text, const char *alphabet)
{
    size_t len_before = out->len;

    for (; text.len > 0; text = slice_sub(text, 4, text.len)) {
        if (!get_group(out, slice_sub(text, 0, 4), alphabet)) {
            return refuse(out, len_before);
        }
    }
    return OK;
}

enum err base64_decode(struct buf *out, struct slice text)
{
    if (text.len % 4 != 0) {
        return ERR_INVALID;
    }
    for (int i = 0; i < 2 && slice_ends(text, SLICE("=")); i++) {
        text.len--;
    }
    return get_groups(out, text, base64_standard);
}

enum err base64url_decode(struct buf *out, struct slice text)
{
    return get_groups(out, text, base64_url);
}

void base32_encode_u64(char *out, uint64_t value)
{
    for (size_t i = U64_DIGITS; i-- > 0; value >>= 5) {
        out[i] = crockford_upper[value & 0x1f];
    }
}

enum err base32_decode_u64(struct slice text, uint64_t *out)
{
    uint64_t value = 0;

    /* 13 digits hold 65 bits: the first may be at most 'F'. */
    if (text.len != U64_DIGITS || text.ptr[0] > 'f' || (text.ptr[0] > 'F' && text.ptr[0] < 'a')) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < text.len; i++) {
        char digit = text.ptr[i];
        const char *alphabet = digit >= 'a' ? crockford_lower : crockford_upper;
        const char *found = memchr(alphabet, digit, 32);

        if (found == NULL) {
            return ERR_INVALID;
        }
        value = value << 5 | (uint64_t)(found - alphabet);
    }
    *out = value;
    return OK;
}

void base32_encode(struct buf *out, const void *ptr, size_t len)
{
    const unsigned char *bytes = ptr;
    uint32_t bits = 0;
    unsigned waiting = 0; /* how many low bits of `bits` are not written yet */

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (waiting += 8; waiting >= 5; waiting -= 5) {
            buf_byte(out, crockford_lower[bits >> (waiting - 5) & 0x1f]);
        }
    }
    if (waiting > 0) {
        buf_byte(out, crockford_lower[bits << (5 - waiting) & 0x1f]);
    }
}

/* RFC 3986 section 2.3. Not isalnum: that asks the locale. */
static bool is_unreserved(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

void percent_encode(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if (is_unreserved(text.ptr[i])) {
            buf_byte(out, text.ptr[i]);
        } else {
            char escape[3] = {'%', hex_upper[byte >> 4], hex_upper[byte & 0xf]};

            buf_add(out, escape, sizeof escape);
        }
    }
}

enum err percent_decode(struct buf *out, struct slice text, bool is_form)
{
    size_t len_before = out->len;

    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];

        if (byte == '%') {
            int value = text.len - i > 2 ? hex_byte(text.ptr + i + 1) : -1;

            if (value < 0) {
                return refuse(out, len_before);
            }
            byte = (char)value;
            i += 2;
        } else if (is_form && byte == '+') {
            byte = ' ';
        }
        buf_byte(out, byte);
    }
    return OK;
}
