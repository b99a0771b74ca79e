#include "base/json.h"
#include "base/macro.h"
#include "support/unit.h"

#include <string.h>

static struct buf out;
static struct json_writer writer;

static int set_up(UNUSED void **state)
{
    buf_init(&out, 10000);
    json_writer_init(&writer, &out);
    return 0;
}

static int tear_down(UNUSED void **state)
{
    buf_clear(&out);
    return 0;
}

static void commas_stand_between_values_and_nowhere_else(UNUSED void **state)
{
    json_begin_object(&writer);
    json_key(&writer, "a");
    json_begin_array(&writer);
    json_put_i64(&writer, 1);
    json_begin_array(&writer);
    json_end_array(&writer);
    json_begin_object(&writer);
    json_end_object(&writer);
    json_put_null(&writer);
    json_end_array(&writer);
    json_key(&writer, "b");
    json_put_bool(&writer, true);
    json_key(&writer, "c");
    json_begin_object(&writer);
    json_key(&writer, "d");
    json_put_bool(&writer, false);
    json_end_object(&writer);
    json_end_object(&writer);
    assert_string_equal(buf_cstr(&out), "{\"a\":[1,[],{},null],\"b\":true,\"c\":{\"d\":false}}");
    assert_int_equal(writer.depth, 0);
}

static void each_kind_of_value_has_its_form(UNUSED void **state)
{
    json_begin_array(&writer);
    json_put_i64(&writer, INT64_MIN);
    json_put_i64(&writer, INT64_MAX);
    json_put_text(&writer, "text");
    json_put_text(&writer, "");
    json_put_text(&writer, NULL);
    json_put_string(&writer, SLICE("a\0b"));
    json_put_string(&writer, (struct slice){NULL, 0});
    json_put_raw(&writer, SLICE("{ \"n\":1.000000 }"));
    json_end_array(&writer);
    assert_string_equal(buf_cstr(&out),
                        "[-9223372036854775808,9223372036854775807,\"text\",\"\",null,"
                        "\"a\\u0000b\",\"\",{ \"n\":1.000000 }]");
}

static void names_are_escaped_as_strings_are(UNUSED void **state)
{
    json_begin_object(&writer);
    json_key(&writer, "a\"b\n");
    json_put_null(&writer);
    json_end_object(&writer);
    assert_string_equal(buf_cstr(&out), "{\"a\\\"b\\n\":null}");
}

static void lines_of_values_need_no_container(UNUSED void **state)
{
    for (int i = 0; i < 2; i++) {
        json_writer_init(&writer, &out);
        json_put_i64(&writer, i);
        buf_byte(&out, '\n');
    }
    assert_string_equal(buf_cstr(&out), "0\n1\n");
}

static void only_what_must_be_escaped_is(UNUSED void **state)
{
    json_escape(&out, SLICE("\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80"));
    assert_string_equal(buf_cstr(&out),
                        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa4\xe2\x80\xa8"
                        "\xf0\x9f\x98\x80\"");
}

static void broken_utf8_becomes_replacement_characters(UNUSED void **state)
{
    json_escape(&out, SLICE("a\xff"
                            "b\xc3\xe2\x82"
                            "c\xed\xa0\x80"
                            "d\xc3"));
    assert_string_equal(buf_cstr(&out), "\"a\xef\xbf\xbd"
                                        "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                        "c\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                        "d\xef\xbf\xbd\"");
}

static void what_is_written_reads_back_the_same(UNUSED void **state)
{
    char text[128 * 3];
    struct json_doc doc;
    struct buf scratch;

    /* Each ASCII byte at several distances from its neighbours. */
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)(i % 3 == 0 ? i / 3 : 'x');
    }
    json_doc_init(&doc);
    buf_init(&scratch, sizeof text);
    for (size_t start = 0; start < 24; start++) {
        struct slice part = slice_from(text + start, sizeof text - start);

        buf_reset(&out);
        buf_reset(&scratch);
        json_escape(&out, part);
        assert_int_equal(json_parse(&doc, buf_view(&out), NULL), OK);
        assert_true(slice_equal(json_string(json_root(&doc), &scratch), part));
    }
    json_doc_clear(&doc);
    buf_clear(&scratch);
}

static void a_full_buffer_is_told_at_the_end(UNUSED void **state)
{
    struct buf small;

    buf_init(&small, 5);
    json_writer_init(&writer, &small);
    json_begin_array(&writer);
    json_put_text(&writer, "abcdef");
    json_put_i64(&writer, 1);
    json_end_array(&writer);
    assert_int_equal(buf_check(&small), ERR_LIMIT);
    buf_clear(&small);
}

#define WRITER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITER_TEST(commas_stand_between_values_and_nowhere_else),
        WRITER_TEST(each_kind_of_value_has_its_form),
        WRITER_TEST(names_are_escaped_as_strings_are),
        WRITER_TEST(lines_of_values_need_no_container),
        WRITER_TEST(only_what_must_be_escaped_is),
        WRITER_TEST(broken_utf8_becomes_replacement_characters),
        WRITER_TEST(what_is_written_reads_back_the_same),
        WRITER_TEST(a_full_buffer_is_told_at_the_end),
    };

    return cmocka_run_group_tests_name("json_writer", tests, NULL, NULL);
}
