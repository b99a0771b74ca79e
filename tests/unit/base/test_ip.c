#include "base/ip.h"
#include "base/macro.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <string.h>

static struct ip ip_of(const char *text)
{
    struct ip ip;

    if (!ip_parse(slice_of(text), &ip)) {
        fail_msg("%s", text);
    }
    return ip;
}

static void an_address_is_the_same_in_all_its_spellings(UNUSED void **state)
{
    static const struct {
        const char *one, *other;
        bool is_v4;
    } cases[] = {
        {"192.0.2.7", "192.0.2.7", true},        {"192.0.2.7", "::ffff:192.0.2.7", true},
        {"192.0.2.7", "::FFFF:c000:0207", true}, {"2001:db8::1", "2001:0DB8:0:0::0001", false},
        {"::192.0.2.7", "::c000:207", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ip one = ip_of(cases[i].one), other = ip_of(cases[i].other);

        assert_true(ip_equal(&one, &other));
        assert_int_equal(ip_is_v4(&one), cases[i].is_v4);
    }
}

static void what_is_no_address_is_refused(UNUSED void **state)
{
    static const struct slice bad[] = {
        SLICE(""),
        SLICE("192.0.2"),
        SLICE("192.0.2.256"),
        SLICE("0x7f.0.0.1"),
        SLICE("[::1]"),
        SLICE("fe80::1%eth0"),
        SLICE(" 192.0.2.7"),
        SLICE("192.0.2.7\0"),
        SLICE("192.0.2.7 "),
        SLICE("192.0.2.7:80"),
        SLICE("localhost"),
        SLICE("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"),
    };
    struct ip before = ip_of("192.0.2.1"), ip = before;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(ip_parse(bad[i], &ip));
        assert_true(ip_equal(&ip, &before));
    }
}

static void an_address_of_a_socket_is_read(UNUSED void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(0xc0000207)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_storage other = {.ss_family = AF_UNIX};
    struct ip expected = ip_of("192.0.2.7"), ip;

    assert_true(ip_from((const struct sockaddr *)&v4, &ip));
    assert_true(ip_equal(&ip, &expected));
    assert_true(ip_from((const struct sockaddr *)&v6, &ip));
    expected = ip_of("::1");
    assert_true(ip_equal(&ip, &expected));
    assert_false(ip_from((const struct sockaddr *)&other, &ip));
}

static void ranges_hold_what_is_in_one_of_them(UNUSED void **state)
{
    static const char *const inside[] = {"10.0.0.0", "10.127.255.255", "::ffff:10.1.2.3",
                                         "192.0.2.7", "fd0f::1"};
    static const char *const outside[] = {"10.128.0.0", "9.255.255.255", "192.0.2.6",
                                          "fd10::1",    "::10.0.0.1",    "::1"};
    struct ip_ranges ranges, none;

    assert_int_equal(ip_ranges_parse(SLICE("10.0.0.0/9,192.0.2.7 fd00::/12"), &ranges, NULL), OK);
    assert_int_equal(ip_ranges_parse(SLICE(" ,"), &none, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        struct ip ip = ip_of(inside[i]);

        assert_true(ip_ranges_hold(&ranges, &ip));
        assert_false(ip_ranges_hold(&none, &ip));
    }
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        struct ip ip = ip_of(outside[i]);

        assert_false(ip_ranges_hold(&ranges, &ip));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_the_same_in_all_its_spellings),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(an_address_of_a_socket_is_read),
        cmocka_unit_test(ranges_hold_what_is_in_one_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
