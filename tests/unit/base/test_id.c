#include "base/id.h"
#include "base/macro.h"
#include "support/unit.h"

#include <ctype.h>

enum { NODE = 7, COUNTERS = 1 << ID_COUNTER_BITS };

/* 2026-02-03T10:20:30.123Z */
static const struct wall now = {INT64_C(1770114030123) * 1000};

static struct wall after(int64_t us)
{
    return (struct wall){now.us + us};
}

static struct id_maker maker_of(uint32_t node, struct id newest_stored)
{
    struct id_maker maker;

    id_maker_init(&maker, node, newest_stored);
    return maker;
}

static void assert_id(struct id actual, struct id expected)
{
    assert_int_equal(actual.value, expected.value);
}

static void assert_parses_to(const char *text, uint64_t value)
{
    struct id id = ID_NONE;

    assert_int_equal(id_parse(ID_EVENT, slice_of(text), &id), OK);
    assert_int_equal(id.value, value);
}

static void assert_refused(enum id_kind kind, const char *text)
{
    struct id id = {42};

    assert_int_equal(id_parse(kind, slice_of(text), &id), ERR_INVALID);
    assert_int_equal(id.value, 42); /* untouched */
}

static void its_text_is_a_prefix_and_thirteen_digits(UNUSED void **state)
{
    assert_string_equal(id_text(ID_EVENT, (struct id){1}).chars, "evt_0000000000001");
    assert_string_equal(id_text(ID_DELIVERY, (struct id){31}).chars, "dlv_000000000000Z");
    assert_string_equal(id_text(ID_CHANNEL, (struct id){32}).chars, "chn_0000000000010");
    assert_string_equal(id_text(ID_OPERATION, (struct id){UINT64_MAX}).chars, "opr_FZZZZZZZZZZZZ");
    assert_string_equal(id_text(ID_ATTEMPT, (struct id){2}).chars, "att_0000000000002");
    assert_string_equal(id_text(ID_KEY, (struct id){3}).chars, "key_0000000000003");
    assert_string_equal(id_text(ID_JOB, (struct id){4}).chars, "job_0000000000004");
}

static void its_text_is_read_back_in_either_case(UNUSED void **state)
{
    struct id id = {UINT64_C(0x0123456789abcdef)};
    struct id_text text = id_text(ID_EVENT, id);

    assert_parses_to(text.chars, id.value);
    for (size_t i = 4; text.chars[i] != '\0'; i++) {
        text.chars[i] = (char)tolower((unsigned char)text.chars[i]);
    }
    assert_parses_to(text.chars, id.value);
    assert_parses_to("evt_FZZZZZZZZZZZZ", UINT64_MAX);
}

static void what_is_no_id_of_this_kind_is_refused(UNUSED void **state)
{
    static const char *const texts[] = {
        "",
        "evt_",
        "evt",
        "0000000000001",
        "dlv_0000000000001",    /* another kind */
        "EVT_0000000000001",    /* the prefix is exact */
        "evt-0000000000001",    /* so is its end */
        "evt_000000000001",     /* short */
        "evt_00000000000001",   /* long */
        "evt_0000000000001 ",   /* something behind */
        " evt_0000000000001",   /* something before */
        "evt_G000000000000",    /* 65 bits */
        "evt_ZZZZZZZZZZZZZ",    /* 65 bits */
        "evt_000000000000U",    /* no digit of Crockford's */
        "evt_00000000000-1",    /* nor is a hyphen */
        "evt_000000000000\xc3", /* nor what is not ASCII */
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_refused(ID_EVENT, texts[i]);
    }
    assert_refused(ID_DELIVERY, "evt_0000000000001");
}

static void letters_that_look_like_digits_are_refused(UNUSED void **state)
{
    static const char *const texts[] = {
        "evt_000000000000O", "evt_000000000000o", "evt_000000000000I",
        "evt_000000000000i", "evt_000000000000L", "evt_000000000000l",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_refused(ID_EVENT, texts[i]);
    }
}

static void a_zero_byte_within_is_refused(UNUSED void **state)
{
    struct id id = ID_NONE;

    assert_int_equal(id_parse(ID_EVENT, SLICE("evt_000000\0000001"), &id), ERR_INVALID);
    assert_int_equal(id_parse(ID_EVENT, SLICE("evt_0000000000001\0"), &id), ERR_INVALID);
}

static void zero_is_no_id(UNUSED void **state)
{
    assert_refused(ID_EVENT, "evt_0000000000000");
}

static void texts_sort_as_ids_do(UNUSED void **state)
{
    struct id id = id_floor(now);

    for (int i = 0; i < 100; i++) {
        struct id later = id_offset(id, 1 + (uint64_t)i * 1000);

        assert_true(later.value > id.value);
        assert_true(slice_compare(slice_of(id_text(ID_EVENT, id).chars),
                                  slice_of(id_text(ID_EVENT, later).chars)) < 0);
        id = later;
    }
}

static void its_time_is_its_making_to_the_millisecond(UNUSED void **state)
{
    struct id_maker maker = maker_of(NODE, ID_NONE);

    assert_int_equal(id_time(id_make(&maker, after(999), 1)).us, now.us);
    assert_int_equal(id_time(id_make(&maker, after(1000), 1)).us, now.us + 1000);
}

static void ids_made_at_or_after_an_instant_are_not_below_its_floor(UNUSED void **state)
{
    for (int64_t us = 0; us < 3000; us += 250) {
        struct id_maker maker = maker_of(ID_NODE_MAX, ID_NONE);
        struct id_maker lowest = maker_of(0, ID_NONE);

        assert_true(id_make(&lowest, after(us), 1).value >= id_floor(after(us)).value);
        assert_true(id_make(&maker, after(us), COUNTERS).value < id_floor(after(us + 1000)).value);
    }
}

static void the_floor_of_an_instant_before_2020_is_zero(UNUSED void **state)
{
    assert_id(id_floor((struct wall){0}), ID_NONE);
    assert_id(id_floor((struct wall){-1}), ID_NONE);
    assert_id(id_floor((struct wall){INT64_MIN}), ID_NONE);
    assert_id(id_floor((struct wall){INT64_C(1577836799999999)}), ID_NONE);
    assert_int_equal(id_floor((struct wall){INT64_C(1577836800001000)}).value, 1 << 22);
}

static void the_floor_of_never_is_above_all_ids_of_our_time(UNUSED void **state)
{
    struct id_maker maker = maker_of(ID_NODE_MAX, ID_NONE);

    assert_true(id_make(&maker, after(100 * 365 * US_PER_DAY), 1).value <
                id_floor(WALL_NEVER).value);
}

static void an_offset_carries_into_the_milliseconds_past_the_node(UNUSED void **state)
{
    struct id_maker maker = maker_of(NODE, ID_NONE);
    struct id first = id_make(&maker, now, 1);

    assert_id(id_offset(first, 0), first);
    assert_int_equal(id_offset(first, COUNTERS - 1).value, first.value + COUNTERS - 1);
    assert_int_equal(id_offset(first, COUNTERS).value, first.value + (1 << 22));
    assert_int_equal(id_offset(first, 10 * COUNTERS + 5).value, first.value + 10 * (1 << 22) + 5);
}

static void an_offset_stays_at_the_last_id(UNUSED void **state)
{
    struct id last = {UINT64_MAX};

    assert_id(id_offset(last, 0), last);
    assert_id(id_offset(last, 1), last);
    assert_id(id_offset(last, UINT64_MAX), last);
    assert_id(id_offset((struct id){UINT64_MAX - 1}, 1), last);
    assert_id(id_offset((struct id){UINT64_MAX - 1}, UINT64_MAX), last);
}

static void a_distance_undoes_an_offset(UNUSED void **state)
{
    static const uint64_t steps[] = {0, 1, 4095, 4096, 4097, 1000000, UINT64_C(1) << 50};
    struct id id = id_floor(now);

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct id other = id_offset(id, steps[i]);

        assert_int_equal(id_distance(id, other), (int64_t)steps[i]);
        assert_int_equal(id_distance(other, id), -(int64_t)steps[i]);
    }
}

static void ids_of_two_nodes_have_no_distance(UNUSED void **state)
{
    struct id_maker one = maker_of(1, ID_NONE);
    struct id_maker two = maker_of(2, ID_NONE);

    assert_int_equal(id_distance(id_make(&one, now, 1), id_make(&two, now, 1)), INT64_MIN);
}

static void ids_are_made_without_a_gap_while_the_clock_stands(UNUSED void **state)
{
    struct id_maker maker = maker_of(NODE, ID_NONE);
    struct id before = id_make(&maker, now, 1);

    for (int i = 0; i < 3 * COUNTERS; i++) {
        struct id id = id_make(&maker, now, 1);

        assert_true(id.value > before.value);
        assert_int_equal(id_distance(before, id), 1);
        before = id;
    }
    /* The counter is used up twice and more, so the ids run ahead of the clock, and it catches up
     * with them. */
    assert_int_equal(id_time(before).us, now.us + 3000);
    assert_int_equal(id_time(id_make(&maker, after(5000), 1)).us, now.us + 5000);
}

static void many_are_made_at_once_as_one_by_one(UNUSED void **state)
{
    struct id_maker maker = maker_of(NODE, ID_NONE);
    struct id first = id_make(&maker, now, 10000);

    assert_id(maker.last, id_offset(first, 9999));
    assert_id(id_make(&maker, now, 2), id_offset(first, 10000));
    assert_id(id_make(&maker, now, 1), id_offset(first, 10002));
}

static void ids_grow_when_the_clock_steps_back_a_day(UNUSED void **state)
{
    struct id_maker maker = maker_of(NODE, ID_NONE);
    struct id before = id_make(&maker, now, 1);

    assert_id(id_make(&maker, after(-US_PER_DAY), 1), id_offset(before, 1));
    assert_id(id_make(&maker, (struct wall){0}, 1), id_offset(before, 2));
    assert_id(id_make(&maker, (struct wall){INT64_MIN}, 1), id_offset(before, 3));
}

static void ids_grow_after_a_jump_of_ten_years_and_back(UNUSED void **state)
{
    struct id_maker maker = maker_of(NODE, ID_NONE);
    int64_t ten_years = 3653 * US_PER_DAY;
    struct id here = id_make(&maker, now, 1);
    struct id there = id_make(&maker, after(ten_years), 1);

    assert_true(there.value > here.value);
    assert_int_equal(id_time(there).us, now.us + ten_years);
    assert_id(id_make(&maker, after(1000), 1), id_offset(there, 1));
}

static void ids_grow_over_a_restart_with_a_slower_clock(UNUSED void **state)
{
    struct id_maker before = maker_of(NODE, ID_NONE);
    struct id newest = id_make(&before, now, 5);
    struct id_maker maker = maker_of(NODE, newest);

    assert_id(id_make(&maker, after(-US_PER_HOUR), 1), id_offset(newest, 1));
}

static void ids_grow_after_those_of_another_node(UNUSED void **state)
{
    struct id_maker other = maker_of(NODE + 1, ID_NONE);
    struct id newest = id_make(&other, now, 1);
    struct id_maker maker = maker_of(NODE, newest);
    struct id id = id_make(&maker, now, 1);

    assert_true(id.value > newest.value);
    assert_int_equal((id.value >> ID_COUNTER_BITS) & ID_NODE_MAX, NODE);
    assert_int_equal(id_time(id).us, now.us + 1000);
}

static void two_nodes_never_make_the_same_id(UNUSED void **state)
{
    struct id_maker one = maker_of(1, ID_NONE);
    struct id_maker two = maker_of(2, ID_NONE);

    for (int i = 0; i < 2 * COUNTERS; i++) {
        assert_true(id_make(&one, now, 1).value != id_make(&two, now, 1).value);
    }
}

static void a_clock_before_2020_makes_no_zero(UNUSED void **state)
{
    struct id_maker maker = maker_of(0, ID_NONE);

    assert_int_equal(id_make(&maker, (struct wall){0}, 1).value, 1);
    assert_int_equal(id_make(&maker, (struct wall){-US_PER_DAY}, 1).value, 2);
}

static void an_id_by_chance_is_of_its_instant(UNUSED void **state)
{
    struct wall at = {INT64_C(1770000000123) * US_PER_MS};
    struct id lowest = id_by_chance(at, 0), highest = id_by_chance(at, UINT64_MAX);

    assert_int_equal(lowest.value, id_floor(at).value);
    assert_int_equal(id_time(highest).us, at.us);
    assert_int_equal(highest.value + 1, id_floor((struct wall){at.us + US_PER_MS}).value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_text_is_a_prefix_and_thirteen_digits),
        cmocka_unit_test(its_text_is_read_back_in_either_case),
        cmocka_unit_test(what_is_no_id_of_this_kind_is_refused),
        cmocka_unit_test(letters_that_look_like_digits_are_refused),
        cmocka_unit_test(a_zero_byte_within_is_refused),
        cmocka_unit_test(zero_is_no_id),
        cmocka_unit_test(texts_sort_as_ids_do),
        cmocka_unit_test(its_time_is_its_making_to_the_millisecond),
        cmocka_unit_test(ids_made_at_or_after_an_instant_are_not_below_its_floor),
        cmocka_unit_test(the_floor_of_an_instant_before_2020_is_zero),
        cmocka_unit_test(the_floor_of_never_is_above_all_ids_of_our_time),
        cmocka_unit_test(an_offset_carries_into_the_milliseconds_past_the_node),
        cmocka_unit_test(an_offset_stays_at_the_last_id),
        cmocka_unit_test(a_distance_undoes_an_offset),
        cmocka_unit_test(ids_of_two_nodes_have_no_distance),
        cmocka_unit_test(ids_are_made_without_a_gap_while_the_clock_stands),
        cmocka_unit_test(many_are_made_at_once_as_one_by_one),
        cmocka_unit_test(ids_grow_when_the_clock_steps_back_a_day),
        cmocka_unit_test(ids_grow_after_a_jump_of_ten_years_and_back),
        cmocka_unit_test(ids_grow_over_a_restart_with_a_slower_clock),
        cmocka_unit_test(ids_grow_after_those_of_another_node),
        cmocka_unit_test(two_nodes_never_make_the_same_id),
        cmocka_unit_test(a_clock_before_2020_makes_no_zero),
        cmocka_unit_test(an_id_by_chance_is_of_its_instant),
    };

    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
