#include "base/macro.h"
#include "base/utf8.h"
#include "support/unit.h"

static bool is_scalar(uint32_t code)
{
    return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

static void each_scalar_value_is_written_and_read_back(UNUSED void **state)
{
    struct buf buf;

    buf_init(&buf, 4);
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        uint32_t found = UINT32_MAX;

        if (!is_scalar(code)) {
            continue;
        }
        buf_reset(&buf);
        utf8_put(&buf, code);
        assert_int_equal(utf8_next(buf_view(&buf), &found), buf.len);
        assert_int_equal(found, code);
        assert_true(utf8_is_valid(buf_view(&buf)));
    }
    buf_clear(&buf);
}

/*
 * The number of valid sequences of len bytes must be the number of scalar values that need as many:
 * none is overlong.
 */
static size_t count_sequences(size_t len, unsigned char first_min, unsigned char first_max)
{
    unsigned char bytes[4] = {0};
    size_t count = 0;
    size_t tails = (size_t)1 << 8 * (len - 1);

    for (unsigned first = first_min; first <= first_max; first++) {
        bytes[0] = (unsigned char)first;
        for (size_t tail = 0; tail < tails; tail++) {
            for (size_t i = 1; i < len; i++) {
                bytes[i] = (unsigned char)(tail >> 8 * (i - 1));
            }
            count += utf8_next(slice_from(bytes, len), NULL) == len;
        }
    }
    return count;
}

static void no_other_short_sequence_is_accepted(UNUSED void **state)
{
    assert_int_equal(count_sequences(1, 0x00, 0xff), 0x80);
    assert_int_equal(count_sequences(2, 0x80, 0xff), 0x800 - 0x80);
    assert_int_equal(count_sequences(3, 0x80, 0xff), 0x10000 - 0x800 - 0x800);
}

static void broken_sequences_are_refused(UNUSED void **state)
{
    static const struct slice broken[] = {
        {"\x80", 1},             /* continuation alone */
        {"\xc3", 1},             /* cut */
        {"\xe2\x82", 2},         /* cut */
        {"\xf0\x9f\x98", 3},     /* cut */
        {"\xc3(", 2},            /* no continuation */
        {"\xe2\x82(", 3},        /* no continuation */
        {"\xf0\x9f\x98(", 4},    /* no continuation */
        {"\xc0\x80", 2},         /* overlong zero */
        {"\xc1\xbf", 2},         /* overlong */
        {"\xe0\x80\xaf", 3},     /* overlong slash */
        {"\xf0\x80\x80\xaf", 4}, /* overlong slash */
        {"\xf0\x8f\xbf\xbf", 4}, /* overlong */
        {"\xed\xa0\x80", 3},     /* surrogate */
        {"\xed\xbf\xbf", 3},     /* surrogate */
        {"\xf4\x90\x80\x80", 4}, /* U+110000 */
        {"\xf5\x80\x80\x80", 4}, /* higher still */
        {"\xfe", 1},
        {"\xff", 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        uint32_t code = 77;

        assert_int_equal(utf8_next(broken[i], &code), 0);
        assert_int_equal(code, 77);
        assert_false(utf8_is_valid(broken[i]));
    }
    assert_int_equal(utf8_next(SLICE(""), NULL), 0);
}

static void a_fault_is_found_wherever_it_stands(UNUSED void **state)
{
    for (size_t at = 0; at < 40; at++) {
        char text[40];

        for (size_t i = 0; i < sizeof text; i++) {
            text[i] = 'a';
        }
        assert_true(utf8_is_valid(slice_from(text, sizeof text)));
        text[at] = (char)0xc3;
        assert_false(utf8_is_valid(slice_from(text, sizeof text)));
        text[at] = (char)0xa4;
        assert_false(utf8_is_valid(slice_from(text, sizeof text)));
    }
    assert_true(utf8_is_valid(SLICE("")));
    assert_true(utf8_is_valid(SLICE("a\0b")));
    assert_true(
        utf8_is_valid(SLICE("Gr\xc3\xbc\xc3\x9f"
                            "e an \xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\x98\x80 zum Schlu\xc3\x9f")));
}

static void characters_are_counted_not_bytes(UNUSED void **state)
{
    assert_int_equal(utf8_count(SLICE("")), 0);
    assert_int_equal(utf8_count(SLICE("a\xc3\xbc\xe4\xb8\x96\xf0\x9f\x98\x80")), 4);
}

static void a_cut_falls_between_characters(UNUSED void **state)
{
    struct slice text = SLICE("a\xc3\xbc\xf0\x9f\x98\x80");
    static const size_t lens[] = {0, 1, 1, 3, 3, 3, 3, 7, 7};

    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        assert_int_equal(utf8_cut(text, i).len, lens[i]);
    }
    assert_slice_is(utf8_cut(SLICE(""), 5), "");
}

static void controls_are_found_and_their_neighbours_are_not(UNUSED void **state)
{
    struct buf buf;

    buf_init(&buf, 10);
    for (uint32_t code = 0; code < 0x3000; code++) {
        buf_reset(&buf);
        buf_byte(&buf, 'x');
        utf8_put(&buf, code);
        assert_int_equal(utf8_has_control(buf_view(&buf)),
                         code < 0x20 || (code >= 0x7f && code <= 0x9f));
    }
    assert_false(utf8_has_control(SLICE("")));
    assert_false(utf8_has_control(SLICE("a b")));
    buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scalar_value_is_written_and_read_back),
        cmocka_unit_test(no_other_short_sequence_is_accepted),
        cmocka_unit_test(broken_sequences_are_refused),
        cmocka_unit_test(a_fault_is_found_wherever_it_stands),
        cmocka_unit_test(characters_are_counted_not_bytes),
        cmocka_unit_test(a_cut_falls_between_characters),
        cmocka_unit_test(controls_are_found_and_their_neighbours_are_not),
    };

    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
