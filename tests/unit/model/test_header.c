#include "base/macro.h"
#include "model/header.h"
#include "reading.h"

#include <string.h>

static void a_name_is_a_token(UNUSED void **state)
{
    static const char *const good[] = {"X-A",    "Authorization", "user-agent", "x_1!#$%&'*+.^`|~",
                                       "Cookie", "webhook",       "cecil",      "hosts"};
    static const char *const bad[] = {"",         "X A",    "X:A",         "X-A ",
                                      "X\n",      "X\r\nY", "caf\xc3\xa9", "a/b",
                                      "a\\u0041", "(x)",    "x\x7f",       "\"x\""};
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(header_name_check(slice_of(good[i]), "f", &diag), OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(header_name_check(slice_of(bad[i]), "f", &diag), ERR_INVALID);
        assert_diag(&diag, "f", "letters, digits");
    }
    assert_int_equal(header_name_check(SLICE("X\0A"), "f", &diag), ERR_INVALID);
}

static void the_names_we_set_are_refused_in_any_letters(UNUSED void **state)
{
    static const char *const bad[] = {
        "host",
        "Host",
        "Content-Length",
        "transfer-encoding",
        "CONNECTION",
        "Content-Type",
        "Expect",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "webhook-id",
        "Webhook-Signature",
        "webhook-",
        "WEBHOOK-X",
        "ce-id",
        "CE-Type",
    };
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(header_name_check(slice_of(bad[i]), "f", &diag), ERR_INVALID);
        assert_diag(&diag, "f", "set by the server");
    }
}

static void a_value_is_one_line_of_text(UNUSED void **state)
{
    static const char *const good[] = {"x", "Bearer abc", "a, b; c=\"d\"", "caf\xc3\xa9"};
    static const char *const bad[] = {"",          " ",    " x",    "x ",    "a\nb",  "a\rb",
                                      "a\r\nX: y", "a\tb", "a\x7f", "a\x01", "a\xff", "a\xc2\x85"};
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(header_value_check(slice_of(good[i]), "f", &diag), OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(header_value_check(slice_of(bad[i]), "f", &diag), ERR_INVALID);
        assert_diag(&diag, "f", "a header's value");
    }
    assert_int_equal(header_value_check(SLICE("a\0b"), "f", &diag), ERR_INVALID);
}

static void both_have_a_largest_size(UNUSED void **state)
{
    char text[HEADER_VALUE_BYTES_MAX + 1];

    memset(text, 'a', sizeof text);
    assert_int_equal(header_name_check(slice_from(text, HEADER_NAME_BYTES_MAX), "f", NULL), OK);
    assert_int_equal(header_name_check(slice_from(text, HEADER_NAME_BYTES_MAX + 1), "f", NULL),
                     ERR_INVALID);
    assert_int_equal(header_value_check(slice_from(text, HEADER_VALUE_BYTES_MAX), "f", NULL), OK);
    assert_int_equal(header_value_check(slice_from(text, sizeof text), "f", NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_a_token),
        cmocka_unit_test(the_names_we_set_are_refused_in_any_letters),
        cmocka_unit_test(a_value_is_one_line_of_text),
        cmocka_unit_test(both_have_a_largest_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
