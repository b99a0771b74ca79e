#include "cli/captured.h"
#include "support/unit.h"

#include <string.h>

static struct captured captured;
static struct diag diag;

static enum err parse(const char *text)
{
    return captured_parse(slice_of(text), &captured, &diag);
}

static struct slice header(const char *name)
{
    struct slice value = SLICE("");

    assert_int_equal(captured_header(&captured, name, &value, &diag), OK);
    return value;
}

static void a_request_as_it_came_is_headers_and_a_body(UNUSED void **state)
{
    assert_int_equal(parse("POST /notify?a=b:c HTTP/1.1\r\nHost: shop.example\r\n"
                           "Gt-Authentication:  abc \r\nContent-Length: 7\r\n\r\n{\"a\":1}"),
                     OK);
    assert_int_equal(captured.headers_len, 3);
    assert_slice_is(header("GT-authentication"), "abc");
    assert_slice_is(header("host"), "shop.example");
    assert_slice_is(captured.body, "{\"a\":1}");
}

static void the_request_line_and_carriage_returns_may_be_missing(UNUSED void **state)
{
    assert_int_equal(parse("webhook-id: evt_1\n\n\nbody\n"), OK);
    assert_slice_is(header("webhook-id"), "evt_1");
    assert_slice_is(captured.body, "\nbody\n");
    assert_int_equal(parse("a: \n\n"), OK);
    assert_slice_is(header("A"), "");
    assert_slice_is(captured.body, "");
}

static void what_stands_behind_the_announced_length_is_dropped(UNUSED void **state)
{
    assert_int_equal(parse("Content-Length: 2\n\n{}\n"), OK);
    assert_slice_is(captured.body, "{}");
}

static void what_is_no_request_is_refused(UNUSED void **state)
{
    static const char *const bad[] = {
        "",
        "{\"a\":1}",
        "POST / HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\n\r\n{}",
        "a: 1\nb: 2",
        "a: 1\n no: folding\n\n",
        "a: 1\nno colon\n\n",
        "a : 1\n\n",
        ": 1\n\n",
        "Content-Length: 3\n\n{}",
        "Content-Length: x\n\n{}",
        "Content-Length: 2\nContent-Length: 2\n\n{}",
        "Transfer-Encoding: chunked\n\n2\r\n{}\r\n0\r\n\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (parse(bad[i]) != ERR_INVALID) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

static void a_header_that_is_there_twice_counts_in_no_place(UNUSED void **state)
{
    struct slice value = SLICE("as before");

    assert_int_equal(parse("a: 1\nA: 1\n\n"), OK);
    assert_int_equal(captured_header(&captured, "a", &value, &diag), ERR_CONFLICT);
    assert_string_equal(diag.text, "the header a is there twice");
    assert_int_equal(captured_header(&captured, "b", &value, &diag), ERR_NOT_FOUND);
}

static void headers_are_limited(UNUSED void **state)
{
    captured = (struct captured){.headers_len = 0};
    for (int i = 0; i < CAPTURED_HEADERS_MAX; i++) {
        assert_int_equal(captured_add(&captured, SLICE("a: 1"), &diag), OK);
    }
    assert_int_equal(captured_add(&captured, SLICE("a: 1"), &diag), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_as_it_came_is_headers_and_a_body),
        cmocka_unit_test(the_request_line_and_carriage_returns_may_be_missing),
        cmocka_unit_test(what_stands_behind_the_announced_length_is_dropped),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(a_header_that_is_there_twice_counts_in_no_place),
        cmocka_unit_test(headers_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
