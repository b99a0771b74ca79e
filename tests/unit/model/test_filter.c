#include "base/macro.h"
#include "model/filter.h"
#include "support/unit.h"

#include <string.h>

struct match_case {
    const char *pattern, *type;
    bool matches;
};

static void assert_matches(const struct match_case *cases, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(filter_check(slice_of(cases[i].pattern), NULL), OK);
        if (filter_matches(slice_of(cases[i].pattern), slice_of(cases[i].type)) !=
            cases[i].matches) {
            print_message("%s on %s\n", cases[i].pattern, cases[i].type);
            fail();
        }
    }
}

static void a_pattern_without_stars_matches_itself_only(UNUSED void **state)
{
    static const struct match_case cases[] = {
        {"order.created", "order.created", true},    {"order.created", "order.create", false},
        {"order.created", "order.created2", false},  {"order.created", "order", false},
        {"order.created", "order.created.x", false}, {"order", "order", true},
        {"order.created", "Order.created", false},
    };

    assert_matches(cases, ARRAY_LEN(cases));
}

static void a_star_is_exactly_one_segment(UNUSED void **state)
{
    static const struct match_case cases[] = {
        {"order.*", "order.created", true},
        {"order.*", "order", false},
        {"order.*", "order.item.added", false},
        {"*.created", "order.created", true},
        {"*.created", "created", false},
        {"*.created", "a.b.created", false},
        {"a.*.c", "a.b.c", true},
        {"a.*.c", "a.c", false},
        {"*.*", "a.b", true},
        {"*.*", "a", false},
        {"*.*", "a.b.c", false},
    };

    assert_matches(cases, ARRAY_LEN(cases));
}

static void two_stars_at_the_end_are_one_segment_or_more(UNUSED void **state)
{
    static const struct match_case cases[] = {
        {"order.**", "order.created", true},
        {"order.**", "order.item.added.late", true},
        {"order.**", "order", false},
        {"order.**", "orders.created", false},
        {"*.b.**", "a.b.c.d", true},
        {"*.b.**", "a.b", false},
        {"**", "a", true},
        {"**", "a.b.c", true},
    };

    assert_matches(cases, ARRAY_LEN(cases));
}

static void a_star_alone_is_everything(UNUSED void **state)
{
    static const struct match_case cases[] = {{"*", "a", true}, {"*", "a.b.c.d", true}};

    assert_matches(cases, ARRAY_LEN(cases));
}

static void news_about_channels_go_only_to_who_names_them(UNUSED void **state)
{
    static const struct match_case cases[] = {
        {"*", "tidings.channel.disabled", false},
        {"**", "tidings.channel.disabled", false},
        {"*.channel.disabled", "tidings.channel.disabled", false},
        {"*.**", "tidings.channel.disabled", false},
        {"tidings.**", "tidings.channel.disabled", true},
        {"tidings.*.disabled", "tidings.channel.disabled", true},
        {"tidings.channel.disabled", "tidings.channel.disabled", true},
        {"tidings.*", "tidings.channel.disabled", false},
        {"*", "tidings", true}, /* somebody's own word, not our news */
        {"*", "tidingsx.a", true},
    };

    assert_matches(cases, ARRAY_LEN(cases));
}

static void what_is_no_pattern_is_refused_with_words(UNUSED void **state)
{
    static const char *const bad[] = {"",     ".",     "a.",          ".a",  "a..b",          "a*",
                                      "a.b*", "**.a",  "a.**.b",      "***", "order created", "a,b",
                                      "a/b",  "or?er", "caf\xc3\xa9", "a\n"};
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        diag.text[0] = '\0';
        assert_int_equal(filter_check(slice_of(bad[i]), &diag), ERR_INVALID);
        assert_string_not_equal(diag.text, "");
    }
}

static void a_pattern_has_128_bytes_at_most(UNUSED void **state)
{
    char text[FILTER_PATTERN_BYTES_MAX + 1];

    memset(text, 'a', sizeof text);
    assert_int_equal(filter_check(slice_from(text, FILTER_PATTERN_BYTES_MAX), NULL), OK);
    assert_int_equal(filter_check(slice_from(text, sizeof text), NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_without_stars_matches_itself_only),
        cmocka_unit_test(a_star_is_exactly_one_segment),
        cmocka_unit_test(two_stars_at_the_end_are_one_segment_or_more),
        cmocka_unit_test(a_star_alone_is_everything),
        cmocka_unit_test(news_about_channels_go_only_to_who_names_them),
        cmocka_unit_test(what_is_no_pattern_is_refused_with_words),
        cmocka_unit_test(a_pattern_has_128_bytes_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
