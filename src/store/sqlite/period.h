/*
 * The events of one account in a period, oldest or newest first, by the index that begins with
 * buckets.
 *
 * One walk looks into a bounded number of buckets. When it ends at that bound and not at the end of
 * the period, period_rest says where to go on.
 */
#ifndef STORE_SQLITE_PERIOD_H
#define STORE_SQLITE_PERIOD_H

#include "store/sqlite/sqlite_internal.h"

struct period {
    struct id account;
    struct id from, to; /* [from, to) */
    bool is_newest_first;
    int64_t oldest, newest; /* buckets of this walk */
    bool is_cut;            /* there are further buckets in the period */
};

/* Makes *rows give the ids of the events, one a row. */
enum err period_begin(struct database *db, struct period *period, sqlite3_stmt **rows) MUST_CHECK;

/* After the last row: whether buckets are left, and then the id behind (before, with newest first)
 * which to go on. */
enum err period_rest(struct database *db, const struct period *period, bool *has_more,
                     struct id *last) MUST_CHECK;

#endif
