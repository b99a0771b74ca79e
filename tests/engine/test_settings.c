/*
 * Settings: accounts, channels and keys, their versions, and the directory after a restart.
 */
#include "base/json.h"
#include "base/mem.h"
#include "harness.h"
#include "support/test_dialects.h"

#include <string.h>

#define PEM "-----BEGIN CERTIFICATE-----\\nQQ==\\n-----END CERTIFICATE-----\\n"

/* Every member that a webhook can have, none at its default. */
static const char full_webhook[] =
    "{\"kind\":\"webhook\",\"dialect\":\"cloudevents\",\"url\":\"https://example.com/hook?a=b\","
    "\"description\":\"the first one\",\"events\":[\"order.*\",\"tidings.**\"],"
    "\"headers\":{\"X-A\":\"1\",\"Authorization\":\"Bearer header-secret\"},\"timeout_ms\":2500,"
    "\"retry\":[\"0s\",\"5s\"],\"max_in_flight\":3,"
    "\"rate_limit\":{\"per_second\":10,\"burst\":20},\"ordered\":true,\"enabled\":false,"
    "\"tls\":{\"ca\":\"" PEM "\"},\"options\":{\"mode\": \"binary\"}}";

static const char full_account[] =
    "{\"description\": \"caf\xc3\xa9\", \"metadata\": {\"tier\": 1.50},"
    " \"wapi\": {\"login\": \"shop\", \"password\": \"credential-secret\"}}";

/* ---- Making settings ------------------------------------------------------------------------- */

/* An account from its settings, or base changed by them; one reference. */
static struct account *read_account(const char *name, const char *settings,
                                    const struct account *base)
{
    struct account *account = NULL;
    struct json_doc doc;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, slice_of(settings), NULL), OK);
    assert_int_equal(
        account_from_json(slice_of(name), json_root(&doc), base, &test_dialects, &account, NULL),
        OK);
    json_doc_clear(&doc);
    return account;
}

static struct channel *read_channel(const struct harness *harness, const char *settings,
                                    const struct channel *base)
{
    struct channel *channel = NULL;
    struct json_doc doc;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, slice_of(settings), NULL), OK);
    assert_int_equal(channel_from_json(json_root(&doc), base, &harness->options.channel_defaults,
                                       &channel, NULL),
                     OK);
    json_doc_clear(&doc);
    return channel;
}

/* Puts an account and gives up the reference. */
static enum err put_account(struct harness *harness, struct account *account, struct wall expected)
{
    struct store_put_account put = {.account = account, .expected = expected};
    enum err err = CALL(harness, put_account, &put);

    account_release(account);
    return err;
}

static enum err put_channel(struct harness *harness, struct id account, struct channel *channel,
                            struct wall expected)
{
    struct store_put_channel put = {.account = account, .channel = channel, .expected = expected};
    enum err err = CALL(harness, put_channel, &put);

    channel_release(channel);
    return err;
}

static enum err remove_it(struct harness *harness, struct store_remove target)
{
    return CALL(harness, remove, &target);
}

static struct directory *view(struct harness *harness)
{
    return store_view(harness->store, &harness->view);
}

/* ---- Accounts -------------------------------------------------------------------------------- */

static void a_new_account_gets_an_id_and_its_times(void **state)
{
    struct harness *harness = *state;
    struct store_put_account put = {.account = read_account("acme", full_account, NULL)};

    assert_int_equal(CALL(harness, put_account, &put), OK);
    assert_true(put.account->id.value != 0);
    assert_int_equal(put.account->created.us, harness_now(harness).us);
    assert_int_equal(put.account->updated.us, harness_now(harness).us);
    assert_ptr_equal(directory_account(view(harness), SLICE("acme")),
                     see_account(harness, put.account->id));
    account_release(put.account);
}

static void a_name_is_taken_only_once(void **state)
{
    struct harness *harness = *state;

    (void)make_account(harness, "acme");
    assert_int_equal(put_account(harness, read_account("acme", "{}", NULL), (struct wall){0}),
                     ERR_EXISTS);
    assert_int_equal(put_account(harness, read_account("Acme", "{}", NULL), (struct wall){0}), OK);
    assert_int_equal(directory_accounts_count(view(harness)), 2);
}

static void a_change_of_the_newest_version_is_taken(void **state)
{
    struct harness *harness = *state;
    struct id id = make_account(harness, "acme");
    struct id channel = make_webhook(harness, id);
    const struct account *before = see_account(harness, id);
    struct wall created = before->created;

    harness_advance(harness, US_PER_MINUTE);
    assert_int_equal(
        put_account(harness, read_account("acme", full_account, before), before->updated), OK);
    const struct account *after = see_account(harness, id);
    assert_slice_is(after->description, "caf\xc3\xa9");
    assert_int_equal(after->created.us, created.us);
    assert_int_equal(after->updated.us, harness_now(harness).us);
    assert_non_null(account_channel(after, channel)); /* it keeps those it has */
}

static void a_login_belongs_to_one_account(void **state)
{
    struct harness *harness = *state;
    struct account *second = read_account("second", full_account, NULL);
    struct store_put_account put = {.account = second};

    assert_int_equal(
        put_account(harness, read_account("first", full_account, NULL), (struct wall){0}), OK);
    assert_int_equal(CALL(harness, put_account, &put), ERR_CONFLICT);
    assert_string_equal(put.request.diag.field, "wapi.login");
    assert_null(directory_account(view(harness), SLICE("second")));
    const struct account *owner = directory_account(view(harness), SLICE("first"));
    assert_int_equal(
        put_account(harness, read_account("first", "{\"wapi\": null}", owner), owner->updated), OK);
    assert_int_equal(CALL(harness, put_account, &put), OK); /* it was given up */
    assert_ptr_equal(directory_account_by_login(view(harness), "wapi", SLICE("shop")),
                     directory_account(view(harness), SLICE("second")));
    account_release(second);
}

static void an_enabled_channel_of_an_exclusive_dialect_takes_over(void **state)
{
    struct harness *harness = *state;
    struct id id = make_account(harness, "acme");
    struct id other = make_webhook(harness, id);
    static const char queue[] = "{\"kind\":\"queue\",\"dialect\":\"wapi\"}";
    struct channel *first = channel_hold(read_channel(harness, queue, NULL));
    struct channel *second = channel_hold(read_channel(harness, queue, NULL));

    assert_int_equal(put_channel(harness, id, first, (struct wall){0}), OK);
    assert_int_equal(put_channel(harness, id, second, (struct wall){0}), OK);
    const struct account *account = see_account(harness, id);
    assert_false(account_channel(account, first->id)->is_enabled);
    assert_true(account_channel(account, second->id)->is_enabled);
    assert_true(account_channel(account, other)->is_enabled);
    harness_reopen(harness); /* it is stored, not only shown */
    account = see_account(harness, id);
    assert_false(account_channel(account, first->id)->is_enabled);
    assert_true(account_channel(account, second->id)->is_enabled);
    channel_release(first);
    channel_release(second);
}

static void the_only_way_of_an_exclusive_dialect_stays_while_there_are_credentials(void **state)
{
    struct harness *harness = *state;
    struct account *account = read_account("acme", full_account, NULL);
    struct channel *queue =
        read_channel(harness, "{\"kind\":\"queue\",\"dialect\":\"wapi\"}", NULL);

    assert_int_equal(put_account(harness, account_hold(account), (struct wall){0}), OK);
    struct id id = account->id;
    assert_int_equal(put_channel(harness, id, channel_hold(queue), (struct wall){0}), OK);
    struct store_remove removal = {.account = id, .channel = queue->id};
    assert_int_equal(remove_it(harness, removal), ERR_CONFLICT);
    assert_int_equal(put_channel(harness, id, read_channel(harness, "{\"enabled\":false}", queue),
                                 queue->updated),
                     ERR_CONFLICT);
    assert_int_equal(put_channel(harness, id,
                                 read_channel(harness, "{\"dialect\":\"standard\"}", queue),
                                 queue->updated),
                     ERR_CONFLICT);
    assert_true(see_channel(harness, id, queue->id)->is_enabled);
    const struct account *newest = see_account(harness, id);
    assert_int_equal(
        put_account(harness, read_account("acme", "{\"wapi\":null}", newest), newest->updated), OK);
    assert_int_equal(remove_it(harness, removal), OK);
    channel_release(queue);
    account_release(account);
}

static void a_change_of_an_older_version_is_stale(void **state)
{
    struct harness *harness = *state;
    struct id id = make_account(harness, "acme");
    struct wall first = see_account(harness, id)->updated;

    for (int i = 0; i < 2; i++) {
        struct account *changed = read_account("acme", full_account, see_account(harness, id));

        /* The clock stands still, and yet the version moves. */
        assert_int_equal(put_account(harness, changed, first), i == 0 ? OK : ERR_STALE);
    }
}

static void a_change_of_what_is_gone_is_not_found(void **state)
{
    struct harness *harness = *state;
    struct id id = make_account(harness, "acme");
    struct account *changed = read_account("acme", full_account, see_account(harness, id));
    struct wall updated = changed->updated;

    assert_int_equal(remove_it(harness, (struct store_remove){.account = id}), OK);
    assert_int_equal(put_account(harness, changed, updated), ERR_NOT_FOUND);
    assert_int_equal(directory_accounts_count(view(harness)), 0);
}

static void an_account_goes_with_its_channels_and_keys(void **state)
{
    struct harness *harness = *state;
    struct id id = make_account(harness, "acme");
    struct id other = make_account(harness, "other");
    uint8_t hash[SHA256_BYTES] = {1};
    struct store_put_key put = {
        .key = key_new(ID_NONE, hash, KEY_ACCOUNT, id, SLICE(""), (struct wall){0})};

    (void)make_webhook(harness, id);
    struct id kept = make_webhook(harness, other);
    assert_int_equal(CALL(harness, put_key, &put), OK);
    key_release(put.key);
    assert_int_equal(remove_it(harness, (struct store_remove){.account = id}), OK);
    for (int round = 0; round < 2; round++) {
        assert_null(see_account(harness, id));
        assert_null(directory_account(view(harness), SLICE("acme")));
        assert_null(directory_key(view(harness), hash));
        assert_non_null(see_channel(harness, other, kept));
        harness_reopen(harness);
    }
    assert_int_equal(remove_it(harness, (struct store_remove){.account = id}), ERR_NOT_FOUND);
    (void)make_account(harness, "acme"); /* the name is free again */
}

/* ---- Channels -------------------------------------------------------------------------------- */

static void a_channel_of_no_account_is_not_found(void **state)
{
    struct harness *harness = *state;
    struct id nobody = {12345};

    assert_int_equal(
        put_channel(harness, nobody, read_channel(harness, full_webhook, NULL), (struct wall){0}),
        ERR_NOT_FOUND);
}

static void a_channel_follows_the_same_rules_of_versions(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id id = make_webhook(harness, account);
    struct wall first = see_channel(harness, account, id)->updated;

    for (int i = 0; i < 2; i++) {
        struct channel *changed =
            read_channel(harness, "{\"description\": \"new\"}", see_channel(harness, account, id));

        assert_int_equal(put_channel(harness, account, changed, first), i == 0 ? OK : ERR_STALE);
    }
    assert_slice_is(see_channel(harness, account, id)->description, "new");
    struct channel *late =
        read_channel(harness, "{\"description\": \"x\"}", see_channel(harness, account, id));
    struct wall newest = late->updated;
    remove_channel(harness, account, id);
    assert_int_equal(put_channel(harness, account, late, newest), ERR_NOT_FOUND);
}

/* What sender and server threads share while it lives must not be split by a change. */
static void all_versions_of_a_channel_share_one_gate(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id id = make_webhook(harness, account);
    struct channel *before = channel_hold(see_channel(harness, account, id));
    struct channel *changed = read_channel(harness, "{\"description\": \"new\"}", before);

    assert_non_null(before->gate);
    assert_int_equal(put_channel(harness, account, changed, before->updated), OK);
    assert_ptr_equal(see_channel(harness, account, id)->gate, before->gate);
    channel_release(before);
}

/* An owner changes what was read before the sender recorded a failure. */
static void a_change_keeps_the_health_that_moved_meanwhile(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id id = make_webhook(harness, account);
    struct channel *seen = channel_hold(see_channel(harness, account, id));
    struct store_settle_health moved = {
        .account = account, .channel = id, .health = {HEALTH_DISABLED, {1000}, {2000}}};
    struct store_settle settle = {.health = &moved, .health_len = 1};

    assert_int_equal(CALL(harness, settle, &settle), OK);
    struct channel *changed = read_channel(harness, "{\"description\": \"new\"}", seen);
    assert_int_equal(put_channel(harness, account, changed, seen->updated), OK);
    assert_int_equal(see_channel(harness, account, id)->health.state, HEALTH_DISABLED);
    harness_reopen(harness);
    assert_int_equal(see_channel(harness, account, id)->health.state, HEALTH_DISABLED);

    struct store_put_channel put = {.account = account,
                                    .channel = read_channel(harness, "{}", seen),
                                    .expected = see_channel(harness, account, id)->updated,
                                    .is_enabled_again = true};
    assert_int_equal(CALL(harness, put_channel, &put), OK);
    assert_int_equal(see_channel(harness, account, id)->health.state, HEALTH_HEALTHY);
    channel_release(put.channel);
    channel_release(seen);
}

static void a_channel_has_a_new_gate_after_a_restart(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id id = make_webhook(harness, account);
    struct channel_gate *gate = see_channel(harness, account, id)->gate;
    int32_t room = gate->room;

    gate->room = -5;
    gate->is_closed = true;
    harness_reopen(harness);
    gate = see_channel(harness, account, id)->gate;
    assert_non_null(gate);
    assert_int_equal(gate->room, room);
    assert_false(gate->is_closed);
}

static void a_removed_channel_is_gone(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    struct id other = make_account(harness, "other");
    struct id id = make_webhook(harness, account);
    struct store_remove foreign = {.account = other, .channel = id};
    struct store_remove target = {.account = account, .channel = id};

    assert_int_equal(remove_it(harness, foreign), ERR_NOT_FOUND);
    assert_non_null(see_channel(harness, account, id));
    assert_int_equal(remove_it(harness, target), OK);
    assert_int_equal(remove_it(harness, target), ERR_NOT_FOUND);
    assert_null(see_channel(harness, account, id));
    harness_reopen(harness);
    assert_null(see_channel(harness, account, id));
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static void a_key_is_found_by_its_hash_until_it_is_removed(void **state)
{
    struct harness *harness = *state;
    struct id account = make_account(harness, "acme");
    uint8_t hash[SHA256_BYTES] = {1, 2, 3};
    struct store_put_key put = {.key = key_new(ID_NONE, hash, KEY_ACCOUNT, account,
                                               SLICE("label \xe2\x82\xac"), (struct wall){0})};

    assert_int_equal(CALL(harness, put_key, &put), OK);
    struct id id = put.key->id;
    struct wall created = harness_now(harness);
    key_release(put.key);
    for (int round = 0; round < 2; round++) {
        const struct key *key = directory_key(view(harness), hash);

        assert_non_null(key);
        assert_int_equal(key->id.value, id.value);
        assert_int_equal(key->scope, KEY_ACCOUNT);
        assert_int_equal(key->account.value, account.value);
        assert_slice_is(key->label, "label \xe2\x82\xac");
        assert_int_equal(key->created.us, created.us);
        harness_reopen(harness);
    }
    assert_int_equal(remove_it(harness, (struct store_remove){.key = id}), OK);
    assert_int_equal(remove_it(harness, (struct store_remove){.key = id}), ERR_NOT_FOUND);
    assert_null(directory_key(view(harness), hash));
    harness_reopen(harness);
    assert_null(directory_key(view(harness), hash));
}

static void keys_of_no_account_are_kept_too(void **state)
{
    static const enum key_scope scopes[] = {KEY_ADMIN, KEY_PUBLISH};
    struct harness *harness = *state;

    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        uint8_t hash[SHA256_BYTES] = {(uint8_t)i};
        struct store_put_key put = {
            .key = key_new(ID_NONE, hash, scopes[i], ID_NONE, SLICE(""), (struct wall){0})};

        assert_int_equal(CALL(harness, put_key, &put), OK);
        key_release(put.key);
        harness_reopen(harness);
        assert_int_equal(directory_key(view(harness), hash)->scope, scopes[i]);
        assert_int_equal(directory_key(view(harness), hash)->account.value, 0);
    }
}

static void the_receipt_key_stays_the_same_for_ever(void **state)
{
    struct harness *harness = *state;
    uint8_t before[32];

    memcpy(before, store_receipt_key(harness->store), sizeof before);
    harness_reopen(harness);
    assert_memory_equal(store_receipt_key(harness->store), before, sizeof before);
}

/* ---- The whole directory --------------------------------------------------------------------- */

static const char signing_secret[] = "signing-secret-of-thirty-two-b!!";

/* An account and a channel with everything they can have. */
static void make_full(struct harness *harness, struct id *account, struct id *channel)
{
    struct store_put_account put = {.account = read_account("acme", full_account, NULL)};
    struct store_put_channel put_full = {.channel = read_channel(harness, full_webhook, NULL)};
    struct channel *full = put_full.channel;

    assert_int_equal(CALL(harness, put_account, &put), OK);
    *account = put.account->id;
    full->secrets_len = 2;
    for (uint32_t i = 0; i < full->secrets_len; i++) {
        memcpy(full->secrets[i].bytes, signing_secret, sizeof signing_secret - 1);
        full->secrets[i].len = sizeof signing_secret - 1;
        full->secrets[i].bytes[0] = (uint8_t)i;
    }
    full->secrets[0].until = WALL_NEVER;
    full->secrets[1].until = (struct wall){harness_now(harness).us + US_PER_DAY};
    full->health = (struct health){HEALTH_FAILING, {1000}, {2000}};
    put_full.account = *account;
    assert_int_equal(CALL(harness, put_channel, &put_full), OK);
    *channel = full->id;
    channel_release(full);
    account_release(put.account);
}

static void assert_same_channel(const struct channel *a, const struct channel *b)
{
    struct buf left;
    struct buf right;

    buf_init(&left, 100000);
    buf_init(&right, 100000);
    channel_settings_json(a, &left);
    channel_settings_json(b, &right);
    assert_string_equal(buf_cstr(&left), buf_cstr(&right));
    assert_int_equal(a->account.value, b->account.value);
    assert_int_equal(a->created.us, b->created.us);
    assert_int_equal(a->updated.us, b->updated.us);
    assert_memory_equal(&a->health, &b->health, sizeof a->health);
    assert_int_equal(a->secrets_len, b->secrets_len);
    for (uint32_t i = 0; i < a->secrets_len; i++) {
        assert_int_equal(a->secrets[i].len, b->secrets[i].len);
        assert_memory_equal(a->secrets[i].bytes, b->secrets[i].bytes, a->secrets[i].len);
        assert_int_equal(a->secrets[i].until.us, b->secrets[i].until.us);
    }
    buf_clear(&left);
    buf_clear(&right);
}

static void assert_same_account(const struct account *a, const struct account *b)
{
    assert_true(slice_equal(a->name, b->name));
    assert_true(slice_equal(a->description, b->description));
    assert_true(slice_equal(a->metadata, b->metadata));
    assert_true((a->credentials == NULL) == (b->credentials == NULL));
    if (a->credentials != NULL) {
        assert_true(slice_equal(a->credentials->raw, b->credentials->raw));
    }
    assert_int_equal(a->created.us, b->created.us);
    assert_int_equal(a->updated.us, b->updated.us);
    assert_int_equal(a->channels_len, b->channels_len);
}

static void assert_survives_reopening(struct harness *harness, struct id account_id,
                                      struct id channel_id)
{
    struct account *account = account_hold(see_account(harness, account_id));
    const struct channel *channel = account_channel(account, channel_id);

    harness_reopen(harness);
    assert_same_account(see_account(harness, account_id), account);
    assert_same_channel(see_channel(harness, account_id, channel_id), channel);
    account_release(account);
}

static void everything_is_the_same_after_a_restart(void **state)
{
    struct harness *harness = *state;
    struct id account;
    struct id channel;

    make_full(harness, &account, &channel);
    assert_survives_reopening(harness, account, channel);
    struct channel *changed = read_channel(harness, "{\"description\": \"new\", \"retry\": null}",
                                           see_channel(harness, account, channel));
    assert_int_equal(
        put_channel(harness, account, changed, see_channel(harness, account, channel)->updated),
        OK);
    assert_survives_reopening(harness, account, channel);
}

static void everything_is_the_same_under_a_master_key(void **state)
{
    struct harness *harness = *state;
    uint8_t master_key[SEAL_KEY_BYTES] = {7};
    struct id account;
    struct id channel;

    harness_close(harness);
    harness->options.master_key = master_key;
    harness_open(harness);
    make_full(harness, &account, &channel);
    assert_survives_reopening(harness, account, channel);
}

enum { ACCOUNTS = 50, CHANNELS = 20 };

static void many_accounts_with_many_channels_come_back(void **state)
{
    struct harness *harness = *state;
    struct id accounts[ACCOUNTS];

    for (size_t i = 0; i < ACCOUNTS; i++) {
        const char name[] = {'a', (char)('A' + i % 26), (char)('a' + i / 26), '\0'};

        accounts[i] = make_account(harness, name);
        for (size_t j = 0; j < i % CHANNELS; j++) {
            (void)make_webhook(harness, accounts[i]);
        }
    }
    harness_reopen(harness);
    assert_int_equal(directory_accounts_count(view(harness)), ACCOUNTS);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        const struct account *account = see_account(harness, accounts[i]);

        assert_int_equal(account->channels_len, i % CHANNELS);
        for (uint32_t j = 1; j < account->channels_len; j++) {
            assert_true(account->channels[j - 1]->id.value < account->channels[j]->id.value);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_new_account_gets_an_id_and_its_times),
        ENGINE_TEST(a_name_is_taken_only_once),
        ENGINE_TEST(a_login_belongs_to_one_account),
        ENGINE_TEST(an_enabled_channel_of_an_exclusive_dialect_takes_over),
        ENGINE_TEST(the_only_way_of_an_exclusive_dialect_stays_while_there_are_credentials),
        ENGINE_TEST(a_change_of_the_newest_version_is_taken),
        ENGINE_TEST(a_change_of_an_older_version_is_stale),
        ENGINE_TEST(a_change_of_what_is_gone_is_not_found),
        ENGINE_TEST(an_account_goes_with_its_channels_and_keys),
        ENGINE_TEST(a_channel_of_no_account_is_not_found),
        ENGINE_TEST(a_channel_follows_the_same_rules_of_versions),
        ENGINE_TEST(all_versions_of_a_channel_share_one_gate),
        ENGINE_TEST(a_change_keeps_the_health_that_moved_meanwhile),
        ENGINE_TEST(a_channel_has_a_new_gate_after_a_restart),
        ENGINE_TEST(a_removed_channel_is_gone),
        ENGINE_TEST(a_key_is_found_by_its_hash_until_it_is_removed),
        ENGINE_TEST(keys_of_no_account_are_kept_too),
        ENGINE_TEST(the_receipt_key_stays_the_same_for_ever),
        ENGINE_TEST(everything_is_the_same_after_a_restart),
        ENGINE_TEST(everything_is_the_same_under_a_master_key),
        ENGINE_TEST(many_accounts_with_many_channels_come_back),
    };

    harness_choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
