#include "base/err.h"
#include "base/macro.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static void each_code_has_a_word_of_its_own(UNUSED void **state)
{
    assert_string_equal(err_word(OK), "ok");
    assert_string_equal(err_word(ERR_INVALID), "invalid");
    assert_string_equal(err_word(ERR_NOT_FOUND), "not_found");
    assert_string_equal(err_word(ERR_CLOSED), "closed");
    for (int a = OK; a <= ERR_CLOSED; a++) {
        for (int b = OK; b < a; b++) {
            assert_string_not_equal(err_word((enum err)a), err_word((enum err)b));
        }
    }
}

static void the_code_comes_back_so_that_it_can_be_returned(UNUSED void **state)
{
    struct diag diag;

    assert_int_equal(diag_set(&diag, ERR_IO, "open %s: %s", "a.db", "no such file"), ERR_IO);
    assert_string_equal(diag.text, "open a.db: no such file");
    assert_string_equal(diag.field, "");
}

static void the_field_is_named_and_forgotten_by_the_next_failure(UNUSED void **state)
{
    struct diag diag;

    assert_int_equal(diag_field(&diag, ERR_INVALID, "retry[2]", "at most %d", 5), ERR_INVALID);
    assert_string_equal(diag.field, "retry[2]");
    assert_string_equal(diag.text, "at most 5");
    (void)diag_set(&diag, ERR_IO, "read");
    assert_string_equal(diag.field, "");
}

static void nobody_has_to_listen(UNUSED void **state)
{
    assert_int_equal(diag_set(NULL, ERR_BUSY, "later"), ERR_BUSY);
    assert_int_equal(diag_field(NULL, ERR_LIMIT, "data", "too long"), ERR_LIMIT);
}

static void controls_become_question_marks_and_other_characters_stay(UNUSED void **state)
{
    struct diag diag;

    (void)diag_field(&diag, ERR_INVALID, "a\nb", "%s", "\x1b[2J \r\n\t\x7f M\xc3\xbcller");
    assert_string_equal(diag.field, "a?b");
    assert_string_equal(diag.text, "?[2J ???? M\xc3\xbcller");
}

static void long_words_are_cut_between_characters(UNUSED void **state)
{
    char words[DIAG_TEXT_SIZE * 2];

    /*
     * The two-byte characters start at an even place, then at an odd one: one of the two is cut at
     * its middle.
     */
    for (size_t start = 0; start < 2; start++) {
        struct diag diag;

        memset(words, 'x', start);
        for (size_t i = start; i + 2 < sizeof words; i += 2) {
            memcpy(words + i, "\xc3\xa4", 3);
        }
        (void)diag_field(&diag, ERR_INVALID, words, "%s", words);
        assert_in_range(strlen(diag.text), DIAG_TEXT_SIZE - 2, DIAG_TEXT_SIZE - 1);
        assert_in_range(strlen(diag.field), DIAG_FIELD_SIZE - 2, DIAG_FIELD_SIZE - 1);
        assert_true(utf8_is_valid(slice_of(diag.text)));
        assert_true(utf8_is_valid(slice_of(diag.field)));
    }
}

static void old_words_may_be_part_of_the_new_ones(UNUSED void **state)
{
    struct diag diag;

    (void)diag_field(&diag, ERR_INVALID, "url", "no host");
    (void)diag_set(&diag, ERR_INVALID, "channel: %s: %s", diag.field, diag.text);
    assert_string_equal(diag.text, "channel: url: no host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_has_a_word_of_its_own),
        cmocka_unit_test(the_code_comes_back_so_that_it_can_be_returned),
        cmocka_unit_test(the_field_is_named_and_forgotten_by_the_next_failure),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(controls_become_question_marks_and_other_characters_stay),
        cmocka_unit_test(long_words_are_cut_between_characters),
        cmocka_unit_test(old_words_may_be_part_of_the_new_ones),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
