#include "support/cashier_samples.h"
#include "support/unit.h"
#include "wire/cashier/verdict.h"

#include <stdio.h>
#include <string.h>

static char detail[ATTEMPT_DETAIL_BYTES_MAX + 1];
static const struct wall now = {SAMPLE_NOW * US_PER_SECOND};

static enum dialect_verdict judge(const struct outbound_result *result,
                                  const struct verdict_rules *rules)
{
    struct buf words;

    buf_init(&words, ATTEMPT_DETAIL_BYTES_MAX);
    enum dialect_verdict verdict = verdict_of(result, rules, now, &words).verdict;
    (void)snprintf(detail, sizeof(detail), "%s", buf_cstr(&words));
    buf_clear(&words);
    return verdict;
}

static enum dialect_verdict judge_body(const char *body)
{
    struct outbound_result result = {.status = 200, .body = slice_of(body)};
    struct verdict_rules rules = {.secret = SLICE(SAMPLE_SECRET)};
    return judge(&result, &rules);
}

static void zero_is_delivered(UNUSED void **state)
{
    assert_int_equal(judge_body("{\"status\":0}"), VERDICT_DELIVERED);
    assert_string_equal(detail, "status 0");
    assert_int_equal(judge_body(" {\"timestamp\":1,\"description\":\"Ok\",\"status\": 0}\r\n"),
                     VERDICT_DELIVERED);
    assert_string_equal(detail, "status 0: Ok");
}

static void what_is_above_is_refused_for_good_with_its_words(UNUSED void **state)
{
    assert_int_equal(judge_body("{\"status\":1,\"description\":\"Order closed by hand\"}"),
                     VERDICT_REFUSED);
    assert_string_equal(detail, "status 1: Order closed by hand");
    assert_int_equal(judge_body("{\"status\":999}"), VERDICT_REFUSED);
}

static void what_is_below_is_tried_again(UNUSED void **state)
{
    assert_int_equal(judge_body("{\"status\":-1,\"description\":\"database down\"}"),
                     VERDICT_RETRY);
    assert_string_equal(detail, "status -1: database down");
    assert_int_equal(judge_body("{\"status\":-2}"), VERDICT_RETRY);
}

static void what_is_not_recognized_is_tried_again(UNUSED void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "\"\"",
        "0",
        "null",
        "<html>OK</html>",
        "OK",
        "{\"status\":0",
        "{\"status\":0}}",
        "\xef\xbb\xbf{\"status\":0}",
        "{}",
        "{\"Status\":0}",
        "{\"status\":\"0\"}",
        "{\"status\":0.0}",
        "{\"status\":0e0}",
        "{\"status\":null}",
        "{\"status\":true}",
        "{\"status\":[0]}",
        "{\"status\":99999999999999999999}",
        "{\"status\":0,\"status\":1}",
        "{\"status\":1,\"st\\u0061tus\":0}",
        "{\"description\":\"Ok\"}",
    };

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        if (judge_body(bodies[i]) != VERDICT_RETRY) {
            fail_msg("%s", bodies[i]);
        }
        assert_memory_equal(detail, "unrecognized answer: ", 21);
    }
}

static void an_answer_that_was_cut_is_none(UNUSED void **state)
{
    struct outbound_result result = {
        .status = 200, .body = SLICE("{\"status\":0}   "), .was_cut = true};
    struct verdict_rules rules = {.secret = SLICE("")};

    assert_int_equal(judge(&result, &rules), VERDICT_RETRY);
    assert_string_equal(detail, "unrecognized answer: it is too long");
}

static void only_http_200_is_an_answer(UNUSED void **state)
{
    static const int statuses[] = {201, 202, 204, 301, 302, 400, 404, 410, 429, 500, 503};

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct outbound_result result = {.status = statuses[i], .body = SLICE("{\"status\":0}")};
        struct verdict_rules rules = {.secret = SLICE("")};
        assert_int_equal(judge(&result, &rules), VERDICT_RETRY);
    }
}

static void a_text_status_counts_where_it_is_allowed(UNUSED void **state)
{
    struct outbound_result result = {.status = 200};
    struct verdict_rules rules = {.secret = SLICE(""), .takes_text_status = true};

    result.body = SLICE("{\"status\":\"0\"}");
    assert_int_equal(judge(&result, &rules), VERDICT_DELIVERED);
    result.body = SLICE("{\"status\":\"7\"}");
    assert_int_equal(judge(&result, &rules), VERDICT_REFUSED);
    result.body = SLICE("{\"status\":\"-1\"}");
    assert_int_equal(judge(&result, &rules), VERDICT_RETRY);
    result.body = SLICE("{\"status\":\"0.0\"}");
    assert_int_equal(judge(&result, &rules), VERDICT_RETRY);
    result.body = SLICE("{\"status\":\"\"}");
    assert_int_equal(judge(&result, &rules), VERDICT_RETRY);
    result.body = SLICE("{\"status\":0}");
    assert_int_equal(judge(&result, &rules), VERDICT_DELIVERED);
}

/* ---- words ---- */

static void a_description_is_cut_at_256_characters(UNUSED void **state)
{
    char body[2000];

    (void)snprintf(body, sizeof(body), "{\"status\":1,\"description\":\"%0256d\"}", 0);
    assert_int_equal(judge_body(body), VERDICT_REFUSED);
    assert_int_equal(strlen(detail), strlen("status 1: ") + 256);
    (void)snprintf(body, sizeof(body), "{\"status\":1,\"description\":\"%0257d\"}", 0);
    assert_int_equal(judge_body(body), VERDICT_REFUSED);
    assert_int_equal(strlen(detail), strlen("status 1: ") + 256);
}

static void characters_are_counted_not_bytes(UNUSED void **state)
{
    char body[2000] = "{\"status\":1,\"description\":\"";

    for (size_t i = 0; i < 300; i++) {
        strncat(body, "\xf0\x9f\x92\xb6", 5); /* banknotes, 4 bytes each */
    }
    strncat(body, "\"}", 3);
    assert_int_equal(judge_body(body), VERDICT_REFUSED);
    assert_int_equal(strlen(detail), strlen("status 1: ") + (size_t)256 * 4);
}

static void control_characters_are_left_out(UNUSED void **state)
{
    assert_int_equal(
        judge_body("{\"status\":1,\"description\":\"a\\n\\u0000b\\u001b[31m\\u0085c\\u007f\"}"),
        VERDICT_REFUSED);
    assert_string_equal(detail, "status 1: ab[31mc");
}

static void a_description_that_is_no_text_is_nothing(UNUSED void **state)
{
    assert_int_equal(judge_body("{\"status\":0,\"description\":{\"a\":1}}"), VERDICT_DELIVERED);
    assert_string_equal(detail, "status 0");
}

/* ---- the answer's signature ---- */

#define ANSWER_0 "{\"status\":0,\"description\":\"Ok\",\"timestamp\":1590611635}"

struct signed_answer {
    const char *body;
    const char *names[2];
    const char *values[2];
};

static enum dialect_verdict judge_signed(struct signed_answer answer, bool is_needed)
{
    struct outbound_result result = {.status = 200, .body = slice_of(answer.body)};
    struct verdict_rules rules = {.secret = SLICE(SAMPLE_SECRET), .needs_signature = is_needed};

    for (size_t i = 0; i < 2 && answer.names[i] != NULL; i++) {
        result.headers[result.headers_len++] =
            (struct outbound_header){slice_of(answer.names[i]), slice_of(answer.values[i])};
    }
    return judge(&result, &rules);
}

static void where_it_is_needed_either_header_will_do(UNUSED void **state)
{
    assert_int_equal(
        judge_signed(
            (struct signed_answer){ANSWER_0, {"gt-authentication"}, {SAMPLE_HASH_ANSWER_0}}, true),
        VERDICT_DELIVERED);
    assert_int_equal(judge_signed((struct signed_answer){ANSWER_0,
                                                         {"External-Request-Signature"},
                                                         {SAMPLE_HASH_ANSWER_0}},
                                  true),
                     VERDICT_DELIVERED);
    assert_int_equal(
        judge_signed((struct signed_answer){ANSWER_0,
                                            {"external-request-signature", "Gt-Authentication"},
                                            {"of another kind", SAMPLE_HASH_ANSWER_0}},
                     true),
        VERDICT_DELIVERED);
    assert_string_equal(detail, "status 0: Ok");
}

static void where_it_is_needed_everything_else_is_tried_again(UNUSED void **state)
{
    static const struct signed_answer bad[] = {
        {ANSWER_0, {NULL}, {NULL}},
        {ANSWER_0, {"Gt-Authentication"}, {""}},
        {ANSWER_0, {"Gt-Authentication"}, {SAMPLE_HASH_ANSWER_1}},
        {ANSWER_0,
         {"Gt-Authentication", "Gt-Authentication"},
         {SAMPLE_HASH_ANSWER_0, SAMPLE_HASH_ANSWER_0}},
        /* over the request's timestamp, not the answer's */
        {"{\"status\":0,\"timestamp\":1590611636}", {"Gt-Authentication"}, {SAMPLE_HASH_ANSWER_0}},
        {"{\"status\":1,\"timestamp\":1590611635}", {"Gt-Authentication"}, {SAMPLE_HASH_ANSWER_0}},
        {"{\"status\":0}", {"Gt-Authentication"}, {SAMPLE_HASH_ANSWER_0}},
        {"{\"status\":0,\"timestamp\":[]}", {"Gt-Authentication"}, {SAMPLE_HASH_ANSWER_0}},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(judge_signed(bad[i], true), VERDICT_RETRY);
        assert_non_null(strstr(detail, i == 0 ? "signature is missing" : "signature is wrong"));
    }
}

static void where_it_is_not_a_wrong_one_is_only_told(UNUSED void **state)
{
    assert_int_equal(judge_signed((struct signed_answer){ANSWER_0, {NULL}, {NULL}}, false),
                     VERDICT_DELIVERED);
    assert_string_equal(detail, "status 0: Ok");
    assert_int_equal(
        judge_signed(
            (struct signed_answer){ANSWER_0, {"Gt-Authentication"}, {SAMPLE_HASH_ANSWER_1}}, false),
        VERDICT_DELIVERED);
    assert_string_equal(detail, "the answer's signature is wrong; status 0: Ok");
}

static void a_receiver_that_wants_to_be_left_alone_is(UNUSED void **state)
{
    struct outbound_result result = {
        .status = 503, .headers = {{SLICE("Retry-After"), SLICE("900")}}, .headers_len = 1};
    struct verdict_rules rules = {.secret = SLICE("")};
    struct buf words;

    buf_init(&words, ATTEMPT_DETAIL_BYTES_MAX);
    struct dialect_judgement judgement = verdict_of(&result, &rules, now, &words);
    assert_int_equal(judgement.verdict, VERDICT_RETRY);
    assert_int_equal(judgement.not_before_us, 900 * US_PER_SECOND);
    assert_int_equal(words.len, 0); /* "HTTP 503" says it */
    buf_clear(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_delivered),
        cmocka_unit_test(what_is_above_is_refused_for_good_with_its_words),
        cmocka_unit_test(what_is_below_is_tried_again),
        cmocka_unit_test(what_is_not_recognized_is_tried_again),
        cmocka_unit_test(an_answer_that_was_cut_is_none),
        cmocka_unit_test(only_http_200_is_an_answer),
        cmocka_unit_test(a_text_status_counts_where_it_is_allowed),
        cmocka_unit_test(a_description_is_cut_at_256_characters),
        cmocka_unit_test(characters_are_counted_not_bytes),
        cmocka_unit_test(control_characters_are_left_out),
        cmocka_unit_test(a_description_that_is_no_text_is_nothing),
        cmocka_unit_test(where_it_is_needed_either_header_will_do),
        cmocka_unit_test(where_it_is_needed_everything_else_is_tried_again),
        cmocka_unit_test(where_it_is_not_a_wrong_one_is_only_told),
        cmocka_unit_test(a_receiver_that_wants_to_be_left_alone_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
