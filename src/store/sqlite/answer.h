/*
 * What answering shares with receiving: see answer.c.
 */
#ifndef STORE_SQLITE_ANSWER_H
#define STORE_SQLITE_ANSWER_H

#include "store/sqlite/pending.h"

/* Ends a queue message as delivered, with an attempt that stands for its acknowledgement. One that
 * nobody received counts as received by this. */
enum err answer_acknowledge(struct engine *engine, const struct engine_batch *batch,
                            struct pending_row *row) MUST_CHECK;

#endif
