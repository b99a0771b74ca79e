/*
 * The directory: an immutable snapshot of all accounts, channels and keys.
 *
 * A change makes a new snapshot that shares all it did not touch (model/table.h), so a change among
 * 100,000 accounts copies some hundred pointers. Any thread may read a snapshot it holds, without a
 * lock.
 */
#ifndef MODEL_DIRECTORY_H
#define MODEL_DIRECTORY_H

#include "model/account.h"
#include "model/key.h"

struct directory; /* opaque, reference counted */

/* Empty. seed comes from chance: names are chosen by peers. */
struct directory *directory_new(uint64_t seed);
struct directory *directory_hold(struct directory *directory);
void directory_release(struct directory *directory); /* NULL is fine */

/*
 * New snapshots, one reference for the caller; the old one stays valid. put replaces by id (and
 * name) and takes a reference of its own: the caller keeps its own. Removing an account removes its
 * keys too.
 */
struct directory *directory_put_account(const struct directory *directory, struct account *account);
struct directory *directory_remove_account(const struct directory *directory, struct id account);
struct directory *directory_put_key(const struct directory *directory, struct key *key);
struct directory *directory_remove_key(const struct directory *directory, struct id key);

/*
 * Builds one from many at start without a copy for each: puts in place, with a reference of its
 * own; only before the directory is shared.
 */
void directory_add_account(struct directory *directory, struct account *account);
void directory_add_key(struct directory *directory, struct key *key);

/* Lent while the snapshot is held; NULL when there is none. */
struct account *directory_account(const struct directory *directory, struct slice name);
struct account *directory_account_by_id(const struct directory *directory, struct id account);
/* By the login that its credentials of a dialect name. */
struct account *directory_account_by_login(const struct directory *directory, const char *dialect,
                                           struct slice login);
struct key *directory_key(const struct directory *directory, const uint8_t hash[SHA256_BYTES]);
struct key *directory_key_by_id(const struct directory *directory, struct id key);

size_t directory_accounts_count(const struct directory *directory);

/*
 * The next accounts by name (bytewise) after `after` (empty: from the start), at most max, lent, in
 * order; returns how many.
 */
size_t directory_accounts_after(const struct directory *directory, struct slice after,
                                struct account **out, size_t max);

/* The next keys by id after `after` (ID_NONE: from the start), the same way. */
size_t directory_keys_after(const struct directory *directory, struct id after, struct key **out,
                            size_t max);

/* Calls visit for every account, in no particular order. */
typedef void directory_visit_fn(void *ctx, struct account *account);
void directory_each_account(const struct directory *directory, directory_visit_fn *visit,
                            void *ctx);

#endif
