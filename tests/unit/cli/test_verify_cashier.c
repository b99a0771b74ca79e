#include "cli/verify_cashier.h"
#include "support/cashier_samples.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static struct diag diag;
static struct verify_finding finding;

static struct captured request_of(const char *body, const char *signature)
{
    struct captured request = {.headers = {{SLICE("gt-AUTHENTICATION"), slice_of(signature)}},
                               .headers_len = signature == NULL ? 0 : 1,
                               .body = slice_of(body)};
    return request;
}

static enum err check_for(const struct captured *request, const struct verify_merchant *merchant)
{
    verify_finding_clear(&finding);
    verify_finding_init(&finding);
    return verify_cashier_check(request, merchant, &finding, &diag);
}

static enum err check(const char *body, const char *signature)
{
    struct verify_merchant merchant = {.secret = SLICE(SAMPLE_SECRET)};
    struct captured request = request_of(body, signature);
    return check_for(&request, &merchant);
}

static void assert_rule(const char *body, const char *signature, enum verify_rule rule)
{
    if (check(body, signature) != OK) {
        fail_msg("%s", diag.text);
    }
    assert_int_equal(finding.rule, rule);
}

#define APPROVED(rate) SAMPLE_MESSAGE(SAMPLE_TRANSACTION(rate, SAMPLE_PROCESSED))

/* ---- which text of the rate ---- */

static void the_rates_own_text_comes_first(UNUSED void **state)
{
    assert_rule(APPROVED("1.000000"), SAMPLE_HASH_SIX, VERIFY_RULE_AS_IT_STANDS);
    assert_rule(APPROVED("\"1.000000\""), SAMPLE_HASH_SIX, VERIFY_RULE_AS_IT_STANDS);
    assert_rule(APPROVED("1"), SAMPLE_HASH_ONE, VERIFY_RULE_AS_IT_STANDS);
    assert_rule(APPROVED("\"1\""), SAMPLE_HASH_ONE, VERIFY_RULE_AS_IT_STANDS);
    assert_rule(APPROVED("1.0"), SAMPLE_HASH_ONE_ZERO, VERIFY_RULE_AS_IT_STANDS);
}

static void then_a_number_in_its_shortest_form(UNUSED void **state)
{
    assert_rule(APPROVED("1.000000"), SAMPLE_HASH_ONE, VERIFY_RULE_SHORTEST);
    assert_rule(APPROVED("1e0"), SAMPLE_HASH_ONE, VERIFY_RULE_SHORTEST);
    assert_int_equal(check(APPROVED("\"1.000000\""), SAMPLE_HASH_ONE), ERR_DENIED);
}

static void then_six_decimals(UNUSED void **state)
{
    assert_rule(APPROVED("1"), SAMPLE_HASH_SIX, VERIFY_RULE_SIX_DECIMALS);
    assert_rule(APPROVED("\"1\""), SAMPLE_HASH_SIX, VERIFY_RULE_SIX_DECIMALS);
    assert_rule(APPROVED("0.9999999"), SAMPLE_HASH_SIX, VERIFY_RULE_SIX_DECIMALS);
}

static void no_other_text_will_do(UNUSED void **state)
{
    assert_int_equal(check(APPROVED("1.000000"), SAMPLE_HASH_ONE_ZERO), ERR_DENIED);
    assert_int_equal(check(APPROVED("1"), SAMPLE_HASH_ONE_ZERO), ERR_DENIED);
    assert_int_equal(check(APPROVED("2"), SAMPLE_HASH_ONE), ERR_DENIED);
    assert_string_equal(diag.text, "the signature is wrong");
    assert_string_equal(buf_cstr(&finding.text),
                        "Test-Integration-MerchantSandbox159061163587cfb23a8f1e68e162c276b754d9c061"
                        "test-1560610955756850EUR1002EUR100");
}

static void without_a_rate_there_is_one_text(UNUSED void **state)
{
    assert_rule(SAMPLE_MESSAGE(SAMPLE_TRANSACTION("null", "")), SAMPLE_HASH_NO_RATE,
                VERIFY_RULE_NO_RATE);
    assert_rule(SAMPLE_MESSAGE("null"), SAMPLE_HASH_NO_TRANSACTION, VERIFY_RULE_NO_RATE);
}

/* ---- what is covered ---- */

static void
a_changed_amount_order_or_tid_is_noticed_and_a_changed_status_is_not(UNUSED void **state)
{
    static const char *const changed[][2] = {
        {"\"amount\":100,\"conv", "\"amount\":101,\"conv"},
        {"test-1560610955", "test-1560610956"},
        {"756850", "756851"},
        {"1590611635", "1590611636"},
    };
    char body[2000];

    for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
        (void)snprintf(body, sizeof(body), "%s", APPROVED("1"));
        memcpy(strstr(body, changed[i][0]), changed[i][1], strlen(changed[i][1]));
        assert_int_equal(check(body, SAMPLE_HASH_ONE), ERR_DENIED);
    }
    (void)snprintf(body, sizeof(body), "%s", APPROVED("1"));
    memcpy(strstr(body, "approved"), "rejected", 8);
    assert_rule(body, SAMPLE_HASH_ONE, VERIFY_RULE_AS_IT_STANDS);
}

/* ---- the header ---- */

static void a_header_that_is_no_signature_is_told(UNUSED void **state)
{
    struct verify_merchant merchant = {.secret = SLICE(SAMPLE_SECRET)};

    assert_int_equal(check(APPROVED("1"), NULL), ERR_DENIED);
    assert_string_equal(diag.text, "the header Gt-Authentication is missing");
    assert_int_equal(
        check(APPROVED("1"), "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ERR_DENIED);
    assert_non_null(strstr(diag.text, "64 characters, not the 96 hex digits of SHA-384"));
    struct captured request = request_of(APPROVED("1"), SAMPLE_HASH_ONE);
    request.headers[request.headers_len++] = request.headers[0];
    assert_int_equal(check_for(&request, &merchant), ERR_DENIED);
    assert_non_null(strstr(diag.text, "is there twice"));
}

static void a_body_that_cannot_be_signed_is_told(UNUSED void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"merchant_id\":\"a\",\"merchant_id\":\"b\"}",
        "{\"merchant_id\":{}}",
        "{\"transaction\":{\"conversion_rate\":[]}}",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(check(bad[i], SAMPLE_HASH_ONE), ERR_INVALID);
    }
}

/* ---- versions 1.1 and 1.2 ---- */

static void a_signature_in_the_body_is_of_the_old_versions(UNUSED void **state)
{
    assert_rule(OLD_MESSAGE, NULL, VERIFY_RULE_SORTED_MEMBERS);
    assert_int_equal(check("{\"a\":\"1\",\"signature\":\"\"}", NULL), ERR_DENIED);
    assert_int_equal(check("{\"a\":\"1\",\"signature\":\"" SAMPLE_HASH_ONE "\"}", NULL),
                     ERR_DENIED);
    /* With the header it is one member among others. */
    assert_int_equal(check(OLD_MESSAGE, SAMPLE_HASH_ONE), ERR_DENIED);
}

/* ---- whom it is for ---- */

static void a_message_for_somebody_else_is_told_from_a_wrong_one(UNUSED void **state)
{
    struct captured request = request_of(APPROVED("1"), SAMPLE_HASH_ONE);
    struct verify_merchant merchant = {.secret = SLICE(SAMPLE_SECRET),
                                       .merchant_id = SLICE("Test-Integration-Merchant"),
                                       .application_key = SLICE("Sandbox")};

    assert_int_equal(check_for(&request, &merchant), OK);
    merchant.application_key = SLICE("Sandbox2");
    assert_int_equal(check_for(&request, &merchant), ERR_CONFLICT);
    assert_string_equal(diag.text, "this application_key is not ours");
    merchant.merchant_id = SLICE("Another");
    assert_int_equal(check_for(&request, &merchant), ERR_CONFLICT);
    assert_string_equal(diag.text, "this merchant_id is not ours");
    merchant.secret = SLICE("wrong");
    assert_int_equal(check_for(&request, &merchant), ERR_DENIED);
}

/* ---- the acknowledgement ---- */

static void assert_answer(struct verify_answer answer, const char *secret, const char *hash,
                          const char *body)
{
    struct buf out;
    char expected[2000];

    buf_init(&out, sizeof(expected));
    verify_cashier_answer(&answer, slice_of(secret), &out);
    (void)snprintf(expected, sizeof(expected),
                   "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                   "Gt-Authentication: %s\r\nContent-Length: %zu\r\n\r\n%s",
                   hash, strlen(body), body);
    assert_string_equal(buf_cstr(&out), expected);
    buf_clear(&out);
}

static void an_answer_is_signed_over_its_own_status_and_timestamp(UNUSED void **state)
{
    assert_answer((struct verify_answer){0, SLICE("Ok"), SAMPLE_NOW}, SAMPLE_SECRET,
                  SAMPLE_HASH_ANSWER_0,
                  "{\"status\":0,\"description\":\"Ok\",\"version\":\"1.3\",\"timestamp\":"
                  "1590611635}");
    assert_answer((struct verify_answer){-1, SLICE("\"\n"), SAMPLE_NOW}, SAMPLE_SECRET,
                  SAMPLE_HASH_ANSWER_MINUS_1,
                  "{\"status\":-1,\"description\":\"\\\"\\n\",\"version\":\"1.3\",\"timestamp\":"
                  "1590611635}");
    assert_answer((struct verify_answer){0, SLICE(""), LIGHTHOUSE_NOW + 1}, LIGHTHOUSE_SECRET,
                  LIGHTHOUSE_ANSWER_HASH,
                  "{\"status\":0,\"description\":\"\",\"version\":\"1.3\",\"timestamp\":"
                  "1760000001}");
}

static int end(UNUSED void **state)
{
    verify_finding_clear(&finding);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rates_own_text_comes_first),
        cmocka_unit_test(then_a_number_in_its_shortest_form),
        cmocka_unit_test(then_six_decimals),
        cmocka_unit_test(no_other_text_will_do),
        cmocka_unit_test(without_a_rate_there_is_one_text),
        cmocka_unit_test(a_changed_amount_order_or_tid_is_noticed_and_a_changed_status_is_not),
        cmocka_unit_test(a_header_that_is_no_signature_is_told),
        cmocka_unit_test(a_body_that_cannot_be_signed_is_told),
        cmocka_unit_test(a_signature_in_the_body_is_of_the_old_versions),
        cmocka_unit_test(a_message_for_somebody_else_is_told_from_a_wrong_one),
        cmocka_unit_test(an_answer_is_signed_over_its_own_status_and_timestamp),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
