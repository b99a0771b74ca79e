#include "cli/grid.h"
#include "support/unit.h"

static struct grid *grid;
static struct buf out;

static const char *const titles[] = {"EVENT", "EMPTY", "DATA"};

static int set_up(UNUSED void **state)
{
    grid = grid_new(titles, ARRAY_LEN(titles));
    buf_init(&out, 10000);
    return 0;
}

static int tear_down(UNUSED void **state)
{
    grid_free(grid);
    buf_clear(&out);
    return 0;
}

static void put_row(const char *event, const char *empty, const char *data)
{
    grid_put(grid, slice_of(event));
    grid_put(grid, slice_of(empty));
    grid_put(grid, slice_of(data));
}

static void assert_printed(size_t width, const char *expected)
{
    buf_reset(&out);
    grid_print(grid, width, &out);
    assert_string_equal(buf_cstr(&out), expected);
}

static void columns_are_as_wide_as_their_widest_cell(UNUSED void **state)
{
    put_row("evt_1", "x", "{}");
    put_row("evt_100", "", "{\"n\":1}");
    assert_printed(SIZE_MAX, "EVENT    EMPTY  DATA\n"
                             "evt_1    x      {}\n"
                             "evt_100         {\"n\":1}\n");
}

static void a_column_in_which_nothing_stands_is_left_out(UNUSED void **state)
{
    put_row("evt_1", "", "{}");
    put_row("evt_2", "", "{}");
    assert_printed(SIZE_MAX, "EVENT  DATA\n"
                             "evt_1  {}\n"
                             "evt_2  {}\n");
}

static void the_widest_column_is_cut_to_fit(UNUSED void **state)
{
    put_row("evt_0D3K7ZQ8M4T1V", "", "{\"order\":\"1001\",\"customer\":\"Zoë\"}");
    assert_printed(42, "EVENT              DATA\n"
                       "evt_0D3K7ZQ8M4T1V  {\"order\":\"1001\",\"custo…\n");
    assert_printed(53, "EVENT              DATA\n"
                       "evt_0D3K7ZQ8M4T1V  {\"order\":\"1001\",\"customer\":\"Zoë\"}\n");
}

static void an_id_is_never_cut(UNUSED void **state)
{
    put_row("evt_0D3K7ZQ8M4T1V", "", "chn_0D3K7ZQ8M4T1V and more");
    assert_printed(10, "EVENT              DATA\n"
                       "evt_0D3K7ZQ8M4T1V  chn_0D3K7ZQ8M4T1…\n");
}

static void wide_and_combining_characters_keep_the_columns_straight(UNUSED void **state)
{
    put_row("煎茶", "a\xcc\x88", "x");
    put_row("tea", "b", "y");
    assert_printed(SIZE_MAX, "EVENT  EMPTY  DATA\n"
                             "煎茶   a\xcc\x88      x\n"
                             "tea    b      y\n");
}

static void a_wide_character_is_not_cut_in_half(UNUSED void **state)
{
    put_row("1", "", "煎茶煎茶煎茶煎茶煎茶煎茶");
    /* 18 columns for the data: the ellipsis and as many characters as fit whole. */
    assert_printed(25, "EVENT  DATA\n"
                       "1      煎茶煎茶煎茶煎茶…\n");
}

static void a_cell_stays_on_its_line_and_cannot_steer_the_terminal(UNUSED void **state)
{
    put_row("a\nb", "", "\x1b[2Jgone");
    assert_printed(SIZE_MAX, "EVENT  DATA\n"
                             "a b    \xef\xbf\xbd[2Jgone\n");
}

static void no_rows_leave_the_titles(UNUSED void **state)
{
    assert_printed(SIZE_MAX, "EVENT  EMPTY  DATA\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(columns_are_as_wide_as_their_widest_cell, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_column_in_which_nothing_stands_is_left_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_widest_column_is_cut_to_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_id_is_never_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wide_and_combining_characters_keep_the_columns_straight,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wide_character_is_not_cut_in_half, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cell_stays_on_its_line_and_cannot_steer_the_terminal,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_rows_leave_the_titles, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
