#include "model/directory.h"

#include "base/mem.h"
#include "model/reference.h"
#include "model/table.h"

#include <assert.h>
#include <string.h>

/* Every account is in two of the tables, every key in two others; the last one has the logins. */
enum { ACCOUNTS_BY_NAME, ACCOUNTS_BY_ID, KEYS_BY_HASH, KEYS_BY_ID, LOGINS, TABLES };

struct directory {
    _Atomic uint32_t references;
    struct table *tables[TABLES]; /* one reference each; shared with other snapshots */
};

/* By what an account is known at a dialect's door. */
struct login {
    _Atomic uint32_t references;
    struct id account;
    size_t len;
    char key[]; /* see put_login_key */
};

/* ---- what the tables must know ---- */

static struct slice account_name_key(const void *thing)
{
    return ((const struct account *)thing)->name;
}

/* The bytes of an id as memory has them: compared by compare_ids only. */
static struct slice id_key(const struct id *id)
{
    return slice_from(&id->value, sizeof id->value);
}

static struct slice account_id_key(const void *thing)
{
    return id_key(&((const struct account *)thing)->id);
}

static struct slice key_hash_key(const void *thing)
{
    return slice_from(((const struct key *)thing)->hash, SHA256_BYTES);
}

static struct slice key_id_key(const void *thing)
{
    return id_key(&((const struct key *)thing)->id);
}

static int compare_ids(struct slice a, struct slice b)
{
    uint64_t first;
    uint64_t second;

    memcpy(&first, a.ptr, sizeof first);
    memcpy(&second, b.ptr, sizeof second);
    return (first > second) - (first < second);
}

static void hold_account(void *thing)
{
    (void)account_hold(thing); /* gives back what it got */
}

static void release_account(void *thing)
{
    account_release(thing);
}

static void hold_key(void *thing)
{
    (void)key_hold(thing); /* gives back what it got */
}

static void release_key(void *thing)
{
    key_release(thing);
}

static struct slice login_key(const void *thing)
{
    const struct login *login = thing;

    return slice_from(login->key, login->len);
}

static void hold_login(void *thing)
{
    reference_take(&((struct login *)thing)->references);
}

static void release_login(void *thing)
{
    struct login *login = thing;

    if (reference_drop(&login->references)) {
        mem_free(login);
    }
}

static const struct table_kind kinds[TABLES] = {
    [ACCOUNTS_BY_NAME] = {account_name_key, slice_compare, hold_account, release_account},
    [ACCOUNTS_BY_ID] = {account_id_key, compare_ids, hold_account, release_account},
    [KEYS_BY_HASH] = {key_hash_key, slice_compare, hold_key, release_key},
    [KEYS_BY_ID] = {key_id_key, compare_ids, hold_key, release_key},
    [LOGINS] = {login_key, slice_compare, hold_login, release_login},
};

/* ---- life ---- */

struct directory *directory_new(uint64_t seed)
{
    struct directory *directory = MEM_NEW(struct directory);

    atomic_init(&directory->references, 1);
    for (size_t i = 0; i < TABLES; i++) {
        directory->tables[i] = table_new(&kinds[i], seed);
    }
    return directory;
}

/* A snapshot of one's own that shares all tables. */
static struct directory *copy(const struct directory *directory)
{
    struct directory *snapshot = MEM_NEW(struct directory);

    atomic_init(&snapshot->references, 1);
    for (size_t i = 0; i < TABLES; i++) {
        snapshot->tables[i] = table_hold(directory->tables[i]);
    }
    return snapshot;
}

struct directory *directory_hold(struct directory *directory)
{
    reference_take(&directory->references);
    return directory;
}

void directory_release(struct directory *directory)
{
    if (directory == NULL || !reference_drop(&directory->references)) {
        return;
    }
    for (size_t i = 0; i < TABLES; i++) {
        table_release(directory->tables[i]);
    }
    mem_free(directory);
}

/* ---- changes ---- */

/* The table, fit to be changed: copied when another snapshot shares it. */
static struct table *own_table(struct directory *directory, size_t i)
{
    struct table *table = directory->tables[i];

    assert(reference_is_only(&directory->references));
    if (!reference_is_only(&table->references)) {
        directory->tables[i] = table_copy(table);
        table_release(table);
    }
    return directory->tables[i];
}

/* Takes a thing out of both of its tables, which are neighbours; NULL is fine. */
static void forget(struct directory *directory, size_t first_table, const void *thing)
{
    for (size_t i = first_table; thing != NULL && i < first_table + 2; i++) {
        /* The key is the thing's: it must outlive the first removal, so the caller holds it. */
        table_remove(own_table(directory, i), kinds[i].key(thing));
    }
}

/* Puts it into both, and takes out what has its place in one of them but another in the other. */
static void put(struct directory *directory, size_t first_table, void *thing)
{
    for (size_t i = first_table; i < first_table + 2; i++) {
        void *old = table_get(directory->tables[i], kinds[i].key(thing));

        if (old != NULL && old != thing) {
            kinds[i].hold(old);
            forget(directory, first_table, old);
            kinds[i].release(old);
        }
    }
    for (size_t i = first_table; i < first_table + 2; i++) {
        table_put(own_table(directory, i), thing);
    }
}

/* The dialect's name, a space, the login: no dialect has a space in its name. */
static void put_login_key(const char *dialect, struct slice login, struct buf *out)
{
    buf_init(out, DIALECT_NAME_BYTES_MAX + 1 + CREDENTIALS_LOGIN_BYTES_MAX);
    buf_printf(out, "%s ", dialect);
    buf_slice(out, login);
}

static struct login *new_login(struct slice key, struct id account)
{
    struct login *login = mem_new(1, sizeof *login + key.len);

    atomic_init(&login->references, 1);
    login->account = account;
    login->len = key.len;
    memcpy(login->key, key.ptr, key.len);
    return login;
}

static void add_login(struct directory *directory, const struct credential *credential,
                      struct id account)
{
    struct buf key;

    put_login_key(credential->rules->name, credential->login, &key);
    struct login *login = new_login(buf_view(&key), account);
    table_put(own_table(directory, LOGINS), login);
    release_login(login);
    buf_clear(&key);
}

/* Only the account's own: what it gave up may belong to another meanwhile. */
static void forget_login(struct directory *directory, const struct credential *credential,
                         struct id account)
{
    struct buf key;

    put_login_key(credential->rules->name, credential->login, &key);
    const struct login *login = table_get(directory->tables[LOGINS], buf_view(&key));
    if (login != NULL && login->account.value == account.value) {
        table_remove(own_table(directory, LOGINS), buf_view(&key));
    }
    buf_clear(&key);
}

static bool has_login(const struct credential *credential)
{
    return !slice_is_empty(credential->login);
}

static void forget_logins(struct directory *directory, const struct account *account)
{
    const struct credentials *credentials = account->credentials;

    for (uint32_t i = 0; credentials != NULL && i < credentials->items_len; i++) {
        if (has_login(&credentials->items[i])) {
            forget_login(directory, &credentials->items[i], account->id);
        }
    }
}

static void add_logins(struct directory *directory, const struct account *account)
{
    const struct credentials *credentials = account->credentials;

    for (uint32_t i = 0; credentials != NULL && i < credentials->items_len; i++) {
        if (has_login(&credentials->items[i])) {
            add_login(directory, &credentials->items[i], account->id);
        }
    }
}

void directory_add_account(struct directory *directory, struct account *account)
{
    const struct account *before = directory_account_by_id(directory, account->id);

    /* Most changes are of a channel, and the credentials are the same block. */
    if (before == NULL || before->credentials != account->credentials) {
        if (before != NULL) {
            forget_logins(directory, before);
        }
        add_logins(directory, account);
    }
    put(directory, ACCOUNTS_BY_NAME, account);
}

void directory_add_key(struct directory *directory, struct key *key)
{
    put(directory, KEYS_BY_HASH, key);
}

struct directory *directory_put_account(const struct directory *directory, struct account *account)
{
    struct directory *snapshot = copy(directory);

    directory_add_account(snapshot, account);
    return snapshot;
}

struct directory *directory_put_key(const struct directory *directory, struct key *key)
{
    struct directory *snapshot = copy(directory);

    directory_add_key(snapshot, key);
    return snapshot;
}

/* Removes the keys of one account while all keys of the old snapshot are looked at. */
struct key_removal {
    struct directory *directory;
    struct id account;
};

static void remove_key_of(void *ctx, void *thing)
{
    const struct key_removal *removal = ctx;
    const struct key *key = thing;

    if (key->account.value == removal->account.value) {
        forget(removal->directory, KEYS_BY_HASH, key);
    }
}

struct directory *directory_remove_account(const struct directory *directory, struct id account)
{
    struct directory *snapshot = copy(directory);
    struct key_removal removal = {snapshot, account};
    const struct account *removed = directory_account_by_id(directory, account);

    /* The old snapshot holds what is forgotten in the new one. */
    if (removed != NULL) {
        forget_logins(snapshot, removed);
        forget(snapshot, ACCOUNTS_BY_NAME, removed);
        table_each(directory->tables[KEYS_BY_ID], remove_key_of, &removal);
    }
    return snapshot;
}

struct directory *directory_remove_key(const struct directory *directory, struct id key)
{
    struct directory *snapshot = copy(directory);

    forget(snapshot, KEYS_BY_HASH, directory_key_by_id(directory, key));
    return snapshot;
}

/* ---- questions ---- */

struct account *directory_account(const struct directory *directory, struct slice name)
{
    return table_get(directory->tables[ACCOUNTS_BY_NAME], name);
}

struct account *directory_account_by_id(const struct directory *directory, struct id account)
{
    return table_get(directory->tables[ACCOUNTS_BY_ID], id_key(&account));
}

struct account *directory_account_by_login(const struct directory *directory, const char *dialect,
                                           struct slice login)
{
    const struct login *found = NULL;
    struct buf key;

    if (login.len > CREDENTIALS_LOGIN_BYTES_MAX) {
        return NULL;
    }
    put_login_key(dialect, login, &key);
    found = table_get(directory->tables[LOGINS], buf_view(&key));
    buf_clear(&key);
    return found != NULL ? directory_account_by_id(directory, found->account) : NULL;
}

struct key *directory_key(const struct directory *directory, const uint8_t hash[SHA256_BYTES])
{
    return table_get(directory->tables[KEYS_BY_HASH], slice_from(hash, SHA256_BYTES));
}

struct key *directory_key_by_id(const struct directory *directory, struct id key)
{
    return table_get(directory->tables[KEYS_BY_ID], id_key(&key));
}

size_t directory_accounts_count(const struct directory *directory)
{
    return directory->tables[ACCOUNTS_BY_NAME]->count;
}

size_t directory_accounts_after(const struct directory *directory, struct slice after,
                                struct account **out, size_t max)
{
    struct table_walk walk;
    size_t len = 0;

    table_walk_init(&walk, directory->tables[ACCOUNTS_BY_NAME], &after);
    while (len < max && (out[len] = table_walk_next(&walk)) != NULL) {
        len++;
    }
    return len;
}

size_t directory_keys_after(const struct directory *directory, struct id after, struct key **out,
                            size_t max)
{
    struct table_walk walk;
    struct slice key = id_key(&after);
    size_t len = 0;

    table_walk_init(&walk, directory->tables[KEYS_BY_ID], &key);
    while (len < max && (out[len] = table_walk_next(&walk)) != NULL) {
        len++;
    }
    return len;
}

/* A visitor of accounts seen as one of things. */
struct account_visit {
    directory_visit_fn *visit;
    void *ctx;
};

static void visit_account(void *ctx, void *thing)
{
    const struct account_visit *visit = ctx;

    visit->visit(visit->ctx, thing);
}

void directory_each_account(const struct directory *directory, directory_visit_fn *visit, void *ctx)
{
    struct account_visit account_visit = {visit, ctx};

    table_each(directory->tables[ACCOUNTS_BY_ID], visit_account, &account_visit);
}
