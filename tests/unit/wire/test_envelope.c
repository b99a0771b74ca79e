#include "envelopes.h"
#include "wire/native/envelope.h"

#include <stdio.h>

static const struct id shop = {42};

static void assert_taken(const struct attempted *result)
{
    if (result->err != OK) {
        print_message("%s: %s\n", result->diag.field, result->diag.text);
        fail();
    }
}

static void reads_every_member(UNUSED void **state)
{
    struct attempted result = attempt_to(
        envelope_parse,
        SLICE(
            "{\"type\":\"order.created\",\"data\":{\"n\":1},\"id\":\"order-1\",\"client_ref\":"
            "\"c\","
            "\"server_ref\":\"s\",\"notify_url\":\"https://example.com/x\",\"account\":\"shop\"}"),
        &for_batch);
    const struct event_parts *parts = &result.envelope.parts;

    assert_taken(&result);
    assert_slice_is(parts->type, "order.created");
    assert_slice_is(parts->data, "{\"n\":1}");
    assert_slice_is(parts->content_type, "application/json");
    assert_slice_is(parts->external_id, "order-1");
    assert_slice_is(parts->client_ref, "c");
    assert_slice_is(parts->server_ref, "s");
    assert_slice_is(parts->notify_url, "https://example.com/x");
    assert_slice_is(result.envelope.account, "shop");
    forget(&result);
}

static void data_stays_as_it_was_written(UNUSED void **state)
{
    static const char *const values[] = {
        "{\"b\" : 1.000000,\"a\":[ 1 , 2]}",
        "18446744073709551616",
        "\"\\u00e9 \\/ \xc3\xa9\"",
        "null",
        "false",
        "-0.0e+10",
        "[]",
    };
    char text[200];

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        (void)snprintf(text, sizeof text, "{\"data\": %s , \"type\":\"a\"}", values[i]);
        struct attempted result = attempt_to(envelope_parse, slice_of(text), &for_account);

        assert_taken(&result);
        assert_slice_is(result.envelope.parts.data, values[i]);
        forget(&result);
    }
}

static void escapes_in_texts_are_undone(UNUSED void **state)
{
    struct attempted result = attempt_to(
        envelope_parse,
        SLICE(
            "{\"ty\\u0070e\":\"order\\u002ecreated\",\"data\":\"\\n\",\"id\":\"\\u00fc-\\\"1\\\"\","
            "\"client_ref\":\"a\\/b\"}"),
        &for_account);

    assert_taken(&result);
    assert_slice_is(result.envelope.parts.type, "order.created");
    assert_slice_is(result.envelope.parts.external_id, "\xc3\xbc-\"1\"");
    assert_slice_is(result.envelope.parts.client_ref, "a/b");
    assert_slice_is(result.envelope.parts.data, "\"\\n\"");
    forget(&result);
}

static void null_and_empty_references_are_absent(UNUSED void **state)
{
    struct attempted result =
        attempt_to(envelope_parse,
                   SLICE("{\"type\":\"a\",\"data\":1,\"id\":null,\"client_ref\":\"\","
                         "\"server_ref\":null,\"notify_url\":\"\"}"),
                   &for_account);

    assert_taken(&result);
    assert_true(slice_is_empty(result.envelope.parts.external_id));
    assert_true(slice_is_empty(result.envelope.parts.client_ref));
    assert_true(slice_is_empty(result.envelope.parts.notify_url));
    forget(&result);
}

static void refuses_what_is_wrong_and_names_it(UNUSED void **state)
{
    static const struct refused cases[] = {
        {"[]", "", "an event as an object, not an array"},
        {"{}", "type", "expected an event type"},
        {"{\"type\":\"a\"}", "data", "expected a value"},
        {"{\"data\":1}", "type", "expected an event type"},
        {"{\"type\":\"\",\"data\":1}", "type", "expected an event type"},
        {"{\"type\":null,\"data\":1}", "type", "expected an event type"},
        {"{\"type\":7,\"data\":1}", "type", "expected a string, not a number"},
        {"{\"type\":\"a b\",\"data\":1}", "type", "joined by single dots"},
        {"{\"type\":\"a..b\",\"data\":1}", "type", "joined by single dots"},
        {"{\"type\":\"a\",\"data\":1,\"dta\":2}", "dta", "no such member"},
        {"{\"type\":\"a\",\"data\":1,\"account\":\"x\"}", "account", "no such member"},
        {"{\"type\":\"a\",\"data\":1,\"id\":\"\"}", "id", "at least one character"},
        {"{\"type\":\"a\",\"data\":1,\"id\":5}", "id", "expected a string"},
        {"{\"type\":\"a\",\"data\":1,\"id\":\"a\\u0000b\"}", "id", "control characters"},
        {"{\"type\":\"a\",\"data\":1,\"client_ref\":[]}", "client_ref", "expected a string"},
        {"{\"type\":\"a\",\"data\":1,\"server_ref\":\"a\\r\\nb\"}", "server_ref", "control"},
        {"{\"type\":\"a\",\"data\":1,\"notify_url\":\"ftp://x/\"}", "notify_url", "http"},
    };

    assert_refused(envelope_parse, cases, ARRAY_LEN(cases), &for_account);
}

static void a_batch_wants_the_name_of_an_account(UNUSED void **state)
{
    static const struct refused cases[] = {
        {"{\"type\":\"a\",\"data\":1}", "account", "the name of an account"},
        {"{\"type\":\"a\",\"data\":1,\"account\":null}", "account", "the name of an account"},
        {"{\"type\":\"a\",\"data\":1,\"account\":3}", "account", "expected a string"},
        {"{\"type\":\"a\",\"data\":1,\"account\":\"a/b\"}", "account", "letters"},
    };

    assert_refused(envelope_parse, cases, ARRAY_LEN(cases), &for_batch);
}

static void data_may_have_the_limit_and_not_more(UNUSED void **state)
{
    char text[DATA_BYTES_MAX + 100];
    int digits = DATA_BYTES_MAX;

    for (int over = 0; over < 2; over++, digits++) {
        (void)snprintf(text, sizeof text, "{\"type\":\"a\",\"data\":1%0*d}", digits - 1, 0);
        struct attempted result = attempt_to(envelope_parse, slice_of(text), &for_account);

        assert_int_equal(result.err, over == 0 ? OK : ERR_LIMIT);
        assert_string_equal(result.diag.field, over == 0 ? "" : "data");
        forget(&result);
    }
}

/* ---- idempotency ---- */

static struct store_publish_item identify(const char *text, struct id account, const char *key)
{
    struct store_publish_item item = {0};
    struct attempted result = attempt_to(envelope_parse, slice_of(text), &for_account);

    assert_taken(&result);
    envelope_identify(&result.envelope, account, slice_of(key), &item);
    forget(&result);
    return item;
}

static bool has_same_key(const struct store_publish_item *a, const struct store_publish_item *b)
{
    return memcmp(a->idempotency, b->idempotency, STORE_HASH_BYTES) == 0;
}

static bool has_same_body(const struct store_publish_item *a, const struct store_publish_item *b)
{
    return memcmp(a->body, b->body, STORE_HASH_BYTES) == 0;
}

#define EVENT "{\"type\":\"a\",\"data\":{\"n\":1}}"
#define EVENT_WITH_ID "{\"type\":\"a\",\"data\":{\"n\":1},\"id\":\"k\"}"

static void without_id_and_key_nothing_is_idempotent(UNUSED void **state)
{
    assert_false(identify(EVENT, shop, "").is_idempotent);
    assert_true(identify(EVENT, shop, "k").is_idempotent);
    assert_true(identify(EVENT_WITH_ID, shop, "").is_idempotent);
}

static void a_key_counts_for_its_account_and_kind_only(UNUSED void **state)
{
    struct store_publish_item by_header = identify(EVENT, shop, "k");
    struct store_publish_item by_id = identify(EVENT_WITH_ID, shop, "");
    struct store_publish_item of_other = identify(EVENT, (struct id){43}, "k");
    struct store_publish_item again = identify(EVENT, shop, "k");
    struct store_publish_item both = identify(EVENT_WITH_ID, shop, "k");

    assert_true(has_same_key(&by_header, &again));
    assert_true(has_same_key(&by_header, &both));
    assert_false(has_same_key(&by_header, &by_id));
    assert_false(has_same_key(&by_header, &of_other));
}

static void the_body_is_all_that_a_receiver_could_see(UNUSED void **state)
{
    static const char *const others[] = {
        "{\"type\":\"b\",\"data\":{\"n\":1}}",
        "{\"type\":\"a\",\"data\":{\"n\": 1}}",
        "{\"type\":\"a\",\"data\":{\"n\":1},\"client_ref\":\"x\"}",
        "{\"type\":\"a\",\"data\":{\"n\":1},\"server_ref\":\"x\"}",
        "{\"type\":\"a\",\"data\":{\"n\":1},\"notify_url\":\"https://x/\"}",
        EVENT_WITH_ID,
    };
    struct store_publish_item first = identify(EVENT, shop, "k");
    struct store_publish_item spaced =
        identify(" { \"data\":{\"n\":1} ,\"type\":\"\\u0061\"}", shop, "k");

    assert_true(has_same_body(&first, &spaced));
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct store_publish_item other = identify(others[i], shop, "k");

        assert_true(has_same_key(&first, &other));
        assert_false(has_same_body(&first, &other));
    }
}

static void no_text_moves_from_one_member_to_the_next(UNUSED void **state)
{
    struct store_publish_item a =
        identify("{\"type\":\"a\",\"data\":1,\"client_ref\":\"xy\"}", shop, "k");
    struct store_publish_item b = identify(
        "{\"type\":\"a\",\"data\":1,\"client_ref\":\"x\",\"server_ref\":\"y\"}", shop, "k");

    assert_false(has_same_body(&a, &b));
}

static void a_key_is_1_to_256_printable_characters(UNUSED void **state)
{
    char text[IDEMPOTENCY_KEY_BYTES_MAX + 1];
    struct diag diag = {{0}, {0}};

    memset(text, 'k', sizeof text);
    assert_int_equal(idempotency_key_check(slice_from(text, sizeof text - 1), &diag), OK);
    assert_int_equal(idempotency_key_check(SLICE("a b~"), &diag), OK);
    assert_int_equal(idempotency_key_check(slice_from(text, sizeof text), &diag), ERR_INVALID);
    assert_string_equal(diag.field, "Idempotency-Key");
    assert_int_equal(idempotency_key_check(SLICE(""), &diag), ERR_INVALID);
    assert_int_equal(idempotency_key_check(SLICE("a\tb"), &diag), ERR_INVALID);
    assert_int_equal(idempotency_key_check(SLICE("\xc3\xa9"), &diag), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_member),
        cmocka_unit_test(data_stays_as_it_was_written),
        cmocka_unit_test(escapes_in_texts_are_undone),
        cmocka_unit_test(null_and_empty_references_are_absent),
        cmocka_unit_test(refuses_what_is_wrong_and_names_it),
        cmocka_unit_test(a_batch_wants_the_name_of_an_account),
        cmocka_unit_test(data_may_have_the_limit_and_not_more),
        cmocka_unit_test(without_id_and_key_nothing_is_idempotent),
        cmocka_unit_test(a_key_counts_for_its_account_and_kind_only),
        cmocka_unit_test(the_body_is_all_that_a_receiver_could_see),
        cmocka_unit_test(no_text_moves_from_one_member_to_the_next),
        cmocka_unit_test(a_key_is_1_to_256_printable_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
