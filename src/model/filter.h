/*
 * Which event types a channel wants: globs by dot.
 *
 * `order.created` is itself; `*` as a segment is exactly one segment (`order.*`, `*.created`); `**`
 * as the last segment is one or more segments (`order.**`); `*` alone is everything. Types that
 * begin with "tidings." (news about the channels themselves) are matched only by a pattern that
 * begins with "tidings." too, so nobody who asked for everything is surprised.
 */
#ifndef MODEL_FILTER_H
#define MODEL_FILTER_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>

enum { FILTER_PATTERN_BYTES_MAX = 128, FILTER_PATTERNS_MAX = 64 };

/* ERR_INVALID says what a pattern must look like. */
enum err filter_check(struct slice pattern, struct diag *diag) MUST_CHECK;

/* Whether a pattern that passed filter_check matches a type that passed event_type_check. */
bool filter_matches(struct slice pattern, struct slice type);

#endif
