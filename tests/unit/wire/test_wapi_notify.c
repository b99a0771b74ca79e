#include "base/macro.h"
#include "base/mem.h"
#include "base/xml.h"
#include "support/unit.h"
#include "wire/wapi/dialect.h"
#include "wire/wapi/layout.h"
#include "wire/wapi/notify.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 1024 * 1024 };

#define PROLOG "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* 1760000117.250, node 3, counter 5 */
static const struct id event_id = {(UINT64_C(1760000117250) - UINT64_C(1577836800000)) << 22 |
                                   3 << 12 | 5};
static const struct id delivery = {51};

static struct event *make_event(const char *data)
{
    return event_new(&(struct event_parts){
        .id = event_id,
        .account_name = SLICE("shop"),
        .type = SLICE("operation.completed"),
        .content_type = SLICE("application/json"),
        .data = slice_of(data),
        .client_ref = SLICE("dom-3"),
        .server_ref = SLICE("1760000102.7702.20544.1"),
    });
}

/* The whole document of an event; gives it back. */
static void put_document(struct event *event, enum wapi_format format, struct buf *out)
{
    struct document document;
    struct notify notify;
    struct diag diag = {0};

    if (notify_read(&notify, event, &diag) != OK) {
        fail_msg("%s", diag.text);
    }
    document_open(&document, format, "notify", out);
    notify_put_members(&document, &notify, delivery);
    document_close(&document, "notify");
    notify_clear(&notify);
    event_release(event);
}

static void assert_document(struct event *event, enum wapi_format format, const char *expected)
{
    struct buf out;

    buf_init(&out, TEXT_BYTES_MAX);
    put_document(event, format, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_clear(&out);
}

/* ---- The document ---- */

#define FULL                                                                                       \
    "{\"code\": 1000, \"result\": \"OK\", \"command\": \"ping-async\", \"operation\": \"opr_1\","  \
    " \"origin\": \"wapi/xml\", \"data\": {\"round\": 2, \"time\": \"14.9\", \"done\": true}}"

static void has_all_members_in_their_order_in_xml(UNUSED void **state)
{
    assert_document(make_event(FULL), WAPI_XML,
                    PROLOG "<notify><code>1000</code><result>OK</result>"
                           "<timestamp>1760000117</timestamp><clTRID>dom-3</clTRID>"
                           "<svTRID>1760000102.7702.20544.1</svTRID><command>ping-async</command>"
                           "<id>51</id><data><round>2</round><time>14.9</time><done>1</done></data>"
                           "</notify>");
}

static void has_all_members_in_their_order_in_json(UNUSED void **state)
{
    assert_document(make_event(FULL), WAPI_JSON,
                    "{\"notify\":{\"code\":1000,\"result\":\"OK\",\"timestamp\":1760000117,"
                    "\"clTRID\":\"dom-3\",\"svTRID\":\"1760000102.7702.20544.1\","
                    "\"command\":\"ping-async\",\"id\":\"51\","
                    "\"data\":{\"round\":\"2\",\"time\":\"14.9\",\"done\":\"1\"}}}");
}

static void scalars_of_data_are_strings_in_json_at_any_depth(UNUSED void **state)
{
    assert_document(
        make_event("{\"code\":1200,\"result\":\"r\",\"data\":{\"a\\u0022\":[1.50e3,null,false,"
                   "{\"b\":true,\"c\":\"x\\n\"}],\"e\":{},\"f\":[]}}"),
        WAPI_JSON,
        "{\"notify\":{\"code\":1200,\"result\":\"r\",\"timestamp\":1760000117,"
        "\"svTRID\":\"1760000102.7702.20544.1\",\"command\":\"system-notify\",\"id\":\"51\","
        "\"data\":{\"a\\\"\":[\"1.50e3\",\"\",\"0\",{\"b\":\"1\",\"c\":\"x\\n\"}],\"e\":{},\"f\":[]"
        "}}"
        "}");
}

static void data_that_is_no_object_is_the_member_value(UNUSED void **state)
{
    static const struct {
        const char *data, *xml, *json;
    } cases[] = {
        {"\"a<b\"", "<value>a&lt;b</value>", "\"a<b\""},
        {"-1.50e3", "<value>-1.50e3</value>", "\"-1.50e3\""},
        {"false", "<value>0</value>", "\"0\""},
        {"\"\"", "<value></value>", "\"\""},
        {"[1,\"b\",{\"c\":2}]", "<value>1</value><value>b</value><value><c>2</c></value>",
         "[\"1\",\"b\",{\"c\":\"2\"}]"},
        {"[]", "", "[]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char data[128], expected[512];

        (void)snprintf(data, sizeof data, "{\"code\":1000,\"result\":\"OK\",\"data\":%s}",
                       cases[i].data);
        (void)snprintf(expected, sizeof expected,
                       PROLOG "<notify><code>1000</code><result>OK</result>"
                              "<timestamp>1760000117</timestamp>"
                              "<svTRID>1760000102.7702.20544.1</svTRID>"
                              "<command>system-notify</command><id>51</id><data>%s</data></notify>",
                       cases[i].xml);
        assert_document(make_event(data), WAPI_XML, expected);
        (void)snprintf(expected, sizeof expected,
                       "{\"notify\":{\"code\":1000,\"result\":\"OK\",\"timestamp\":1760000117,"
                       "\"svTRID\":\"1760000102.7702.20544.1\",\"command\":\"system-notify\","
                       "\"id\":\"51\",\"data\":{\"value\":%s}}}",
                       cases[i].json);
        assert_document(make_event(data), WAPI_JSON, expected);
    }
}

static void an_event_without_a_command_is_system_news_and_has_no_cltrid(UNUSED void **state)
{
    static const char *const events[] = {
        "{\"code\":1200,\"result\":\"Domain transfered out\"}",
        "{\"code\":1200,\"result\":\"Domain transfered out\",\"command\":null,\"data\":null}",
        "{\"code\":1200,\"result\":\"Domain transfered out\",\"command\":\"\",\"data\":{}}",
    };

    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        assert_document(make_event(events[i]), WAPI_XML,
                        PROLOG "<notify><code>1200</code><result>Domain transfered out</result>"
                               "<timestamp>1760000117</timestamp>"
                               "<svTRID>1760000102.7702.20544.1</svTRID>"
                               "<command>system-notify</command><id>51</id></notify>");
    }
}

static void an_event_without_references_has_no_cltrid_and_an_svtrid_of_its_id(UNUSED void **state)
{
    struct event *event = event_new(&(struct event_parts){
        .id = event_id,
        .content_type = SLICE("application/json; charset=utf-8"),
        .data = SLICE("{\"code\":1000,\"result\":\"\",\"command\":\"c\"}"),
    });

    assert_document(event, WAPI_XML,
                    PROLOG "<notify><code>1000</code><result></result>"
                           "<timestamp>1760000117</timestamp><svTRID>1760000117.250.3.5</svTRID>"
                           "<command>c</command><id>51</id></notify>");
}

static void a_test_is_told_whatever_its_data_is(UNUSED void **state)
{
    struct event *event = event_new(&(struct event_parts){
        .id = event_id,
        .type = SLICE("tidings.test"),
        .content_type = SLICE("application/json"),
        .data = SLICE("{\"message\":\"This is a test.\"}"),
    });

    assert_document(event, WAPI_XML,
                    PROLOG "<notify><code>1000</code><result>OK</result>"
                           "<timestamp>1760000117</timestamp><svTRID>1760000117.250.3.5</svTRID>"
                           "<command>system-notify</command><id>51</id>"
                           "<data><message>This is a test.</message></data></notify>");
}

static void texts_are_escaped_in_both_formats(UNUSED void **state)
{
    static const char data[] = "{\"code\":1000,\"result\":\"<&\\\"\\u0001\\ud83d\\ude00\","
                               "\"command\":\"c\",\"data\":{\"1 <\":\"]]>\\r\\n\"}}";

    assert_document(make_event(data), WAPI_XML,
                    PROLOG "<notify><code>1000</code>"
                           "<result>&lt;&amp;\"\xef\xbf\xbd\xf0\x9f\x98\x80</result>"
                           "<timestamp>1760000117</timestamp><clTRID>dom-3</clTRID>"
                           "<svTRID>1760000102.7702.20544.1</svTRID><command>c</command>"
                           "<id>51</id><data><_1__>]]&gt;&#13;\n</_1__></data></notify>");
    assert_document(make_event(data), WAPI_JSON,
                    "{\"notify\":{\"code\":1000,\"result\":\"<&\\\"\\u0001\xf0\x9f\x98\x80\","
                    "\"timestamp\":1760000117,\"clTRID\":\"dom-3\","
                    "\"svTRID\":\"1760000102.7702.20544.1\",\"command\":\"c\",\"id\":\"51\","
                    "\"data\":{\"1 <\":\"]]>\\r\\n\"}}}");
}

static void the_highest_id_keeps_all_its_digits(UNUSED void **state)
{
    struct event *event = make_event("{\"code\":1000,\"result\":\"OK\"}");
    struct document document;
    struct buf out;

    buf_init(&out, TEXT_BYTES_MAX);
    document_open(&document, WAPI_JSON, "data", &out);
    assert_int_equal(notify_put(&document, event, (struct id){UINT64_MAX}, NULL), OK);
    document_close(&document, "data");
    assert_non_null(strstr(buf_cstr(&out), "{\"data\":{\"notify\":{\"code\":1000,"));
    assert_non_null(strstr(buf_cstr(&out), "\"id\":\"18446744073709551615\"}}}"));
    buf_clear(&out);
    event_release(event);
}

/* ---- What cannot be told ---- */

static void an_event_that_is_no_notification_is_refused_with_words(UNUSED void **state)
{
    static const char *const cases[][2] = {
        {"", "not a notification"},
        {"{", "not a notification"},
        {"[]", "code: expected a whole number from 1000 to 9999"},
        {"{}", "code: expected a whole number from 1000 to 9999"},
        {"{\"code\":999,\"result\":\"OK\"}", "code: expected a whole number from 1000 to 9999"},
        {"{\"code\":10000,\"result\":\"OK\"}", "code: expected"},
        {"{\"code\":\"1000\",\"result\":\"OK\"}", "code: expected"},
        {"{\"code\":1000.0,\"result\":\"OK\"}", "code: expected"},
        {"{\"code\":1000}", "result: expected a string"},
        {"{\"code\":1000,\"result\":7}", "result: expected a string, not a number"},
        {"{\"code\":1000,\"result\":\"OK\",\"command\":1}", "command: expected a string"},
        {"{\"code\":1000,\"result\":\"OK\",\"origin\":{}}", "origin: expected a string"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event *event = make_event(cases[i][0]);
        struct notify notify;
        struct diag diag = {0};

        assert_int_equal(notify_read(&notify, event, &diag), ERR_INVALID);
        assert_non_null(strstr(diag.text, cases[i][1]));
        assert_false(dialect_wapi.carries(event, NULL));
        notify_clear(&notify);
        event_release(event);
    }
}

static void an_event_that_is_not_json_is_refused(UNUSED void **state)
{
    struct event *event = event_new(&(struct event_parts){
        .id = event_id,
        .content_type = SLICE("text/plain"),
        .data = SLICE("{\"code\":1000,\"result\":\"OK\"}"),
    });
    struct diag diag = {0};

    assert_false(dialect_wapi.carries(event, &diag));
    assert_non_null(strstr(diag.text, "the data is not JSON"));
    event_release(event);
}

/* ---- The format ---- */

static enum wapi_format format_of(const char *data, struct credentials *credentials)
{
    struct account account = {.credentials = credentials};
    struct event *event = make_event(data);
    struct notify notify;

    assert_int_equal(notify_read(&notify, event, NULL), OK);
    enum wapi_format format = notify_format(&notify, &account);
    notify_clear(&notify);
    event_release(event);
    return format;
}

static void the_format_is_that_of_the_request_then_the_account_s_then_xml(UNUSED void **state)
{
    static const char by_xml[] = "{\"code\":1000,\"result\":\"OK\",\"origin\":\"wapi/xml\"}";
    static const char by_json[] = "{\"code\":1000,\"result\":\"OK\",\"origin\":\"wapi/json\"}";
    static const char elsewhere[] = "{\"code\":1000,\"result\":\"OK\",\"origin\":\"api\"}";
    static const char by_nobody[] = "{\"code\":1000,\"result\":\"OK\"}";
    const struct dialect_rules_table table = {&dialect_wapi.rules, 1};
    struct credentials *json =
        credentials_new(SLICE("{\"wapi\":{\"login\":\"harbor\",\"protocol\":\"json\"}}"), &table);

    assert_int_equal(format_of(by_xml, json), WAPI_XML);
    assert_int_equal(format_of(by_json, NULL), WAPI_JSON);
    assert_int_equal(format_of(elsewhere, json), WAPI_JSON);
    assert_int_equal(format_of(by_nobody, json), WAPI_JSON);
    assert_int_equal(format_of(by_nobody, NULL), WAPI_XML);
    credentials_release(json);
}

/* ---- The layout ---- */

static void assert_layout(enum wapi_format format, const char *document, const char *expected)
{
    struct buf out;

    buf_init(&out, TEXT_BYTES_MAX);
    layout_document(format, slice_of(document), &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_clear(&out);
}

static void a_layout_has_one_element_or_member_a_line(UNUSED void **state)
{
    assert_layout(WAPI_XML, PROLOG "<a><b>1 &gt; 0\n2</b><c></c><d><e>x</e><e>y</e></d></a>",
                  PROLOG "<a>\n"
                         "  <b>1 &gt; 0\n2</b>\n"
                         "  <c></c>\n"
                         "  <d>\n"
                         "    <e>x</e>\n"
                         "    <e>y</e>\n"
                         "  </d>\n"
                         "</a>\n");
    assert_layout(WAPI_JSON,
                  "{\"a\":{\"b\":1,\"c\":\"{,\\\"[\",\"d\":[],\"e\":[\"x\",{}],\"f\":{}}}",
                  "{\n"
                  "  \"a\": {\n"
                  "    \"b\": 1,\n"
                  "    \"c\": \"{,\\\"[\",\n"
                  "    \"d\": [],\n"
                  "    \"e\": [\n"
                  "      \"x\",\n"
                  "      {}\n"
                  "    ],\n"
                  "    \"f\": {}\n"
                  "  }\n"
                  "}\n");
}

/* ---- Push ---- */

static struct dialect_judgement judged(int32_t status)
{
    struct outbound_result result = {.outcome = ATTEMPT_ANSWER, .status = status};
    const struct dialect_attempt attempt = {.number = 1};

    return dialect_wapi.judge(&attempt, &result, NULL);
}

static void only_the_status_200_is_a_delivery(UNUSED void **state)
{
    static const int32_t others[] = {199, 201, 202, 204, 206, 301, 302,
                                     400, 401, 404, 410, 429, 500};

    assert_int_equal(judged(200).verdict, VERDICT_DELIVERED);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_int_equal(judged(others[i]).verdict, VERDICT_RETRY);
    }
}

static void its_rules_can_be_read(UNUSED void **state)
{
    struct dialect_rules rules = dialect_wapi.rules;
    struct diag diag = {0};

    assert_int_equal(dialect_rules_prepare(&rules, "retry", &diag), OK);
    assert_true(rules.has_retry);
    assert_true(rules.retry.first_us == 5 * US_PER_MINUTE);
    assert_true(rules.retry.for_us >= 365 * US_PER_DAY);
    assert_int_equal(rules.retry.jitter_permille, 0);
}

/* ---- Credentials ---- */

static void assert_credentials(const char *text, const char *field)
{
    struct json_doc doc;
    struct diag diag = {0};

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, slice_of(text), NULL), OK);
    enum err err = dialect_wapi.rules.check_credentials(json_root(&doc), &diag);
    assert_int_equal(err, field != NULL ? ERR_INVALID : OK);
    assert_string_equal(diag.field, field != NULL ? field : "");
    json_doc_clear(&doc);
}

static void assert_allow(const char *allow, bool is_right)
{
    char text[1000];

    (void)snprintf(text, sizeof text,
                   "{\"login\":\"harbor\",\"password\":\"12345678\",\"allow\":\"%s\"}", allow);
    assert_credentials(text, is_right ? NULL : "allow");
}

static void credentials_are_checked_member_by_member(UNUSED void **state)
{
    assert_credentials("{\"login\":\"harbor\",\"password\":\"12345678\"}", NULL);
    assert_credentials("{\"login\":\"h\\u0061rbor@x.y\",\"password\":\"\\u00e9345678\","
                       "\"protocol\":\"json\",\"allow\":null}",
                       NULL);
    assert_credentials("{\"login\":\"harbor\",\"password\":\"1234567\"}", "password");
    assert_credentials("{\"login\":\"harbor\"}", "password");
    assert_credentials("{\"password\":\"12345678\"}", "login");
    assert_credentials("{\"login\":\"\",\"password\":\"12345678\"}", "login");
    assert_credentials("{\"login\":\"h\\u00e9\",\"password\":\"12345678\"}", "login");
    assert_credentials("{\"login\":\"h\\n\",\"password\":\"12345678\"}", "login");
    assert_credentials("{\"login\":5,\"password\":\"12345678\"}", "login");
    assert_credentials("{\"login\":\"12345678901234567890123456789012345678901234567890123456789"
                       "012345\",\"password\":\"12345678\"}",
                       "login");
    assert_credentials("{\"login\":\"h\",\"password\":\"12345678\",\"protocol\":\"XML\"}",
                       "protocol");
    assert_credentials("{\"login\":\"h\",\"password\":\"12345678\",\"allowed\":\"\"}", "allowed");
}

static void the_allow_list_has_addresses_and_prefixes(UNUSED void **state)
{
    static const char *const right[] = {
        "",
        "198.51.100.7",
        "198.51.100.",
        "198.51.",
        "198.",
        "0.",
        "2001:db8::1",
        "::ffff:198.51.100.7",
        "10. 2001:db8::1  192.0.2.1",
        "2001:0DB8:0:0:0:0:0:1",
    };
    static const char *const wrong[] = {
        "198.51.100",
        "198.51.100.256",
        "198.51.100.7.",
        "256.",
        ".",
        "..",
        "198..",
        "198.051.",
        "1.2.3.4/8",
        "2001:db8:",
        "example.org",
        "*",
        "10.,11.",
        "10.\\t11.",
        "10.\\u000011.",
        "1234567890123456789012345678901234567890123456789012345.",
    };

    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        assert_allow(right[i], true);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_allow(wrong[i], false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_all_members_in_their_order_in_xml),
        cmocka_unit_test(has_all_members_in_their_order_in_json),
        cmocka_unit_test(scalars_of_data_are_strings_in_json_at_any_depth),
        cmocka_unit_test(data_that_is_no_object_is_the_member_value),
        cmocka_unit_test(an_event_without_a_command_is_system_news_and_has_no_cltrid),
        cmocka_unit_test(an_event_without_references_has_no_cltrid_and_an_svtrid_of_its_id),
        cmocka_unit_test(a_test_is_told_whatever_its_data_is),
        cmocka_unit_test(texts_are_escaped_in_both_formats),
        cmocka_unit_test(the_highest_id_keeps_all_its_digits),
        cmocka_unit_test(an_event_that_is_no_notification_is_refused_with_words),
        cmocka_unit_test(an_event_that_is_not_json_is_refused),
        cmocka_unit_test(the_format_is_that_of_the_request_then_the_account_s_then_xml),
        cmocka_unit_test(a_layout_has_one_element_or_member_a_line),
        cmocka_unit_test(only_the_status_200_is_a_delivery),
        cmocka_unit_test(its_rules_can_be_read),
        cmocka_unit_test(credentials_are_checked_member_by_member),
        cmocka_unit_test(the_allow_list_has_addresses_and_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
