#include "base/slice.h"

#include <string.h>

struct slice slice_of(const char *text)
{
    return text != NULL ? (struct slice){text, strlen(text)} : SLICE("");
}

struct slice slice_from(const void *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

bool slice_is_empty(struct slice slice)
{
    return slice.len == 0;
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Not tolower: that asks the locale. */
static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool slice_is(struct slice slice, const char *text)
{
    return slice_equal(slice, slice_of(text));
}

int slice_compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool slice_starts(struct slice slice, struct slice prefix)
{
    return slice.len >= prefix.len && slice_equal(slice_sub(slice, 0, prefix.len), prefix);
}

bool slice_ends(struct slice slice, struct slice suffix)
{
    return slice.len >= suffix.len &&
           slice_equal(slice_sub(slice, slice.len - suffix.len, suffix.len), suffix);
}

struct slice slice_sub(struct slice slice, size_t offset, size_t len)
{
    if (offset > slice.len) {
        offset = slice.len;
    }
    if (len > slice.len - offset) {
        len = slice.len - offset;
    }
    /* An empty slice may have no address to count from. */
    return (struct slice){offset > 0 ? slice.ptr + offset : slice.ptr, len};
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

struct slice slice_trim(struct slice slice)
{
    while (slice.len > 0 && is_blank(slice.ptr[0])) {
        slice.ptr++;
        slice.len--;
    }
    while (slice.len > 0 && is_blank(slice.ptr[slice.len - 1])) {
        slice.len--;
    }
    return slice;
}

bool slice_cut(struct slice *rest, char separator, struct slice *part)
{
    if (rest->ptr == NULL) {
        return false;
    }
    const char *found = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    if (found == NULL) {
        *part = *rest;
        *rest = (struct slice){NULL, 0};
    } else {
        size_t len = (size_t)(found - rest->ptr);

        *part = slice_sub(*rest, 0, len);
        *rest = slice_sub(*rest, len + 1, rest->len);
    }
    return true;
}

enum err slice_to_u64(struct slice slice, uint64_t *out)
{
    uint64_t value = 0;
    bool is_over = false;

    if (slice.len == 0) {
        return ERR_INVALID;
    }
    /*
     * To the end even when it is too large already: "99999999999999999999x" is no number at all.
     */
    for (size_t i = 0; i < slice.len; i++) {
        char digit = slice.ptr[i];

        if (digit < '0' || digit > '9') {
            return ERR_INVALID;
        }
        is_over = is_over || __builtin_mul_overflow(value, 10, &value) ||
                  __builtin_add_overflow(value, (uint64_t)(digit - '0'), &value);
    }
    if (is_over) {
        return ERR_LIMIT;
    }
    *out = value;
    return OK;
}

enum err slice_to_i64(struct slice slice, int64_t *out)
{
    bool is_negative = slice.len > 0 && slice.ptr[0] == '-';
    uint64_t size = 0;
    enum err err = slice_to_u64(slice_sub(slice, is_negative ? 1 : 0, slice.len), &size);

    if (err != OK) {
        return err;
    }
    if (size > (uint64_t)INT64_MAX + is_negative) {
        return ERR_LIMIT;
    }
    *out = is_negative ? (int64_t)(0 - size) : (int64_t)size;
    return OK;
}

/* SipHash's four words (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). */
struct sip {
    uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void sip_round(struct sip *sip)
{
    sip->a += sip->b;
    sip->c += sip->d;
    sip->b = rotate(sip->b, 13) ^ sip->a;
    sip->d = rotate(sip->d, 16) ^ sip->c;
    sip->a = rotate(sip->a, 32);
    sip->c += sip->b;
    sip->a += sip->d;
    sip->b = rotate(sip->b, 17) ^ sip->c;
    sip->d = rotate(sip->d, 21) ^ sip->a;
    sip->c = rotate(sip->c, 32);
}

static void sip_word(struct sip *sip, uint64_t word)
{
    sip->d ^= word;
    sip_round(sip);
    sip->a ^= word;
}

/*
 * SipHash-1-3: a peer that does not know the seed cannot choose keys that fall together, and a
 * short key costs some 10 ns. The words are read as this machine orders them; a hash never leaves
 * the process.
 */
uint64_t slice_hash(struct slice slice, uint64_t seed)
{
    uint64_t other = ~seed;
    struct sip sip = {seed ^ UINT64_C(0x736f6d6570736575), other ^ UINT64_C(0x646f72616e646f6d),
                      seed ^ UINT64_C(0x6c7967656e657261), other ^ UINT64_C(0x7465646279746573)};
    size_t offset = 0;
    uint64_t word = 0;

    for (; slice.len - offset >= sizeof word; offset += sizeof word) {
        memcpy(&word, slice.ptr + offset, sizeof word);
        sip_word(&sip, word);
    }
    word = 0;
    if (slice.len > offset) {
        memcpy(&word, slice.ptr + offset, slice.len - offset);
    }
    /* The length in the free top byte keeps "a" and "a\0" apart. */
    sip_word(&sip, word ^ (uint64_t)slice.len << 56);
    sip.c ^= 0xff;
    sip_round(&sip);
    sip_round(&sip);
    sip_round(&sip);
    return sip.a ^ sip.b ^ sip.c ^ sip.d;
}
