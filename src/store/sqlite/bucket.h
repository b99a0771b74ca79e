/*
 * Buckets: creation order cut into pieces of 8,192 events, by which the indexes begin.
 */
#ifndef STORE_SQLITE_BUCKET_H
#define STORE_SQLITE_BUCKET_H

#include "store/sqlite/sqlite_internal.h"

/* At the start: finds the newest one. */
enum err bucket_load(struct engine *engine) MUST_CHECK;

/* The bucket of an event that is being written; begins a new one when the newest is full. */
enum err bucket_for_event(struct engine *engine, struct id event, int64_t *out) MUST_CHECK;

/* The bucket that an id falls into, 0 when it is older than all. */
enum err bucket_of(struct database *db, struct id id, int64_t *out) MUST_CHECK;

/* The oldest one there is, 0 when there is none. */
enum err bucket_oldest(struct database *db, int64_t *out) MUST_CHECK;

#endif
