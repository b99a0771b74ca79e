#include "base/macro.h"
#include "send/policy.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static struct policy policy_of(const char *text)
{
    struct policy policy;

    assert_int_equal(policy_parse(slice_of(text), &policy, NULL), OK);
    return policy;
}

static bool allows(const struct policy *policy, const char *address)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, address, &ipv4.sin_addr) == 1) {
        return policy_allows(policy, (struct sockaddr *)&ipv4);
    }
    assert_int_equal(inet_pton(AF_INET6, address, &ipv6.sin6_addr), 1);
    return policy_allows(policy, (struct sockaddr *)&ipv6);
}

static void assert_all(const struct policy *policy, const char *const *addresses, size_t len,
                       bool expected)
{
    for (size_t i = 0; i < len; i++) {
        if (allows(policy, addresses[i]) != expected) {
            fail_msg("%s is %s", addresses[i], expected ? "refused" : "allowed");
        }
    }
}

static void public_addresses_are_allowed(UNUSED void **state)
{
    static const char *const addresses[] = {
        "1.1.1.1",          "8.8.8.8",        "9.255.255.255",        "11.0.0.0",
        "100.63.255.255",   "100.128.0.0",    "126.255.255.255",      "128.0.0.1",
        "172.15.255.255",   "172.32.0.0",     "192.167.1.1",          "192.169.0.1",
        "198.17.255.255",   "198.20.0.0",     "223.255.255.255",      "169.253.1.1",
        "2606:4700::1111",  "2a00:1450::1",   "2001:4860:4860::8888", "2002:808:808::1",
        "64:ff9b::808:808", "::ffff:8.8.8.8",
    };
    struct policy policy = policy_of("");

    assert_all(&policy, addresses, ARRAY_LEN(addresses), true);
}

static void special_addresses_are_refused(UNUSED void **state)
{
    static const char *const addresses[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.1.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "febf::1",
        "fc00::1",
        "fdff::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "2001:db8::1",
        "2001:2::1",
        "2001:10::1",
        "3fff::1",
        "4000::1",
        "64:ff9b:1::1",
        "5f00::1",
    };
    struct policy policy = policy_of("");

    assert_all(&policy, addresses, ARRAY_LEN(addresses), false);
}

static void a_refused_address_inside_another_is_refused(UNUSED void **state)
{
    static const char *const addresses[] = {
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::10.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::192.168.1.1",
        "64:ff9b::169.254.169.254",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2002:a9fe:a9fe::1",
        "2001:0:808:808::80ff:fffe", /* Teredo, client 127.0.0.1 */
        "2001:0:a00:1::f7f7:f7f7",   /* Teredo, server 10.0.0.1 */
    };
    struct policy policy = policy_of("");

    assert_all(&policy, addresses, ARRAY_LEN(addresses), false);
}

static void metadata_stays_refused_whatever_is_allowed(UNUSED void **state)
{
    static const char *const addresses[] = {
        "169.254.169.254",        "169.254.170.2",      "169.254.170.23",
        "100.100.100.200",        "168.63.129.16",      "192.0.0.192",
        "fd00:ec2::254",          "fd20:ce::254",       "::169.254.169.254",
        "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    };
    struct policy everything = policy_of("0.0.0.0/0 ::/0");
    struct policy exact = policy_of("169.254.169.254, 100.100.100.200/32, fd00:ec2::254/128");

    assert_all(&everything, addresses, ARRAY_LEN(addresses), false);
    assert_all(&exact, addresses, ARRAY_LEN(addresses), false);
    assert_true(allows(&everything, "169.254.1.1"));
}

static void an_allowed_range_is_allowed_and_nothing_beside_it(UNUSED void **state)
{
    static const char *const inside[] = {
        "127.0.0.1", "127.255.255.255",  "10.1.2.3",          "10.1.255.255",  "::1",
        "fd12::1",   "::ffff:127.0.0.1", "64:ff9b::10.1.0.1", "2002:7f00:1::",
    };
    static const char *const outside[] = {"10.2.0.0", "10.0.255.255", "::2", "fd13::1",
                                          "192.168.0.1"};
    struct policy policy = policy_of("127.0.0.0/8, 10.1.0.0/16 ::1/128,,  fd12::/16\n");

    assert_int_equal(policy.allowed.len, 4);
    assert_all(&policy, inside, ARRAY_LEN(inside), true);
    assert_all(&policy, outside, ARRAY_LEN(outside), false);
}

static void a_range_may_end_anywhere_in_a_byte(UNUSED void **state)
{
    struct policy policy = policy_of("10.0.0.0/9 192.168.1.7 fd00::/12");

    assert_true(allows(&policy, "10.127.255.255"));
    assert_false(allows(&policy, "10.128.0.0"));
    assert_true(allows(&policy, "192.168.1.7"));
    assert_false(allows(&policy, "192.168.1.6"));
    assert_true(allows(&policy, "fd0f::1"));
    assert_false(allows(&policy, "fd10::1"));
}

static void what_is_no_range_is_named(UNUSED void **state)
{
    static const char *const bad[] = {
        "10.0.0.0/33", "10.0.0/8",
        "::1/129",     "10.0.0.0/",
        "10.0.0.0/-1", "/8",
        "localhost",   "10.0.0.0/8/8",
        "0x7f.1/8",    "10.0.0.0/a",
        "1.2.3.4.5",   "fe80::1%eth0",
        "[::1]",       "10.0.0.0 - 10.0.0.9",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct policy policy = {.allowed.len = 77};
        struct diag diag = {.text = ""};
        char text[64];

        (void)snprintf(text, sizeof text, "127.0.0.0/8 %s", bad[i]);
        assert_int_equal(policy_parse(slice_of(text), &policy, &diag), ERR_INVALID);
        assert_non_null(strchr(diag.text, '"'));
        assert_int_equal(policy.allowed.len, 77); /* untouched */
    }
}

static void too_many_ranges_are_refused(UNUSED void **state)
{
    struct policy policy;
    char text[(IP_RANGES_MAX + 1) * 8 + 1] = "";
    size_t len = 0;

    for (int i = 0; i < IP_RANGES_MAX; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "::%x ", (unsigned)i + 1);
    }
    assert_int_equal(policy_parse(slice_of(text), &policy, NULL), OK);
    (void)snprintf(text + len, sizeof text - len, "::ff");
    assert_int_equal(policy_parse(slice_of(text), &policy, NULL), ERR_INVALID);
}

static void other_families_are_refused(UNUSED void **state)
{
    struct policy policy = policy_of("0.0.0.0/0 ::/0");
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    char text[INET6_ADDRSTRLEN];

    assert_false(policy_allows(&policy, (struct sockaddr *)&address));
    policy_address_text((struct sockaddr *)&address, text);
    assert_string_equal(text, "?");
}

static void a_literal_is_known_in_every_spelling(UNUSED void **state)
{
    static const char *const hosts[] = {
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0x7f.0x0.0x0.0x1",
        "127.0.0.1.",
        "[::1]",
        "::1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "127%2e0.0.1",
        "%31%32%37.0.0.1",
        "0",
        "0.0.0.0",
        "169.254.169.254",
        "2852039166",
        "00000000000000000000000000177.1",
        "10.0.0.1",
        "[64:ff9b::7f00:1]",
    };
    struct policy policy = policy_of("");

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        if (!policy_refuses_host(&policy, slice_of(hosts[i]))) {
            fail_msg("%s is let through", hosts[i]);
        }
    }
}

static void names_and_public_literals_pass(UNUSED void **state)
{
    static const char *const hosts[] = {
        "example.com",
        "localhost",
        "127.0.0.1.example.com",
        "1.1.1.1",
        "[2606:4700::1111]",
        "0x.example",
        "",
        "a%zz",
        "134744072", /* 8.8.8.8 */
    };
    struct policy policy = policy_of("");

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        assert_false(policy_refuses_host(&policy, slice_of(hosts[i])));
    }
    policy = policy_of("127.0.0.0/8");
    assert_false(policy_refuses_host(&policy, SLICE("0x7f.1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_addresses_are_allowed),
        cmocka_unit_test(special_addresses_are_refused),
        cmocka_unit_test(a_refused_address_inside_another_is_refused),
        cmocka_unit_test(metadata_stays_refused_whatever_is_allowed),
        cmocka_unit_test(an_allowed_range_is_allowed_and_nothing_beside_it),
        cmocka_unit_test(a_range_may_end_anywhere_in_a_byte),
        cmocka_unit_test(what_is_no_range_is_named),
        cmocka_unit_test(too_many_ranges_are_refused),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(a_literal_is_known_in_every_spelling),
        cmocka_unit_test(names_and_public_literals_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
