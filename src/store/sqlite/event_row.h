/*
 * The rows of events, and the targets packed into them.
 */
#ifndef STORE_SQLITE_EVENT_ROW_H
#define STORE_SQLITE_EVENT_ROW_H

#include "store/sqlite/sqlite_internal.h"

/* Targets as stored: TARGET_BYTES each. */
enum { TARGET_BYTES = 8 + 1 };

void targets_pack(struct buf *out, const struct store_target *targets, uint32_t len);
uint32_t targets_count(struct slice packed);
struct store_target targets_at(struct slice packed, uint32_t index);

/* Adds the row of an item's event. */
enum err event_row_insert(struct engine *engine, const struct store_publish_item *item) MUST_CHECK;

/* Makes the event of a row of EVENT_COLUMNS. */
struct event *event_row_make(sqlite3_stmt *row);

/* Reads an event by its id, or the one that a delivery is of; NULL when it is gone. */
enum err event_row_get(struct database *db, struct id event, struct event **out) MUST_CHECK;
enum err event_row_of_delivery(struct database *db, struct id delivery,
                               struct event **out) MUST_CHECK;

/* Where a delivery comes from, as its event's row tells. */
struct delivery_origin {
    struct id event, account, channel;
    enum store_way way;
    uint32_t index; /* among the event's deliveries */
    bool has_data;  /* not yet removed by age */
    bool is_found;
};

enum err event_row_origin(struct database *db, struct id delivery,
                          struct delivery_origin *out) MUST_CHECK;

#endif
