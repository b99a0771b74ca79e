#include "model/delivery.h"
#include "support/unit.h"

static void each_state_reads_back_from_its_word(UNUSED void **state)
{
    for (int i = DELIVERY_PENDING; i <= DELIVERY_EXPIRED; i++) {
        enum delivery_state read = DELIVERY_PENDING;

        assert_int_equal(
            delivery_state_parse(slice_of(delivery_word((enum delivery_state)i)), &read), OK);
        assert_int_equal(read, i);
    }
    assert_string_equal(delivery_word(DELIVERY_CANCELED), "canceled");
}

static void another_word_is_no_state(UNUSED void **state)
{
    enum delivery_state read = DELIVERY_EXPIRED;

    assert_int_equal(delivery_state_parse(SLICE(""), &read), ERR_INVALID);
    assert_int_equal(delivery_state_parse(SLICE("Pending"), &read), ERR_INVALID);
    assert_int_equal(delivery_state_parse(SLICE("pendin"), &read), ERR_INVALID);
    assert_int_equal(read, DELIVERY_EXPIRED);
}

static void all_states_but_pending_are_final(UNUSED void **state)
{
    assert_false(delivery_is_final(DELIVERY_PENDING));
    for (int i = DELIVERY_DELIVERED; i <= DELIVERY_EXPIRED; i++) {
        assert_true(delivery_is_final((enum delivery_state)i));
    }
}

static void each_outcome_has_a_word(UNUSED void **state)
{
    assert_string_equal(attempt_word(ATTEMPT_DELIVERED), "delivered");
    assert_string_equal(attempt_word(ATTEMPT_ANSWER), "answer");
    assert_string_equal(attempt_word(ATTEMPT_GONE), "gone");
    assert_string_equal(attempt_word(ATTEMPT_INVALID), "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_reads_back_from_its_word),
        cmocka_unit_test(another_word_is_no_state),
        cmocka_unit_test(all_states_but_pending_are_final),
        cmocka_unit_test(each_outcome_has_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
