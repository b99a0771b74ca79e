#include "base/macro.h"
#include "model/url.h"
#include "reading.h"

#include <string.h>

static void takes_http_and_https_with_a_host(UNUSED void **state)
{
    static const char *const good[] = {
        "http://example.com",
        "https://example.com/",
        "HTTPS://Example.COM/hook",
        "https://example.com:8443/a/b?c=d&e[]=f",
        "https://example.com?x=1",
        "http://127.0.0.1:1",
        "http://[::1]:8080/x",
        "http://[2001:db8::1]/",
        "http://my_host:65535/%41",
        "http://localhost/a@b", /* behind the host it is nobody's name */
        "https://xn--mller-kva.example/",
    };
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (url_check(slice_of(good[i]), "url", &diag) != OK) {
            print_message("%s: %s\n", good[i], diag.text);
            fail();
        }
    }
}

static void refuses_all_else_and_says_why(UNUSED void **state)
{
    static const char *const cases[][2] = {
        {"", "absolute URL"},
        {"example.com", "absolute URL"},
        {"//example.com/", "absolute URL"},
        {"/hook", "absolute URL"},
        {"ftp://example.com/", "absolute URL"},
        {"file:///etc/passwd", "absolute URL"},
        {"javascript:alert(1)", "absolute URL"},
        {"http:/example.com", "absolute URL"},
        {"http://", "a host"},
        {"https:///path", "a host"},
        {"https://:443/", "a host"},
        {"https://?x", "a host"},
        {"https://.example.com/", "a host"},
        {"https://example.com:/", "a host"},
        {"https://example.com:0/", "port"},
        {"https://example.com:65536/", "port"},
        {"https://example.com:99999999999999999999/", "port"},
        {"https://example.com:80x/", "port"},
        {"https://example.com:-1/", "port"},
        {"https://exa(mple.com/", "a host"},
        {"https://a%2fb/", "a host"},
        {"https://[::1/", "a host"},
        {"https://[::1]x/", "a host"},
        {"https://[]/", "a host"},
        {"https://[fe80::1%25eth0]/", "a host"},
        {"https://[1.2.3.4]/", "a host"},
        {"https://user@example.com/", "user name"},
        {"https://user:pass@example.com/", "user name"},
        {"https://@example.com/", "user name"},
        {"https://example.com/#top", "fragment"},
        {"https://example.com#", "fragment"},
        {"https://example.com/a b", "byte 22"},
        {" https://example.com/", "absolute URL"},
        {"https://example.com/ ", "byte 21"},
        {"https://example.com/\r\nX: y", "byte 21"},
        {"https://example.com\\@evil.example/", "byte 20"},
        {"https://example.com/<x>", "byte 21"},
        {"https://example.com/\"", "byte 21"},
        {"https://example.com/{id}", "byte 21"},
        {"https://m\xc3\xbcller.example/", "byte 10"},
        {"https://example.com/\x7f", "byte 21"},
        {"https://example.com/%", "two hex digits"},
        {"https://example.com/%4", "two hex digits"},
        {"https://example.com/%zz", "two hex digits"},
    };
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (url_check(slice_of(cases[i][0]), "url", &diag) != ERR_INVALID) {
            print_message("%s was taken\n", cases[i][0]);
            fail();
        }
        assert_diag(&diag, "url", cases[i][1]);
    }
    assert_int_equal(url_check(SLICE("https://example.com/\0x"), "url", &diag), ERR_INVALID);
}

static void has_2048_bytes_at_most(UNUSED void **state)
{
    static const struct slice start = SLICE("https://example.com/");
    char text[URL_BYTES_MAX + 1];
    struct diag diag;

    memset(text, 'a', sizeof text);
    memcpy(text, start.ptr, start.len);
    assert_int_equal(url_check(slice_from(text, URL_BYTES_MAX), "url", &diag), OK);
    assert_int_equal(url_check(slice_from(text, sizeof text), "url", &diag), ERR_INVALID);
    assert_diag(&diag, "url", "2048");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_http_and_https_with_a_host),
        cmocka_unit_test(refuses_all_else_and_says_why),
        cmocka_unit_test(has_2048_bytes_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
