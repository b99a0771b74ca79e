/*
 * The table of dialects: a new one is its folder and a line in dialects.c.
 */
#ifndef WIRE_DIALECTS_H
#define WIRE_DIALECTS_H

#include "dispatch/dialect.h"

extern const struct dialect_table dialects;

/* Checks a channel against its dialect when it is saved: known, serves the kind, options right. */
enum err dialects_check(const struct dialect_table *table, const struct channel *channel,
                        struct diag *diag) MUST_CHECK;

#endif
