#include "base/macro.h"
#include "model/address.h"
#include "reading.h"

#include <string.h>

static void takes_plain_addresses(UNUSED void **state)
{
    static const char *const good[] = {
        "a@b",
        "orders@example.com",
        "first.last+tag@mail.example.co.uk",
        "o'hara!#$%&*/=?^_`{|}~-@example.com",
        "j\xc3\xbcrgen@example.com",
        "root@localhost",
        "x@xn--mller-kva.example",
    };
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (address_check(slice_of(good[i]), "address", &diag) != OK) {
            print_message("%s: %s\n", good[i], diag.text);
            fail();
        }
    }
}

static void refuses_all_else(UNUSED void **state)
{
    static const char *const cases[][2] = {
        {"", "one e-mail address"},
        {"orders", "one e-mail address"},
        {"@example.com", "before the @"},
        {"orders@", "behind the @"},
        {"a@b@c", "behind the @"},
        {"a b@example.com", "before the @"},
        {" a@example.com", "before the @"},
        {"a@example.com ", "behind the @"},
        {"<a@example.com>", "before the @"},
        {"A <a@example.com>", "before the @"},
        {"a@example.com>", "behind the @"},
        {"a@example.com,b@example.com", "behind the @"},
        {"a,b@example.com", "before the @"},
        {"\"a b\"@example.com", "before the @"},
        {"a(comment)@example.com", "before the @"},
        {"a\\b@example.com", "before the @"},
        {"a;b@example.com", "before the @"},
        {".a@example.com", "before the @"},
        {"a.@example.com", "before the @"},
        {"a..b@example.com", "before the @"},
        {"a\r\nRCPT TO:<b@c>@example.com", "before the @"},
        {"a@example.com\r\nBcc: b@c", "behind the @"},
        {"a\t@example.com", "before the @"},
        {"a\x7f@example.com", "before the @"},
        {"a\xc2\x85@example.com", "before the @"}, /* a control character beyond ASCII */
        {"a\xff@example.com", "before the @"},     /* no UTF-8 */
        {"a@.example.com", "behind the @"},
        {"a@example..com", "behind the @"},
        {"a@example.com.", "behind the @"},
        {"a@-example.com", "behind the @"},
        {"a@example-.com", "behind the @"},
        {"a@exa_mple.com", "behind the @"},
        {"a@[127.0.0.1]", "behind the @"},
        {"a@m\xc3\xbcller.example", "behind the @"},
    };
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (address_check(slice_of(cases[i][0]), "address", &diag) != ERR_INVALID) {
            print_message("%s was taken\n", cases[i][0]);
            fail();
        }
        assert_diag(&diag, "address", cases[i][1]);
    }
    assert_int_equal(address_check(SLICE("a\0b@example.com"), "address", &diag), ERR_INVALID);
    assert_int_equal(address_check(SLICE("a@example.com\0"), "address", &diag), ERR_INVALID);
}

/* An address of len bytes with a local part of local_len. */
static enum err check_long(size_t local_len, size_t len)
{
    char text[400];

    memset(text, 'a', sizeof text);
    for (size_t i = local_len + 50; i < len - 1; i += 50) {
        text[i] = '.';
    }
    text[local_len] = '@';
    return address_check(slice_from(text, len), "address", NULL);
}

static void has_254_bytes_at_most_and_64_before_the_at(UNUSED void **state)
{
    assert_int_equal(check_long(64, 254), OK);
    assert_int_equal(check_long(64, 255), ERR_INVALID);
    assert_int_equal(check_long(65, 200), ERR_INVALID);
}

static void a_label_of_the_domain_has_63_bytes_at_most(UNUSED void **state)
{
    char text[2 + 64];

    memset(text, 'a', sizeof text);
    text[1] = '@';
    assert_int_equal(address_check(slice_from(text, 2 + 63), "address", NULL), OK);
    assert_int_equal(address_check(slice_from(text, 2 + 64), "address", NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_plain_addresses),
        cmocka_unit_test(refuses_all_else),
        cmocka_unit_test(has_254_bytes_at_most_and_64_before_the_at),
        cmocka_unit_test(a_label_of_the_domain_has_63_bytes_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
