#include "store/advance.h"
#include "support/unit.h"

static const struct operation pending = {.id = {1}, .account = {2}};

static struct store_advance ask(enum store_advance_kind kind)
{
    return (struct store_advance){.kind = kind, .account = {2}, .operation = {1}, .body = {1}};
}

/* That it is refused for this reason, with words for a person. */
static void assert_refused(const struct operation *found, enum store_advance_kind kind,
                           enum err reason)
{
    struct store_advance advance = ask(kind);
    uint8_t other[STORE_HASH_BYTES] = {2};

    assert_false(advance_is_allowed(&advance, found, slice_from(other, sizeof other)));
    assert_int_equal(advance.request.err, reason);
    assert_true(advance.request.diag.text[0] != '\0');
    assert_false(advance.is_duplicate);
}

static void what_is_pending_may_move(UNUSED void **state)
{
    for (int kind = STORE_ADVANCE_STEP; kind <= STORE_ADVANCE_DELAY; kind++) {
        struct store_advance advance = ask((enum store_advance_kind)kind);

        assert_true(advance_is_allowed(&advance, &pending, SLICE("")));
        assert_int_equal(advance.request.err, OK);
    }
}

static void what_is_missing_or_of_another_account_is_not_found(UNUSED void **state)
{
    struct operation other = pending;

    other.account.value = 3;
    for (int kind = STORE_ADVANCE_STEP; kind <= STORE_ADVANCE_DELAY; kind++) {
        assert_refused(NULL, (enum store_advance_kind)kind, ERR_NOT_FOUND);
        assert_refused(&other, (enum store_advance_kind)kind, ERR_NOT_FOUND);
    }
}

static void what_ended_may_not_move(UNUSED void **state)
{
    for (int ended = OPERATION_COMPLETED; ended <= OPERATION_EXPIRED; ended++) {
        struct operation found = pending;

        found.state = (enum operation_state)ended;
        for (int kind = STORE_ADVANCE_STEP; kind <= STORE_ADVANCE_DELAY; kind++) {
            assert_refused(&found, (enum store_advance_kind)kind, ERR_CONFLICT);
        }
    }
}

static void the_same_end_again_is_a_duplicate_with_the_first_ones_event(UNUSED void **state)
{
    struct store_advance advance = ask(STORE_ADVANCE_END);
    struct operation found = pending;

    found.state = OPERATION_FAILED;
    found.event.value = 9;
    assert_false(
        advance_is_allowed(&advance, &found, slice_from(advance.body, sizeof advance.body)));
    assert_int_equal(advance.request.err, OK);
    assert_true(advance.is_duplicate);
    assert_true(advance.item.is_duplicate);
    assert_int_equal(advance.item.id.value, 9);
}

/* A step may happen to have the same hash as the end; it is none. */
static void only_an_end_repeats_an_end(UNUSED void **state)
{
    struct store_advance advance = ask(STORE_ADVANCE_STEP);
    struct operation found = pending;

    found.state = OPERATION_COMPLETED;
    assert_false(
        advance_is_allowed(&advance, &found, slice_from(advance.body, sizeof advance.body)));
    assert_int_equal(advance.request.err, ERR_CONFLICT);
}

static void a_delay_is_told_once(UNUSED void **state)
{
    struct operation found = pending;
    struct store_advance step = ask(STORE_ADVANCE_STEP);

    found.is_delayed = true;
    assert_refused(&found, STORE_ADVANCE_DELAY, ERR_CONFLICT);
    assert_true(advance_is_allowed(&step, &found, SLICE("")));
}

static void steps_have_a_limit_and_the_end_has_none(UNUSED void **state)
{
    struct operation found = pending;
    struct store_advance last = ask(STORE_ADVANCE_STEP);
    struct store_advance end = ask(STORE_ADVANCE_END);

    found.steps = OPERATION_STEPS_MAX - 1;
    assert_true(advance_is_allowed(&last, &found, SLICE("")));
    found.steps = OPERATION_STEPS_MAX;
    assert_refused(&found, STORE_ADVANCE_STEP, ERR_LIMIT);
    assert_true(advance_is_allowed(&end, &found, SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_pending_may_move),
        cmocka_unit_test(what_is_missing_or_of_another_account_is_not_found),
        cmocka_unit_test(what_ended_may_not_move),
        cmocka_unit_test(the_same_end_again_is_a_duplicate_with_the_first_ones_event),
        cmocka_unit_test(only_an_end_repeats_an_end),
        cmocka_unit_test(a_delay_is_told_once),
        cmocka_unit_test(steps_have_a_limit_and_the_end_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
