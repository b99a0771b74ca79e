/*
 * What time ends, see retain.c; and the one piece of it that others need.
 */
#ifndef STORE_SQLITE_RETAIN_H
#define STORE_SQLITE_RETAIN_H

#include "store/sqlite/sqlite_internal.h"

/*
 * A delivery ended of an event whose data should have gone long ago and was kept for this delivery:
 * removes it now, unless another one is still pending. Costs nothing for younger events.
 */
enum err retain_drop_data_late(struct engine *engine, struct id event) MUST_CHECK;

/* The same, where only the delivery is known. */
enum err retain_drop_data_of(struct engine *engine, struct id delivery) MUST_CHECK;

/* At the start: where the walks through the old end stood. */
enum err retain_load(struct engine *engine) MUST_CHECK;

#endif
