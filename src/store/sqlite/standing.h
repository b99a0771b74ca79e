/*
 * Where a delivery stands, put together from the rows that may or may not be there: see schema.c.
 */
#ifndef STORE_SQLITE_STANDING_H
#define STORE_SQLITE_STANDING_H

#include "store/sqlite/event_row.h"
#include "store/sqlite/pending.h"

struct standing {
    enum delivery_state state;
    bool is_fresh;          /* pending without a row: being tried for the first time */
    bool has_pending;       /* a row in pending, which is `row` */
    bool has_ended;         /* a row in ended */
    uint32_t attempts;      /* made so far */
    struct id last_attempt; /* ID_NONE: none recorded, or only the index knows it */
    struct pending_row row;
};

/* mark: every event up to it has no fresh delivery. */
enum err standing_get(struct database *db, const struct delivery_origin *origin, struct id delivery,
                      struct id mark, struct standing *out) MUST_CHECK;

/* As callers see it; type is lent. */
struct store_delivery standing_describe(const struct standing *standing,
                                        const struct delivery_origin *origin, struct id delivery,
                                        struct slice type);

#endif
