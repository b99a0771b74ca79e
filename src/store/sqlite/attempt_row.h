/*
 * The rows of attempts. A delivery's attempts are a chain from the newest back; only a delivery
 * that was delivered by its first attempt has no row that its chain could begin from: it is found
 * by the index instead.
 */
#ifndef STORE_SQLITE_ATTEMPT_ROW_H
#define STORE_SQLITE_ATTEMPT_ROW_H

#include "store/sqlite/sqlite_internal.h"

/* Appends an attempt behind `previous` (or ID_NONE); its id comes back in it. */
enum err attempt_row_append(struct engine *engine, const struct engine_batch *batch,
                            struct id delivery, struct id previous,
                            struct attempt *attempt) MUST_CHECK;

/* Makes it the one by which its delivery was delivered, so that it is found without a row. */
enum err attempt_row_index(struct engine *engine, struct id delivery, struct id attempt) MUST_CHECK;

/* That one, ID_NONE when there is none. Looks into the buckets from that of the delivery's event
 * on. */
enum err attempt_row_find(struct database *db, struct id event, struct id delivery,
                          struct id *out) MUST_CHECK;

/* The chain that ends with `newest`, oldest first, at most STORE_ATTEMPTS_MAX of its newest; owned
 * as store.h says. */
enum err attempt_row_chain(struct database *db, struct id newest, struct attempt **out,
                           size_t *out_len) MUST_CHECK;

#endif
