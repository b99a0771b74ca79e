#include "base/json.h"
#include "base/macro.h"
#include "base/mem.h"
#include "support/unit.h"

#include <string.h>

static struct json_doc doc;
static struct diag diag;

static int set_up(UNUSED void **state)
{
    json_doc_init(&doc);
    diag = (struct diag){.text = ""};
    return 0;
}

static int tear_down(UNUSED void **state)
{
    json_doc_clear(&doc);
    return 0;
}

static struct json parsed(struct slice text)
{
    if (json_parse(&doc, text, &diag) != OK) {
        fail_msg("%.100s: %s", text.ptr, diag.text);
    }
    return json_root(&doc);
}

/* Whether text is accepted; also checks what is promised for either case. */
static enum err outcome(struct slice text)
{
    diag = (struct diag){.text = ""};

    enum err err = json_parse(&doc, text, &diag);
    assert_int_equal(json_exists(json_root(&doc)), err == OK);
    assert_int_equal(diag.text[0] != '\0', err != OK);
    return err;
}

static void assert_outcome(struct slice text, enum err expected)
{
    enum err err = outcome(text);

    if (err != expected) {
        fail_msg("%.*s: %s, expected %s %s", SLICE_ARGS(text), err_word(err), err_word(expected),
                 diag.text);
    }
}

static void what_the_grammar_allows_is_accepted(UNUSED void **state)
{
    static const struct slice good[] = {
        SLICE("null"), SLICE("true"), SLICE("false"), SLICE("\"\""), SLICE("{}"), SLICE("[]"),
        SLICE(" \t\r\n[ ] \t\r\n"), SLICE("[1,2 , 3]"), SLICE("{ \"a\" : 1 , \"b\" : { } }"),
        SLICE("[[],[[]],{\"\":[{}]}]"),
        /* numbers */
        SLICE("0"), SLICE("-0"), SLICE("10"), SLICE("-12.50"), SLICE("0.1e-7"), SLICE("1E+400"),
        SLICE("0e0"), SLICE("123456789012345678901234567890.000000000000000000000000001"),
        /* strings */
        SLICE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), SLICE("\"\\u0000\\u001f\\uFFFF\\uabCD\""),
        SLICE("\"\\ud83d\\ude00\""), SLICE("\"\\udbff\\udfff\\ud800\\udc00\""),
        SLICE("\"\x7f \xc2\x80 \xe2\x80\xa8 \xf0\x9f\x98\x80 \xef\xbf\xbf\""),
        SLICE("\"\xef\xbb\xbf\""), /* within a string it is a character */
        /* names */
        SLICE("{\"\":1,\" \":2}"), SLICE("{\"a\":1,\"A\":2,\"\\u00e4\":3,\"a\\u0000\":4}"),
        SLICE("[{\"a\":1},{\"a\":1}]"), SLICE("{\"a\":{\"a\":{\"a\":1}}}"),
        SLICE("{\"\xc3\xa4\":1,\"a\xcc\x88\":2}"), /* not one by bytes; nobody composes here */
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_outcome(good[i], OK);
    }
}

static void what_the_grammar_does_not_allow_is_refused(UNUSED void **state)
{
    static const struct slice bad[] = {
        SLICE(""),
        SLICE("  \n"),
        SLICE("\0"),
        SLICE("null\0"),
        SLICE("nul"),
        SLICE("nulL"),
        SLICE("nullx"),
        SLICE("True"),
        SLICE("NaN"),
        SLICE("Infinity"),
        SLICE("-Infinity"),
        SLICE("undefined"),
        SLICE("'a'"),
        SLICE("1 2"),
        SLICE("{}{}"),
        SLICE("[]]"),
        SLICE("{}}"),
        SLICE("// c\n1"),
        SLICE("1 /* c */"),
        SLICE("\xef\xbb\xbf{}"), /* byte order mark */
        SLICE("\xff\xfe{\0}\0"), /* UTF-16 */
        SLICE("\xc2\xa0"
              "1"), /* a space, but none of JSON's */
        SLICE("\v1"),
        SLICE("\f1"),
        /* arrays and objects */
        SLICE("["),
        SLICE("]"),
        SLICE("[1"),
        SLICE("[1,"),
        SLICE("[,]"),
        SLICE("[1,]"),
        SLICE("[,1]"),
        SLICE("[1,,2]"),
        SLICE("[1 2]"),
        SLICE("[1}"),
        SLICE("[1:2]"),
        SLICE("{"),
        SLICE("}"),
        SLICE("{]"),
        SLICE("{\"a\""),
        SLICE("{\"a\":"),
        SLICE("{\"a\":1"),
        SLICE("{\"a\":1,"),
        SLICE("{\"a\":1,}"),
        SLICE("{\"a\"}"),
        SLICE("{\"a\":}"),
        SLICE("{\"a\" 1}"),
        SLICE("{\"a\"::1}"),
        SLICE("{\"a\":1]"),
        SLICE("{\"a\":1 \"b\":2}"),
        SLICE("{a:1}"),
        SLICE("{'a':1}"),
        SLICE("{1:1}"),
        SLICE("{null:1}"),
        SLICE("{,}"),
        SLICE("{[]:1}"),
        /* numbers */
        SLICE("-"),
        SLICE("+1"),
        SLICE("01"),
        SLICE("-01"),
        SLICE("00"),
        SLICE("1."),
        SLICE(".5"),
        SLICE("1.e1"),
        SLICE("1e"),
        SLICE("1e+"),
        SLICE("1e1.5"),
        SLICE("1.2.3"),
        SLICE("--1"),
        SLICE("0x10"),
        SLICE("1_000"),
        SLICE("1,000"),
        SLICE("1a"),
        SLICE("\xd9\xa1"), /* a digit, but none of JSON's */
        /* strings */
        SLICE("\""),
        SLICE("\"a"),
        SLICE("\"\\\""),
        SLICE("\"\\"),
        SLICE("\"a\nb\""),
        SLICE("\"a\0b\""),
        SLICE("\"\x1f\""),
        SLICE("\"\\x41\""),
        SLICE("\"\\a\""),
        SLICE("\"\\0\""),
        SLICE("\"\\'\""),
        SLICE("\"\\U0041\""),
        SLICE("\"\\\xc3\xa4\""),
        SLICE("\"\\u\""),
        SLICE("\"\\u004\""),
        SLICE("\"\\u004g\""),
        SLICE("\"\\u 041\""),
        SLICE("\"\\u+041\""),
        /* surrogates */
        SLICE("\"\\ud83d\""),
        SLICE("\"\\ude00\""),
        SLICE("\"\\ude00\\ud83d\""),
        SLICE("\"\\ude00\\ude00\""),
        SLICE("\"\\ud83d\\ue000\""),
        SLICE("\"\\ud83d\\udbff\""),
        SLICE("\"\\ud83d\\ud83d\""),
        SLICE("\"\\ud83d\\u0041\""),
        SLICE("\"\\ud83d \\ude00\""),
        SLICE("\"\\ud83d\\n\""),
        SLICE("\"\\ud83d\\ude0\""),
        SLICE("{\"\\ud83d\":1}"),
        /* UTF-8 */
        SLICE("\"\x80\""),
        SLICE("\"\xc3\""),
        SLICE("\"\xc3"),
        SLICE("\"\xe2\x82\""),
        SLICE("\"\xc0\x80\""),
        SLICE("\"\xc0\xaf\""),
        SLICE("\"\xe0\x80\xaf\""),
        SLICE("\"\xed\xa0\xbd\xed\xb8\x80\""), /* surrogates as UTF-8 */
        SLICE("\"\xf4\x90\x80\x80\""),
        SLICE("\"\xff\""),
        SLICE("{\"\xff\":1}"),
        /* names */
        SLICE("{\"a\":1,\"a\":1}"),
        SLICE("{\"\":1,\"\":2}"),
        SLICE("{\"a\":1,\"b\":2,\"c\":3,\"a\":4}"),
        SLICE("{\"a\":1,\"\\u0061\":2}"),
        SLICE("{\"\\u0061\":1,\"\\u0061\":2}"),
        SLICE("{\"/\":1,\"\\/\":2}"),
        SLICE("{\"\\u00e4\":1,\"\xc3\xa4\":2}"),
        SLICE("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
        SLICE("{\"\\u00E4\":1,\"\\u00e4\":2}"),
        SLICE("[{\"b\":{\"a\":1,\"a\":2}}]"),
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_outcome(bad[i], ERR_INVALID);
    }
}

static void no_start_of_a_text_is_a_text(UNUSED void **state)
{
    struct slice whole =
        SLICE("{\"a\":[1.5e+7,\"\\ud83d\\ude00\xc3\xa4\",null,true,{}],\"b\":{\"c\":false}}");

    assert_outcome(whole, OK);
    for (size_t len = 0; len < whole.len; len++) {
        char *exact = mem_resize(NULL, len, 1); /* so that a read past the end is seen */

        memcpy(exact, whole.ptr, len);
        assert_outcome(slice_from(exact, len), ERR_INVALID);
        mem_free(exact);
    }
}

static void nothing_at_no_address_is_refused(UNUSED void **state)
{
    assert_outcome((struct slice){NULL, 0}, ERR_INVALID);
}

static bool may_stand_in_a_string(int byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static void each_byte_is_judged_alike_wherever_it_stands_in_a_string(UNUSED void **state)
{
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 1; at <= 20; at++) {
            char text[22];

            memset(text, 'a', sizeof text);
            text[0] = text[sizeof text - 1] = '"';
            text[at] = (char)byte;
            /*
             * A backslash escapes the "a" behind it, which is none of the escapes; at the end, the
             * quote.
             */
            assert_outcome(slice_from(text, sizeof text),
                           may_stand_in_a_string(byte) ? OK : ERR_INVALID);
        }
    }
}

/* count times what, with begin before and end behind. */
static struct buf repeated(const char *begin, const char *what, size_t count, const char *end)
{
    struct buf buf;

    buf_init(&buf, (size_t)64 * 1024 * 1024);
    buf_text(&buf, begin);
    for (size_t i = 0; i < count; i++) {
        buf_text(&buf, what);
    }
    buf_text(&buf, end);
    return buf;
}

static void assert_repeated(const char *begin, const char *what, size_t count, const char *end,
                            enum err expected)
{
    struct buf buf = repeated(begin, what, count, end);
    enum err err = outcome(buf_view(&buf));

    buf_clear(&buf);
    assert_int_equal(err, expected);
}

static void nesting_has_a_limit(UNUSED void **state)
{
    struct buf deep = repeated("", "[", JSON_DEPTH_MAX, "");

    for (size_t i = 0; i < JSON_DEPTH_MAX; i++) {
        buf_byte(&deep, ']');
    }
    assert_outcome(buf_view(&deep), OK);
    buf_clear(&deep);
    assert_repeated("", "[", JSON_DEPTH_MAX, "", ERR_INVALID);
    assert_repeated("", "[", JSON_DEPTH_MAX + 1, "", ERR_LIMIT);
    assert_repeated("", "[", 1000000, "", ERR_LIMIT);
    assert_repeated("", "{\"a\":", 1000000, "", ERR_LIMIT);
    assert_repeated("", "[{\"a\":", 1000000, "", ERR_LIMIT);
}

static void values_have_a_limit(UNUSED void **state)
{
    /* The array is a value too. */
    assert_repeated("[", "1,", JSON_VALUES_MAX - 2, "1]", OK);
    assert_repeated("[", "1,", JSON_VALUES_MAX - 1, "1]", ERR_LIMIT);
    assert_repeated("[", "[],", 1000000, "1]", ERR_LIMIT);
}

/* An object whose names are numbers from 0 to count - 1, and one more. */
static struct buf object_of(size_t count, const char *last_name)
{
    struct buf buf;

    buf_init(&buf, (size_t)64 * 1024 * 1024);
    buf_byte(&buf, '{');
    for (size_t i = 0; i < count; i++) {
        buf_printf(&buf, "\"%zu\":0,", i);
    }
    buf_printf(&buf, "\"%s\":0}", last_name);
    return buf;
}

static void assert_object(size_t count, const char *last_name, enum err expected)
{
    struct buf buf = object_of(count, last_name);
    enum err err = outcome(buf_view(&buf));

    buf_clear(&buf);
    assert_int_equal(err, expected);
}

static void twins_are_found_among_few_and_among_many(UNUSED void **state)
{
    static const size_t counts[] = {2, 7, 30, 31, 32, 33, 34, 1000, 100000};

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        assert_object(counts[i], "x", OK);
        assert_object(counts[i], "0", ERR_INVALID);
        assert_object(counts[i], "1", ERR_INVALID);
        assert_object(counts[i], "\\u0031", ERR_INVALID);
        assert_object(counts[i], "\\u0078", OK);
    }
    assert_object(1000000, "x", ERR_LIMIT);
}

static void names_that_differ_little_are_not_twins(UNUSED void **state)
{
    struct buf buf;

    buf_init(&buf, 1000);
    buf_text(&buf, "{\"a\":0");
    /* All of one length, with the same letters at both ends. */
    for (int i = 100; i < 130; i++) {
        buf_printf(&buf, ",\"n%dn\":0", i);
    }
    buf_byte(&buf, '}');
    assert_outcome(buf_view(&buf), OK);
    buf_cut(&buf, buf.len - 1);
    buf_text(&buf, ",\"n129n\":0}");
    assert_outcome(buf_view(&buf), ERR_INVALID);
    buf_clear(&buf);
}

static void a_number_may_have_ten_million_digits(UNUSED void **state)
{
    struct buf buf = repeated("[1", "7", 10000000, "]");
    struct json number = json_first(parsed(buf_view(&buf)));
    int64_t value = 77;

    assert_int_equal(json_raw(number).len, 10000001);
    assert_int_equal(json_to_i64(number, &value), ERR_LIMIT);
    buf_clear(&buf);
}

static void the_diag_tells_byte_and_line(UNUSED void **state)
{
    static const struct {
        const char *text;
        const char *place;
    } cases[] = {
        {"x", "byte 1 (line 1)"},
        {"{\n\"a\":1,\n\"b\"=2}", "byte 13 (line 3)"},
        {"[1,\r\n2", "byte 7 (line 2)"},
        {"{\"a\":1, \"a\":2}", "byte 9 (line 1)"},
        {"[\"abc\\qdef\"]", "byte 6 (line 1)"},
        {"[\"abc\xff\"]", "byte 6 (line 1)"},
        {"null null", "byte 6 (line 1)"},
        {"", "byte 1 (line 1)"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_outcome(slice_of(cases[i].text), ERR_INVALID);
        assert_non_null(strstr(diag.text, cases[i].place));
        assert_string_equal(diag.field, "");
    }
    assert_int_equal(json_parse(&doc, SLICE("["), NULL), ERR_INVALID);
}

static void values_know_their_type(UNUSED void **state)
{
    static const struct {
        const char *text;
        enum json_type type;
        const char *name;
    } cases[] = {
        {"null", JSON_NULL, "null"},        {"false", JSON_FALSE, "false"},
        {"true", JSON_TRUE, "true"},        {"-1.5", JSON_NUMBER, "a number"},
        {"\"a\"", JSON_STRING, "a string"}, {"[1]", JSON_ARRAY, "an array"},
        {"{}", JSON_OBJECT, "an object"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json value = parsed(slice_of(cases[i].text));

        assert_int_equal(json_type(value), cases[i].type);
        assert_string_equal(json_type_name(json_type(value)), cases[i].name);
        assert_int_equal(json_is_null(value), cases[i].type == JSON_NULL);
        assert_true(json_exists(value));
    }
    assert_string_equal(json_type_name(JSON_NONE), "nothing");
}

static void an_absent_value_is_harmless(UNUSED void **state)
{
    struct json none = json_member(parsed(SLICE("{\"a\":1}")), "b");
    int64_t number = 77;

    assert_false(json_exists(none));
    assert_true(json_is_null(none));
    assert_int_equal(json_type(none), JSON_NONE);
    assert_int_equal(json_count(none), 0);
    assert_slice_is(json_raw(none), "");
    assert_slice_is(json_name(none), "");
    assert_false(json_name_is(none, ""));
    assert_false(json_exists(json_first(none)));
    assert_false(json_exists(json_next(none)));
    assert_false(json_exists(json_member(none, "a")));
    assert_int_equal(json_to_i64(none, &number), ERR_INVALID);
    assert_int_equal(number, 77);
}

static void raw_is_byte_for_byte_what_was_sent(UNUSED void **state)
{
    struct json root =
        parsed(SLICE(" { \"n\" : 1.000000 , \"big\":9223372036854775808,\"s\":\"\\u0041/\\/\" , "
                     "\"o\": { \"b\":1, \"a\" :[ ] } ,\"l\":null} "));

    assert_slice_is(json_raw(json_member(root, "n")), "1.000000");
    assert_slice_is(json_raw(json_member(root, "big")), "9223372036854775808");
    assert_slice_is(json_raw(json_member(root, "s")), "\"\\u0041/\\/\"");
    assert_slice_is(json_raw(json_member(root, "o")), "{ \"b\":1, \"a\" :[ ] }");
    assert_slice_is(json_raw(json_member(root, "l")), "null");
    assert_int_equal(json_raw(root).ptr[0], '{');
    assert_int_equal(json_raw(root).len, doc.text.len - 2);
}

static void members_are_found_by_what_their_name_means(UNUSED void **state)
{
    struct json root =
        parsed(SLICE("{\"\":1,\"a\":2,\"\\u0061b\":3,\"q\\\"\":4,\"x\\u0000y\":5,\"ab\\\\\":6}"));

    assert_slice_is(json_raw(json_member(root, "")), "1");
    assert_slice_is(json_raw(json_member(root, "a")), "2");
    assert_slice_is(json_raw(json_member(root, "ab")), "3");
    assert_slice_is(json_raw(json_member(root, "q\"")), "4");
    assert_slice_is(json_raw(json_member(root, "ab\\")), "6");
    assert_false(json_exists(json_member(root, "\\u0061b")));
    assert_false(json_exists(json_member(root, "x")));
    assert_slice_is(json_name(json_next(json_next(json_first(root)))), "\\u0061b");
    assert_true(json_name_is(json_next(json_next(json_first(root))), "ab"));
    assert_false(json_name_is(json_first(root), "a"));
}

static void names_are_read_with_their_escapes_undone(UNUSED void **state)
{
    struct json plain = json_first(parsed(SLICE("{\"ab\":1,\"\\u00e9\\n\":2}")));
    struct buf scratch;

    buf_init(&scratch, 64);
    assert_slice_is(json_name_text(plain, &scratch), "ab");
    assert_slice_is(json_name_text(json_next(plain), &scratch), "é\n");
    buf_clear(&scratch);
}

static void only_objects_have_members(UNUSED void **state)
{
    assert_false(json_exists(json_member(parsed(SLICE("[\"a\",1]")), "a")));
    assert_false(json_exists(json_member(parsed(SLICE("[1]")), "")));
    assert_false(json_exists(json_member(parsed(SLICE("\"a\"")), "a")));
    /* An item of an array has no name, also when a member was read before. */
    assert_slice_is(json_name(json_first(json_member(parsed(SLICE("{\"a\":[1]}")), "a"))), "");
    assert_slice_is(json_name(json_next(json_first(parsed(SLICE("[{\"a\":1},2]"))))), "");
    assert_slice_is(json_name(json_root(&doc)), "");
}

static void children_come_in_their_order(UNUSED void **state)
{
    struct json root = parsed(SLICE("{\"b\":[1,[2,{\"x\":0}],{},3],\"a\":{},\"c\":\"z\"}"));
    struct json list = json_member(root, "b");
    static const char *const raws[] = {"1", "[2,{\"x\":0}]", "{}", "3"};
    static const char *const names[] = {"b", "a", "c"};
    struct json child = json_first(list);

    assert_int_equal(json_count(list), ARRAY_LEN(raws));
    for (size_t i = 0; i < ARRAY_LEN(raws); i++, child = json_next(child)) {
        assert_slice_is(json_raw(child), raws[i]);
    }
    assert_false(json_exists(child));

    child = json_first(root);
    assert_int_equal(json_count(root), ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++, child = json_next(child)) {
        assert_slice_is(json_name(child), names[i]);
    }
    assert_false(json_exists(child));
    assert_false(json_exists(json_next(root)));
    assert_false(json_exists(json_first(json_member(root, "a"))));
    assert_int_equal(json_count(json_member(root, "c")), 0);
}

static void escapes_are_undone(UNUSED void **state)
{
    static const struct {
        const char *literal;
        struct slice text;
    } cases[] = {
        {"\"\"", SLICE("")},
        {"\"plain \xc3\xa4\"", SLICE("plain \xc3\xa4")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", SLICE("\"\\/\b\f\n\r\t")},
        {"\"a\\u0000b\"", SLICE("a\0b")},
        {"\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00!\"",
         SLICE("A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80!")},
        {"\"\\\\u0041\"", SLICE("\\u0041")},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json value = parsed(slice_of(cases[i].literal));
        struct buf out;

        buf_init(&out, 100);
        buf_text(&out, "<");
        json_unescape(value, &out);
        assert_true(slice_equal(slice_sub(buf_view(&out), 1, out.len), cases[i].text));
        buf_reset(&out);
        assert_true(slice_equal(json_string(value, &out), cases[i].text));
        buf_clear(&out);
    }
}

static void a_string_without_escapes_is_lent_and_costs_nothing(UNUSED void **state)
{
    struct json root = parsed(SLICE("[\"abc\",\"d\\u0065f\",\"g\\/h\"]"));
    struct json second = json_next(json_first(root));
    struct buf scratch;

    buf_init(&scratch, 100);
    struct slice text = json_string(json_first(root), &scratch);
    assert_slice_is(text, "abc");
    assert_ptr_equal(text.ptr, doc.text.ptr + 2);
    assert_int_equal(scratch.len, 0);

    buf_reserve(&scratch, 100);
    text = json_string(second, &scratch);
    struct slice other = json_string(json_next(second), &scratch);
    assert_slice_is(text, "def");
    assert_slice_is(other, "g/h");
    buf_clear(&scratch);
}

static void a_string_that_passes_the_limit_of_scratch_is_told(UNUSED void **state)
{
    struct json value = parsed(SLICE("\"abc\\ndefghijk\""));
    struct buf scratch;

    buf_init(&scratch, 6);
    (void)json_string(value, &scratch);
    assert_int_equal(buf_check(&scratch), ERR_LIMIT);
    buf_clear(&scratch);
}

static void only_whole_numbers_are_converted(UNUSED void **state)
{
    static const struct {
        const char *text;
        enum err err;
        int64_t number;
    } cases[] = {
        {"0", OK, 0},
        {"-0", OK, 0},
        {"-15", OK, -15},
        {"9223372036854775807", OK, INT64_MAX},
        {"-9223372036854775808", OK, INT64_MIN},
        {"9223372036854775808", ERR_LIMIT, 0},
        {"1.0", ERR_INVALID, 0},
        {"1e3", ERR_INVALID, 0},
        {"\"1\"", ERR_INVALID, 0},
        {"true", ERR_INVALID, 0},
        {"null", ERR_INVALID, 0},
        {"[1]", ERR_INVALID, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t number = 77;

        assert_int_equal(json_to_i64(parsed(slice_of(cases[i].text)), &number), cases[i].err);
        assert_true(number == (cases[i].err == OK ? cases[i].number : 77));
    }
}

static void a_document_is_used_again_and_again(UNUSED void **state)
{
    for (int i = 0; i < 3; i++) {
        assert_repeated("[", "1,", 1000, "1]", OK);
        uint32_t room = doc.room;
        assert_slice_is(json_raw(json_member(parsed(SLICE("{\"a\":[2]}")), "a")), "[2]");
        assert_int_equal(doc.room, room);
        assert_outcome(SLICE("["), ERR_INVALID);
        assert_int_equal(json_type(json_root(&doc)), JSON_NONE);
    }
}

#define JSON_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JSON_TEST(what_the_grammar_allows_is_accepted),
        JSON_TEST(what_the_grammar_does_not_allow_is_refused),
        JSON_TEST(no_start_of_a_text_is_a_text),
        JSON_TEST(nothing_at_no_address_is_refused),
        JSON_TEST(each_byte_is_judged_alike_wherever_it_stands_in_a_string),
        JSON_TEST(nesting_has_a_limit),
        JSON_TEST(values_have_a_limit),
        JSON_TEST(twins_are_found_among_few_and_among_many),
        JSON_TEST(names_that_differ_little_are_not_twins),
        JSON_TEST(a_number_may_have_ten_million_digits),
        JSON_TEST(the_diag_tells_byte_and_line),
        JSON_TEST(values_know_their_type),
        JSON_TEST(an_absent_value_is_harmless),
        JSON_TEST(raw_is_byte_for_byte_what_was_sent),
        JSON_TEST(members_are_found_by_what_their_name_means),
        JSON_TEST(names_are_read_with_their_escapes_undone),
        JSON_TEST(only_objects_have_members),
        JSON_TEST(children_come_in_their_order),
        JSON_TEST(escapes_are_undone),
        JSON_TEST(a_string_without_escapes_is_lent_and_costs_nothing),
        JSON_TEST(a_string_that_passes_the_limit_of_scratch_is_told),
        JSON_TEST(only_whole_numbers_are_converted),
        JSON_TEST(a_document_is_used_again_and_again),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
