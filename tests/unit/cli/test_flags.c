#include "base/time.h"
#include "cli/flags.h"
#include "support/unit.h"

#include <string.h>

static const struct flag own[] = {
    {.name = "label", .value = "TEXT", .help = "A text."},
    {.name = "events", .value = "GLOB", .help = "Some texts.", .is_repeatable = true},
    {.name = "max", .value = "N", .help = "A number.", .type = FLAG_NUMBER, .min = 1, .max = 100},
    {.name = "wait",
     .value = "TIME",
     .help = "A duration.",
     .type = FLAG_DURATION,
     .max = 20 * US_PER_SECOND},
    {.name = "retry", .value = "JSON", .help = "A value.", .type = FLAG_JSON},
    {.name = "ack", .help = "A switch."},
};

static const struct flag common[] = {{.name = "json", .help = "Another switch."}};

static const struct flag_rules rules = {
    .command = "tidings try",
    .arguments = "ACCOUNT [CHANNEL]",
    .summary = "Tries options.",
    .tables = {{own, ARRAY_LEN(own)}, {common, ARRAY_LEN(common)}},
};

static struct flags options;
static struct diag diag;

static int tear_down(UNUSED void **state)
{
    flags_clear(&options);
    return 0;
}

/* Words up to NULL, under these rules. */
static enum err parse_by(const struct flag_rules *by, const char *const *words)
{
    int len = 0;

    while (words[len] != NULL) {
        len++;
    }
    flags_clear(&options);
    diag = (struct diag){0};
    return flags_parse(by, len, (char *const *)words, &options, &diag);
}

#define PARSE(...) parse_by(&rules, (const char *const[]){__VA_ARGS__, NULL})

static void arguments_and_options_may_stand_in_any_order(UNUSED void **state)
{
    assert_int_equal(PARSE("--label", "a b", "acme", "--ack", "chn_1", "--json"), OK);
    assert_string_equal(flags_argument(&options, 0), "acme");
    assert_string_equal(flags_argument(&options, 1), "chn_1");
    assert_null(flags_argument(&options, 2));
    assert_string_equal(flags_text(&options, "label"), "a b");
    assert_true(flags_has(&options, "ack"));
    assert_true(flags_has(&options, "json"));
    assert_false(flags_has(&options, "max"));
}

static void a_value_stands_behind_a_space_or_an_equals_sign(UNUSED void **state)
{
    assert_int_equal(PARSE("acme", "--label=x=y", "--max", "7"), OK);
    assert_string_equal(flags_text(&options, "label"), "x=y");
    assert_int_equal(flags_number(&options, "max", 0), 7);
    assert_int_equal(PARSE("acme", "--label="), OK);
    assert_string_equal(flags_text(&options, "label"), "");
    /* A value that looks like an option needs the equals sign, so that a forgotten one is noticed. */
    assert_int_equal(PARSE("acme", "--label=--ack"), OK);
    assert_string_equal(flags_text(&options, "label"), "--ack");
}

static void what_is_left_out_has_its_fallback(UNUSED void **state)
{
    assert_int_equal(PARSE("acme"), OK);
    assert_null(flags_text(&options, "label"));
    assert_int_equal(flags_number(&options, "max", 42), 42);
    assert_null(flags_argument(&options, 1));
}

static void durations_come_in_microseconds(UNUSED void **state)
{
    assert_int_equal(PARSE("acme", "--wait", "1500ms"), OK);
    assert_int_equal(flags_number(&options, "wait", 0), 1500 * US_PER_MS);
}

static void a_repeatable_option_gives_all_its_values_in_order(UNUSED void **state)
{
    size_t at = 0;

    assert_int_equal(PARSE("acme", "--events", "order.*", "--ack", "--events=domain.**"), OK);
    assert_string_equal(flags_next(&options, "events", &at), "order.*");
    assert_string_equal(flags_next(&options, "events", &at), "domain.**");
    assert_null(flags_next(&options, "events", &at));
}

static void two_dashes_end_the_options_and_one_is_an_argument(UNUSED void **state)
{
    assert_int_equal(PARSE("--", "--label", "-"), OK);
    assert_string_equal(flags_argument(&options, 0), "--label");
    assert_string_equal(flags_argument(&options, 1), "-");
    assert_int_equal(PARSE("acme", "-"), OK);
    assert_string_equal(flags_argument(&options, 1), "-");
}

static void assert_refused(const struct flag_rules *by, const char *const *words,
                           const char *complaint)
{
    assert_int_equal(parse_by(by, words), ERR_INVALID);
    if (strstr(diag.text, complaint) == NULL) {
        fail_msg("'%s' is not in '%s'", complaint, diag.text);
    }
    assert_int_equal(options.given_len, 0);
    assert_null(options.given);
}

#define REFUSED(complaint, ...)                                                                    \
    assert_refused(&rules, (const char *const[]){__VA_ARGS__, NULL}, complaint)

static void what_is_wrong_is_told_with_what_to_do(UNUSED void **state)
{
    REFUSED("there is no option --labels; see `tidings try --help`", "acme", "--labels", "x");
    REFUSED("there is no option -l", "acme", "-l", "x");
    REFUSED("--label needs a value: --label TEXT", "acme", "--label");
    REFUSED("--label needs a value", "acme", "--label", "--ack");
    REFUSED("--ack takes no value", "acme", "--ack=yes");
    REFUSED("--label is given twice", "acme", "--label", "a", "--label", "b");
    REFUSED("--max must be a whole number from 1 to 100, not '101'", "acme", "--max", "101");
    REFUSED("not 'many'", "acme", "--max", "many");
    REFUSED("--wait must be a duration such as 500ms, 20s or 2h, from 0s to 20s, not '21s'", "acme",
            "--wait", "21s");
    REFUSED("--retry must be JSON", "acme", "--retry", "[\"0s\",]");
    REFUSED("'third' is one argument too many", "first", "second", "third");
    REFUSED("ACCOUNT is missing; usage: tidings try ACCOUNT [CHANNEL]", "--ack");
}

static void dots_let_the_last_argument_come_again(UNUSED void **state)
{
    static const struct flag_rules many = {
        .command = "tidings many", .arguments = "CHANNEL RECEIPT...", .summary = "Takes many."};

    assert_int_equal(parse_by(&many, (const char *const[]){"c", "1", "2", "3", NULL}), OK);
    assert_int_equal(options.arguments_len, 4);
    assert_refused(&many, (const char *const[]){"c", NULL}, "RECEIPT... is missing");
}

static void a_command_without_arguments_takes_none(UNUSED void **state)
{
    static const struct flag_rules none = {
        .command = "tidings none", .arguments = "", .summary = "Takes none."};

    assert_int_equal(parse_by(&none, (const char *const[]){NULL}), OK);
    assert_refused(&none, (const char *const[]){"x", NULL}, "'x' is one argument too many");
}

static void help_is_asked_for_before_anything_is_wrong(UNUSED void **state)
{
    assert_int_equal(PARSE("--help"), OK);
    assert_true(options.wants_help);
    assert_int_equal(PARSE("acme", "--help", "--nonsense"), OK);
    assert_true(options.wants_help);
}

static void the_help_is_made_from_the_tables(UNUSED void **state)
{
    struct buf out;

    buf_init(&out, 10000);
    flags_help(&rules, &out);
    assert_non_null(strstr(buf_cstr(&out), "usage: tidings try ACCOUNT [CHANNEL] [OPTIONS]\n"));
    assert_non_null(strstr(buf_cstr(&out), "\n  --label TEXT            A text.\n"));
    assert_non_null(strstr(buf_cstr(&out), "Some texts. May be repeated.\n"));
    assert_non_null(strstr(buf_cstr(&out), "\n  --json                  Another switch.\n"));
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(arguments_and_options_may_stand_in_any_order, tear_down),
        cmocka_unit_test_teardown(a_value_stands_behind_a_space_or_an_equals_sign, tear_down),
        cmocka_unit_test_teardown(what_is_left_out_has_its_fallback, tear_down),
        cmocka_unit_test_teardown(durations_come_in_microseconds, tear_down),
        cmocka_unit_test_teardown(a_repeatable_option_gives_all_its_values_in_order, tear_down),
        cmocka_unit_test_teardown(two_dashes_end_the_options_and_one_is_an_argument, tear_down),
        cmocka_unit_test_teardown(what_is_wrong_is_told_with_what_to_do, tear_down),
        cmocka_unit_test_teardown(dots_let_the_last_argument_come_again, tear_down),
        cmocka_unit_test_teardown(a_command_without_arguments_takes_none, tear_down),
        cmocka_unit_test_teardown(help_is_asked_for_before_anything_is_wrong, tear_down),
        cmocka_unit_test_teardown(the_help_is_made_from_the_tables, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
