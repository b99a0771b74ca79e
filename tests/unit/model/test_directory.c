#include "base/mem.h"
#include "model/directory.h"
#include "model/table.h"
#include "reading.h"
#include "support/test_dialects.h"

#include <stdio.h>
#include <string.h>

enum { SEED = 4711, MANY = 100000, CHANGES = 1000, PAGE = 250 };

static struct account *make_account_with(uint64_t id, const char *name, const char *settings)
{
    struct account *account = NULL;
    struct json_doc doc;
    struct json value = reading(&doc, slice_of(settings));

    assert_int_equal(account_from_json(slice_of(name), value, NULL, &test_dialects, &account, NULL),
                     OK);
    account->id = (struct id){id};
    json_doc_clear(&doc);
    return account;
}

static struct account *make_account(uint64_t id, const char *name)
{
    return make_account_with(id, name, "{}");
}

static struct key *make_key(uint64_t id, uint64_t account)
{
    uint8_t hash[SHA256_BYTES];

    sha256(slice_from(&id, sizeof id), hash);
    return key_new((struct id){id}, hash, account == 0 ? KEY_ADMIN : KEY_ACCOUNT,
                   (struct id){account}, SLICE(""), (struct wall){0});
}

static void add_account(struct directory *directory, uint64_t id, const char *name)
{
    struct account *account = make_account(id, name);

    directory_add_account(directory, account);
    account_release(account);
}

static void add_key(struct directory *directory, uint64_t id, uint64_t account)
{
    struct key *key = make_key(id, account);

    directory_add_key(directory, key);
    key_release(key);
}

/* The directory with an account put, instead of the directory. */
static struct directory *put_account(struct directory *directory, uint64_t id, const char *name)
{
    struct account *account = make_account(id, name);
    struct directory *changed = directory_put_account(directory, account);

    account_release(account);
    directory_release(directory);
    return changed;
}

struct name {
    char text[16];
};

static struct name name_of(int number)
{
    struct name name;

    (void)snprintf(name.text, sizeof name.text, "shop-%06d", number); /* fits */
    return name;
}

static struct directory *many_accounts(int count)
{
    struct directory *directory = directory_new(SEED);

    for (int i = 0; i < count; i++) {
        add_account(directory, (uint64_t)i + 1, name_of(i).text);
    }
    return directory;
}

static void finds_accounts_by_name_and_by_id(UNUSED void **state)
{
    struct directory *directory = many_accounts(100);

    assert_int_equal(directory_accounts_count(directory), 100);
    struct account *account = directory_account(directory, SLICE("shop-000041"));
    assert_non_null(account);
    assert_int_equal(account->id.value, 42);
    assert_ptr_equal(directory_account_by_id(directory, (struct id){42}), account);
    assert_null(directory_account(directory, SLICE("shop-000100")));
    assert_null(directory_account(directory, SLICE("")));
    assert_null(directory_account_by_id(directory, ID_NONE));
    directory_release(directory);
}

static void an_old_snapshot_stays_as_it_was(UNUSED void **state)
{
    struct directory *old = many_accounts(10);
    struct directory *kept = directory_hold(old);
    struct directory *changed = put_account(old, 11, "new");
    struct directory *smaller = directory_remove_account(changed, (struct id){1});

    assert_int_equal(directory_accounts_count(kept), 10);
    assert_null(directory_account(kept, SLICE("new")));
    assert_int_equal(directory_accounts_count(changed), 11);
    assert_non_null(directory_account(changed, SLICE("shop-000000")));
    assert_int_equal(directory_accounts_count(smaller), 10);
    assert_null(directory_account(smaller, SLICE("shop-000000")));
    assert_null(directory_account_by_id(smaller, (struct id){1}));
    directory_release(kept);
    directory_release(changed);
    directory_release(smaller);
}

static void an_account_put_again_replaces_the_old_one(UNUSED void **state)
{
    struct directory *directory = many_accounts(3);
    struct account *old = directory_account(directory, SLICE("shop-000001"));

    directory = put_account(directory, 2, "shop-000001");
    assert_int_equal(directory_accounts_count(directory), 3);
    assert_ptr_not_equal(directory_account(directory, SLICE("shop-000001")), old);
    assert_ptr_equal(directory_account_by_id(directory, (struct id){2}),
                     directory_account(directory, SLICE("shop-000001")));
    directory_release(directory);
}

static void no_name_or_id_of_a_replaced_account_leads_anywhere(UNUSED void **state)
{
    struct directory *directory = many_accounts(3);

    directory = put_account(directory, 2, "renamed");
    assert_null(directory_account(directory, SLICE("shop-000001")));
    assert_int_equal(directory_account(directory, SLICE("renamed"))->id.value, 2);
    directory = put_account(directory, 50, "shop-000002");
    assert_null(directory_account_by_id(directory, (struct id){3}));
    assert_int_equal(directory_account(directory, SLICE("shop-000002"))->id.value, 50);
    directory = put_account(directory, 2, "shop-000002"); /* takes the place of two */
    assert_int_equal(directory_accounts_count(directory), 2);
    assert_null(directory_account_by_id(directory, (struct id){50}));
    assert_null(directory_account(directory, SLICE("renamed")));
    directory_release(directory);
}

static void finds_keys_by_hash_and_by_id(UNUSED void **state)
{
    struct directory *directory = directory_new(SEED);
    struct key *key = make_key(7, 0);
    uint8_t other[SHA256_BYTES] = {0};

    directory_add_key(directory, key);
    assert_ptr_equal(directory_key(directory, key->hash), key);
    assert_ptr_equal(directory_key_by_id(directory, (struct id){7}), key);
    assert_null(directory_key(directory, other));
    assert_null(directory_key_by_id(directory, (struct id){8}));
    struct directory *without = directory_remove_key(directory, (struct id){7});
    assert_null(directory_key(without, key->hash));
    assert_null(directory_key_by_id(without, (struct id){7}));
    struct directory *with = directory_put_key(without, key);
    assert_ptr_equal(directory_key(with, key->hash), key);
    directory_release(directory);
    directory_release(without);
    directory_release(with);
    key_release(key);
}

static void removing_an_account_removes_its_keys_and_no_others(UNUSED void **state)
{
    struct directory *directory = many_accounts(3);

    for (uint64_t id = 1; id <= 300; id++) {
        add_key(directory, id, id % 4);
    }
    struct directory *changed = directory_remove_account(directory, (struct id){2});
    for (uint64_t id = 1; id <= 300; id++) {
        assert_int_equal(directory_key_by_id(changed, (struct id){id}) != NULL, id % 4 != 2);
        assert_non_null(directory_key_by_id(directory, (struct id){id}));
    }
    directory_release(directory);
    directory_release(changed);
}

static void removing_what_is_not_there_changes_nothing(UNUSED void **state)
{
    struct directory *directory = many_accounts(3);

    add_key(directory, 1, 0);
    struct directory *same = directory_remove_account(directory, ID_NONE);
    struct directory *still = directory_remove_key(same, (struct id){9});
    assert_int_equal(directory_accounts_count(still), 3);
    assert_non_null(directory_key_by_id(still, (struct id){1}));
    directory_release(directory);
    directory_release(same);
    directory_release(still);
}

static void pages_list_all_accounts_by_name_each_once(UNUSED void **state)
{
    struct directory *directory = many_accounts(1003);
    struct account *page[PAGE];
    struct slice after = SLICE("");
    size_t seen = 0;
    size_t len;

    while ((len = directory_accounts_after(directory, after, page, PAGE)) > 0) {
        for (size_t i = 0; i < len; i++) {
            assert_slice_is(page[i]->name, name_of((int)seen).text);
            seen++;
        }
        after = page[len - 1]->name;
    }
    assert_int_equal(seen, 1003);
    assert_int_equal(directory_accounts_after(directory, SLICE("shop-000500x"), page, 1), 1);
    assert_slice_is(page[0]->name, "shop-000501");
    directory_release(directory);
}

static void pages_list_all_keys_by_id(UNUSED void **state)
{
    struct directory *directory = directory_new(SEED);
    struct key *page[10];

    for (uint64_t id = 1000; id > 0; id -= 10) {
        add_key(directory, id << 20, 0);
    }
    assert_int_equal(directory_keys_after(directory, ID_NONE, page, 10), 10);
    assert_int_equal(page[0]->id.value, 10 << 20);
    assert_int_equal(page[9]->id.value, 100 << 20);
    assert_int_equal(directory_keys_after(directory, (struct id){980 << 20}, page, 10), 2);
    assert_int_equal(page[1]->id.value, 1000 << 20);
    assert_int_equal(directory_keys_after(directory, page[1]->id, page, 10), 0);
    directory_release(directory);
}

static void count_one(void *ctx, UNUSED struct account *account)
{
    ++*(size_t *)ctx;
}

static void each_visits_all_accounts(UNUSED void **state)
{
    struct directory *directory = many_accounts(1000);
    size_t count = 0;

    directory_each_account(directory, count_one, &count);
    assert_int_equal(count, 1000);
    directory_release(directory);
}

/* Of how many accounts the tables have a second place: those in shards that were copied. */
static size_t count_copied(struct account *const *accounts)
{
    size_t count = 0;

    for (size_t i = 0; i < MANY; i++) {
        count += atomic_load(&accounts[i]->references) > 2;
    }
    return count;
}

static struct directory *put_with(struct directory *directory, uint64_t id, const char *settings)
{
    struct account *account = make_account_with(id, name_of((int)id).text, settings);
    struct directory *changed = directory_put_account(directory, account);

    account_release(account);
    directory_release(directory);
    return changed;
}

static void assert_login(const struct directory *directory, const char *dialect, const char *login,
                         uint64_t id)
{
    const struct account *found = directory_account_by_login(directory, dialect, slice_of(login));

    assert_int_equal(found != NULL ? found->id.value : 0, id);
}

static void finds_accounts_by_what_their_credentials_say(UNUSED void **state)
{
    struct directory *directory = directory_new(SEED);

    directory = put_with(directory, 1, "{\"wapi\":{\"login\":\"a\"}}");
    directory =
        put_with(directory, 2, "{\"wapi\":{\"login\":\"b\"},\"checkout\":{\"merchant_id\":\"a\"}}");
    assert_login(directory, "wapi", "a", 1);
    assert_login(directory, "wapi", "b", 2);
    assert_login(directory, "checkout", "a", 2);
    assert_login(directory, "checkout", "b", 0);
    assert_login(directory, "wapi", "", 0);
    directory_release(directory);
}

static void a_login_goes_with_its_credentials(UNUSED void **state)
{
    struct directory *directory = directory_new(SEED);

    directory = put_with(directory, 1, "{\"wapi\":{\"login\":\"a\"}}");
    directory = put_with(directory, 1, "{\"wapi\":{\"login\":\"b\"}}");
    assert_login(directory, "wapi", "a", 0);
    assert_login(directory, "wapi", "b", 1);
    struct directory *removed = directory_remove_account(directory, (struct id){1});
    assert_login(removed, "wapi", "b", 0);
    assert_login(directory, "wapi", "b", 1);
    directory_release(directory);
    directory_release(removed);
}

static void a_login_longer_than_any_is_nobodys(UNUSED void **state)
{
    struct directory *directory = directory_new(SEED);
    char login[CREDENTIALS_LOGIN_BYTES_MAX + 2] = {0};

    memset(login, 'a', sizeof login - 1);
    assert_login(directory, "wapi", login, 0);
    directory_release(directory);
}

static void a_change_among_many_copies_some_hundred_pointers(UNUSED void **state)
{
    struct directory *directory = many_accounts(MANY);
    struct account **accounts = MEM_ARRAY(MANY, struct account *);

    assert_int_equal(directory_accounts_after(directory, SLICE(""), accounts, MANY), MANY);
    assert_int_equal(count_copied(accounts), 0); /* each is in the two tables once */
    struct directory *old = directory_hold(directory);
    directory = put_account(directory, 50000, name_of(49999).text);
    size_t copied = count_copied(accounts);
    assert_in_range(copied, 2, (size_t)2 * 2 * MANY / TABLE_SHARDS); /* twice the mean of two */
    directory_release(directory);
    assert_int_equal(count_copied(accounts), 0);
    directory_release(old);
    mem_free(accounts);
}

/* Its time limit is that of the test: with whole copies these would be 200 million pointers. */
static void many_changes_among_many_accounts_are_cheap(UNUSED void **state)
{
    struct directory *directory = many_accounts(MANY);

    for (int i = 0; i < CHANGES; i++) {
        struct directory *old = directory_hold(directory); /* as readers do */

        directory = put_account(directory, (uint64_t)i * 97 + 1, name_of(i * 97).text);
        directory_release(old);
    }
    assert_int_equal(directory_accounts_count(directory), MANY);
    directory_release(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_accounts_by_name_and_by_id),
        cmocka_unit_test(an_old_snapshot_stays_as_it_was),
        cmocka_unit_test(an_account_put_again_replaces_the_old_one),
        cmocka_unit_test(no_name_or_id_of_a_replaced_account_leads_anywhere),
        cmocka_unit_test(finds_keys_by_hash_and_by_id),
        cmocka_unit_test(removing_an_account_removes_its_keys_and_no_others),
        cmocka_unit_test(removing_what_is_not_there_changes_nothing),
        cmocka_unit_test(pages_list_all_accounts_by_name_each_once),
        cmocka_unit_test(pages_list_all_keys_by_id),
        cmocka_unit_test(each_visits_all_accounts),
        cmocka_unit_test(finds_accounts_by_what_their_credentials_say),
        cmocka_unit_test(a_login_goes_with_its_credentials),
        cmocka_unit_test(a_login_longer_than_any_is_nobodys),
        cmocka_unit_test(a_change_among_many_copies_some_hundred_pointers),
        cmocka_unit_test(many_changes_among_many_accounts_are_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
