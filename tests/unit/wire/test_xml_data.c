#include "base/macro.h"
#include "support/unit.h"
#include "wire/xml_data.h"

#include <string.h>

enum { TEXT_BYTES_MAX = 1024 * 1024 };

/* "Prices" has items "Price", everything else "Item". */
static void name_item(struct slice name, struct buf *out)
{
    if (slice_ends(name, SLICE("s"))) {
        buf_slice(out, slice_sub(name, 0, name.len - 1));
    } else {
        buf_text(out, "Item");
    }
}

static const struct xml_data_rule by_name = {.item_name = NULL};
static const struct xml_data_rule inside = {.item_name = name_item};

/* What data becomes as the element "data". */
static void assert_xml(const char *json, const struct xml_data_rule *rule, const char *expected)
{
    static const struct xml_limits limits = {.depth_max = 100, .nodes_max = 10000};
    struct xml_doc *back = NULL;
    struct json_doc doc;
    struct buf out;

    json_doc_init(&doc);
    buf_init(&out, TEXT_BYTES_MAX);
    assert_int_equal(json_parse(&doc, slice_of(json), NULL), OK);
    xml_data_put(&out, SLICE("data"), json_root(&doc), rule);
    assert_string_equal(buf_cstr(&out), expected);
    if (json_type(json_root(&doc)) == JSON_OBJECT) {
        assert_int_equal(xml_parse(buf_view(&out), &limits, &back, NULL), OK);
    }
    xml_doc_free(back);
    json_doc_clear(&doc);
    buf_clear(&out);
}

static void assert_json(const char *xml, const char *expected)
{
    static const struct xml_limits limits = {.depth_max = 100, .nodes_max = 100000};
    struct xml_doc *doc = NULL;
    struct json_doc back;
    struct json_writer writer;
    struct buf out;

    json_doc_init(&back);
    buf_init(&out, TEXT_BYTES_MAX);
    json_writer_init(&writer, &out);
    assert_int_equal(xml_parse(slice_of(xml), &limits, &doc, NULL), OK);
    xml_data_to_json(xml_root(doc), &writer);
    assert_string_equal(buf_cstr(&out), expected);
    assert_int_equal(json_parse(&back, buf_view(&out), NULL), OK);
    json_doc_clear(&back);
    buf_clear(&out);
    xml_doc_free(doc);
}

static void members_are_elements_and_scalars_their_texts(UNUSED void **state)
{
    assert_xml(
        "{\"round\":2,\"time\":14.90e1,\"done\":true,\"not\":false,\"none\":null,\"empty\":\"\"}",
        &by_name,
        "<data><round>2</round><time>14.90e1</time><done>1</done><not>0</not><none></none>"
        "<empty></empty></data>");
    assert_xml("{\"a\":{\"b\":{\"c\":\"deep\"},\"d\":{}}}", &by_name,
               "<data><a><b><c>deep</c></b><d></d></a></data>");
    assert_xml("\"plain\"", &by_name, "<data>plain</data>");
    assert_xml("{}", &inside, "<data></data>");
}

static void text_is_escaped_after_its_own_escapes_are_undone(UNUSED void **state)
{
    assert_xml("{\"a\":\"<&>\\u003c\\r\\n\\t \\ud83d\\ude00 ]]>\"}", &by_name,
               "<data><a>&lt;&amp;&gt;&lt;&#13;\n\t \xf0\x9f\x98\x80 ]]&gt;</a></data>");
    assert_xml("{\"a\":\"\\u0000\\u0001\\uffff\"}", &by_name,
               "<data><a>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</a></data>");
}

static void what_is_no_element_s_name_is_made_one(UNUSED void **state)
{
    assert_xml("{\"\":1,\"1a\":2,\"-\":3,\"a b\":4,\"a:b\":5,\"<a>\":6}", &by_name,
               "<data><_>1</_><_1a>2</_1a><_->3</_-><a_b>4</a_b><a_b>5</a_b><_a_>6</_a_></data>");
    assert_xml("{\"\xc3\xa9t\xc3\xa9\":1,\"\\ud83d\\ude00\":2,\"\\u0000\":3}", &by_name,
               "<data><_t_>1</_t_><_>2</_><_>3</_></data>");
    assert_xml("{\"xml\":1,\"XmLns\":2,\"a.b-c_9\":3}", &by_name,
               "<data><_xml>1</_xml><_XmLns>2</_XmLns><a.b-c_9>3</a.b-c_9></data>");
}

static void an_array_repeats_its_name(UNUSED void **state)
{
    assert_xml("{\"row\":[{\"id\":1},\"two\",null],\"none\":[],\"after\":1}", &by_name,
               "<data><row><id>1</id></row><row>two</row><row></row><after>1</after></data>");
    assert_xml("{\"a\":[[1,2],[[3]],[]]}", &by_name,
               "<data><a><a>1</a><a>2</a></a><a><a><a>3</a></a></a><a></a></data>");
    assert_xml("[1,2]", &by_name, "<data>1</data><data>2</data>");
}

static void an_array_holds_its_items_where_the_rule_names_them(UNUSED void **state)
{
    assert_xml("{\"Prices\":[1,{\"Rate\":2}],\"Box\":[],\"Names\":[[\"a\"],\"b\"]}", &inside,
               "<data><Prices><Price>1</Price><Price><Rate>2</Rate></Price></Prices><Box></Box>"
               "<Names><Name><Item>a</Item></Name><Name>b</Name></Names></data>");
}

static void elements_become_objects_and_texts_strings(UNUSED void **state)
{
    assert_json("<data><id>51</id><sub><a>x</a></sub><none/><empty></empty></data>",
                "{\"id\":\"51\",\"sub\":{\"a\":\"x\"},\"none\":\"\",\"empty\":\"\"}");
    assert_json("<data>text</data>", "\"text\"");
    assert_json("<data/>", "\"\"");
    assert_json("<data> <a> &lt;\"\\ </a> dropped <b c='1'/></data>",
                "{\"a\":\" <\\\"\\\\ \",\"b\":\"\"}");
}

static void several_of_one_name_are_one_array_in_the_place_of_the_first(UNUSED void **state)
{
    assert_json("<d><row>1</row><b/><row><c>2</c></row><row/><e>x</e></d>",
                "{\"row\":[\"1\",{\"c\":\"2\"},\"\"],\"b\":\"\",\"e\":\"x\"}");
    /* Names are compared as they are written. */
    assert_json("<d><a>1</a><A>2</A><a>3</a></d>", "{\"a\":[\"1\",\"3\"],\"A\":\"2\"}");
}

static void many_children_do_not_take_long(UNUSED void **state)
{
    struct buf xml, json;

    buf_init(&xml, TEXT_BYTES_MAX);
    buf_init(&json, TEXT_BYTES_MAX);
    buf_text(&xml, "<d>");
    buf_byte(&json, '{');
    for (int i = 0; i < 40000; i++) {
        buf_printf(&xml, "<n%d/>", i);
        buf_printf(&json, "%s\"n%d\":\"\"", i > 0 ? "," : "", i);
    }
    buf_text(&xml, "</d>");
    buf_byte(&json, '}');
    assert_json(buf_cstr(&xml), buf_cstr(&json));
    buf_clear(&xml);
    buf_clear(&json);
}

/* Some gigabytes, if they were written. */
static void a_long_name_of_many_items_does_not_take_long(void **state)
{
    enum { NAME_BYTES = 100000, ITEMS = 50000 };
    struct json_doc doc;
    struct buf json, out;

    (void)state;
    json_doc_init(&doc);
    buf_init(&json, TEXT_BYTES_MAX);
    buf_init(&out, TEXT_BYTES_MAX);
    buf_text(&json, "{\"");
    for (int i = 0; i < NAME_BYTES; i++) {
        buf_byte(&json, 'n');
    }
    buf_text(&json, "\":[1");
    for (int i = 1; i < ITEMS; i++) {
        buf_text(&json, ",1");
    }
    buf_text(&json, "]}");
    assert_int_equal(json_parse(&doc, buf_view(&json), NULL), OK);
    xml_data_put(&out, SLICE("data"), json_root(&doc), &by_name);
    assert_int_equal(buf_check(&out), ERR_LIMIT);
    json_doc_clear(&doc);
    buf_clear(&json);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_elements_and_scalars_their_texts),
        cmocka_unit_test(text_is_escaped_after_its_own_escapes_are_undone),
        cmocka_unit_test(what_is_no_element_s_name_is_made_one),
        cmocka_unit_test(an_array_repeats_its_name),
        cmocka_unit_test(an_array_holds_its_items_where_the_rule_names_them),
        cmocka_unit_test(elements_become_objects_and_texts_strings),
        cmocka_unit_test(several_of_one_name_are_one_array_in_the_place_of_the_first),
        cmocka_unit_test(many_children_do_not_take_long),
        cmocka_unit_test(a_long_name_of_many_items_does_not_take_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
