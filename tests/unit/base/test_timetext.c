#include "base/macro.h"
#include "base/timetext.h"
#include "support/unit.h"

#include <stdio.h>

/* 2026-02-03T10:20:30.123456Z */
static const struct wall at = {INT64_C(1770114030123456)};

static struct wall seconds(int64_t count)
{
    return (struct wall){count * US_PER_SECOND};
}

static void an_instant_has_its_four_forms(UNUSED void **state)
{
    assert_string_equal(timetext_rfc3339(at).chars, "2026-02-03T10:20:30.123456Z");
    assert_string_equal(timetext_seconds(at).chars, "2026-02-03T10:20:30Z");
    assert_string_equal(timetext_http(at).chars, "Tue, 03 Feb 2026 10:20:30 GMT");
    assert_string_equal(timetext_mail(at).chars, "Tue, 03 Feb 2026 10:20:30 +0000");
}

static void fractions_always_have_six_digits(UNUSED void **state)
{
    assert_string_equal(timetext_rfc3339((struct wall){0}).chars, "1970-01-01T00:00:00.000000Z");
    assert_string_equal(timetext_rfc3339((struct wall){1}).chars, "1970-01-01T00:00:00.000001Z");
    assert_string_equal(timetext_rfc3339((struct wall){-1}).chars, "1969-12-31T23:59:59.999999Z");
}

static void a_form_of_milliseconds_cuts_off_what_is_past_them(UNUSED void **state)
{
    assert_string_equal(timetext_millis(at).chars, "2026-02-03T10:20:30.123Z");
    assert_string_equal(timetext_millis((struct wall){999}).chars, "1970-01-01T00:00:00.000Z");
    assert_string_equal(timetext_millis((struct wall){US_PER_SECOND - 1}).chars,
                        "1970-01-01T00:00:00.999Z");
}

static void instants_far_away_are_written_as_the_nearest_year_of_four_digits(UNUSED void **state)
{
    assert_string_equal(timetext_rfc3339(WALL_NEVER).chars, "9999-12-31T23:59:59.999999Z");
    assert_string_equal(timetext_mail(WALL_NEVER).chars, "Fri, 31 Dec 9999 23:59:59 +0000");
    assert_string_equal(timetext_seconds((struct wall){INT64_MAX}).chars, "9999-12-31T23:59:59Z");
    assert_string_equal(timetext_seconds((struct wall){INT64_MIN}).chars, "0000-01-01T00:00:00Z");
}

/* The day after civil, by the rules that children learn. */
static void step(struct civil *civil)
{
    bool is_leap = civil->year % 400 == 0 || (civil->year % 4 == 0 && civil->year % 100 != 0);
    int february = is_leap ? 29 : 28;
    const int days[] = {31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    civil->weekday = (civil->weekday + 1) % 7;
    if (civil->day < days[civil->month - 1]) {
        civil->day++;
        return;
    }
    civil->day = 1;
    civil->month++;
    if (civil->month > 12) {
        civil->month = 1;
        civil->year++;
    }
}

static void assert_same_day(const struct civil *a, const struct civil *b)
{
    assert_int_equal(a->year, b->year);
    assert_int_equal(a->month, b->month);
    assert_int_equal(a->day, b->day);
    assert_int_equal(a->weekday, b->weekday);
}

static void each_day_of_ten_thousand_years_follows_the_one_before(UNUSED void **state)
{
    struct civil expected = {.year = 0, .month = 1, .day = 1, .weekday = 6};
    struct wall noon = seconds(INT64_C(-62167219200) + 43200);

    for (; expected.year < 10000; step(&expected), noon.us += US_PER_DAY) {
        struct civil civil = civil_from_wall(noon);
        struct wall back;

        assert_same_day(&civil, &expected);
        assert_int_equal(civil.hour, 12);
        assert_int_equal(civil_to_wall(&civil, &back), OK);
        assert_true(back.us == noon.us);
    }
}

static void each_field_of_the_clock_is_read_back(UNUSED void **state)
{
    struct civil civil = civil_from_wall(at);
    struct wall back;

    assert_int_equal(civil.hour, 10);
    assert_int_equal(civil.minute, 20);
    assert_int_equal(civil.second, 30);
    assert_int_equal(civil.microsecond, 123456);
    assert_int_equal(civil.weekday, 2);
    assert_int_equal(civil_to_wall(&civil, &back), OK);
    assert_true(back.us == at.us);
}

static void dates_that_are_not_in_the_calendar_are_refused(UNUSED void **state)
{
    static const struct civil bad[] = {
        {.year = 2026, .month = 2, .day = 29},
        {.year = 1900, .month = 2, .day = 29},
        {.year = 2026, .month = 4, .day = 31},
        {.year = 2026, .month = 0, .day = 1},
        {.year = 2026, .month = 13, .day = 1},
        {.year = 2026, .month = INT32_MIN, .day = 1},
        {.year = 2026, .month = 1, .day = 0},
        {.year = 2026, .month = 1, .day = 32},
        {.year = -1, .month = 1, .day = 1},
        {.year = 10000, .month = 1, .day = 1},
        {.year = 2026, .month = 1, .day = 1, .hour = 24},
        {.year = 2026, .month = 1, .day = 1, .hour = -1},
        {.year = 2026, .month = 1, .day = 1, .minute = 60},
        {.year = 2026, .month = 1, .day = 1, .second = 60},
        {.year = 2026, .month = 1, .day = 1, .microsecond = 1000000},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct wall out = {77};

        assert_int_equal(civil_to_wall(&bad[i], &out), ERR_INVALID);
        assert_int_equal(out.us, 77);
    }
}

typedef enum err parse_fn(struct slice text, struct wall *out);

struct reading {
    const char *text;
    int64_t us;
};

static void assert_read(parse_fn *parse, const struct reading *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wall out = {77};

        if (parse(slice_of(cases[i].text), &out) != OK || out.us != cases[i].us) {
            fail_msg("%s: %lld", cases[i].text, (long long)out.us);
        }
    }
}

static void assert_not_read(parse_fn *parse, const struct slice *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wall out = {77};

        if (parse(bad[i], &out) != ERR_INVALID || out.us != 77) {
            fail_msg("accepted: %.*s", SLICE_ARGS(bad[i]));
        }
    }
}

static void rfc3339_is_read_in_its_variants(UNUSED void **state)
{
    static const struct reading cases[] = {
        {"2026-02-03T10:20:30.123456Z", INT64_C(1770114030123456)},
        {"2026-02-03T10:20:30Z", INT64_C(1770114030000000)},
        {"2026-02-03t10:20:30z", INT64_C(1770114030000000)},
        {"2026-02-03 10:20:30Z", INT64_C(1770114030000000)},
        {"2026-02-03T10:20:30.1Z", INT64_C(1770114030100000)},
        {"2026-02-03T10:20:30.0000019Z", INT64_C(1770114030000001)},
        {"2026-02-03T10:20:30.123456789123456789Z", INT64_C(1770114030123456)},
        {"2026-02-03T10:20:30+00:00", INT64_C(1770114030000000)},
        {"2026-02-03T10:20:30-00:00", INT64_C(1770114030000000)},
        {"2026-02-03T12:20:30+02:00", INT64_C(1770114030000000)},
        {"2026-02-03T04:50:30.5-05:30", INT64_C(1770114030500000)},
        {"2026-02-04T10:19:30+23:59", INT64_C(1770114030000000)},
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:00:00-01:00", 0},
        {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228799999999)},
        {"2016-12-31T23:59:60.5Z", INT64_C(1483228799999999)},
        {"2017-01-01T05:29:60+05:30", INT64_C(1483228799999999)},
    };

    assert_read(timetext_parse, cases, ARRAY_LEN(cases));
}

static void nanoseconds_are_cut_off_or_count_as_a_microsecond_more(UNUSED void **state)
{
    static const struct {
        const char *text;
        int64_t cut_us, up_us;
    } cases[] = {
        {"1970-01-01T00:00:01Z", 1000000, 1000000},
        {"1970-01-01T00:00:01.5Z", 1500000, 1500000},
        {"1970-01-01T00:00:01.000000000Z", 1000000, 1000000},
        {"1970-01-01T00:00:01.000000001Z", 1000000, 1000001},
        {"1970-01-01T00:00:01.000000999Z", 1000000, 1000001},
        {"1970-01-01T00:00:01.123456700Z", 1123456, 1123457},
        {"1970-01-01T00:00:01.999999999Z", 1999999, 2000000},
        {"1970-01-01T00:00:01.0000000000000001Z", 1000000, 1000001},
        {"1970-01-01T02:00:01.000000001+02:00", 1000000, 1000001},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wall cut = {0}, up = {0};

        assert_int_equal(timetext_parse(slice_of(cases[i].text), &cut), OK);
        assert_int_equal(timetext_parse_up(slice_of(cases[i].text), &up), OK);
        assert_true(cut.us == cases[i].cut_us);
        assert_true(up.us == cases[i].up_us);
    }
    struct wall unchanged = {7};
    assert_int_equal(timetext_parse_up(SLICE("1970-01-01"), &unchanged), ERR_INVALID);
    assert_true(unchanged.us == 7);
}

static void what_is_not_rfc3339_is_refused(UNUSED void **state)
{
    static const struct slice bad[] = {
        SLICE(""),
        SLICE("now"),
        SLICE("1770114030"),
        SLICE("2026-02-03"),
        SLICE("2026-02-03T10:20:30"),
        SLICE("2026-02-03T10:20Z"),
        SLICE("2026-02-03T10:20:30.Z"),
        SLICE("2026-02-03T10:20:30,5Z"),
        SLICE("2026-02-03T10:20:30Z "),
        SLICE(" 2026-02-03T10:20:30Z"),
        SLICE("2026-02-03T10:20:30Z\0"),
        SLICE("2026-02-03T10:20:30ZZ"),
        SLICE("2026-02-03T10:20:30+0200"),
        SLICE("2026-02-03T10:20:30+02"),
        SLICE("2026-02-03T10:20:30+24:00"),
        SLICE("2026-02-03T10:20:30+02:60"),
        SLICE("2026-02-03T10:20:30 +02:00"),
        SLICE("2026-02-03\t10:20:30Z"),
        SLICE("20260203T102030Z"),
        SLICE("2026-2-3T10:20:30Z"),
        SLICE("26-02-03T10:20:30Z"),
        SLICE("2026-02-03T1:20:30Z"),
        SLICE("+026-02-03T10:20:30Z"),
        SLICE("2026-02-03T10:20:-1Z"),
        SLICE("2026-02-29T10:20:30Z"),
        SLICE("2026-13-03T10:20:30Z"),
        SLICE("2026-00-03T10:20:30Z"),
        SLICE("2026-02-00T10:20:30Z"),
        SLICE("2026-02-03T24:00:00Z"),
        SLICE("2026-02-03T10:60:00Z"),
        SLICE("2026-02-03T10:20:61Z"),
        SLICE("1969-12-31T23:59:59Z"),
        SLICE("1970-01-01T00:00:00+00:01"),
        SLICE("9999-12-31T23:59:59-00:01"),
        SLICE("0000-01-01T00:00:00Z"),
        SLICE("10000-01-01T00:00:00Z"),
    };

    assert_not_read(timetext_parse, bad, ARRAY_LEN(bad));
}

static void the_three_forms_of_http_are_read(UNUSED void **state)
{
    /* The examples of RFC 9110 section 5.6.7. */
    static const struct reading cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000000)},
        {"Sunday, 06-Nov-94 08:49:37 GMT", INT64_C(784111777000000)},
        {"Sun Nov  6 08:49:37 1994", INT64_C(784111777000000)},
        {"Wed Nov 16 08:49:37 1994", INT64_C(784975777000000)},
        {"Mon, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000000)}, /* it was a Sunday */
        {"Thursday, 01-Jan-70 00:00:00 GMT", 0},
        {"Tuesday, 31-Dec-69 00:00:00 GMT", INT64_C(3155673600000000)},
        {"Sat, 31 Dec 2016 23:59:60 GMT", INT64_C(1483228799999999)},
    };

    assert_read(timetext_parse_http, cases, ARRAY_LEN(cases));
}

static void what_is_no_http_date_is_refused(UNUSED void **state)
{
    static const struct slice bad[] = {
        SLICE(""),
        SLICE("120"),
        SLICE("2026-02-03T10:20:30Z"),
        SLICE("Sun, 06 Nov 1994 08:49:37"),
        SLICE("Sun, 06 Nov 1994 08:49:37 UTC"),
        SLICE("Sun, 06 Nov 1994 08:49:37 +0000"),
        SLICE("Sun, 06 Nov 1994 08:49:37 GMT "),
        SLICE("Sun, 6 Nov 1994 08:49:37 GMT"),
        SLICE("Sun, 06 nov 1994 08:49:37 GMT"),
        SLICE("Sun, 06 Nov 94 08:49:37 GMT"),
        SLICE("Son, 06 Nov 1994 08:49:37 GMT"),
        SLICE("06 Nov 1994 08:49:37 GMT"),
        SLICE("Sun, 31 Nov 1994 08:49:37 GMT"),
        SLICE("Sun, 06-Nov-94 08:49:37 GMT"),
        SLICE("Sunday, 06-Nov-1994 08:49:37 GMT"),
        SLICE("Sun Nov 06 08:49:37 1994 GMT"),
        SLICE("Sun Nov 6 08:49:37 1994"),
        SLICE("Wed, 31 Dec 1969 23:59:59 GMT"),
    };

    assert_not_read(timetext_parse_http, bad, ARRAY_LEN(bad));
}

static void what_is_written_is_read_back(UNUSED void **state)
{
    for (int64_t us = 0; us < INT64_C(4000000000000000); us += INT64_C(12345678901234)) {
        struct wall whole = seconds(us / US_PER_SECOND);
        const struct reading full = {timetext_rfc3339((struct wall){us}).chars, us};
        const struct reading short_form = {timetext_seconds(whole).chars, whole.us};
        const struct reading http = {timetext_http(whole).chars, whole.us};

        assert_read(timetext_parse, &full, 1);
        assert_read(timetext_parse, &short_form, 1);
        assert_read(timetext_parse_http, &http, 1);
    }
}

static void durations_are_a_number_and_a_unit(UNUSED void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"0s", 0},
        {"0ms", 0},
        {"500ms", 500 * US_PER_MS},
        {"5s", 5 * US_PER_SECOND},
        {"05s", 5 * US_PER_SECOND},
        {"5m", 5 * US_PER_MINUTE},
        {"2h", 2 * US_PER_HOUR},
        {"5d", 5 * US_PER_DAY},
        {"3660d", 3660 * US_PER_DAY},
        {"316224000000ms", 3660 * US_PER_DAY},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t us = 77;

        assert_int_equal(duration_parse(slice_of(cases[i].text), &us), OK);
        assert_true(us == cases[i].us);
    }
}

static void what_is_no_duration_is_refused(UNUSED void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"", ERR_INVALID},
        {"5", ERR_INVALID},
        {"s", ERR_INVALID},
        {"-5s", ERR_INVALID},
        {"+5s", ERR_INVALID},
        {"5 s", ERR_INVALID},
        {" 5s", ERR_INVALID},
        {"5s ", ERR_INVALID},
        {"5S", ERR_INVALID},
        {"1.5m", ERR_INVALID},
        {"1h30m", ERR_INVALID},
        {"5us", ERR_INVALID},
        {"5w", ERR_INVALID},
        {"5 minutes", ERR_INVALID},
        {"PT5M", ERR_INVALID},
        {"3661d", ERR_LIMIT},
        {"87841h", ERR_LIMIT},
        {"316224000001ms", ERR_LIMIT},
        {"9223372036854775807d", ERR_LIMIT},
        {"99999999999999999999s", ERR_LIMIT},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t us = 77;

        assert_int_equal(duration_parse(slice_of(cases[i].text), &us), cases[i].err);
        assert_int_equal(us, 77);
    }
}

static void durations_are_written_in_the_largest_unit_that_is_exact(UNUSED void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {-US_PER_SECOND, "0s"},
        {999, "0s"},
        {1999, "1ms"},
        {1500 * US_PER_MS, "1500ms"},
        {1000 * US_PER_MS, "1s"},
        {90 * US_PER_SECOND, "90s"},
        {120 * US_PER_MINUTE, "2h"},
        {24 * US_PER_HOUR, "1d"},
        {36 * US_PER_HOUR, "36h"},
        {3660 * US_PER_DAY, "3660d"},
        {INT64_MAX, "9223372036854775ms"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(duration_text(cases[i].us).chars, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instant_has_its_four_forms),
        cmocka_unit_test(fractions_always_have_six_digits),
        cmocka_unit_test(a_form_of_milliseconds_cuts_off_what_is_past_them),
        cmocka_unit_test(instants_far_away_are_written_as_the_nearest_year_of_four_digits),
        cmocka_unit_test(each_day_of_ten_thousand_years_follows_the_one_before),
        cmocka_unit_test(each_field_of_the_clock_is_read_back),
        cmocka_unit_test(dates_that_are_not_in_the_calendar_are_refused),
        cmocka_unit_test(rfc3339_is_read_in_its_variants),
        cmocka_unit_test(nanoseconds_are_cut_off_or_count_as_a_microsecond_more),
        cmocka_unit_test(what_is_not_rfc3339_is_refused),
        cmocka_unit_test(the_three_forms_of_http_are_read),
        cmocka_unit_test(what_is_no_http_date_is_refused),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(durations_are_a_number_and_a_unit),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(durations_are_written_in_the_largest_unit_that_is_exact),
    };

    return cmocka_run_group_tests_name("timetext", tests, NULL, NULL);
}
