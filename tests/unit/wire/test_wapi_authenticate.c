#include "base/timetext.h"
#include "support/unit.h"
#include "wire/wapi/authenticate.h"
#include "wire/wapi/prague.h"

static struct wall at(const char *text)
{
    struct wall instant = {0};

    assert_int_equal(timetext_parse(slice_of(text), &instant), OK);
    return instant;
}

static void assert_hours(const char *from, const unsigned *hours, size_t hours_len)
{
    struct wall instant = at(from);

    for (size_t i = 0; i < hours_len; i++) {
        assert_int_equal(prague_hour(instant), hours[i]);
        assert_int_equal(prague_hour((struct wall){instant.us + US_PER_HOUR - 1}), hours[i]);
        instant.us += US_PER_HOUR;
    }
}

static void prague_is_an_hour_ahead_in_winter_and_two_in_summer(UNUSED void **state)
{
    assert_int_equal(prague_hour(at("2026-01-15T12:00:00Z")), 13);
    assert_int_equal(prague_hour(at("2026-07-15T12:00:00Z")), 14);
    assert_int_equal(prague_hour(at("2026-04-01T00:00:00Z")), 2);
    assert_int_equal(prague_hour(at("2026-02-28T23:59:59Z")), 0);
    assert_int_equal(prague_hour(at("2026-09-30T22:30:00Z")), 0);
    assert_int_equal(prague_hour(at("2026-12-31T23:00:00Z")), 0);
}

static void the_hour_02_is_missing_when_summer_begins(UNUSED void **state)
{
    static const unsigned hours[] = {0, 1, 3, 4};

    assert_hours("2026-03-28T23:00:00Z", hours, ARRAY_LEN(hours));
}

static void the_hour_02_comes_twice_when_summer_ends(UNUSED void **state)
{
    static const unsigned hours[] = {0, 1, 2, 2, 3};

    assert_hours("2026-10-24T22:00:00Z", hours, ARRAY_LEN(hours));
}

/* The last Sunday is any day from the 25th to the 31st. */
static void summer_begins_and_ends_on_the_last_sunday_of_its_month(UNUSED void **state)
{
    static const struct {
        const char *instant; /* of the change */
        bool begins;
    } changes[] = {
        {"2024-03-31T01:00:00Z", true}, {"2024-10-27T01:00:00Z", false},
        {"2025-03-30T01:00:00Z", true}, {"2025-10-26T01:00:00Z", false},
        {"2027-03-28T01:00:00Z", true}, {"2027-10-31T01:00:00Z", false},
        {"2029-03-25T01:00:00Z", true}, {"2029-10-28T01:00:00Z", false},
        {"2030-03-31T01:00:00Z", true}, {"2032-03-28T01:00:00Z", true},
        {"2033-03-27T01:00:00Z", true}, {"2035-03-25T01:00:00Z", true},
        {"2026-03-29T01:00:00Z", true}, {"2026-10-25T01:00:00Z", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct wall change = at(changes[i].instant);

        assert_int_equal(prague_hour((struct wall){change.us - 1}), changes[i].begins ? 1 : 2);
        assert_int_equal(prague_hour(change), changes[i].begins ? 3 : 2);
    }
}

static void assert_hash(unsigned hour, const char *expected)
{
    struct authenticate_hash hash = authenticate_hash(SLICE("tester"), SLICE("123456"), hour);

    assert_string_equal(hash.chars, expected);
}

static void the_hashes_are_those_of_the_protocol(UNUSED void **state)
{
    assert_hash(11, "ac28237e80e68efa3bfd07f42dca3d41c5986e01");
    assert_hash(0, "7fbabaadd1d5f19b05a15bae52132f70cb902dad");
    assert_hash(9, "68782a69ff7316fe873a2bd872586a0b7df291e6"); /* two digits, always */
}

static bool is_right(const char *auth, struct wall now, int64_t previous_hour_us)
{
    return authenticate_is_right(SLICE("tester"), SLICE("123456"), slice_of(auth), now,
                                 previous_hour_us);
}

static void an_auth_is_right_for_its_hour_alone(UNUSED void **state)
{
    static const char auth[] = "ac28237e80e68efa3bfd07f42dca3d41c5986e01"; /* hour 11 */
    struct wall start = at("2026-01-15T10:00:00Z");

    assert_true(is_right(auth, start, 0));
    assert_true(is_right(auth, (struct wall){start.us + US_PER_HOUR - 1}, 0));
    assert_false(is_right(auth, (struct wall){start.us + US_PER_HOUR}, 0));
    assert_false(is_right(auth, (struct wall){start.us - 1}, 0));
}

static void the_hour_before_counts_as_long_as_a_setting_says(UNUSED void **state)
{
    static const char auth[] = "ac28237e80e68efa3bfd07f42dca3d41c5986e01"; /* hour 11 */
    struct wall end = at("2026-01-15T11:00:00Z");

    assert_true(is_right(auth, (struct wall){end.us + US_PER_MINUTE - 1}, US_PER_MINUTE));
    assert_false(is_right(auth, (struct wall){end.us + US_PER_MINUTE}, US_PER_MINUTE));
    assert_false(is_right(auth, (struct wall){end.us + US_PER_HOUR}, US_PER_HOUR));
}

static void what_is_not_the_hash_is_wrong(UNUSED void **state)
{
    static const char *const wrong[] = {
        "",
        "ac28237e80e68efa3bfd07f42dca3d41c5986e0",
        "ac28237e80e68efa3bfd07f42dca3d41c5986e011",
        "AC28237E80E68EFA3BFD07F42DCA3D41C5986E01", /* lower case only */
        "bc28237e80e68efa3bfd07f42dca3d41c5986e01",
        " ac28237e80e68efa3bfd07f42dca3d41c5986e01",
    };
    struct wall now = at("2026-01-15T10:30:00Z");

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(is_right(wrong[i], now, 0));
    }
}

static bool allows(const char *list, const char *address)
{
    return authenticate_allows(slice_of(list), slice_of(address));
}

static void an_empty_list_allows_everybody(UNUSED void **state)
{
    assert_true(allows("", "203.0.113.5"));
    assert_true(allows("  ", "203.0.113.5"));
}

static void a_list_has_full_addresses(UNUSED void **state)
{
    assert_true(allows("198.51.100.1 203.0.113.5", "203.0.113.5"));
    assert_true(allows(" 203.0.113.5 ", "203.0.113.5"));
    assert_false(allows("203.0.113.5", "203.0.113.50"));
    assert_false(allows("203.0.113.50", "203.0.113.5"));
    assert_false(allows("198.51.100.1", "2001:db8::1"));
}

static void a_dotted_beginning_stands_for_all_behind_it(UNUSED void **state)
{
    assert_true(allows("198.51.100.", "198.51.100.77"));
    assert_true(allows("198.51.", "198.51.7.77"));
    assert_false(allows("198.51.100.", "198.51.10.0"));
    assert_false(allows("198.51.1", "198.51.100.1"));
}

static void an_ipv6_address_is_the_same_in_any_spelling(UNUSED void **state)
{
    assert_true(allows("2001:DB8:0:0::0:1", "2001:db8::1"));
    assert_true(allows("192.0.2.1 2001:db8::1", "2001:db8::1"));
    assert_false(allows("2001:db8::1", "2001:db8::11"));
    assert_false(
        allows("2001:db8:0000000000000000000000000000000000000000000000::1", "2001:db8::1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prague_is_an_hour_ahead_in_winter_and_two_in_summer),
        cmocka_unit_test(the_hour_02_is_missing_when_summer_begins),
        cmocka_unit_test(the_hour_02_comes_twice_when_summer_ends),
        cmocka_unit_test(summer_begins_and_ends_on_the_last_sunday_of_its_month),
        cmocka_unit_test(the_hashes_are_those_of_the_protocol),
        cmocka_unit_test(an_auth_is_right_for_its_hour_alone),
        cmocka_unit_test(the_hour_before_counts_as_long_as_a_setting_says),
        cmocka_unit_test(what_is_not_the_hash_is_wrong),
        cmocka_unit_test(an_empty_list_allows_everybody),
        cmocka_unit_test(a_list_has_full_addresses),
        cmocka_unit_test(a_dotted_beginning_stands_for_all_behind_it),
        cmocka_unit_test(an_ipv6_address_is_the_same_in_any_spelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
