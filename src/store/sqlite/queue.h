/*
 * What others tell the queue: see queue.c.
 */
#ifndef STORE_SQLITE_QUEUE_H
#define STORE_SQLITE_QUEUE_H

#include "store/sqlite/sqlite_internal.h"

/* A message of this channel may have become available that a hint passes over; or of every
 * channel. */
void queue_forget_hint(struct engine *engine, struct id channel);
void queue_forget_hints(struct engine *engine);

#endif
