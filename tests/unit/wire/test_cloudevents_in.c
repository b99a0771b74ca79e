#include "envelopes.h"
#include "wire/native/cloudevents_in.h"

#define CONTEXT                                                                                    \
    "\"specversion\":\"1.0\",\"id\":\"A-1\",\"source\":\"/shop\",\"type\":\"order.created\""

static void assert_taken(const struct attempted *result)
{
    if (result->err != OK) {
        print_message("%s: %s\n", result->diag.field, result->diag.text);
        fail();
    }
}

static struct attempted parse(const char *text)
{
    struct attempted result = attempt_to(cloudevent_parse, slice_of(text), &for_account);

    assert_taken(&result);
    return result;
}

static void structured_json_data_stays_as_it_was_written(UNUSED void **state)
{
    struct attempted result = parse("{" CONTEXT ",\"data\":{\"b\":1.000000, \"a\":\"\\u00e9\"}}");

    assert_slice_is(result.envelope.parts.type, "order.created");
    assert_slice_is(result.envelope.parts.external_id, "A-1");
    assert_slice_is(result.envelope.source, "/shop");
    assert_slice_is(result.envelope.parts.content_type, "application/json");
    assert_slice_is(result.envelope.parts.data, "{\"b\":1.000000, \"a\":\"\\u00e9\"}");
    forget(&result);
}

static void keeps_all_attributes_but_those_the_event_has(UNUSED void **state)
{
    struct attempted result =
        parse("{" CONTEXT ",\"time\":\"2026-02-03T10:20:30Z\",\"subject\":\"s\\u0020t\","
              "\"datacontenttype\":\"application/json\",\"traceparent\":\"00-1\",\"count\":3,"
              "\"urgent\":true,\"none\":null,\"data\":1}");

    assert_slice_is(
        result.envelope.parts.attributes,
        "{\"id\":\"A-1\",\"source\":\"/shop\",\"time\":\"2026-02-03T10:20:30Z\","
        "\"subject\":\"s\\u0020t\",\"traceparent\":\"00-1\",\"count\":3,\"urgent\":true}");
    forget(&result);
}

static void text_data_is_what_the_string_says(UNUSED void **state)
{
    struct attempted result = parse(
        "{" CONTEXT ",\"datacontenttype\":\"application/xml\",\"data\":\"<a b=\\\"1\\\"/>\"}");

    assert_slice_is(result.envelope.parts.content_type, "application/xml");
    assert_slice_is(result.envelope.parts.data, "<a b=\"1\"/>");
    forget(&result);
}

static void base64_data_is_decoded(UNUSED void **state)
{
    struct attempted result = parse("{" CONTEXT ",\"datacontenttype\":\"image/png\","
                                    "\"data_base64\":\"AP\\/+\"}");

    assert_true(slice_equal(result.envelope.parts.data, SLICE("\0\xff\xfe")));
    forget(&result);
    result = parse("{" CONTEXT ",\"data_base64\":\"eyJuIjoxfQ==\"}");
    assert_slice_is(result.envelope.parts.data, "{\"n\":1}");
    forget(&result);
}

static void an_event_without_data_has_null(UNUSED void **state)
{
    struct attempted result = parse("{" CONTEXT "}");

    assert_slice_is(result.envelope.parts.data, "null");
    forget(&result);
    result = parse("{" CONTEXT ",\"datacontenttype\":\"text/plain\",\"data\":null}");
    assert_slice_is(result.envelope.parts.data, "");
    forget(&result);
}

#define WITHOUT_ID "\"specversion\":\"1.0\",\"source\":\"/s\",\"type\":\"a\""

static void refuses_what_is_wrong_and_names_it(UNUSED void **state)
{
    static const struct refused cases[] = {
        {"3", "", "an event as an object"},
        {"{}", "specversion", "\"1.0\""},
        {"{" WITHOUT_ID "}", "id", "expected an id"},
        {"{" WITHOUT_ID ",\"id\":\"\"}", "id", "not empty"},
        {"{" WITHOUT_ID ",\"id\":null}", "id", "expected an id"},
        {"{" WITHOUT_ID ",\"id\":7}", "id", "expected a string, not a number"},
        {"{\"specversion\":\"0.3\",\"id\":\"1\"}", "specversion", "\"1.0\""},
        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"a\"}", "source", "URI reference"},
        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"a\"}", "type", "event type"},
        {"{" CONTEXT ",\"time\":\"yesterday\"}", "time", "2026-02-03"},
        {"{" CONTEXT ",\"Subject\":\"a\"}", "Subject", "lower-case letters"},
        {"{" CONTEXT ",\"my_ext\":\"a\"}", "my_ext", "lower-case letters"},
        {"{" CONTEXT ",\"ext\":{}}", "ext", "expected a string, a whole number"},
        {"{" CONTEXT ",\"ext\":1.5}", "ext", "whole number"},
        {"{" CONTEXT ",\"ext\":4294967296}", "ext", "whole number"},
        {"{" CONTEXT ",\"ext\":\"a\\nb\"}", "ext", "control characters"},
        {"{" CONTEXT ",\"datacontenttype\":\"xml\"}", "datacontenttype", "media type"},
        {"{" CONTEXT ",\"data\":1,\"data_base64\":\"\"}", "data_base64", "not both"},
        {"{" CONTEXT ",\"data_base64\":\"A\"}", "data_base64", "base64"},
        {"{" CONTEXT ",\"data_base64\":5}", "data_base64", "expected a string"},
        {"{" CONTEXT ",\"data_base64\":\"e30x\"}", "data", "content type is JSON"},
        {"{" CONTEXT ",\"datacontenttype\":\"text/xml\",\"data\":{}}", "data", "not JSON"},
    };

    assert_refused(cloudevent_parse, cases, ARRAY_LEN(cases), &for_account);
}

static void limits_hold(UNUSED void **state)
{
    struct buf text;

    buf_init(&text, 100000);
    buf_text(&text, "{" CONTEXT);
    for (int i = 0; i < CLOUDEVENT_ATTRIBUTES_MAX; i++) {
        buf_printf(&text, ",\"ext%d\":1", i);
    }
    buf_text(&text, "}");
    struct attempted result = attempt_to(cloudevent_parse, buf_view(&text), &for_account);
    assert_int_equal(result.err, ERR_LIMIT);
    forget(&result);

    buf_reset(&text);
    buf_printf(&text, "{" CONTEXT ",\"ext\":\"%0*d\"}", EVENT_ATTRIBUTES_BYTES_MAX, 0);
    result = attempt_to(cloudevent_parse, buf_view(&text), &for_account);
    assert_int_equal(result.err, ERR_LIMIT);
    forget(&result);
    buf_clear(&text);
}

static void a_batch_names_the_account_in_an_extension(UNUSED void **state)
{
    struct attempted result = attempt_to(
        cloudevent_parse, SLICE("{" CONTEXT ",\"account\":\"shop-1\",\"data\":1}"), &for_batch);

    assert_taken(&result);
    assert_slice_is(result.envelope.account, "shop-1");
    forget(&result);
    result = attempt_to(cloudevent_parse, SLICE("{" CONTEXT "}"), &for_batch);
    assert_int_equal(result.err, ERR_INVALID);
    assert_string_equal(result.diag.field, "account");
    forget(&result);
}

/* ---- binary ---- */

#define HEADER(name, value)                                                                        \
    {                                                                                              \
        SLICE(name), SLICE(value)                                                                  \
    }

#define CONTEXT_HEADERS                                                                            \
    HEADER("Host", "x"), HEADER("ce-specversion", "1.0"), HEADER("Ce-Id", "A-1"),                  \
        HEADER("CE-Source", "/shop"), HEADER("ce-type", "order.created")

/* Up to the first header without a name. */
static struct attempted parse_binary(const struct cloudevent_header *headers,
                                     const char *content_type, struct slice body)
{
    struct attempted result = {.err = OK};
    size_t len = 0;

    while (!slice_is_empty(headers[len].name)) {
        len++;
    }
    json_doc_init(&result.doc);
    envelope_init(&result.envelope);
    result.err = cloudevent_parse_binary(&result.envelope, headers, len, slice_of(content_type),
                                         body, &for_account, &result.diag);
    return result;
}

static void binary_takes_headers_in_any_case_and_the_body_as_it_is(UNUSED void **state)
{
    static const struct cloudevent_header headers[] = {CONTEXT_HEADERS,
                                                       HEADER("ce-subject", "Euro %E2%82%AC %25"),
                                                       HEADER("ce-quoted", "\"a \\\"b\""),
                                                       {{0}, {0}}};
    struct attempted result = parse_binary(headers, "image/png", SLICE("\x89PNG\0"));

    assert_taken(&result);
    assert_slice_is(result.envelope.parts.type, "order.created");
    assert_slice_is(result.envelope.parts.external_id, "A-1");
    assert_slice_is(result.envelope.source, "/shop");
    assert_slice_is(result.envelope.parts.content_type, "image/png");
    assert_true(slice_equal(result.envelope.parts.data, SLICE("\x89PNG\0")));
    assert_slice_is(result.envelope.parts.attributes,
                    "{\"id\":\"A-1\",\"source\":\"/shop\",\"subject\":\"Euro \xe2\x82\xac %\","
                    "\"quoted\":\"a \\\"b\"}");
    forget(&result);
}

static void binary_json_must_be_json(UNUSED void **state)
{
    static const struct cloudevent_header headers[] = {CONTEXT_HEADERS, {{0}, {0}}};
    struct attempted result = parse_binary(headers, "application/json", SLICE("{\"a\": 1.0 }"));

    assert_taken(&result);
    assert_slice_is(result.envelope.parts.data, "{\"a\": 1.0 }");
    forget(&result);
    result = parse_binary(headers, "application/cloud+json; charset=utf-8", SLICE("{"));
    assert_int_equal(result.err, ERR_INVALID);
    assert_string_equal(result.diag.field, "data");
    forget(&result);
    result = parse_binary(headers, "", SLICE(""));
    assert_taken(&result);
    assert_slice_is(result.envelope.parts.data, "null");
    forget(&result);
    result = parse_binary(headers, "", SLICE("{"));
    assert_taken(&result);
    assert_slice_is(result.envelope.parts.content_type, "application/octet-stream");
    forget(&result);
}

static void binary_refuses_what_is_wrong_and_names_it(UNUSED void **state)
{
    static const struct {
        struct cloudevent_header headers[7];
        const char *content_type;
        const char *field;
    } cases[] = {
        {{HEADER("ce-id", "1")}, "text/plain", "ce-specversion"},
        {{HEADER("ce-specversion", "1.0"), HEADER("ce-id", "1"), HEADER("ce-type", "a")},
         "",
         "ce-source"},
        {{CONTEXT_HEADERS, HEADER("ce-id", "2")}, "", "ce-id"},
        {{CONTEXT_HEADERS, HEADER("ce-subject", "%E2%82")}, "", "ce-subject"},
        {{CONTEXT_HEADERS, HEADER("ce-subject", "100%")}, "", "ce-subject"},
        {{CONTEXT_HEADERS, HEADER("ce-subject", "a%0D%0Ab")}, "", "ce-subject"},
        {{CONTEXT_HEADERS, HEADER("ce-my-ext", "a")}, "", "ce-my-ext"},
        {{CONTEXT_HEADERS, HEADER("ce-data", "a")}, "", "ce-data"},
        {{CONTEXT_HEADERS, HEADER("ce-datacontenttype", "a/b")}, "", "ce-datacontenttype"},
        {{CONTEXT_HEADERS, HEADER("ce-e23456789012345678901234567890123456789012", "a")},
         "",
         "ce-e23456789012345678901234567890123456789012"},
        {{CONTEXT_HEADERS}, "xml", "Content-Type"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct attempted result = parse_binary(cases[i].headers, cases[i].content_type, SLICE("x"));

        assert_int_equal(result.err, ERR_INVALID);
        assert_string_equal(result.diag.field, cases[i].field);
        assert_true(result.diag.text[0] != '\0');
        forget(&result);
    }
}

static void source_and_id_are_the_key(UNUSED void **state)
{
    static const char *const texts[] = {
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"a\",\"type\":\"t\"}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"b\",\"type\":\"t\"}",
        "{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"a\",\"type\":\"t\"}",
    };
    struct store_publish_item items[ARRAY_LEN(texts)] = {0};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct attempted result = parse(texts[i]);

        envelope_identify(&result.envelope, (struct id){1}, SLICE(""), &items[i]);
        assert_true(items[i].is_idempotent);
        forget(&result);
    }
    assert_memory_not_equal(items[0].idempotency, items[1].idempotency, STORE_HASH_BYTES);
    assert_memory_not_equal(items[0].idempotency, items[2].idempotency, STORE_HASH_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structured_json_data_stays_as_it_was_written),
        cmocka_unit_test(keeps_all_attributes_but_those_the_event_has),
        cmocka_unit_test(text_data_is_what_the_string_says),
        cmocka_unit_test(base64_data_is_decoded),
        cmocka_unit_test(an_event_without_data_has_null),
        cmocka_unit_test(refuses_what_is_wrong_and_names_it),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_batch_names_the_account_in_an_extension),
        cmocka_unit_test(binary_takes_headers_in_any_case_and_the_body_as_it_is),
        cmocka_unit_test(binary_json_must_be_json),
        cmocka_unit_test(binary_refuses_what_is_wrong_and_names_it),
        cmocka_unit_test(source_and_id_are_the_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
