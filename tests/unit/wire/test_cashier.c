#include "base/mem.h"
#include "support/cashier_samples.h"
#include "support/unit.h"
#include "wire/cashier/cashier.h"

#include <stdio.h>
#include <string.h>

enum { BODY_BYTES_MAX = 2 * 1024 * 1024 };

#define SAMPLE_CREDENTIALS "{" SAMPLE_HEAD "\"secret\":\"" SAMPLE_SECRET "\"}"
#define LIGHTHOUSE_CREDENTIALS                                                                     \
    "{\"merchant_id\":\"API-Lighthouse\",\"application_key\":\"lighthouse-shop\",\"secret\":"      \
    "\"" LIGHTHOUSE_SECRET "\"}"

/* What is encoded, and what came of it. */
struct attempted {
    const char *credentials; /* NULL: none */
    const char *options;
    const char *type;
    const char *content_type;
    const char *data;
    int64_t now;

    enum err err;
    struct diag diag;
    struct outbound request;
    struct buf body, text;
};

static struct attempted *last;

static struct account *make_account(const char *credentials)
{
    const struct dialect_rules_table table = {&dialect_cashier.rules, 1};
    struct account *account = NULL;
    struct diag diag = {0};
    char settings[2000];
    struct json_doc doc;

    json_doc_init(&doc);
    (void)snprintf(settings, sizeof(settings), "{\"cashier\":%s}",
                   credentials == NULL ? "null" : credentials);
    assert_int_equal(json_parse(&doc, slice_of(settings), &diag), OK);
    enum err err = account_from_json(SLICE("shop"), json_root(&doc), NULL, &table, &account, &diag);
    json_doc_clear(&doc);
    if (err != OK) {
        fail_msg("%s: %s", diag.field, diag.text);
    }
    return account;
}

static void encode_for(const struct account *account, struct attempted *attempted)
{
    struct event event = {.type = slice_of(attempted->type),
                          .content_type = slice_of(attempted->content_type),
                          .data = slice_of(attempted->data)};
    struct channel channel = {.kind = CHANNEL_WEBHOOK,
                              .dialect = SLICE("cashier"),
                              .options = slice_of(attempted->options)};
    struct dialect_attempt attempt = {.channel = &channel,
                                      .event = &event,
                                      .account = account,
                                      .now = {attempted->now * US_PER_SECOND + 999999}};
    struct dialect_draft draft = {
        .request = &attempted->request, .body = &attempted->body, .text = &attempted->text};

    attempted->err = dialect_cashier.encode(&attempt, &draft, &attempted->diag);
}

static void forget(void)
{
    if (last != NULL) {
        buf_clear(&last->body);
        buf_clear(&last->text);
        mem_free(last);
        last = NULL;
    }
}

/* Encodes with what is given and defaults for the rest. The result stays until the next. */
static const struct attempted *encode(struct attempted given)
{
    forget();
    last = MEM_NEW(struct attempted);
    *last = given;
    last->type = given.type == NULL ? "payment.changed" : given.type;
    last->content_type = given.content_type == NULL ? "application/json" : given.content_type;
    last->now = given.now == 0 ? SAMPLE_NOW : given.now;
    buf_init(&last->body, BODY_BYTES_MAX);
    buf_init(&last->text, DIALECT_TEXT_BYTES_MAX);
    buf_reserve(&last->text, DIALECT_TEXT_BYTES_MAX);
    struct account *account = make_account(given.credentials);
    encode_for(account, last);
    account_release(account);
    return last;
}

static const struct attempted *encode_sample(const char *data, const char *options)
{
    return encode(
        (struct attempted){.credentials = SAMPLE_CREDENTIALS, .data = data, .options = options});
}

static const char *body_of(const struct attempted *attempted)
{
    if (attempted->err != OK) {
        fail_msg("%s", attempted->diag.text);
    }
    return buf_cstr(&attempted->body);
}

static struct slice header_of(const struct attempted *attempted, const char *name)
{
    for (uint32_t i = 0; i < attempted->request.headers_len; i++) {
        if (slice_is(attempted->request.headers[i].name, name)) {
            return attempted->request.headers[i].value;
        }
    }
    return SLICE("");
}

static void assert_refused(const struct attempted *attempted, const char *words)
{
    assert_int_equal(attempted->err, ERR_INVALID);
    if (strstr(attempted->diag.text, words) == NULL) {
        fail_msg("%s", attempted->diag.text);
    }
}

/* ---- the form ---- */

static void a_message_has_its_members_in_their_order(UNUSED void **state)
{
    const struct attempted *sent =
        encode((struct attempted){.credentials = LIGHTHOUSE_CREDENTIALS,
                                  .data = "{\"conversion_rate\":0.9183," LIGHTHOUSE_REST "}",
                                  .now = LIGHTHOUSE_NOW});

    assert_string_equal(body_of(sent), LIGHTHOUSE_MESSAGE);
    assert_slice_is(header_of(sent, "Gt-Authentication"), LIGHTHOUSE_HASH);
    assert_slice_is(header_of(sent, "Content-Type"), "application/json; charset=utf-8");
}

static void values_pass_byte_for_byte(UNUSED void **state)
{
    const struct attempted *sent = encode_sample(
        "{\"session\":{ \"amount\" : 1e2,\"n\\u0061me\":\"\\u00e9\\/\" },\n"
        "\"transaction\":{\"tid\":9007199254740993000001,\"card\":{\"card_exp\":\"12\\/2024\"},"
        "\"amount\": 100.00 },\"customer\":{\"conversion_rate\":1,\"x\":[1, 2]}}",
        "");

    assert_string_equal(
        body_of(sent),
        "{" SAMPLE_HEAD
        "\"conversion_rate\":null,\"customer\":{\"conversion_rate\":1,\"x\":[1, 2]},"
        "\"session\":{ \"amount\" : 1e2,\"n\\u0061me\":\"\\u00e9\\/\" },"
        "\"transaction\":{\"tid\":9007199254740993000001,\"card\":{\"card_exp\":\"12\\/2024\"},"
        "\"amount\": 100.00 },\"version\":\"1.3\",\"timestamp\":1590611635}");
}

static void rates_are_strings_of_six_decimals_and_by_option_numbers(UNUSED void **state)
{
    static const char data[] =
        "{\"conversion_rate\":\"1\",\"customer\":{},\"session\":{\"a\":1,\"conversion_rate\" : "
        "1e0 , \"b\":2},\"transaction\":{\"conversion_rat\\u0065\":0.1234565}}";

    assert_string_equal(body_of(encode_sample(data, "")),
                        "{" SAMPLE_HEAD
                        "\"conversion_rate\":\"1.000000\",\"customer\":{},\"session\":{\"a\":1,"
                        "\"conversion_rate\" : \"1.000000\" , \"b\":2},"
                        "\"transaction\":{\"conversion_rat\\u0065\":\"0.123457\"},"
                        "\"version\":\"1.3\",\"timestamp\":1590611635}");
    assert_string_equal(body_of(encode_sample(data, "{\"rate\":\"number\"}")),
                        "{" SAMPLE_HEAD
                        "\"conversion_rate\":1.000000,\"customer\":{},\"session\":{\"a\":1,"
                        "\"conversion_rate\" : 1.000000 , \"b\":2},"
                        "\"transaction\":{\"conversion_rat\\u0065\":0.123457},"
                        "\"version\":\"1.3\",\"timestamp\":1590611635}");
}

static void a_rate_is_signed_with_six_decimals_whatever_it_came_as(UNUSED void **state)
{
    static const char *const data[] = {
        SAMPLE_DATA(SAMPLE_TRANSACTION("1.000000", SAMPLE_PROCESSED)),
        SAMPLE_DATA(SAMPLE_TRANSACTION("\"1.000000\"", SAMPLE_PROCESSED)),
        SAMPLE_DATA(SAMPLE_TRANSACTION("1", SAMPLE_PROCESSED)),
        SAMPLE_DATA(SAMPLE_TRANSACTION("1.0", SAMPLE_PROCESSED)),
        SAMPLE_DATA(SAMPLE_TRANSACTION("1e0", SAMPLE_PROCESSED)),
        SAMPLE_DATA(SAMPLE_TRANSACTION("0.9999999", SAMPLE_PROCESSED)),
    };

    for (size_t i = 0; i < ARRAY_LEN(data); i++) {
        assert_slice_is(header_of(encode_sample(data[i], ""), "Gt-Authentication"),
                        SAMPLE_HASH_SIX);
        assert_slice_is(
            header_of(encode_sample(data[i], "{\"rate\":\"number\"}"), "Gt-Authentication"),
            SAMPLE_HASH_SIX);
    }
}

static void what_is_null_or_not_there_is_not_signed(UNUSED void **state)
{
    assert_slice_is(
        header_of(encode_sample(
                      SAMPLE_DATA(SAMPLE_TRANSACTION("null", "\"processed_currency\":null,")), ""),
                  "Gt-Authentication"),
        SAMPLE_HASH_NO_RATE);
    assert_slice_is(header_of(encode_sample(SAMPLE_DATA("null"), ""), "Gt-Authentication"),
                    SAMPLE_HASH_NO_TRANSACTION);
    /* Not there at all is sent as null. */
    assert_string_equal(
        body_of(
            encode_sample("{\"customer\":" SAMPLE_CUSTOMER ",\"session\":" SAMPLE_SESSION "}", "")),
        "{" SAMPLE_HEAD "\"conversion_rate\":null,\"customer\":" SAMPLE_CUSTOMER
        ",\"session\":" SAMPLE_SESSION
        ",\"transaction\":null,\"version\":\"1.3\",\"timestamp\":1590611635}");
}

static void other_members_stand_at_the_end_and_ours_are_never_the_datas(UNUSED void **state)
{
    assert_string_equal(
        body_of(encode_sample("{\"merchant_id\":\"mallory\",\"timestamp\":1,\"version\":\"9\","
                              "\"application_key\":{},\"b\":[ 1 ],\"customer\":{},"
                              "\"\\u0061\":\"x\",\"session\":{}}",
                              "")),
        "{" SAMPLE_HEAD "\"conversion_rate\":null,\"customer\":{},\"session\":{},"
        "\"transaction\":null,\"version\":\"1.3\",\"timestamp\":1590611635,\"b\":[ 1 ],"
        "\"\\u0061\":\"x\"}");
}

static void an_operation_tells_the_data_that_its_event_carries(UNUSED void **state)
{
    const struct attempted *sent = encode(
        (struct attempted){.credentials = SAMPLE_CREDENTIALS,
                           .type = "operation.delayed",
                           .data = "{\"code\":1001,\"result\":\"Delayed\",\"command\":\"pay\","
                                   "\"operation\":\"op_1\",\"data\":" SAMPLE_DATA("null") "}"});

    assert_slice_is(header_of(sent, "Gt-Authentication"), SAMPLE_HASH_NO_TRANSACTION);
    assert_null(strstr(body_of(sent), "Delayed"));
}

static void another_time_changes_the_timestamp_and_the_signature_alone(UNUSED void **state)
{
    struct attempted given = {.credentials = SAMPLE_CREDENTIALS, .data = SAMPLE_DATA("null")};
    char first[1000], second[1000];

    (void)snprintf(first, sizeof(first), "%s", body_of(encode(given)));
    given.now = SAMPLE_NOW + 300;
    (void)snprintf(second, sizeof(second), "%s", body_of(encode(given)));
    char *timestamp = strstr(second, "1590611935");
    assert_non_null(timestamp);
    memcpy(timestamp, "1590611635", 10);
    assert_string_equal(first, second);
    assert_false(slice_is(header_of(last, "Gt-Authentication"), SAMPLE_HASH_NO_TRANSACTION));
}

/* ---- what cannot travel ---- */

static void data_that_has_not_the_form_cannot_travel(UNUSED void **state)
{
    static const struct {
        const char *data;
        const char *words;
    } bad[] = {
        {"[]", "data must be an object, not an array"},
        {"{\"session\":{}}", "customer must be an object"},
        {"{\"customer\":{},\"session\":\"s\"}", "session must be an object, not a string"},
        {"{\"customer\":{},\"session\":{},\"transaction\":[]}",
         "transaction must be an object or null"},
        {"{\"customer\":{},\"session\":{},\"conversion_rate\":true}",
         "data: conversion_rate must be null or a decimal number"},
        {"{\"customer\":{},\"session\":{\"conversion_rate\":-1}}", "data: session.conversion_rate"},
        {"{\"customer\":{},\"session\":{},\"transaction\":{\"conversion_rate\":\"abc\"}}",
         "data: transaction.conversion_rate"},
        {"{\"customer\":{},\"session\":{\"order_id\":[1]}}", "session.order_id is an array"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_refused(encode_sample(bad[i].data, ""), bad[i].words);
    }
    assert_refused(encode((struct attempted){.credentials = SAMPLE_CREDENTIALS,
                                             .content_type = "text/plain",
                                             .data = "hello"}),
                   "only JSON");
    assert_refused(encode((struct attempted){.credentials = SAMPLE_CREDENTIALS,
                                             .type = "operation.completed",
                                             .data = "{\"code\":1000}"}),
                   "must be an object, not nothing");
    assert_refused(encode((struct attempted){.data = SAMPLE_DATA("null")}), "no credentials");
}

/* ---- settings ---- */

static enum err check_options(const char *options, struct diag *diag)
{
    struct channel channel = {
        .kind = CHANNEL_WEBHOOK, .dialect = SLICE("cashier"), .options = slice_of(options)};
    return dialect_cashier.check(&channel, diag);
}

static void options_are_checked(UNUSED void **state)
{
    static const char *const bad[][2] = {
        {"{\"rate\":\"text\"}", "options.rate"},
        {"{\"rate\":1}", "options.rate"},
        {"{\"text_status\":\"yes\"}", "options.text_status"},
        {"{\"check_answer\":null}", "options.check_answer"},
        {"{\"signature\":\"v1\"}", "options"},
    };
    struct diag diag;

    assert_int_equal(check_options("", &diag), OK);
    assert_int_equal(
        check_options("{\"rate\":\"string\",\"text_status\":true,\"check_answer\":false}", &diag),
        OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(check_options(bad[i][0], &diag), ERR_INVALID);
        assert_string_equal(diag.field, bad[i][1]);
    }
}

static enum err check_credentials(const char *merchant_id, const char *key, const char *secret,
                                  struct diag *diag)
{
    char text[2000];
    struct json_doc doc;

    json_doc_init(&doc);
    (void)snprintf(text, sizeof(text),
                   "{\"merchant_id\":\"%s\",\"application_key\":\"%s\",\"secret\":\"%s\"}",
                   merchant_id, key, secret);
    assert_int_equal(json_parse(&doc, slice_of(text), diag), OK);
    enum err err = dialect_cashier.rules.check_credentials(json_root(&doc), diag);
    json_doc_clear(&doc);
    return err;
}

static void credentials_have_the_lengths_of_their_columns(UNUSED void **state)
{
    char letters[300];
    struct diag diag;

    memset(letters, 'x', sizeof(letters));
    letters[256] = '\0';
    const char *of_256 = letters, *of_50 = letters + 206, *of_32 = letters + 224;
    assert_int_equal(check_credentials(of_50, of_32, of_256, &diag), OK);
    assert_int_equal(check_credentials("m", "k", "geh\\u00e9im \xe2\x82\xac", &diag), OK);
    assert_int_equal(check_credentials(of_50 - 1, "k", "s", &diag), ERR_INVALID);
    assert_string_equal(diag.field, "merchant_id");
    assert_int_equal(check_credentials("m", of_32 - 1, "s", &diag), ERR_INVALID);
    assert_string_equal(diag.field, "application_key");
    assert_int_equal(check_credentials("m", "k", "", &diag), ERR_INVALID);
    assert_string_equal(diag.field, "secret");
    letters[256] = 'x';
    letters[257] = '\0';
    assert_int_equal(check_credentials("m", "k", letters, &diag), ERR_INVALID);
    assert_string_equal(diag.field, "secret");
}

static void the_schedule_is_every_five_minutes_for_a_day(UNUSED void **state)
{
    struct dialect_rules rules = dialect_cashier.rules;
    struct wall created = {0}, due;
    struct chance chance;

    chance_init(&chance, 1);
    assert_int_equal(dialect_rules_prepare(&rules, "retry", NULL), OK);
    assert_true(schedule_next(&rules.retry, 2, created, (struct wall){7 * US_PER_SECOND}, 0,
                              &chance, &due));
    assert_int_equal(due.us, 307 * US_PER_SECOND);
    assert_true(schedule_next(&rules.retry, 288, created,
                              (struct wall){US_PER_DAY - 300 * US_PER_SECOND}, 0, &chance, &due));
    assert_false(schedule_next(&rules.retry, 289, created,
                               (struct wall){US_PER_DAY - 299 * US_PER_SECOND}, 0, &chance, &due));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_has_its_members_in_their_order),
        cmocka_unit_test(values_pass_byte_for_byte),
        cmocka_unit_test(rates_are_strings_of_six_decimals_and_by_option_numbers),
        cmocka_unit_test(a_rate_is_signed_with_six_decimals_whatever_it_came_as),
        cmocka_unit_test(what_is_null_or_not_there_is_not_signed),
        cmocka_unit_test(other_members_stand_at_the_end_and_ours_are_never_the_datas),
        cmocka_unit_test(an_operation_tells_the_data_that_its_event_carries),
        cmocka_unit_test(another_time_changes_the_timestamp_and_the_signature_alone),
        cmocka_unit_test(data_that_has_not_the_form_cannot_travel),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(credentials_have_the_lengths_of_their_columns),
        cmocka_unit_test(the_schedule_is_every_five_minutes_for_a_day),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forget();
    return failed;
}
