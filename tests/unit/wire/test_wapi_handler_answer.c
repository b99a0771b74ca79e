#include "base/time.h"
#include "support/unit.h"
#include "wire/wapi/handler_answer.h"

#include <string.h>

static enum err read_answer(struct handler_answer *answer, int32_t status, const char *body)
{
    struct diag diag = {{0}, {0}};

    handler_answer_init(answer);
    enum err err = handler_answer_read(answer, status, slice_of(body), &diag);
    assert_int_equal(diag.text[0] != '\0', err != OK);
    return err;
}

static void assert_refused(int32_t status, const char *body)
{
    struct handler_answer answer;

    assert_int_equal(read_answer(&answer, status, body), ERR_INVALID);
    handler_answer_clear(&answer);
}

static void what_is_done_has_a_code_a_text_and_data(UNUSED void **state)
{
    struct handler_answer answer;

    assert_int_equal(read_answer(&answer, 200,
                                 "{\"code\":2201,\"result\":\"Dom\\u00e9na\",\"data\":{\"a\":[1]},"
                                 "\"more\":true}"),
                     OK);
    assert_false(answer.is_pending);
    assert_int_equal(answer.code, 2201);
    assert_slice_is(answer.result, "Dom\xc3\xa9na");
    assert_slice_is(json_raw(answer.data), "{\"a\":[1]}");
    handler_answer_clear(&answer);
}

static void a_known_code_has_its_text(UNUSED void **state)
{
    struct handler_answer answer;

    assert_int_equal(read_answer(&answer, 200, "{\"code\":1000}"), OK);
    assert_slice_is(answer.result, "OK");
    assert_false(json_exists(answer.data));
    handler_answer_clear(&answer);
}

static void what_is_no_answer_is_refused(UNUSED void **state)
{
    static const char *const bodies[] = {
        "",
        "OK",
        "[]",
        "{}",
        "{\"code\":\"1000\",\"result\":\"OK\"}",
        "{\"code\":999,\"result\":\"x\"}",
        "{\"code\":10000,\"result\":\"x\"}",
        "{\"code\":1000.5,\"result\":\"x\"}",
        "{\"code\":1001,\"result\":\"Request pending\"}", /* that is 202 */
        "{\"code\":2201}",
        "{\"code\":2201,\"result\":\"\"}",
        "{\"code\":1000,\"result\":7}",
        "{\"code\":1000,\"result\":\"a\\nb\"}",
        "{\"code\":1000,\"result\":\"OK\",\"data\":[]}",
        "{\"code\":1000,\"result\":\"OK\",\"data\":\"x\"}",
        "{\"code\":1000} {}",
    };

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_refused(200, bodies[i]);
    }
}

static void other_statuses_are_refused(UNUSED void **state)
{
    static const int32_t statuses[] = {0, 201, 204, 302, 400, 404, 500, 503};

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        assert_refused(statuses[i], "{\"code\":1000,\"result\":\"OK\"}");
    }
}

static void what_is_accepted_may_have_a_deadline(UNUSED void **state)
{
    static const struct {
        const char *body;
        int64_t deadline_us;
    } bodies[] = {
        {"", 0},
        {" ", 0},
        {"{}", 0},
        {"{\"deadline_in\":null}", 0},
        {"{\"deadline_in\":\"15m\"}", 15 * US_PER_MINUTE},
    };
    struct handler_answer answer;

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_int_equal(read_answer(&answer, 202, bodies[i].body), OK);
        assert_true(answer.is_pending);
        assert_int_equal(answer.deadline_us, bodies[i].deadline_us);
        handler_answer_clear(&answer);
    }
}

static void what_is_accepted_may_expire_at_its_deadline(UNUSED void **state)
{
    static const struct {
        const char *body;
        bool expires;
    } bodies[] = {
        {"{\"deadline_in\":\"15m\"}", false},
        {"{\"deadline_in\":\"15m\",\"on_deadline\":null}", false},
        {"{\"deadline_in\":\"15m\",\"on_deadline\":\"delay\"}", false},
        {"{\"on_deadline\":\"\\u0065xpire\",\"deadline_in\":\"15m\"}", true},
    };
    struct handler_answer answer;

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_int_equal(read_answer(&answer, 202, bodies[i].body), OK);
        assert_true(answer.is_pending);
        assert_int_equal(answer.deadline_us, 15 * US_PER_MINUTE);
        assert_int_equal(answer.expires, bodies[i].expires);
        handler_answer_clear(&answer);
    }
}

static void a_word_on_the_deadline_that_is_none_is_refused(UNUSED void **state)
{
    assert_refused(202, "{\"deadline_in\":\"15m\",\"on_deadline\":\"forget\"}");
    assert_refused(202, "{\"deadline_in\":\"15m\",\"on_deadline\":true}");
    assert_refused(202, "{\"on_deadline\":\"expire\"}");
}

static void a_deadline_that_is_none_is_refused(UNUSED void **state)
{
    assert_refused(202, "accepted");
    assert_refused(202, "[]");
    assert_refused(202, "{\"deadline_in\":15}");
    assert_refused(202, "{\"deadline_in\":\"0s\"}");
    assert_refused(202, "{\"deadline_in\":\"soon\"}");
    assert_refused(202, "{\"deadline_in\":\"400d\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_done_has_a_code_a_text_and_data),
        cmocka_unit_test(a_known_code_has_its_text),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(other_statuses_are_refused),
        cmocka_unit_test(what_is_accepted_may_have_a_deadline),
        cmocka_unit_test(what_is_accepted_may_expire_at_its_deadline),
        cmocka_unit_test(a_word_on_the_deadline_that_is_none_is_refused),
        cmocka_unit_test(a_deadline_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
