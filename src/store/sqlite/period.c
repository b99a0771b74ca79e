#include "store/sqlite/period.h"

#include "store/sqlite/bucket.h"

enum { BUCKETS_MAX = 4096 }; /* 33 million events: some ten milliseconds */

static void cut(struct period *period)
{
    if (period->newest - period->oldest < BUCKETS_MAX) {
        return;
    }
    period->is_cut = true;
    if (period->is_newest_first) {
        period->oldest = period->newest - BUCKETS_MAX + 1;
    } else {
        period->newest = period->oldest + BUCKETS_MAX - 1;
    }
}

enum err period_begin(struct database *db, struct period *period, sqlite3_stmt **rows)
{
    int64_t first = 0;
    enum err err = bucket_of(db, period->from, &period->oldest);

    if (err == OK) {
        err = bucket_of(db, period->to, &period->newest);
    }
    if (err == OK) {
        err = bucket_oldest(db, &first);
    }
    if (err != OK) {
        return err;
    }
    period->oldest = period->oldest > first ? period->oldest : first;
    cut(period);
    *rows = sql_use(db, period->is_newest_first ? SQL_events_down : SQL_events_up);
    bind_id(*rows, 1, period->account);
    bind_id(*rows, 2, period->from);
    bind_id(*rows, 3, period->to);
    bind_i64(*rows, 4, period->oldest);
    bind_i64(*rows, 5, period->newest);
    return OK;
}

enum err period_rest(struct database *db, const struct period *period, bool *has_more,
                     struct id *last)
{
    sqlite3_stmt *row = sql_use(db, SQL_bucket_first);
    bool has_row = false;

    if (!period->is_cut) {
        return OK;
    }
    bind_i64(row, 1, period->is_newest_first ? period->oldest : period->newest + 1);
    enum err err = sql_next(db, row, &has_row);
    if (err == OK && has_row) {
        uint64_t first = column_id(row, 0).value;

        *has_more = true;
        *last = (struct id){period->is_newest_first ? first : first - 1};
    }
    sql_end(row);
    return err;
}
