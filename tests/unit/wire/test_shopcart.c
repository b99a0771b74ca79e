#include "base/mem.h"
#include "base/timetext.h"
#include "model/alias.h"
#include "support/unit.h"
#include "wire/settings.h"
#include "wire/shopcart/shopcart.h"

#include <stdio.h>
#include <string.h>

/* One character more than a key may have. */
#define LONG_KEY                                                                                   \
    "{\"merchant_id\":\"1\",\"key\":"                                                              \
    "\"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0\"}"

static const uint8_t key[ALIAS_KEY_BYTES] = {1, 2, 3};

static const struct shopcart_type types[] = {
    {SLICE("order.created"), SLICE("NewOrder"), SLICE("Token")},
    {SLICE("order.status"), SLICE("OrderStatusChange"), SLICE("Id")},
    {SLICE("recurring.status"), SLICE("RecurringOrderStatusChange"), SLICE("Id")},
};

static const struct wire_settings settings = {
    .alias_key = key,
    .shopcart = {.types = types, .types_len = ARRAY_LEN(types)},
};

static struct buf body, text;
static struct diag diag;

static int set_up(UNUSED void **state)
{
    buf_init(&body, 64 * 1024);
    buf_init(&text, 64 * 1024);
    return 0;
}

static int tear_down(UNUSED void **state)
{
    buf_clear(&body);
    buf_clear(&text);
    return 0;
}

/* ---- encoding ---- */

static enum err encode(const struct event *event, uint64_t account_id)
{
    static struct outbound request;
    const struct channel channel = {.kind = CHANNEL_WEBHOOK};
    const struct account account = {.id = {account_id}};
    const struct dialect_attempt attempt = {
        .channel = &channel, .event = event, .account = &account, .settings = &settings};
    struct dialect_draft draft = {.request = &request, .body = &body, .text = &text};

    buf_reset(&body);
    request.headers_len = 0;
    diag = (struct diag){.text = ""};
    enum err err = dialect_shopcart.encode(&attempt, &draft, &diag);
    if (err == OK) {
        assert_int_equal(request.headers_len, 1);
        assert_slice_is(request.headers[0].name, "content-type");
        assert_slice_is(request.headers[0].value, "text/xml; charset=utf-8");
    }
    return err;
}

static struct event event_of(const char *type, const char *data, uint64_t id)
{
    return (struct event){.id = {id},
                          .type = slice_of(type),
                          .content_type = SLICE("application/json"),
                          .data = slice_of(data)};
}

static void a_new_order_is_its_token_and_nothing_else(UNUSED void **state)
{
    const struct event event = event_of("order.created", "{\"Id\":1}", 17);
    char token[ALIAS_TOKEN_SIZE], expected[128];

    assert_int_equal(encode(&event, 5), OK);
    alias_token(key, (struct id){5}, (struct id){17}, token);
    (void)snprintf(expected, sizeof expected, "<NewOrder><Token>%s</Token></NewOrder>", token);
    assert_slice_is(buf_view(&body), expected);
    /* once more, in another attempt */
    assert_int_equal(encode(&event, 5), OK);
    assert_slice_is(buf_view(&body), expected);
}

static void another_event_or_account_has_another_token(UNUSED void **state)
{
    const struct event first = event_of("order.created", "{\"Id\":1}", 17);
    const struct event second = event_of("order.created", "{\"Id\":1}", 18);
    char bodies[3][128];

    for (int i = 0; i < 3; i++) {
        assert_int_equal(encode(i == 1 ? &second : &first, i == 2 ? 6 : 5), OK);
        (void)snprintf(bodies[i], sizeof bodies[i], "%s", buf_cstr(&body));
    }
    assert_string_not_equal(bodies[0], bodies[1]);
    assert_string_not_equal(bodies[0], bodies[2]);
}

static void another_child_is_told_out_of_the_data(UNUSED void **state)
{
    struct event event = event_of("order.status", "{\"Id\":\"R&D\",\"Token\":\"x\"}", 17);

    assert_int_equal(encode(&event, 5), OK);
    assert_slice_is(buf_view(&body), "<OrderStatusChange><Id>R&amp;D</Id></OrderStatusChange>");
    event.data = SLICE("<o><Id>90000001</Id></o>");
    event.content_type = SLICE("text/xml");
    assert_int_equal(encode(&event, 5), OK);
    assert_slice_is(buf_view(&body), "<OrderStatusChange><Id>90000001</Id></OrderStatusChange>");
}

static void what_has_no_element_or_no_child_cannot_travel(UNUSED void **state)
{
    static const char *const data[] = {"{}", "{\"Id\":null}", "{\"Id\":\"\"}", "{\"Id\":[1]}", "[]",
                                       ""};
    const struct event unknown = event_of("invoice.paid", "{\"Id\":1}", 17);

    assert_int_equal(encode(&unknown, 5), ERR_INVALID);
    assert_non_null(strstr(diag.text, "invoice.paid"));
    for (size_t i = 0; i < ARRAY_LEN(data); i++) {
        const struct event event = event_of("order.status", data[i], 17);
        assert_int_equal(encode(&event, 5), ERR_INVALID);
        assert_non_null(strstr(diag.text, "no Id"));
    }
}

static void a_test_tells_the_time_of_its_event(UNUSED void **state)
{
    struct event event = event_of("shopcart.test", "{}", 0);
    struct wall at;

    assert_int_equal(timetext_parse(SLICE("2026-01-31T09:05:07Z"), &at), OK);
    event.id = id_floor(at);
    assert_int_equal(encode(&event, 5), OK);
    assert_slice_is(buf_view(&body),
                    "<Test>Test notification queued at 2026-01-31 09:05:07</Test>");
}

/* ---- judging ---- */

static void only_200_is_delivered(UNUSED void **state)
{
    static const int32_t others[] = {201, 202, 204, 206, 301, 302, 304,
                                     400, 404, 410, 429, 500, 503};
    const struct dialect_attempt attempt = {.number = 1};
    struct outbound_result result = {.outcome = ATTEMPT_ANSWER, .status = 200};

    assert_int_equal(dialect_shopcart.judge(&attempt, &result, &text).verdict, VERDICT_DELIVERED);
    result.headers[0] = (struct outbound_header){SLICE("retry-after"), SLICE("7200")};
    result.headers_len = 1;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        result.status = others[i];
        struct dialect_judgement judgement = dialect_shopcart.judge(&attempt, &result, &text);
        assert_int_equal(judgement.verdict, VERDICT_RETRY);
        assert_int_equal(judgement.not_before_us, 0);
    }
}

/* ---- retrying ---- */

/* Minutes from the event to the attempt, each attempt failing at once; -1: there is none. */
static int64_t minute_of(const struct schedule *schedule, uint32_t attempt)
{
    struct wall created = {1000 * US_PER_DAY}, due = created;
    struct chance chance;

    chance_init(&chance, 1);
    for (uint32_t i = 2; i <= attempt; i++) {
        if (!schedule_next(schedule, i, created, due, 0, &chance, &due)) {
            return -1;
        }
    }
    return (due.us - created.us) / US_PER_MINUTE;
}

static void gaps_double_from_a_minute_to_a_day_for_a_week(UNUSED void **state)
{
    static const int64_t minutes[] = {0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047};
    struct dialect_rules rules = dialect_shopcart.rules;
    uint32_t attempt = 1;

    assert_int_equal(dialect_rules_prepare(&rules, "retry", &diag), OK);
    for (; attempt <= ARRAY_LEN(minutes); attempt++) {
        assert_int_equal(minute_of(&rules.retry, attempt), minutes[attempt - 1]);
    }
    for (int64_t minute = 2047 + 24 * 60; minute <= 7 * 24 * 60; minute += 24 * 60) {
        assert_int_equal(minute_of(&rules.retry, attempt++), minute);
    }
    assert_int_equal(minute_of(&rules.retry, attempt), -1);
}

/* ---- credentials ---- */

static struct account *make_account(const char *credentials)
{
    static struct dialect_rules rules; /* which accounts borrow for ever */
    const struct dialect_rules_table table = {&rules, 1};
    struct account *account = NULL;
    char json[400];
    struct json_doc doc;

    rules = dialect_shopcart.rules;
    rules.name = SHOPCART_NAME;
    diag = (struct diag){.text = ""};
    json_doc_init(&doc);
    (void)snprintf(json, sizeof json, "{\"shopcart\":%s}", credentials);
    assert_int_equal(json_parse(&doc, slice_of(json), &diag), OK);
    if (account_from_json(SLICE("harbor"), json_root(&doc), NULL, &table, &account, &diag) != OK) {
        account = NULL;
    }
    json_doc_clear(&doc);
    return account;
}

static void credentials_are_a_number_and_a_key(UNUSED void **state)
{
    static const char *const good[] = {
        "{\"merchant_id\":\"1\",\"key\":\"0123456789abcdef\"}",
        "{\"merchant_id\":\"12345678901234567890\",\"key\":"
        "\"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\"}",
    };
    static const char *const bad[] = {
        "{\"merchant_id\":\"1\"}",
        "{\"key\":\"0123456789abcdef\"}",
        "{\"merchant_id\":\"\",\"key\":\"0123456789abcdef\"}",
        "{\"merchant_id\":1,\"key\":\"0123456789abcdef\"}",
        "{\"merchant_id\":\"12a\",\"key\":\"0123456789abcdef\"}",
        "{\"merchant_id\":\"-1\",\"key\":\"0123456789abcdef\"}",
        "{\"merchant_id\":\"123456789012345678901\",\"key\":\"0123456789abcdef\"}",
        "{\"merchant_id\":\"1\",\"key\":\"0123456789abcde\"}",
        "{\"merchant_id\":\"1\",\"key\":\"0123456789 abcdef\"}",
        "{\"merchant_id\":\"1\",\"key\":\"0123456789abcde\u00e9\"}",
        LONG_KEY,
        "{\"merchant_id\":\"1\",\"key\":\"0123456789abcdef\",\"other\":1}",
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct account *account = make_account(good[i]);
        assert_non_null(account);
        account_release(account);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(make_account(bad[i]));
        assert_true(diag.text[0] != '\0' && strstr(diag.text, "0123456789") == NULL);
    }
}

/* ---- naming ---- */

static bool named(const struct account *account, const char *type, const char *data)
{
    const struct event event = event_of(type, data, 17);

    buf_reset(&text);
    return dialect_shopcart.name_event(account, &event, &settings, &text);
}

static void an_order_is_found_by_its_number(UNUSED void **state)
{
    struct account *account = make_account("{\"merchant_id\":\"1\",\"key\":\"0123456789abcdef\"}");

    assert_true(named(account, "order.created", "{\"Id\":90000001}"));
    assert_slice_is(buf_view(&text), "order/90000001");
    assert_true(named(account, "order.status", "{\"Id\":\"90000001\"}"));
    assert_slice_is(buf_view(&text), "order/90000001");
    assert_false(named(account, "order.created", "{\"Number\":1}"));
    assert_false(named(account, "recurring.status", "{\"Id\":1}"));
    assert_false(named(account, "invoice.paid", "{\"Id\":1}"));
    account_release(account);
}

static void who_is_no_merchant_has_no_orders(UNUSED void **state)
{
    struct account *account = make_account("null");

    assert_false(named(account, "order.created", "{\"Id\":90000001}"));
    account_release(account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_order_is_its_token_and_nothing_else),
        cmocka_unit_test(another_event_or_account_has_another_token),
        cmocka_unit_test(another_child_is_told_out_of_the_data),
        cmocka_unit_test(what_has_no_element_or_no_child_cannot_travel),
        cmocka_unit_test(a_test_tells_the_time_of_its_event),
        cmocka_unit_test(only_200_is_delivered),
        cmocka_unit_test(gaps_double_from_a_minute_to_a_day_for_a_week),
        cmocka_unit_test(credentials_are_a_number_and_a_key),
        cmocka_unit_test(an_order_is_found_by_its_number),
        cmocka_unit_test(who_is_no_merchant_has_no_orders),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
