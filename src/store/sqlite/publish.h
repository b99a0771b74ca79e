/*
 * One event into the store, whichever call brings it. Known events come first, so that a call can
 * check all else in between before it changes anything.
 */
#ifndef STORE_SQLITE_PUBLISH_H
#define STORE_SQLITE_PUBLISH_H

#include "store/sqlite/sqlite_internal.h"

/* Whether the item's idempotency key was used before: then the item has the answer. */
enum err publish_is_known(struct engine *engine, struct store_publish_item *item, struct wall now,
                          bool *is_known) MUST_CHECK;

/* Writes an event that is not known, with its deliveries. */
enum err publish_new(struct engine *engine, struct wall now,
                     const struct store_publish_item *item) MUST_CHECK;

/* How many deliveries an event has; 0 when it is gone. */
enum err publish_count_deliveries(struct database *db, struct id event, uint32_t *out) MUST_CHECK;

#endif
