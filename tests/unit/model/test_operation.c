#include "model/operation.h"
#include "support/unit.h"

#include <string.h>

static const struct operation plain = {
    .id = {7},
    .account = {8},
    .command = SLICE("domain-create"),
    .client_ref = SLICE("client-1"),
    .server_ref = SLICE("server-1"),
    .notify_url = SLICE("https://example.com/news"),
    .origin = SLICE("wapi/xml"),
    .data = SLICE("{\"years\": 1.0}"),
    .created = {1000},
    .deadline = {2000},
    .expires = true,
    .steps = 3,
};

static void every_state_has_a_word_that_reads_back(UNUSED void **state)
{
    static const char *const words[] = {"pending", "completed", "failed", "expired"};
    enum operation_state found = OPERATION_EXPIRED;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        assert_string_equal(operation_word((enum operation_state)i), words[i]);
        assert_int_equal(operation_state_parse(slice_of(words[i]), &found), OK);
        assert_int_equal(found, i);
    }
}

static void what_is_no_state_is_refused_and_changes_nothing(UNUSED void **state)
{
    static const char *const bad[] = {"", "Pending", "pending ", "delayed", "complete"};
    enum operation_state found = OPERATION_FAILED;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(operation_state_parse(slice_of(bad[i]), &found), ERR_INVALID);
    }
    assert_int_equal(found, OPERATION_FAILED);
}

static void holds_copies_of_all_texts(UNUSED void **state)
{
    char command[] = "domain-create";
    char data[] = "{\"a\": 1}";
    struct operation from = plain;

    from.command = slice_of(command);
    from.data = slice_of(data);
    struct operation *copy = operation_new(&from);
    memset(command, 'x', sizeof command - 1);
    memset(data, 'x', sizeof data - 1);
    assert_slice_is(copy->command, "domain-create");
    assert_slice_is(copy->data, "{\"a\": 1}");
    assert_slice_is(copy->client_ref, "client-1");
    assert_slice_is(copy->server_ref, "server-1");
    assert_slice_is(copy->notify_url, "https://example.com/news");
    assert_slice_is(copy->origin, "wapi/xml");
    operation_free(copy);
}

static void a_copy_keeps_what_is_no_text(UNUSED void **state)
{
    struct operation from = plain;

    from.state = OPERATION_FAILED;
    from.ended.us = 3000;
    from.code = 2303;
    from.event.value = 9;
    struct operation *copy = operation_new(&from);
    assert_int_equal(copy->id.value, 7);
    assert_int_equal(copy->account.value, 8);
    assert_int_equal(copy->state, OPERATION_FAILED);
    assert_int_equal(copy->created.us, 1000);
    assert_int_equal(copy->deadline.us, 2000);
    assert_true(copy->expires);
    assert_false(copy->is_delayed);
    assert_int_equal(copy->steps, 3);
    assert_int_equal(copy->ended.us, 3000);
    assert_int_equal(copy->code, 2303);
    assert_int_equal(copy->event.value, 9);
    operation_free(copy);
    operation_free(NULL);
}

static void what_is_absent_is_empty_in_a_copy(UNUSED void **state)
{
    struct operation *copy = operation_new(&(struct operation){.command = SLICE("a")});

    assert_true(slice_is_empty(copy->client_ref));
    assert_true(slice_is_empty(copy->result));
    assert_true(slice_is_empty(copy->outcome));
    operation_free(copy);
}

static void codes_from_2000_on_are_failures(UNUSED void **state)
{
    assert_int_equal(operation_state_of(OPERATION_CODE_MIN), OPERATION_COMPLETED);
    assert_int_equal(operation_state_of(1999), OPERATION_COMPLETED);
    assert_int_equal(operation_state_of(2000), OPERATION_FAILED);
    assert_int_equal(operation_state_of(OPERATION_CODE_MAX), OPERATION_FAILED);
}

static void each_news_has_an_event_type(UNUSED void **state)
{
    assert_string_equal(operation_news_type(OPERATION_NEWS_STEP), "operation.step");
    assert_string_equal(operation_news_type(OPERATION_NEWS_COMPLETED), "operation.completed");
    assert_string_equal(operation_news_type(OPERATION_NEWS_FAILED), "operation.failed");
    assert_string_equal(operation_news_type(OPERATION_NEWS_DELAYED), "operation.delayed");
    assert_string_equal(operation_news_type(OPERATION_NEWS_EXPIRED), "operation.expired");
}

static void assert_news(const struct operation *operation, struct slice result, struct slice data,
                        const char *expected)
{
    struct buf out;

    buf_init(&out, 4096);
    operation_news_json(operation, 1000, result, data, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_clear(&out);
}

/* Byte for byte: a receiver may compare, and numbers keep the form that they came in. */
static void news_tell_the_outcome_with_its_exact_data(UNUSED void **state)
{
    assert_news(&plain, SLICE("OK"), SLICE("{\"price\": 1.000}"),
                "{\"code\":1000,\"result\":\"OK\",\"command\":\"domain-create\","
                "\"operation\":\"opr_0000000000007\",\"origin\":\"wapi/xml\","
                "\"data\":{\"price\": 1.000}}");
}

static void news_leave_out_what_is_absent(UNUSED void **state)
{
    struct operation operation = plain;

    operation.origin = SLICE("");
    assert_news(&operation, SLICE("say \"done\"\n"), SLICE(""),
                "{\"code\":1000,\"result\":\"say \\\"done\\\"\\n\",\"command\":\"domain-create\","
                "\"operation\":\"opr_0000000000007\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_a_word_that_reads_back),
        cmocka_unit_test(what_is_no_state_is_refused_and_changes_nothing),
        cmocka_unit_test(holds_copies_of_all_texts),
        cmocka_unit_test(a_copy_keeps_what_is_no_text),
        cmocka_unit_test(what_is_absent_is_empty_in_a_copy),
        cmocka_unit_test(codes_from_2000_on_are_failures),
        cmocka_unit_test(each_news_has_an_event_type),
        cmocka_unit_test(news_tell_the_outcome_with_its_exact_data),
        cmocka_unit_test(news_leave_out_what_is_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
