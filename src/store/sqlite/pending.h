/*
 * Where deliveries stand: the rows of what is pending, and of what ended otherwise than delivered
 * by its first attempt.
 */
#ifndef STORE_SQLITE_PENDING_H
#define STORE_SQLITE_PENDING_H

#include "store/sqlite/sqlite_internal.h"

struct pending_row {
    struct id channel, delivery;
    struct id account;
    enum store_way way; /* STORE_WAITING or STORE_QUEUE */
    struct wall due;
    uint32_t attempts;
    uint32_t epoch;
    struct id last_attempt; /* ID_NONE: none recorded */
    bool is_found;
};

enum err pending_get(struct database *db, struct id channel, struct id delivery,
                     struct pending_row *out) MUST_CHECK;

/* A row of SQL_pending_in_order. */
struct pending_row pending_read(sqlite3_stmt *row, struct id channel);

/* The oldest one of a channel. */
enum err pending_first(struct database *db, struct id channel, struct pending_row *out) MUST_CHECK;

/* What `due` is of a row that somebody may have at once. */
struct wall pending_due_now(enum store_way way, struct wall now);

/* Adds a row, or sets all of one. When the channel is gone the delivery is canceled instead. */
enum err pending_put(struct engine *engine, struct wall now,
                     const struct pending_row *row) MUST_CHECK;

/* Writes due, attempts and last_attempt of a row that is there. */
enum err pending_move(struct engine *engine, const struct pending_row *row) MUST_CHECK;

/* Writes due, attempts and epoch: what a receive changes. */
enum err pending_lease(struct engine *engine, const struct pending_row *row) MUST_CHECK;

enum err pending_delete(struct engine *engine, struct id channel, struct id delivery) MUST_CHECK;

struct ended_row {
    struct id delivery;
    enum delivery_state state;
    uint32_t attempts;
    struct id last_attempt; /* ID_NONE: none recorded */
    bool is_found;
};

enum err ended_get(struct database *db, struct id delivery, struct ended_row *out) MUST_CHECK;
enum err ended_put(struct engine *engine, struct wall now, const struct ended_row *row) MUST_CHECK;
enum err ended_delete(struct engine *engine, struct id delivery) MUST_CHECK;

/* Takes the row out of pending and records how it ended. */
enum err pending_end(struct engine *engine, struct wall now, const struct pending_row *row,
                     enum delivery_state state) MUST_CHECK;

#endif
