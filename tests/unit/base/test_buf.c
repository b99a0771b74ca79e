#include "base/buf.h"
#include "base/macro.h"
#include "base/mem.h"
#include "support/unit.h"

#include <string.h>

static struct buf buf_with(size_t bytes_max)
{
    struct buf buf;

    buf_init(&buf, bytes_max);
    return buf;
}

static void a_new_buffer_is_the_empty_text(UNUSED void **state)
{
    struct buf buf = buf_with(10);

    assert_string_equal(buf_cstr(&buf), "");
    assert_slice_is(buf_view(&buf), "");
    assert_int_equal(buf_check(&buf), OK);
    buf_clear(&buf);
}

static void additions_stand_one_behind_the_other(UNUSED void **state)
{
    struct buf buf = buf_with(100);

    buf_text(&buf, "one ");
    buf_slice(&buf, SLICE("two "));
    buf_byte(&buf, '3');
    buf_add(&buf, " four", 5);
    buf_add(&buf, NULL, 0);
    buf_printf(&buf, " %d %s", 5, "six");
    assert_string_equal(buf_cstr(&buf), "one two 3 four 5 six");
    assert_int_equal(buf_check(&buf), OK);
    buf_clear(&buf);
}

static void it_grows_and_always_ends_in_zero(UNUSED void **state)
{
    struct buf buf = buf_with(100000);

    for (size_t i = 0; i < 100000; i++) {
        buf_byte(&buf, (char)('a' + i % 26));
        assert_int_equal(buf_cstr(&buf)[i + 1], '\0');
    }
    assert_int_equal(buf.len, 100000);
    for (size_t i = 0; i < buf.len; i++) {
        assert_int_equal(buf.ptr[i], 'a' + i % 26);
    }
    buf_clear(&buf);
}

static void it_may_be_filled_to_its_limit(UNUSED void **state)
{
    struct buf buf = buf_with(5);

    buf_text(&buf, "ab");
    buf_text(&buf, "cde");
    assert_string_equal(buf_cstr(&buf), "abcde");
    assert_int_equal(buf_check(&buf), OK);
    buf_text(&buf, "");
    assert_int_equal(buf_check(&buf), OK);
    buf_clear(&buf);
}

static void what_passes_the_limit_is_dropped_and_all_after_it(UNUSED void **state)
{
    struct buf buf = buf_with(5);

    buf_text(&buf, "abc");
    buf_text(&buf, "def");
    buf_byte(&buf, 'g'); /* would fit */
    buf_printf(&buf, "h");
    assert_string_equal(buf_cstr(&buf), "abc");
    assert_int_equal(buf_check(&buf), ERR_LIMIT);
    buf_clear(&buf);
}

static void a_print_that_does_not_fit_leaves_no_trace(UNUSED void **state)
{
    struct buf buf = buf_with(5);

    buf_text(&buf, "abc");
    buf_printf(&buf, "%d", 1000);
    assert_string_equal(buf_cstr(&buf), "abc");
    assert_int_equal(buf_check(&buf), ERR_LIMIT);
    buf_clear(&buf);
}

static void a_print_may_be_longer_than_the_room_at_hand(UNUSED void **state)
{
    char word[500];
    struct buf buf = buf_with(10000);

    memset(word, 'w', sizeof word);
    buf_text(&buf, "<");
    buf_printf(&buf, "%.*s>", (int)sizeof word, word);
    assert_int_equal(buf.len, sizeof word + 2);
    assert_memory_equal(buf.ptr + 1, word, sizeof word);
    assert_string_equal(buf.ptr + 1 + sizeof word, ">");
    buf_clear(&buf);
}

static void no_room_at_all_is_a_limit_too(UNUSED void **state)
{
    struct buf buf = buf_with(0);
    size_t len = 1;

    buf_text(&buf, "");
    buf_printf(&buf, "%s", "");
    assert_int_equal(buf_check(&buf), OK);
    buf_byte(&buf, 'a');
    assert_int_equal(buf_check(&buf), ERR_LIMIT);

    char *text = buf_take(&buf, &len);
    assert_string_equal(text, "");
    assert_int_equal(len, 0);
    mem_free(text);
    buf_clear(&buf);
}

static void the_largest_limit_is_one_too(UNUSED void **state)
{
    struct buf buf = buf_with(SIZE_MAX);

    buf_text(&buf, "abc");
    assert_string_equal(buf_cstr(&buf), "abc");
    buf_reserve(&buf, SIZE_MAX); /* does not fit behind the three */
    assert_int_equal(buf_check(&buf), OK);
    buf_clear(&buf);
}

static void reserved_room_keeps_the_memory_in_place(UNUSED void **state)
{
    struct buf buf = buf_with(2000);

    buf_reserve(&buf, 1500);
    const char *before = buf.ptr;
    assert_string_equal(before, "");
    for (size_t i = 0; i < 1500; i++) {
        buf_byte(&buf, 'x');
    }
    assert_ptr_equal(buf.ptr, before);
    buf_reserve(&buf, 501);
    assert_int_equal(buf_check(&buf), OK);
    assert_int_equal(buf.len, 1500);
    buf_clear(&buf);
}

static void reset_and_clear_make_it_usable_again(UNUSED void **state)
{
    struct buf buf = buf_with(5);

    buf_text(&buf, "abc");
    buf_text(&buf, "def");
    const char *before = buf.ptr;
    buf_reset(&buf);
    assert_int_equal(buf_check(&buf), OK);
    assert_string_equal(buf_cstr(&buf), "");
    buf_text(&buf, "xyz");
    assert_ptr_equal(buf.ptr, before);

    buf_clear(&buf);
    buf_text(&buf, "abcdef");
    assert_int_equal(buf_check(&buf), ERR_LIMIT);
    buf_clear(&buf);
    buf_reset(&buf);
    buf_text(&buf, "abcde");
    assert_string_equal(buf_cstr(&buf), "abcde");
    buf_clear(&buf);
}

static void cutting_takes_the_newest_back(UNUSED void **state)
{
    struct buf buf = buf_with(10);

    buf_cut(&buf, 0);
    buf_text(&buf, "abcdef");
    buf_cut(&buf, 6);
    buf_cut(&buf, 7);
    assert_string_equal(buf_cstr(&buf), "abcdef");
    buf_cut(&buf, 2);
    assert_string_equal(buf_cstr(&buf), "ab");
    buf_clear(&buf);
}

static void taking_hands_the_memory_over(UNUSED void **state)
{
    struct buf buf = buf_with(10);
    size_t len = 0;

    buf_add(&buf, "a\0b", 3);
    char *text = buf_take(&buf, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(text, "a\0b", 4);
    assert_string_equal(buf_cstr(&buf), "");
    buf_text(&buf, "new");
    assert_memory_equal(text, "a\0b", 4);
    mem_free(text);
    buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_is_the_empty_text),
        cmocka_unit_test(additions_stand_one_behind_the_other),
        cmocka_unit_test(it_grows_and_always_ends_in_zero),
        cmocka_unit_test(it_may_be_filled_to_its_limit),
        cmocka_unit_test(what_passes_the_limit_is_dropped_and_all_after_it),
        cmocka_unit_test(a_print_that_does_not_fit_leaves_no_trace),
        cmocka_unit_test(a_print_may_be_longer_than_the_room_at_hand),
        cmocka_unit_test(no_room_at_all_is_a_limit_too),
        cmocka_unit_test(the_largest_limit_is_one_too),
        cmocka_unit_test(reserved_room_keeps_the_memory_in_place),
        cmocka_unit_test(reset_and_clear_make_it_usable_again),
        cmocka_unit_test(cutting_takes_the_newest_back),
        cmocka_unit_test(taking_hands_the_memory_over),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
