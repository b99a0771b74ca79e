#include "model/account.h"
#include "reading.h"
#include "support/test_dialects.h"

static const struct channel_defaults defaults = {.timeout_us = 15 * US_PER_SECOND};

/* All of an account's credentials as they are stored; empty: none. */
static struct slice stored_credentials(const struct account *account)
{
    return account->credentials != NULL ? account->credentials->raw : SLICE("");
}

static struct account *read_account(const char *settings, const struct account *base)
{
    struct account *account = NULL;
    struct json_doc doc;
    struct diag diag = {{0}, {0}};
    struct json value = reading(&doc, slice_of(settings));

    if (account_from_json(SLICE("shop-1"), value, base, &test_dialects, &account, &diag) != OK) {
        print_message("%s: %s: %s\n", settings, diag.field, diag.text);
        fail();
    }
    json_doc_clear(&doc);
    return account;
}

static void assert_refused(const char *settings, const char *field, const char *words)
{
    struct account *account = NULL;
    struct json_doc doc;
    struct diag diag = {{0}, {0}};
    struct json value = reading(&doc, slice_of(settings));

    assert_int_equal(
        account_from_json(SLICE("shop-1"), value, NULL, &test_dialects, &account, &diag),
        ERR_INVALID);
    assert_diag(&diag, field, words);
    assert_null(account);
    json_doc_clear(&doc);
}

/* A queue channel, with one reference. */
static struct channel *make_channel(uint64_t id)
{
    struct channel *channel = NULL;
    struct json_doc doc;
    struct json value = reading(&doc, SLICE("{\"kind\": \"queue\"}"));

    assert_int_equal(channel_from_json(value, NULL, &defaults, &channel, NULL), OK);
    channel->id = (struct id){id};
    json_doc_clear(&doc);
    return channel;
}

/* The account with a new channel instead of the account. */
static struct account *add_channel(struct account *account, uint64_t id)
{
    struct channel *channel = make_channel(id);
    struct account *changed = account_with_channel(account, channel);

    channel_release(channel);
    account_release(account);
    return changed;
}

static void assert_channels(const struct account *account, const uint64_t *ids, uint32_t len)
{
    assert_int_equal(account->channels_len, len);
    for (uint32_t i = 0; i < len; i++) {
        assert_int_equal(account->channels[i]->id.value, ids[i]);
        assert_ptr_equal(account_channel(account, (struct id){ids[i]}), account->channels[i]);
    }
}

static void assert_stored(const struct account *account, const char *text)
{
    struct buf out;

    buf_init(&out, 1000);
    account_settings_json(account, &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_clear(&out);
}

static void assert_shown(const struct account *account, const char *text)
{
    struct json_writer writer;
    struct buf out;

    buf_init(&out, 1000);
    json_writer_init(&writer, &out);
    account_api_json(account, &writer);
    assert_string_equal(buf_cstr(&out), text);
    buf_clear(&out);
}

static void a_name_has_1_to_64_plain_characters(UNUSED void **state)
{
    static const char *const good[] = {
        "a",   "shop-1", "A.b_c-9",
        "...", ".a",     "0123456789012345678901234567890123456789012345678901234567890123"};
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "a b",
        "a/b",
        "a%2e",
        "caf\xc3\xa9",
        "a\n",
        "01234567890123456789012345678901234567890123456789012345678901234"};
    struct diag diag;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(account_name_check(slice_of(good[i]), &diag), OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(account_name_check(slice_of(bad[i]), &diag), ERR_INVALID);
        assert_string_equal(diag.field, "account");
    }
    assert_int_equal(account_name_check(SLICE("a\0b"), &diag), ERR_INVALID);
}

static void needs_no_member_at_all(UNUSED void **state)
{
    struct account *account = read_account("{}", NULL);

    assert_slice_is(account->name, "shop-1");
    assert_null(account->credentials);
    assert_int_equal(account->channels_len, 0);
    assert_stored(account, "{\"description\":\"\",\"metadata\":{}}");
    account_release(account);
}

static void keeps_what_it_is_told(UNUSED void **state)
{
    struct account *account =
        read_account("{\"description\": \"J\\u00fcrgen's\", \"metadata\": {\"n\": 1.000 }}", NULL);

    assert_slice_is(account->description, "J\xc3\xbcrgen's");
    assert_slice_is(account->metadata, "{\"n\": 1.000 }");
    assert_stored(account, "{\"description\":\"J\xc3\xbcrgen's\",\"metadata\":{\"n\": 1.000 }}");
    account_release(account);
}

static void a_change_leaves_alone_what_it_does_not_name(UNUSED void **state)
{
    struct account *account = read_account(
        "{\"description\": \"d\", \"metadata\": {\"a\": 1}, \"wapi\": {\"login\": \"x\"}}", NULL);

    account->id = (struct id){5};
    account->created = (struct wall){1};
    account->updated = (struct wall){2};
    account = add_channel(account, 7);
    struct account *changed = read_account("{\"metadata\": null}", account);
    assert_int_equal(changed->id.value, 5);
    assert_int_equal(changed->created.us, 1);
    assert_int_equal(changed->updated.us, 2);
    assert_channels(changed, (const uint64_t[]){7}, 1);
    assert_stored(changed, "{\"description\":\"d\",\"metadata\":{}}");
    assert_slice_is(stored_credentials(changed), "{\"wapi\":{\"login\": \"x\"}}");
    account_release(account);
    account_release(changed);
}

static void credentials_change_one_dialect_at_a_time(UNUSED void **state)
{
    struct account *first = read_account(
        "{\"checkout\": {\"merchant_id\": \"1\"}, \"wapi\": {\"login\": \"x\"}}", NULL);
    struct account *second = read_account("{\"cashier\": {\"merchant_id\": \"2\"}}", first);
    struct account *third =
        read_account("{\"wapi\": null, \"checkout\": {\"merchant_id\": \"3\"}}", second);
    struct account *last = read_account("{\"cashier\": null, \"checkout\": null}", third);

    assert_slice_is(stored_credentials(first),
                    "{\"wapi\":{\"login\": \"x\"},\"checkout\":{\"merchant_id\": \"1\"}}");
    assert_slice_is(stored_credentials(second),
                    "{\"wapi\":{\"login\": \"x\"},\"cashier\":{\"merchant_id\": \"2\"},"
                    "\"checkout\":{\"merchant_id\": \"1\"}}");
    assert_slice_is(stored_credentials(third), "{\"cashier\":{\"merchant_id\": \"2\"},"
                                               "\"checkout\":{\"merchant_id\": \"3\"}}");
    assert_null(last->credentials);
    account_release(first);
    account_release(second);
    account_release(third);
    account_release(last);
}

static void lends_the_credentials_of_one_dialect(UNUSED void **state)
{
    struct account *account =
        read_account("{\"wapi\": {\"login\": \"x\\u0079\", \"password\": \"p\"}}", NULL);

    assert_slice_is(account_credentials(account, "wapi"),
                    "{\"login\": \"x\\u0079\", \"password\": \"p\"}");
    assert_slice_is(credentials_of(account->credentials, "wapi")->login, "xy");
    assert_true(slice_is_empty(account_credentials(account, "checkout")));
    account_release(account);
}

static void credentials_without_what_tells_accounts_apart_are_refused(UNUSED void **state)
{
    assert_refused("{\"wapi\": {}}", "wapi.login", "expected a string");
    assert_refused("{\"wapi\": {\"login\": 5}}", "wapi.login", "expected a string");
    assert_refused("{\"wapi\": {\"login\": \"\"}}", "wapi.login", "must not be empty");
    assert_refused("{\"wapi\": {\"login\": \"a\\nb\"}}", "wapi.login", "");
}

static void shows_which_credentials_exist_and_not_what_they_are(UNUSED void **state)
{
    struct account *account = read_account(
        "{\"wapi\": {\"login\": \"p\"}, \"shopcart\": {\"merchant_id\": \"k\"}}", NULL);

    account->created = (struct wall){INT64_C(1770114030123456)};
    account->updated = account->created;
    assert_shown(account, "{\"id\":\"shop-1\",\"description\":\"\",\"metadata\":{},"
                          "\"credentials\":[\"wapi\",\"shopcart\"],"
                          "\"created_at\":\"2026-02-03T10:20:30.123456Z\","
                          "\"updated_at\":\"2026-02-03T10:20:30.123456Z\"}");
    account_release(account);
}

static void takes_stored_credentials(UNUSED void **state)
{
    struct account *account = read_account("{\"wapi\": {\"login\": \"x\"}}", NULL);
    struct credentials *stored = credentials_new(SLICE("{\"cashier\":{}}"), &test_dialects);

    account_set_credentials(account, stored);
    credentials_release(stored);
    assert_slice_is(stored_credentials(account), "{\"cashier\":{}}");
    account_set_credentials(account, NULL);
    assert_null(account->credentials);
    account_release(account);
}

static void what_it_refuses_it_names(UNUSED void **state)
{
    assert_refused("[]", "", "an object, not an array");
    assert_refused("{\"description\": 1}", "description", "a string, not a number");
    assert_refused("{\"description\": \"a\\nb\"}", "description", "control");
    assert_refused("{\"metadata\": []}", "metadata", "an object, not an array");
    assert_refused("{\"wapi\": \"x\"}", "wapi", "an object, not a string");
    assert_refused("{\"id\": \"x\"}", "id", "no such member");
    assert_refused("{\"Wapi\": {}}", "Wapi", "no such member");
}

static void what_it_keeps_has_a_largest_size(UNUSED void **state)
{
    struct account *account = NULL;
    struct json_doc doc;
    struct buf text;
    struct diag diag;

    buf_init(&text, 1 << 20);
    for (int i = 0; i < 2; i++) {
        buf_text(&text, i == 0 ? "{\"wapi\":{\"login\":\"a\",\"x\":\""
                               : "\"},\"checkout\":{\"merchant_id\":\"1\",\"x\":\"");
        for (int k = 0; k < CREDENTIALS_BYTES_MAX / 2; k++) {
            buf_byte(&text, 'a');
        }
    }
    buf_text(&text, "\"}}");
    struct json value = reading(&doc, buf_view(&text));
    assert_int_equal(account_from_json(SLICE("a"), value, NULL, &test_dialects, &account, &diag),
                     ERR_INVALID);
    assert_diag(&diag, "", "together");
    assert_null(account);
    json_doc_clear(&doc);
    buf_clear(&text);
}

static void channels_stand_sorted_by_id(UNUSED void **state)
{
    struct account *account = read_account("{}", NULL);

    account = add_channel(account, 5);
    account = add_channel(account, 9);
    account = add_channel(account, 1);
    account = add_channel(account, 7);
    assert_channels(account, (const uint64_t[]){1, 5, 7, 9}, 4);
    assert_null(account_channel(account, (struct id){6}));
    assert_null(account_channel(account, (struct id){10}));
    account_release(account);
}

static void a_channel_put_again_takes_the_place_of_the_old_one(UNUSED void **state)
{
    struct account *account = add_channel(add_channel(read_account("{}", NULL), 5), 6);
    struct channel *newer = make_channel(5);
    struct account *changed = account_with_channel(account, newer);

    assert_channels(changed, (const uint64_t[]){5, 6}, 2);
    assert_ptr_equal(account_channel(changed, (struct id){5}), newer);
    assert_ptr_not_equal(account_channel(account, (struct id){5}), newer);
    channel_release(newer);
    account_release(account);
    account_release(changed);
}

static void a_channel_can_be_left_out(UNUSED void **state)
{
    struct account *account = read_account("{\"wapi\": {\"login\": \"x\"}}", NULL);

    account = add_channel(add_channel(add_channel(account, 1), 2), 3);
    struct account *changed = account_without_channel(account, (struct id){2});
    struct account *same = account_without_channel(account, (struct id){4});
    assert_channels(changed, (const uint64_t[]){1, 3}, 2);
    assert_channels(same, (const uint64_t[]){1, 2, 3}, 3);
    assert_channels(account, (const uint64_t[]){1, 2, 3}, 3);
    assert_slice_is(stored_credentials(changed), "{\"wapi\":{\"login\": \"x\"}}");
    account_release(account);
    account_release(changed);
    account_release(same);
}

static void an_account_put_anew_keeps_the_channels_of_the_old_one(UNUSED void **state)
{
    struct account *old = add_channel(add_channel(read_account("{}", NULL), 1), 2);
    struct account *account = add_channel(read_account("{}", NULL), 9);

    assert_ptr_equal(account_with_channels_of(account, old), account);
    account_release(old);
    assert_channels(account, (const uint64_t[]){1, 2}, 2);
    account_release(account);
}

static void lives_until_its_last_reference_is_given_back(UNUSED void **state)
{
    struct account *account = read_account("{}", NULL);

    assert_ptr_equal(account_hold(account), account);
    account_release(account);
    assert_slice_is(account->name, "shop-1");
    account_release(account);
    account_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_1_to_64_plain_characters),
        cmocka_unit_test(needs_no_member_at_all),
        cmocka_unit_test(keeps_what_it_is_told),
        cmocka_unit_test(a_change_leaves_alone_what_it_does_not_name),
        cmocka_unit_test(credentials_change_one_dialect_at_a_time),
        cmocka_unit_test(lends_the_credentials_of_one_dialect),
        cmocka_unit_test(credentials_without_what_tells_accounts_apart_are_refused),
        cmocka_unit_test(shows_which_credentials_exist_and_not_what_they_are),
        cmocka_unit_test(takes_stored_credentials),
        cmocka_unit_test(what_it_refuses_it_names),
        cmocka_unit_test(what_it_keeps_has_a_largest_size),
        cmocka_unit_test(channels_stand_sorted_by_id),
        cmocka_unit_test(a_channel_put_again_takes_the_place_of_the_old_one),
        cmocka_unit_test(a_channel_can_be_left_out),
        cmocka_unit_test(an_account_put_anew_keeps_the_channels_of_the_old_one),
        cmocka_unit_test(lives_until_its_last_reference_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
