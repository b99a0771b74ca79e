#include "model/schedule.h"
#include "reading.h"

static const struct wall created = {INT64_C(1770114030123456)};

static struct wall later(int64_t us)
{
    return (struct wall){created.us + us};
}

static struct schedule read_schedule(const char *text)
{
    struct schedule schedule = {.form = SCHEDULE_LIST};
    struct json_doc doc;
    struct diag diag = {{0}, {0}};
    struct json value = reading(&doc, slice_of(text));

    if (schedule_from_json(value, "retry", &schedule, &diag) != OK) {
        print_message("%s: %s: %s\n", text, diag.field, diag.text);
        fail();
    }
    json_doc_clear(&doc);
    return schedule;
}

static void assert_refused(const char *text, const char *field, const char *words)
{
    struct schedule schedule = {.waits_len = 42};
    struct json_doc doc;
    struct diag diag = {{0}, {0}};
    struct json value = reading(&doc, slice_of(text));

    assert_int_equal(schedule_from_json(value, "retry", &schedule, &diag), ERR_INVALID);
    assert_diag(&diag, field, words);
    assert_int_equal(schedule.waits_len, 42);
    json_doc_clear(&doc);
}

static void assert_written(const struct schedule *schedule, const char *text)
{
    struct json_writer writer;
    struct buf out;

    buf_init(&out, 1000);
    json_writer_init(&writer, &out);
    schedule_to_json(schedule, &writer);
    assert_string_equal(buf_cstr(&out), text);
    buf_clear(&out);
}

static void assert_reads_back(const char *text)
{
    struct schedule schedule = read_schedule(text);

    assert_written(&schedule, text);
}

/* The wait before an attempt right after the one before, without jitter. */
static int64_t wait_of(const struct schedule *schedule, uint32_t attempt)
{
    struct schedule exact = *schedule;
    struct chance chance;
    struct wall due = {0};

    exact.jitter_permille = 0;
    chance_init(&chance, 1);
    assert_true(schedule_next(&exact, attempt, created, created, 0, &chance, &due));
    return due.us - created.us;
}

static bool has_ended(const struct schedule *schedule, uint32_t attempt, struct wall now)
{
    struct chance chance;
    struct wall due = {0};

    chance_init(&chance, 1);
    return !schedule_next(schedule, attempt, created, now, 0, &chance, &due);
}

static void the_default_ends_with_its_tenth_attempt(UNUSED void **state)
{
    struct schedule schedule = schedule_default();

    assert_written(&schedule,
                   "[\"0s\",\"5s\",\"5m\",\"30m\",\"2h\",\"5h\",\"10h\",\"14h\",\"20h\",\"1d\"]");
    assert_int_equal(wait_of(&schedule, 1), 0);
    assert_int_equal(wait_of(&schedule, 2), 5 * US_PER_SECOND);
    assert_int_equal(wait_of(&schedule, 10), US_PER_DAY);
    assert_true(has_ended(&schedule, 11, later(0)));
}

static void the_default_for_mail_tries_for_four_days(UNUSED void **state)
{
    struct schedule schedule = schedule_default_mail();
    int64_t age_us = 0;

    for (uint32_t attempt = 1; attempt <= 27; attempt++) {
        age_us += wait_of(&schedule, attempt);
    }
    assert_true(age_us <= 4 * US_PER_DAY);
    assert_true(age_us + 4 * US_PER_HOUR > 4 * US_PER_DAY);
    assert_true(has_ended(&schedule, 28, later(age_us)));
}

static void reads_back_what_it_writes(UNUSED void **state)
{
    assert_reads_back("[\"0s\",\"5s\",\"5m\"]");
    assert_reads_back("[\"250ms\"]");
    assert_reads_back("{\"every\":\"5m\",\"for\":\"1d\"}");
    assert_reads_back("{\"every\":\"5m\",\"for\":\"1d\",\"jitter\":0}");
    assert_reads_back("{\"first\":\"1m\",\"factor\":2,\"max\":\"1d\",\"for\":\"7d\"}");
    assert_reads_back(
        "{\"first\":\"1m\",\"factor\":1.5,\"max\":\"6h\",\"for\":\"7d\",\"jitter\":0.125}");
}

static void a_growing_one_doubles_up_to_a_day_unless_told_otherwise(UNUSED void **state)
{
    struct schedule schedule = read_schedule("{\"first\": \"1m\", \"for\": \"7d\", \"max\": null}");

    assert_written(&schedule, "{\"first\":\"1m\",\"factor\":2,\"max\":\"1d\",\"for\":\"7d\"}");
    assert_int_equal(wait_of(&schedule, 1), 0);
    assert_int_equal(wait_of(&schedule, 2), US_PER_MINUTE);
    assert_int_equal(wait_of(&schedule, 3), 2 * US_PER_MINUTE);
    assert_int_equal(wait_of(&schedule, 12), 1024 * US_PER_MINUTE);
    assert_int_equal(wait_of(&schedule, 13), US_PER_DAY);
    assert_int_equal(wait_of(&schedule, 9999), US_PER_DAY);
}

static void a_first_gap_above_a_day_is_its_own_largest(UNUSED void **state)
{
    struct schedule schedule = read_schedule("{\"first\": \"2d\", \"for\": \"7d\"}");

    assert_int_equal(wait_of(&schedule, 3), 2 * US_PER_DAY);
}

static void fixed_gaps_follow_a_first_attempt_at_once(UNUSED void **state)
{
    struct schedule schedule = read_schedule("{\"every\": \"5m\", \"for\": \"24h\"}");

    assert_int_equal(wait_of(&schedule, 1), 0);
    assert_int_equal(wait_of(&schedule, 2), 5 * US_PER_MINUTE);
    assert_int_equal(wait_of(&schedule, 100), 5 * US_PER_MINUTE);
}

static void ends_when_the_next_attempt_would_come_after_its_age(UNUSED void **state)
{
    struct schedule schedule = read_schedule("{\"every\": \"5m\", \"for\": \"1h\", \"jitter\": 0}");

    assert_false(has_ended(&schedule, 2, later(55 * US_PER_MINUTE)));
    assert_true(has_ended(&schedule, 2, later(55 * US_PER_MINUTE + 1)));
}

static void ends_after_ten_thousand_attempts_when_the_gaps_are_short(UNUSED void **state)
{
    struct schedule schedule = read_schedule("{\"every\": \"59s\", \"for\": \"90d\"}");

    assert_false(has_ended(&schedule, SCHEDULE_ATTEMPTS_MAX, later(0)));
    assert_true(has_ended(&schedule, SCHEDULE_ATTEMPTS_MAX + 1, later(0)));
}

static void may_go_on_for_ten_years(UNUSED void **state)
{
    struct schedule schedule =
        read_schedule("{\"every\": \"5m\", \"for\": \"3650d\", \"jitter\": 0}");
    const int64_t age_us = 3650 * US_PER_DAY - 5 * US_PER_MINUTE;

    assert_false(has_ended(&schedule, 3650 * 288, later(age_us)));
    assert_true(has_ended(&schedule, 3650 * 288, later(age_us + 1)));
}

static void jitter_stays_within_its_part_and_uses_all_of_it(UNUSED void **state)
{
    struct schedule schedule = schedule_default();
    struct chance chance;
    int64_t lowest = INT64_MAX;
    int64_t highest = 0;

    chance_init(&chance, 20260203);
    for (int i = 0; i < 10000; i++) {
        struct wall due = {0};

        assert_true(schedule_next(&schedule, 2, created, created, 0, &chance, &due));
        lowest = due.us - created.us < lowest ? due.us - created.us : lowest;
        highest = due.us - created.us > highest ? due.us - created.us : highest;
    }
    assert_in_range(lowest, 4000000, 4010000);
    assert_in_range(highest, 5990000, 6000000);
}

static void a_wait_of_zero_has_no_jitter(UNUSED void **state)
{
    struct schedule schedule = read_schedule("[\"0s\", \"0s\"]");
    struct chance chance;
    struct wall due = {0};

    chance_init(&chance, 3);
    assert_true(schedule_next(&schedule, 2, created, later(5), 0, &chance, &due));
    assert_int_equal(due.us, later(5).us);
}

/* When attempt 2 of the 5 s list is due after now, with what the receiver asked for. */
static int64_t asked(const char *text, struct wall now, int64_t retry_after_us)
{
    struct schedule schedule = read_schedule(text);
    struct chance chance;
    struct wall due = {0};

    chance_init(&chance, 4);
    schedule.jitter_permille = 0;
    assert_true(schedule_next(&schedule, 2, created, now, retry_after_us, &chance, &due));
    return due.us - now.us;
}

static void the_later_of_schedule_and_receiver_counts(UNUSED void **state)
{
    assert_int_equal(asked("[\"0s\", \"5s\"]", later(0), 3 * US_PER_SECOND), 5 * US_PER_SECOND);
    assert_int_equal(asked("[\"0s\", \"5s\"]", later(0), US_PER_HOUR), US_PER_HOUR);
    assert_int_equal(asked("[\"0s\", \"5s\"]", later(0), -US_PER_HOUR), 5 * US_PER_SECOND);
}

static void a_receiver_is_obeyed_up_to_a_day(UNUSED void **state)
{
    assert_int_equal(asked("[\"0s\", \"5s\"]", later(0), 400 * US_PER_DAY), US_PER_DAY);
    assert_int_equal(asked("[\"0s\", \"5s\"]", later(0), INT64_MAX), US_PER_DAY);
}

static void a_wait_asked_for_does_not_end_the_schedule(UNUSED void **state)
{
    assert_int_equal(asked("{\"every\": \"5m\", \"for\": \"1h\"}", later(0), 2 * US_PER_HOUR),
                     2 * US_PER_HOUR);
}

static void what_it_refuses_it_names(UNUSED void **state)
{
    static const char *const cases[][3] = {
        {"[]", "retry", "1 to 32 waits"},
        {"[\"0s\", \"5\"]", "retry[1]", "duration"},
        {"[\"0s\", 5]", "retry[1]", "duration"},
        {"[\"0s\", \"5s\", \"31d\"]", "retry[2]", "to \"30d\""},
        {"[\"-1s\"]", "retry[0]", "duration"},
        {"[\"\"]", "retry[0]", "duration"},
        {"[\"5s5s5s5s5s5s5s5s5s5s5s5s5s5s\"]", "retry[0]", "duration"},
        {"\"5m\"", "retry", "an array of waits or an object, not a string"},
        {"true", "retry", "an array of waits or an object"},
        {"{}", "retry.first", "duration"},
        {"{\"every\": \"5m\"}", "retry.for", "duration"},
        {"{\"every\": \"0s\", \"for\": \"1h\"}", "retry.every", "from \"1ms\""},
        {"{\"every\": null, \"for\": \"1h\"}", "retry.every", "duration"},
        {"{\"every\": \"5m\", \"for\": \"3651d\"}", "retry.for", "to \"3650d\""},
        {"{\"every\": \"5m\", \"for\": \"1h\", \"max\": \"1h\"}", "retry.max", "no such member"},
        {"{\"first\": \"5m\", \"for\": \"1h\", \"factor\": 0.9}", "retry.factor", "from 1 to 10"},
        {"{\"first\": \"5m\", \"for\": \"1h\", \"factor\": 11}", "retry.factor", "from 1 to 10"},
        {"{\"first\": \"5m\", \"for\": \"1h\", \"factor\": 1.0001}", "retry.factor", "3 decimals"},
        {"{\"first\": \"5m\", \"for\": \"1h\", \"factor\": 1e1}", "retry.factor", "number"},
        {"{\"first\": \"5m\", \"for\": \"1h\", \"factor\": \"2\"}", "retry.factor", "number"},
        {"{\"first\": \"5m\", \"for\": \"1h\", \"max\": \"4m\"}", "retry.max", "from \"5m\""},
        {"{\"first\": \"5m\", \"for\": \"1h\", \"jitter\": 1.001}", "retry.jitter", "from 0 to 1"},
        {"{\"first\": \"5m\", \"for\": \"1h\", \"jitter\": -0.2}", "retry.jitter", "from 0 to 1"},
        {"{\"first\": \"5m\", \"for\": \"1h\", \"times\": 3}", "retry.times", "no such member"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_refused(cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void a_list_has_32_waits_at_most(UNUSED void **state)
{
    struct buf text;

    buf_init(&text, 1000);
    buf_text(&text, "[\"0s\"");
    for (int i = 1; i < SCHEDULE_WAITS_MAX; i++) {
        buf_text(&text, ",\"1s\"");
    }
    buf_text(&text, "]");
    assert_reads_back(buf_cstr(&text));
    text.ptr[text.len - 1] = ',';
    buf_text(&text, "\"1s\"]");
    assert_refused(buf_cstr(&text), "retry", "not 33");
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_ends_with_its_tenth_attempt),
        cmocka_unit_test(the_default_for_mail_tries_for_four_days),
        cmocka_unit_test(reads_back_what_it_writes),
        cmocka_unit_test(a_growing_one_doubles_up_to_a_day_unless_told_otherwise),
        cmocka_unit_test(a_first_gap_above_a_day_is_its_own_largest),
        cmocka_unit_test(fixed_gaps_follow_a_first_attempt_at_once),
        cmocka_unit_test(ends_when_the_next_attempt_would_come_after_its_age),
        cmocka_unit_test(ends_after_ten_thousand_attempts_when_the_gaps_are_short),
        cmocka_unit_test(may_go_on_for_ten_years),
        cmocka_unit_test(jitter_stays_within_its_part_and_uses_all_of_it),
        cmocka_unit_test(a_wait_of_zero_has_no_jitter),
        cmocka_unit_test(the_later_of_schedule_and_receiver_counts),
        cmocka_unit_test(a_receiver_is_obeyed_up_to_a_day),
        cmocka_unit_test(a_wait_asked_for_does_not_end_the_schedule),
        cmocka_unit_test(what_it_refuses_it_names),
        cmocka_unit_test(a_list_has_32_waits_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
