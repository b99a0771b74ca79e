/*
 * What the settings say of the dialects: sections with keys of the operator's own, and what src/wire
 * gets of them.
 */
#include "base/macro.h"
#include "cli/dialect_settings.h"
#include "support/scratch.h"
#include "support/unit.h"
#include "wire/dialects.h"

#include <stdio.h>
#include <string.h>

#define SECRET "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

static const struct scratch *folder;

static int make_folder(void **state)
{
    int failed = scratch_make(state);

    folder = *state;
    return failed;
}

/* Settings from a file's text and one variable of the environment; either may be NULL. */
static enum err load(const char *text, char *variable, struct config *out, struct diag *diag)
{
    char *const environment[] = {variable, NULL};
    struct scratch_path path = scratch_path(folder, "tidings.conf");

    if (text == NULL) {
        return config_load(NULL, environment, out, diag);
    }
    FILE *file = fopen(path.chars, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return config_load(path.chars, environment, out, diag);
}

/* The settings of the dialects; both are to be cleared. */
static void make(const char *file, struct config *config, struct dialect_settings *out)
{
    struct diag diag = {{0}, {0}};

    assert_int_equal(load(file, NULL, config, &diag), OK);
    if (dialect_settings_make(config, &dialects, out, &diag) != OK) {
        print_message("%s: %s\n", diag.field, diag.text);
        fail();
    }
}

static void clear(struct config *config, struct dialect_settings *settings)
{
    dialect_settings_clear(settings);
    config_clear(config);
}

static void assert_refused(const char *file, const char *field, const char *words)
{
    struct dialect_settings settings;
    struct config config;
    struct diag diag = {{0}, {0}};

    assert_int_equal(load(file, NULL, &config, &diag), OK);
    assert_int_equal(dialect_settings_make(&config, &dialects, &settings, &diag), ERR_INVALID);
    assert_string_equal(diag.field, field);
    assert_non_null(strstr(diag.text, words));
    clear(&config, &settings);
}

static void without_any_setting_there_is_one_type_and_no_command(UNUSED void **state)
{
    struct dialect_settings settings;
    struct config config;

    make(NULL, &config, &settings);
    assert_int_equal(settings.wire.wapi.commands_len, 0);
    assert_true(slice_is_empty(settings.wire.wapi.handler_secret));
    assert_int_equal(settings.wire.wapi.hourly_max, 1000);
    assert_true(settings.wire.wapi.ack_needs_poll);
    assert_int_equal(settings.wire.shopcart.types_len, 1);
    assert_true(slice_is(settings.wire.shopcart.types[0].type, "order.created"));
    assert_true(slice_is(settings.wire.shopcart.types[0].root, "NewOrder"));
    assert_true(slice_is(settings.wire.shopcart.types[0].child, "Token"));
    assert_int_equal(settings.wire.checkout.window_us, 30 * US_PER_DAY);
    assert_false(settings.wire.checkout.has_new_history);
    clear(&config, &settings);
}

static void commands_come_with_the_longest_pattern_first(UNUSED void **state)
{
    struct dialect_settings settings;
    struct config config;

    make("[wapi]\nhandler_secret = " SECRET "\n"
         "[wapi.commands]\n"
         "domain-* = https://registrar.example/domains\n"
         "domain-check = http://10.0.0.1:8080/check?a=b\n"
         "dns = off\n",
         &config, &settings);
    const struct wapi_command *commands = settings.wire.wapi.commands;
    assert_int_equal(settings.wire.wapi.commands_len, 3);
    assert_true(slice_is(commands[0].pattern, "domain-check"));
    assert_true(slice_is(commands[0].url, "http://10.0.0.1:8080/check?a=b"));
    assert_true(slice_is(commands[1].pattern, "domain-*"));
    assert_true(slice_is(commands[2].pattern, "dns"));
    assert_true(slice_is_empty(commands[2].url));
    assert_true(slice_is(settings.wire.wapi.handler_secret, "01234567890123456789012345678901"));
    clear(&config, &settings);
}

static void commands_that_are_only_off_need_no_secret(UNUSED void **state)
{
    struct dialect_settings settings;
    struct config config;

    make("[wapi.commands]\ndns-* = off\nping-async = off\n", &config, &settings);
    assert_int_equal(settings.wire.wapi.commands_len, 2);
    assert_true(slice_is_empty(settings.wire.wapi.handler_secret));
    clear(&config, &settings);
}

static void a_variable_spells_a_whole_section(UNUSED void **state)
{
    char variable[] = "TIDINGS_SHOPCART_TYPES=order.created = NewOrder Token, order.moved=Moved Id";
    struct dialect_settings settings;
    struct config config;

    assert_int_equal(load(NULL, variable, &config, NULL), OK);
    assert_int_equal(dialect_settings_make(&config, &dialects, &settings, NULL), OK);
    assert_int_equal(settings.wire.shopcart.types_len, 2);
    assert_true(slice_is(settings.wire.shopcart.types[1].type, "order.moved"));
    assert_true(slice_is(settings.wire.shopcart.types[1].root, "Moved"));
    assert_true(slice_is(settings.wire.shopcart.types[1].child, "Id"));
    clear(&config, &settings);
}

static void a_variable_that_is_no_pair_is_refused(UNUSED void **state)
{
    char variable[] = "TIDINGS_WAPI_COMMANDS=domain-check";
    struct config config;
    struct diag diag = {{0}, {0}};

    assert_int_equal(load(NULL, variable, &config, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "key = value"));
}

static void given_types_take_the_place_of_the_default(UNUSED void **state)
{
    struct dialect_settings settings;
    struct config config;

    make("[shopcart.types]\norder.paid = Paid Token\n", &config, &settings);
    assert_int_equal(settings.wire.shopcart.types_len, 1);
    assert_true(slice_is(settings.wire.shopcart.types[0].type, "order.paid"));
    clear(&config, &settings);
}

static void what_is_wrong_is_named(UNUSED void **state)
{
    assert_refused("[wapi.commands]\na = https://x.example/\n", "[wapi] handler_secret", "whsec_");
    assert_refused("[wapi]\nhandler_secret = whsec_AAAA\n", "[wapi] handler_secret", "24 to 64");
    assert_refused("[wapi]\nhandler_secret = " SECRET "\n[wapi.commands]\na = nonsense\n",
                   "[wapi.commands]", "");
    assert_refused("[wapi.commands]\na = off\na = off\n", "[wapi.commands]", "given twice");
    assert_refused("[shopcart.types]\na = One Two\na = One Two\n", "[shopcart.types]",
                   "given twice");
    assert_refused("[shopcart.types]\norder.created = NewOrder\n", "[shopcart.types]",
                   "two elements");
    assert_refused("[shopcart.types]\norder..x = A B\n", "[shopcart.types]", "no type of event");
    assert_refused("[shopcart]\npublic_url = ftp://x\n", "[shopcart] public_url", "");
    assert_refused("[shopcart]\nretry = [\"x\"]\n", "[shopcart] retry[0]", "");
    assert_refused("[cashier]\nretry = never\n", "[cashier] retry", "is not JSON");
}

static void a_schedule_of_the_operators_takes_the_place_of_the_dialects_own(UNUSED void **state)
{
    struct dialect_settings settings;
    struct config config;

    make("[shopcart]\nretry = [\"0s\", \"1s\"]\n", &config, &settings);
    const struct dialect_rules *rules = dialect_rules_find(&settings.table, SLICE("shopcart"));
    assert_non_null(rules);
    assert_true(rules->has_retry);
    assert_int_equal(rules->retry.waits_len, 2);
    clear(&config, &settings);
}

static void notifications_wait_for_ever_unless_the_operator_says_otherwise(UNUSED void **state)
{
    struct dialect_settings settings;
    struct config config;

    make(NULL, &config, &settings);
    assert_true(dialect_rules_find(&settings.table, SLICE("wapi"))->waits_for_ever);
    clear(&config, &settings);
    make("[wapi]\nkeep = payloads\n", &config, &settings);
    assert_false(dialect_rules_find(&settings.table, SLICE("wapi"))->waits_for_ever);
    clear(&config, &settings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_any_setting_there_is_one_type_and_no_command),
        TEST(commands_come_with_the_longest_pattern_first),
        TEST(commands_that_are_only_off_need_no_secret),
        TEST(a_variable_spells_a_whole_section),
        TEST(a_variable_that_is_no_pair_is_refused),
        TEST(given_types_take_the_place_of_the_default),
        TEST(what_is_wrong_is_named),
        TEST(a_schedule_of_the_operators_takes_the_place_of_the_dialects_own),
        TEST(notifications_wait_for_ever_unless_the_operator_says_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
