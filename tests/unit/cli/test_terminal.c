#include "cli/terminal.h"
#include "support/unit.h"

static void the_width_is_what_a_terminal_shows(UNUSED void **state)
{
    assert_int_equal(terminal_width(SLICE("")), 0);
    assert_int_equal(terminal_width(SLICE("order")), 5);
    assert_int_equal(terminal_width(SLICE("Zoë")), 3);
    assert_int_equal(terminal_width(SLICE("Щукина")), 6);
    assert_int_equal(terminal_width(SLICE("山田")), 4);
    assert_int_equal(terminal_width(SLICE("\xf0\x9f\xab\x96")), 2); /* a teapot */
    assert_int_equal(terminal_width(SLICE("e\xcc\x81")), 1);        /* combining acute */
    assert_int_equal(terminal_width(SLICE("\xff\xfe")), 2);         /* broken: one a byte */
    assert_int_equal(terminal_width(SLICE("x\xe2\x80\x8by")), 2);   /* zero width space */
}

static void a_cut_never_splits_a_character(UNUSED void **state)
{
    assert_slice_is(terminal_cut(SLICE("Zoë M"), 3), "Zoë");
    assert_slice_is(terminal_cut(SLICE("山田"), 3), "山");
    assert_slice_is(terminal_cut(SLICE("山田"), 4), "山田");
    assert_slice_is(terminal_cut(SLICE("e\xcc\x81x"), 1), "e\xcc\x81");
    assert_slice_is(terminal_cut(SLICE("abc"), 0), "");
    assert_slice_is(terminal_cut(SLICE("abc"), SIZE_MAX), "abc");
}

typedef void put_fn(struct buf *out, struct slice text);

static void assert_put(put_fn *put, struct slice text, const char *expected)
{
    struct buf out;

    buf_init(&out, 1000);
    put(&out, text);
    assert_string_equal(buf_cstr(&out), expected);
    buf_clear(&out);
}

#define BAD "\xef\xbf\xbd"

static void a_line_stays_one_line_without_controls(UNUSED void **state)
{
    assert_put(terminal_put_line, SLICE("Zoë 山"), "Zoë 山");
    assert_put(terminal_put_line, SLICE("a\r\nb\tc"), "a  b c");
    assert_put(terminal_put_line, SLICE("\x1b]0;title\x07"), BAD "]0;title" BAD);
    assert_put(terminal_put_line,
               SLICE("\xc2\x9b"
                     "31m"),
               BAD "31m");                                                   /* C1 CSI */
    assert_put(terminal_put_line, SLICE("a\xe2\x80\xaetxt"), "a" BAD "txt"); /* right to left */
    assert_put(terminal_put_line, SLICE("a\0b\x7f"), "a" BAD "b" BAD);
    assert_put(terminal_put_line, SLICE("\xc3("), BAD "(");
}

static void a_text_keeps_its_lines(UNUSED void **state)
{
    assert_put(terminal_put_text, SLICE("a\r\n\tb\x1b"), "a\n\tb" BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_width_is_what_a_terminal_shows),
        cmocka_unit_test(a_cut_never_splits_a_character),
        cmocka_unit_test(a_line_stays_one_line_without_controls),
        cmocka_unit_test(a_text_keeps_its_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
