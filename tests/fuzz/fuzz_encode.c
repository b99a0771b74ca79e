/*
 * Whatever is encoded decodes to itself; whatever decodes is the one text that encodes to it (but
 * for the case of hex, and of percent-encoding, which has many); and a decoder that refuses leaves
 * the buffer as it was.
 */
#include "base/encode.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TEXT_BYTES_MAX = 64 * 1024 * 1024 };

typedef void encode_fn(struct buf *out, const void *ptr, size_t len);
typedef enum err decode_fn(struct buf *out, struct slice text);

static void percent_encode_bytes(struct buf *out, const void *ptr, size_t len)
{
    percent_encode(out, slice_from(ptr, len));
}

static enum err percent_decode_path(struct buf *out, struct slice text)
{
    return percent_decode(out, text, false);
}

static enum err percent_decode_form(struct buf *out, struct slice text)
{
    return percent_decode(out, text, true);
}

static const struct form {
    encode_fn *encode;
    decode_fn *decode;
    bool is_only_form; /* two texts never mean the same */
} forms[] = {
    {hex_encode, hex_decode, false},
    {base64_encode, base64_decode, true},
    {base64url_encode, base64url_decode, true},
    {percent_encode_bytes, percent_decode_path, false},
    {percent_encode_bytes, percent_decode_form, false},
};

static void check_encoding(const struct form *form, struct slice bytes)
{
    struct buf text, back;

    buf_init(&text, TEXT_BYTES_MAX);
    buf_init(&back, TEXT_BYTES_MAX);
    form->encode(&text, bytes.ptr, bytes.len);
    enum err err = form->decode(&back, buf_view(&text));
    assert(err == OK);
    assert(slice_equal(buf_view(&back), bytes));
    buf_clear(&text);
    buf_clear(&back);
}

static void check_decoding(const struct form *form, struct slice text)
{
    struct buf bytes, again;

    buf_init(&bytes, TEXT_BYTES_MAX);
    buf_init(&again, TEXT_BYTES_MAX);
    if (form->decode(&bytes, text) != OK) {
        assert(bytes.len == 0);
    } else {
        check_encoding(form, buf_view(&bytes));
        form->encode(&again, bytes.ptr, bytes.len);
        assert(!form->is_only_form || slice_equal(buf_view(&again), text));
    }
    buf_clear(&bytes);
    buf_clear(&again);
}

static void check_number(struct slice text)
{
    char again[13];
    uint64_t number;

    if (base32_decode_u64(text, &number) == OK) {
        base32_encode_u64(again, number);
        assert(slice_equal_nocase(slice_from(again, sizeof again), text));
    }
}

static void check_one_way(struct slice bytes)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    base32_encode(&text, bytes.ptr, bytes.len);
    assert(text.len == (bytes.len * 8 + 4) / 5);
    buf_reset(&text);
    base64_encode_lines(&text, bytes.ptr, bytes.len);
    assert(bytes.len == 0 || slice_ends(buf_view(&text), SLICE("\r\n")));
    buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice input = slice_from(data, len);

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        check_encoding(&forms[i], input);
        check_decoding(&forms[i], input);
    }
    check_number(input);
    check_one_way(input);
    return 0;
}
