#include "base/encode.h"
#include "support/unit.h"
#include "wire/wapi/request.h"

#include <string.h>

enum { BYTES_MAX = 64 * 1024 };

/* A document in a form, as a client that encodes would send it. */
static enum wapi_code read_encoded(struct wapi_request *request, enum wapi_format format,
                                   struct slice document, size_t bytes_max)
{
    struct buf body;

    buf_init(&body, 1024 * 1024);
    buf_text(&body, "request=");
    percent_encode(&body, document);
    wapi_request_init(request, format);
    enum wapi_code code = wapi_request_read(request, SLICE("application/x-www-form-urlencoded"),
                                            buf_view(&body), bytes_max);
    buf_clear(&body);
    return code;
}

static void assert_code_of(enum wapi_format format, struct slice document, enum wapi_code expected)
{
    struct wapi_request request;

    assert_int_equal(read_encoded(&request, format, document, BYTES_MAX), expected);
    wapi_request_clear(&request);
}

static void assert_xml(const char *document, enum wapi_code expected)
{
    assert_code_of(WAPI_XML, slice_of(document), expected);
}

static void assert_json(const char *document, enum wapi_code expected)
{
    assert_code_of(WAPI_JSON, slice_of(document), expected);
}

#define XML(inner)                                                                                 \
    "<request><user>harbor</user><auth>00</auth><command>ping</command>" inner "</request>"
#define JSON(inner)                                                                                \
    "{\"request\":{\"user\":\"harbor\",\"auth\":\"00\",\"command\":\"ping\"" inner "}}"

static void assert_read(enum wapi_format format, const char *document)
{
    struct wapi_request request;

    assert_int_equal(read_encoded(&request, format, slice_of(document), BYTES_MAX), WAPI_OK);
    assert_slice_is(request.user, "harbor");
    assert_slice_is(request.auth, "00");
    assert_slice_is(request.command, "poll-ack");
    assert_true(request.has_client_ref);
    assert_slice_is(request.client_ref, "job-17 <\xc3\xa9>");
    assert_true(request.is_test);
    assert_slice_is(json_raw(json_member(request.data, "id")), "\"51\"");
    wapi_request_clear(&request);
}

static void both_forms_say_the_same(UNUSED void **state)
{
    assert_read(WAPI_XML,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<request>\n <user>harbor</user>"
                "<auth>00</auth><command>poll-ack</command>"
                "<clTRID>job-17 &lt;\xc3\xa9&gt;</clTRID><test>1</test>\n"
                " <data>\n  <id>51</id>\n </data>\n</request>\n");
    assert_read(WAPI_JSON,
                "{\"request\":{\"user\":\"harbor\",\"auth\":\"00\",\"command\":\"poll-ack\","
                "\"clTRID\":\"job-17 <\\u00e9>\",\"test\":true,\"data\":{\"id\":\"51\"}}}");
}

static void what_is_absent_is_not_there(UNUSED void **state)
{
    static const char *const documents[] = {[WAPI_XML] = XML(""), [WAPI_JSON] = JSON("")};
    struct wapi_request request;

    for (enum wapi_format format = WAPI_XML; format <= WAPI_JSON; format++) {
        assert_int_equal(read_encoded(&request, format, slice_of(documents[format]), BYTES_MAX),
                         WAPI_OK);
        assert_false(request.has_client_ref);
        assert_false(request.is_test);
        assert_false(json_exists(request.data));
        wapi_request_clear(&request);
    }
}

static void empty_data_is_none(UNUSED void **state)
{
    static const struct {
        enum wapi_format format;
        const char *document;
    } requests[] = {
        {WAPI_XML, XML("<data/>")},          {WAPI_XML, XML("<data>\n\t </data>")},
        {WAPI_JSON, JSON(",\"data\":{}")},   {WAPI_JSON, JSON(",\"data\":[]")},
        {WAPI_JSON, JSON(",\"data\":\"\"")}, {WAPI_JSON, JSON(",\"data\":null")},
    };
    struct wapi_request request;

    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        assert_int_equal(
            read_encoded(&request, requests[i].format, slice_of(requests[i].document), BYTES_MAX),
            WAPI_OK);
        assert_false(json_exists(request.data));
        wapi_request_clear(&request);
    }
}

static void data_of_xml_is_json_for_those_who_work_with_it(UNUSED void **state)
{
    static const char document[] = XML("<data><name>a.example</name><ns>n1</ns><ns>n2</ns>"
                                       "<owner><city>\"B\"</city></owner></data>");
    struct wapi_request request;

    assert_int_equal(read_encoded(&request, WAPI_XML, slice_of(document), BYTES_MAX), WAPI_OK);
    assert_slice_is(json_raw(request.data), "{\"name\":\"a.example\",\"ns\":[\"n1\",\"n2\"],"
                                            "\"owner\":{\"city\":\"\\\"B\\\"\"}}");
    wapi_request_clear(&request);
}

static void test_mode_is_asked_for_in_several_ways(UNUSED void **state)
{
    static const struct {
        const char *inner;
        bool is_test;
    } values[] = {
        {JSON(",\"test\":1"), true},     {JSON(",\"test\":\"1\""), true},
        {JSON(",\"test\":true"), true},  {JSON(",\"test\":false"), false},
        {JSON(",\"test\":0"), false},    {JSON(",\"test\":\"\""), false},
        {JSON(",\"test\":null"), false},
    };
    struct wapi_request request;

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        assert_int_equal(read_encoded(&request, WAPI_JSON, slice_of(values[i].inner), BYTES_MAX),
                         WAPI_OK);
        assert_int_equal(request.is_test, values[i].is_test);
        wapi_request_clear(&request);
    }
}

static void nothing_is_empty(UNUSED void **state)
{
    assert_xml("", WAPI_EMPTY);
    assert_xml(" \r\n", WAPI_EMPTY);
    assert_json("", WAPI_EMPTY);
}

static void what_is_no_document_does_not_parse(UNUSED void **state)
{
    assert_xml("<request>", WAPI_PARSE_ERROR);
    assert_xml("<response/>", WAPI_PARSE_ERROR);
    assert_xml(JSON(""), WAPI_PARSE_ERROR); /* at the other door */
    assert_json(XML(""), WAPI_PARSE_ERROR);
    assert_json("{\"request\":[]}", WAPI_PARSE_ERROR);
    assert_json("{\"Request\":{}}", WAPI_PARSE_ERROR);
    assert_json("[]", WAPI_PARSE_ERROR);
    assert_json(JSON(",\"user\":\"other\""), WAPI_PARSE_ERROR); /* which one? */
}

static void attacks_by_xml_are_refused(UNUSED void **state)
{
    assert_xml("<!DOCTYPE request [<!ENTITY a \"b\">]>" XML("<clTRID>&a;</clTRID>"),
               WAPI_PARSE_ERROR);
    assert_xml("<!DOCTYPE request SYSTEM \"http://127.0.0.1:1/x.dtd\">" XML(""), WAPI_PARSE_ERROR);
    assert_xml(XML("<clTRID>&undefined;</clTRID>"), WAPI_PARSE_ERROR);
    assert_xml("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" XML(""), WAPI_PARSE_ERROR);
    assert_xml("<?xml version=\"1.0\" encoding=\"UTF-16\"?>" XML(""), WAPI_PARSE_ERROR);
}

static void invalid_utf_8_has_its_own_code(UNUSED void **state)
{
    assert_xml(XML("<clTRID>\xff</clTRID>"), WAPI_WRONG_ENCODING);
    assert_json(JSON(",\"clTRID\":\"\xc3\""), WAPI_WRONG_ENCODING);
    assert_code_of(WAPI_XML, SLICE("\xff\xfe<\0r\0"), WAPI_WRONG_ENCODING); /* UTF-16 */
    assert_xml("\xff", WAPI_WRONG_ENCODING);                                /* before syntax */
}

static void put_often(struct buf *out, const char *text, int count)
{
    for (int i = 0; i < count; i++) {
        buf_text(out, text);
    }
}

/* The levels of the document without those of data, then so many within. */
static void assert_depth(enum wapi_format format, int levels, enum wapi_code expected)
{
    bool is_xml = format == WAPI_XML;
    struct buf document;

    buf_init(&document, BYTES_MAX);
    buf_text(&document, is_xml
                            ? "<request><user>harbor</user><auth>0</auth><command>ping</command>"
                            : "{\"request\":{\"user\":\"h\",\"auth\":\"0\",\"command\":\"ping\",");
    buf_text(&document, is_xml ? "" : "\"data\":");
    put_often(&document, is_xml ? "<data>" : "{\"a\":", levels);
    buf_text(&document, is_xml ? "" : "1");
    put_often(&document, is_xml ? "</data>" : "}", levels);
    buf_text(&document, is_xml ? "</request>" : "}}");
    assert_code_of(format, buf_view(&document), expected);
    buf_clear(&document);
}

static void only_so_many_levels_are_read(UNUSED void **state)
{
    assert_depth(WAPI_XML, 31, WAPI_OK); /* with <request>, 32 */
    assert_depth(WAPI_XML, 32, WAPI_TOO_COMPLEX);
    assert_depth(WAPI_XML, 4000, WAPI_TOO_COMPLEX);
    assert_depth(WAPI_JSON, 30, WAPI_OK); /* with the two around it, 32 */
    assert_depth(WAPI_JSON, 31, WAPI_TOO_COMPLEX);
    assert_depth(WAPI_JSON, 4000, WAPI_TOO_COMPLEX);
}

static void brackets_in_a_text_are_no_levels(UNUSED void **state)
{
    assert_json(JSON(",\"clTRID\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\""),
                WAPI_OK);
}

static void only_so_many_nodes_are_read(UNUSED void **state)
{
    struct buf document;

    buf_init(&document, BYTES_MAX);
    buf_text(&document, "<request><user>h</user><auth>0</auth><command>ping</command><data>");
    put_often(&document, "<a/>", 12000);
    buf_text(&document, "</data></request>");
    assert_code_of(WAPI_XML, buf_view(&document), WAPI_TOO_COMPLEX);
    buf_clear(&document);
}

static void the_size_of_the_document_counts(UNUSED void **state)
{
    struct wapi_request request;
    struct slice document = SLICE(XML(""));

    assert_int_equal(read_encoded(&request, WAPI_XML, document, document.len), WAPI_OK);
    wapi_request_clear(&request);
    assert_int_equal(read_encoded(&request, WAPI_XML, document, document.len - 1), WAPI_TOO_LARGE);
    wapi_request_clear(&request);
}

static void the_parameters_are_asked_for_in_order(UNUSED void **state)
{
    assert_xml("<request/>", WAPI_NO_USER);
    assert_xml("<request><user/><auth>0</auth><command>ping</command></request>", WAPI_NO_USER);
    assert_xml("<request><user>h</user></request>", WAPI_NO_AUTH);
    assert_xml("<request><user>h</user><auth>0</auth></request>", WAPI_NO_COMMAND);
    assert_json("{\"request\":{}}", WAPI_NO_USER);
    assert_json("{\"request\":{\"user\":\"h\",\"auth\":null}}", WAPI_NO_AUTH);
    assert_json("{\"request\":{\"user\":\"h\",\"auth\":\"0\",\"command\":{}}}", WAPI_NO_COMMAND);
}

static void data_is_there_once_at_most(UNUSED void **state)
{
    assert_xml(XML("<data><id>1</id></data><data><id>2</id></data>"), WAPI_SECOND_DATA);
    assert_xml(XML("<data/><data/>"), WAPI_SECOND_DATA);
    assert_json(JSON(",\"data\":[{\"id\":1},{\"id\":2}]"), WAPI_SECOND_DATA);
    assert_json(JSON(",\"data\":[{\"id\":1}]"), WAPI_OK);
}

static void a_cltrid_has_64_characters_at_most(UNUSED void **state)
{
    struct wapi_request request;
    struct buf document;

    for (int chars = 64; chars <= 65; chars++) {
        buf_init(&document, BYTES_MAX);
        buf_text(&document, "{\"request\":{\"user\":\"h\",\"auth\":\"0\",\"command\":\"ping\","
                            "\"clTRID\":\"");
        put_often(&document, "\xc5\xbe", chars);
        buf_text(&document, "\"}}");
        assert_int_equal(read_encoded(&request, WAPI_JSON, buf_view(&document), BYTES_MAX),
                         chars == 64 ? WAPI_OK : WAPI_LONG_CLTRID);
        assert_int_equal(request.has_client_ref, chars == 64); /* else it is not echoed */
        assert_slice_is(request.command, "ping");
        wapi_request_clear(&request);
        buf_clear(&document);
    }
}

static void an_empty_cltrid_is_one(UNUSED void **state)
{
    struct wapi_request request;

    assert_int_equal(read_encoded(&request, WAPI_XML, SLICE(XML("<clTRID/>")), BYTES_MAX), WAPI_OK);
    assert_true(request.has_client_ref);
    assert_int_equal(request.client_ref.len, 0);
    wapi_request_clear(&request);
}

static void unknown_members_are_ignored(UNUSED void **state)
{
    assert_xml(XML("<more><user>x</user></more>"), WAPI_OK);
    assert_json(JSON(",\"more\":[1,2]"), WAPI_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_say_the_same),
        cmocka_unit_test(what_is_absent_is_not_there),
        cmocka_unit_test(empty_data_is_none),
        cmocka_unit_test(data_of_xml_is_json_for_those_who_work_with_it),
        cmocka_unit_test(test_mode_is_asked_for_in_several_ways),
        cmocka_unit_test(nothing_is_empty),
        cmocka_unit_test(what_is_no_document_does_not_parse),
        cmocka_unit_test(attacks_by_xml_are_refused),
        cmocka_unit_test(invalid_utf_8_has_its_own_code),
        cmocka_unit_test(only_so_many_levels_are_read),
        cmocka_unit_test(brackets_in_a_text_are_no_levels),
        cmocka_unit_test(only_so_many_nodes_are_read),
        cmocka_unit_test(the_size_of_the_document_counts),
        cmocka_unit_test(the_parameters_are_asked_for_in_order),
        cmocka_unit_test(data_is_there_once_at_most),
        cmocka_unit_test(a_cltrid_has_64_characters_at_most),
        cmocka_unit_test(an_empty_cltrid_is_one),
        cmocka_unit_test(unknown_members_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
