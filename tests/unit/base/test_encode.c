#include "base/encode.h"
#include "base/macro.h"
#include "support/unit.h"

#include <string.h>

static struct buf out;

/*
 * What stands in out before each case: encoders append, failed decoders take back no more than they
 * added.
 */
static const char before[] = "<";

static int set_up(UNUSED void **state)
{
    buf_init(&out, 10000);
    buf_text(&out, before);
    return 0;
}

static int tear_down(UNUSED void **state)
{
    buf_clear(&out);
    return 0;
}

static void assert_out(struct slice expected)
{
    assert_true(slice_equal(slice_sub(buf_view(&out), 1, out.len), expected));
    assert_true(slice_starts(buf_view(&out), slice_of(before)));
    buf_cut(&out, 1);
}

static void hex_is_written_small_and_read_in_either_case(UNUSED void **state)
{
    hex_encode(&out, "\x00\x01\xab\xff", 4);
    assert_out(SLICE("0001abff"));
    hex_encode(&out, NULL, 0);
    assert_out(SLICE(""));
    assert_int_equal(hex_decode(&out, SLICE("0001abFF")), OK);
    assert_out(SLICE("\x00\x01\xab\xff"));
    assert_int_equal(hex_decode(&out, SLICE("")), OK);
    assert_out(SLICE(""));
}

static void a_hex_digit_is_one_of_twenty_two(UNUSED void **state)
{
    int count = 0;

    for (int byte = -128; byte < 128; byte++) {
        count += hex_digit((char)byte) >= 0;
    }
    assert_int_equal(count, 22);
    assert_int_equal(hex_digit('9'), 9);
    assert_int_equal(hex_digit('a'), 10);
    assert_int_equal(hex_digit('F'), 15);
}

typedef enum err decode_fn(struct buf *out, struct slice text);

static void assert_all_refused(decode_fn *decode, const struct slice *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (decode(&out, bad[i]) != ERR_INVALID) {
            fail_msg("accepted: %.*s", SLICE_ARGS(bad[i]));
        }
        assert_string_equal(buf_cstr(&out), before);
    }
}

static void what_is_not_hex_is_refused_and_leaves_nothing(UNUSED void **state)
{
    static const struct slice bad[] = {SLICE("0"),  SLICE("000"), SLICE("0g"),    SLICE("aa0G"),
                                       SLICE(" 0"), SLICE("0x"),  SLICE("00\0a"), SLICE("+1")};

    assert_all_refused(hex_decode, bad, ARRAY_LEN(bad));
}

/* RFC 4648 section 10, and bytes that need the last two characters of the alphabets. */
static const struct {
    struct slice plain;
    struct slice standard;
    struct slice url;
} base64_cases[] = {
    {SLICE(""), SLICE(""), SLICE("")},
    {SLICE("f"), SLICE("Zg=="), SLICE("Zg")},
    {SLICE("fo"), SLICE("Zm8="), SLICE("Zm8")},
    {SLICE("foo"), SLICE("Zm9v"), SLICE("Zm9v")},
    {SLICE("foob"), SLICE("Zm9vYg=="), SLICE("Zm9vYg")},
    {SLICE("fooba"), SLICE("Zm9vYmE="), SLICE("Zm9vYmE")},
    {SLICE("foobar"), SLICE("Zm9vYmFy"), SLICE("Zm9vYmFy")},
    {SLICE("\xfb\xff\xfe"), SLICE("+//+"), SLICE("-__-")},
    {SLICE("\0\0\0\0"), SLICE("AAAAAA=="), SLICE("AAAAAA")},
};

static void base64_is_that_of_the_rfc(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(base64_cases); i++) {
        struct slice plain = base64_cases[i].plain;

        base64_encode(&out, plain.ptr, plain.len);
        assert_out(base64_cases[i].standard);
        base64url_encode(&out, plain.ptr, plain.len);
        assert_out(base64_cases[i].url);
        assert_int_equal(base64_decode(&out, base64_cases[i].standard), OK);
        assert_out(plain);
        assert_int_equal(base64url_decode(&out, base64_cases[i].url), OK);
        assert_out(plain);
    }
}

static void each_byte_survives_base64(UNUSED void **state)
{
    char bytes[256];
    struct buf text;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)i;
    }
    buf_init(&text, 1000);
    base64_encode(&text, bytes, sizeof bytes);
    assert_int_equal(base64_decode(&out, buf_view(&text)), OK);
    assert_out(slice_from(bytes, sizeof bytes));
    buf_reset(&text);
    base64url_encode(&text, bytes, sizeof bytes);
    assert_int_equal(base64url_decode(&out, buf_view(&text)), OK);
    assert_out(slice_from(bytes, sizeof bytes));
    buf_clear(&text);
}

static void what_is_not_base64_is_refused(UNUSED void **state)
{
    static const struct slice bad[] = {
        SLICE("Z"),
        SLICE("Zg"),
        SLICE("Zg="),
        SLICE("Zg==="),
        SLICE("===="),
        SLICE("Z==="),
        SLICE("Zg==Zg=="),
        SLICE("Zm9v===="),
        SLICE("Zm=v"),
        SLICE("=Zm9"),
        SLICE("Zh=="), /* bits behind the byte */
        SLICE("Zm9="),
        SLICE("-__-"),
        SLICE("Zm9v\n"),
        SLICE("Zm9 "),
        SLICE("Zm9vZm\0v"),
        SLICE("Zm9v\r\nZm"),
        SLICE("\xc3\xa4\xc3\xa4"),
    };

    assert_all_refused(base64_decode, bad, ARRAY_LEN(bad));
}

static void what_is_not_base64url_is_refused(UNUSED void **state)
{
    static const struct slice bad[] = {SLICE("Z"),    SLICE("Zm9vY"), SLICE("Zg=="),
                                       SLICE("Zm8="), SLICE("+//+"),  SLICE("Zh"),
                                       SLICE("Zm9"),  SLICE("Zm9v ")};

    assert_all_refused(base64url_decode, bad, ARRAY_LEN(bad));
}

static void mime_lines_have_76_characters_and_an_end(UNUSED void **state)
{
    char zeros[57 * 2 + 1] = "";
    char line[77];

    memset(line, 'A', sizeof line - 1);
    line[76] = '\0';

    base64_encode_lines(&out, zeros, 0);
    assert_string_equal(buf_cstr(&out), "<");
    base64_encode_lines(&out, zeros, 1);
    assert_string_equal(buf_cstr(&out), "<AA==\r\n");
    buf_cut(&out, 1);
    base64_encode_lines(&out, zeros, 57);
    assert_int_equal(out.len, 1 + 78);
    assert_memory_equal(out.ptr + 1, line, 76);
    assert_string_equal(out.ptr + 77, "\r\n");
    buf_cut(&out, 1);
    base64_encode_lines(&out, zeros, sizeof zeros);
    assert_int_equal(out.len, 1 + 78 * 2 + 6);
    assert_string_equal(out.ptr + 1 + 78 * 2, "AA==\r\n");
}

static void numbers_as_base32_sort_as_they_do(UNUSED void **state)
{
    static const struct {
        uint64_t number;
        const char *text;
    } cases[] = {
        {0, "0000000000000"},
        {1, "0000000000001"},
        {31, "000000000000Z"},
        {32, "0000000000010"},
        {UINT64_C(0x0123456789abcdef), "028T5CY4TQKFF"},
        {UINT64_C(1) << 60, "1000000000000"},
        {UINT64_MAX, "FZZZZZZZZZZZZ"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[14] = "xxxxxxxxxxxxx";
        uint64_t number = 77;

        base32_encode_u64(text, cases[i].number);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(base32_decode_u64(slice_of(text), &number), OK);
        assert_true(number == cases[i].number);
        assert_true(i == 0 || strcmp(cases[i - 1].text, text) < 0);
    }
}

static void base32_is_read_in_either_case_and_nothing_else_is(UNUSED void **state)
{
    static const struct slice bad[] = {
        SLICE(""),
        SLICE("000000000000"),
        SLICE("00000000000000"),
        SLICE("G000000000000"), /* a 65th bit */
        SLICE("g000000000000"),
        SLICE("ZZZZZZZZZZZZZ"),
        SLICE("000000000000O"),
        SLICE("000000000000I"),
        SLICE("000000000000L"),
        SLICE("000000000000U"),
        SLICE("000000000000u"),
        SLICE("000000000000o"),
        SLICE("000000-000000"),
        SLICE("000000000000\0"),
        SLICE("\0"
              "000000000000"),
        SLICE("000000000000\xff"),
        SLICE("\xff"
              "000000000000"),
        SLICE("[000000000000"),
        SLICE("@000000000000"),
    };
    uint64_t number = 77;

    assert_int_equal(base32_decode_u64(SLICE("fzzzzZZZZzzzz"), &number), OK);
    assert_true(number == UINT64_MAX);
    number = 77;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(base32_decode_u64(bad[i], &number), ERR_INVALID);
    }
    assert_int_equal(number, 77);
}

static void bytes_as_base32_are_small_letters_without_padding(UNUSED void **state)
{
    static const struct {
        struct slice bytes;
        struct slice text;
    } cases[] = {
        {SLICE(""), SLICE("")},
        {SLICE("\xff"), SLICE("zw")},
        {SLICE("f"), SLICE("cr")},
        {SLICE("fo"), SLICE("csqg")},
        {SLICE("foo"), SLICE("csqpy")},
        {SLICE("foob"), SLICE("csqpyrg")},
        {SLICE("fooba"), SLICE("csqpyrk1")},
        {SLICE("foobar"), SLICE("csqpyrk1e8")},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        base32_encode(&out, cases[i].bytes.ptr, cases[i].bytes.len);
        assert_out(cases[i].text);
    }
}

static void only_unreserved_characters_stay_as_they_are(UNUSED void **state)
{
    percent_encode(&out, SLICE("AZaz09-._~"));
    assert_out(SLICE("AZaz09-._~"));
    percent_encode(&out, SLICE(" !\"#%&'()*+,/:;=?@[]\0\r\n"));
    assert_out(SLICE("%20%21%22%23%25%26%27%28%29%2A%2B%2C%2F%3A%3B%3D%3F%40%5B%5D%00%0D%0A"));
    percent_encode(&out, SLICE("\xc3\xa4\xff"));
    assert_out(SLICE("%C3%A4%FF"));
}

static void percent_escapes_are_undone(UNUSED void **state)
{
    assert_int_equal(percent_decode(&out, SLICE("a%20b+c%c3%A4%00"), false), OK);
    assert_out(SLICE("a b+c\xc3\xa4\0"));
    assert_int_equal(percent_decode(&out, SLICE("a%20b+c%2B"), true), OK);
    assert_out(SLICE("a b c+"));
    assert_int_equal(percent_decode(&out, SLICE("%2541"), false), OK);
    assert_out(SLICE("%41")); /* once, not until nothing is left to undo */
    assert_int_equal(percent_decode(&out, SLICE(""), true), OK);
    assert_out(SLICE(""));
}

static enum err decode_form(struct buf *buf, struct slice text)
{
    return percent_decode(buf, text, true);
}

static void broken_escapes_are_refused(UNUSED void **state)
{
    static const struct slice bad[] = {SLICE("%"),        SLICE("a%2"),  SLICE("%g0"),
                                       SLICE("%0g"),      SLICE("%%20"), SLICE("%+1"),
                                       SLICE("ok%u0041"), SLICE("% 1")};

    assert_all_refused(decode_form, bad, ARRAY_LEN(bad));
}

static void each_byte_survives_percent_encoding(UNUSED void **state)
{
    char bytes[256];
    struct buf text;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)i;
    }
    buf_init(&text, 1000);
    percent_encode(&text, slice_from(bytes, sizeof bytes));
    assert_int_equal(percent_decode(&out, buf_view(&text), true), OK);
    assert_out(slice_from(bytes, sizeof bytes));
    buf_clear(&text);
}

#define ENCODE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENCODE_TEST(hex_is_written_small_and_read_in_either_case),
        ENCODE_TEST(a_hex_digit_is_one_of_twenty_two),
        ENCODE_TEST(what_is_not_hex_is_refused_and_leaves_nothing),
        ENCODE_TEST(base64_is_that_of_the_rfc),
        ENCODE_TEST(each_byte_survives_base64),
        ENCODE_TEST(what_is_not_base64_is_refused),
        ENCODE_TEST(what_is_not_base64url_is_refused),
        ENCODE_TEST(mime_lines_have_76_characters_and_an_end),
        ENCODE_TEST(numbers_as_base32_sort_as_they_do),
        ENCODE_TEST(base32_is_read_in_either_case_and_nothing_else_is),
        ENCODE_TEST(bytes_as_base32_are_small_letters_without_padding),
        ENCODE_TEST(only_unreserved_characters_stay_as_they_are),
        ENCODE_TEST(percent_escapes_are_undone),
        ENCODE_TEST(broken_escapes_are_refused),
        ENCODE_TEST(each_byte_survives_percent_encoding),
    };

    return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
