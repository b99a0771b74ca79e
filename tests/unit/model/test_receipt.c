#include "base/macro.h"
#include "model/receipt.h"
#include "support/unit.h"

#include <string.h>

static const uint8_t key[RECEIPT_KEY_BYTES] = {1, 2, 3};
static const struct receipt receipt = {
    .delivery = {UINT64_C(0x0123456789abcdef)},
    .channel = {UINT64_C(0xfedcba9876543210)},
    .epoch = UINT32_C(0x80000001),
};

struct text {
    char chars[RECEIPT_TEXT_BYTES];
};

static struct text formatted(void)
{
    struct text text;
    struct buf out;

    buf_init(&out, 100);
    receipt_format(key, &receipt, &out);
    assert_int_equal(out.len, RECEIPT_TEXT_BYTES);
    memcpy(text.chars, out.ptr, sizeof text.chars);
    buf_clear(&out);
    return text;
}

static void assert_refused(struct slice text)
{
    struct receipt read = {.epoch = 42};

    assert_int_equal(receipt_parse(key, receipt.channel, text, &read), ERR_INVALID);
    assert_int_equal(read.epoch, 42);
}

static void reads_back_what_it_was_made_of(UNUSED void **state)
{
    struct text text = formatted();
    struct receipt read = {.epoch = 0};

    assert_int_equal(
        receipt_parse(key, receipt.channel, slice_from(text.chars, sizeof text.chars), &read), OK);
    assert_int_equal(read.delivery.value, receipt.delivery.value);
    assert_int_equal(read.channel.value, receipt.channel.value);
    assert_int_equal(read.epoch, receipt.epoch);
}

static void is_refused_for_another_channel(UNUSED void **state)
{
    struct text text = formatted();
    struct receipt read = receipt;
    struct id other = {receipt.channel.value + 1};

    assert_int_equal(receipt_parse(key, other, slice_from(text.chars, sizeof text.chars), &read),
                     ERR_INVALID);
}

static void is_refused_when_made_with_another_key(UNUSED void **state)
{
    static const uint8_t other[RECEIPT_KEY_BYTES] = {1, 2, 4};
    struct text text = formatted();
    struct receipt read = receipt;

    assert_int_equal(
        receipt_parse(other, receipt.channel, slice_from(text.chars, sizeof text.chars), &read),
        ERR_INVALID);
}

static void is_refused_when_any_character_was_altered(UNUSED void **state)
{
    for (size_t i = 0; i < RECEIPT_TEXT_BYTES; i++) {
        struct text text = formatted();

        text.chars[i] = text.chars[i] == 'A' ? 'B' : 'A';
        assert_refused(slice_from(text.chars, sizeof text.chars));
    }
}

static void is_refused_when_cut_or_lengthened(UNUSED void **state)
{
    struct text text = formatted();
    char longer[RECEIPT_TEXT_BYTES + 4];

    memcpy(longer, text.chars, sizeof text.chars);
    memset(longer + sizeof text.chars, 'A', 4);
    for (size_t len = 0; len <= sizeof longer; len++) {
        if (len != RECEIPT_TEXT_BYTES) {
            assert_refused(slice_from(longer, len));
        }
    }
}

static void is_refused_when_it_is_something_else(UNUSED void **state)
{
    static const char *const texts[] = {
        "",
        "dlv_0000000000001",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "                                                ",
        "++++++++++++++++++++++++++++++++++++++++++++++++",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_refused(slice_of(texts[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_what_it_was_made_of),
        cmocka_unit_test(is_refused_for_another_channel),
        cmocka_unit_test(is_refused_when_made_with_another_key),
        cmocka_unit_test(is_refused_when_any_character_was_altered),
        cmocka_unit_test(is_refused_when_cut_or_lengthened),
        cmocka_unit_test(is_refused_when_it_is_something_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
