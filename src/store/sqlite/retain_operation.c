/*
 * The walk of retain.c over operations: idempotency keys past their age, those that ended long ago,
 * and those of accounts that were removed. Each finds what it is to remove at the front of an
 * index, so it needs no memory of where it stood.
 */
#include "store/sqlite/idempotency.h"
#include "store/sqlite/retain_internal.h"

#include <string.h>

/* What is needed of an operation that is about to change or go. */
struct old_operation {
    struct id id;
    bool has_key;
    uint8_t key[STORE_HASH_BYTES];
    bool is_found;
};

/* The one row of a statement that is bound; counts it. */
static enum err next_operation(struct sweep *sweep, sqlite3_stmt *row, struct old_operation *out)
{
    bool has_row = false;
    enum err err = sql_next(&sweep->engine->db, row, &has_row);

    *out = (struct old_operation){.is_found = err == OK && has_row};
    if (out->is_found) {
        struct slice key = column_slice(row, 1);

        out->id = column_id(row, 0);
        out->has_key = key.len == sizeof out->key;
        if (out->has_key) {
            memcpy(out->key, key.ptr, key.len);
        }
        sweep->left--;
    }
    sql_end(row);
    return err;
}

static enum err run_with_id(struct database *db, enum sql which, struct id id)
{
    sqlite3_stmt *statement = sql_use(db, which);

    bind_id(statement, 1, id);
    return sql_run(db, statement);
}

static enum err drop_key(struct sweep *sweep, const struct old_operation *operation)
{
    return operation->has_key ? idempotency_drop(&sweep->engine->db, operation->key, operation->id)
                              : OK;
}

static enum err forget_key(struct sweep *sweep, const struct old_operation *operation)
{
    enum err err = drop_key(sweep, operation);

    sweep->retain->removed++;
    return err == OK ? run_with_id(&sweep->engine->db, SQL_forget_operation_key, operation->id)
                     : err;
}

static enum err delete_operation(struct sweep *sweep, const struct old_operation *operation)
{
    enum err err = drop_key(sweep, operation);

    sweep->retain->removed++;
    return err == OK ? run_with_id(&sweep->engine->db, SQL_delete_operation, operation->id) : err;
}

static enum err sweep_keys(struct sweep *sweep)
{
    struct old_operation old = {.is_found = true};
    enum err err = OK;

    while (err == OK && old.is_found && sweep->left > 0) {
        sqlite3_stmt *row = sql_use(&sweep->engine->db, SQL_next_keyed_operation);

        bind_id(row, 1, id_floor(sweep->retain->idempotency_before));
        err = next_operation(sweep, row, &old);
        err = err == OK && old.is_found ? forget_key(sweep, &old) : err;
    }
    return err;
}

static enum err sweep_ended(struct sweep *sweep)
{
    struct old_operation old = {.is_found = true};
    enum err err = OK;

    while (err == OK && old.is_found && sweep->left > 0) {
        sqlite3_stmt *row = sql_use(&sweep->engine->db, SQL_next_ended_operation);

        bind_wall(row, 1, sweep->retain->rest_before);
        err = next_operation(sweep, row, &old);
        err = err == OK && old.is_found ? delete_operation(sweep, &old) : err;
    }
    return err;
}

/* ---- Accounts that were removed ------------------------------------------------------------- */

static enum err next_removed_account(struct database *db, struct id *account)
{
    sqlite3_stmt *row = sql_use(db, SQL_next_removed_account);
    bool has_row = false;
    enum err err = sql_next(db, row, &has_row);

    *account = err == OK && has_row ? column_id(row, 0) : ID_NONE;
    sql_end(row);
    return err;
}

static enum err sweep_orphan(struct sweep *sweep, struct id account, bool *has_more)
{
    struct database *db = &sweep->engine->db;
    sqlite3_stmt *row = sql_use(db, SQL_next_operation_of);
    struct old_operation old = {.is_found = false};

    bind_id(row, 1, account);
    enum err err = next_operation(sweep, row, &old);
    *has_more = old.is_found;
    return err == OK && old.is_found ? delete_operation(sweep, &old) : err;
}

static enum err sweep_orphans(struct sweep *sweep)
{
    struct database *db = &sweep->engine->db;
    struct id account = ID_NONE;
    enum err err = next_removed_account(db, &account);

    while (err == OK && account.value != 0 && sweep->left > 0) {
        bool has_more = false;

        err = sweep_orphan(sweep, account, &has_more);
        if (err == OK && !has_more) {
            err = run_with_id(db, SQL_delete_removed_account, account);
            err = err == OK ? next_removed_account(db, &account) : err;
        }
    }
    return err;
}

enum err retain_sweep_operations(struct sweep *sweep)
{
    enum err err = sweep_orphans(sweep);

    if (err == OK) {
        err = sweep_keys(sweep);
    }
    return err == OK ? sweep_ended(sweep) : err;
}
