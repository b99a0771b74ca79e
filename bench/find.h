/*
 * Looking for what is known to be there: the benchmarks' own ends read answers so, because parsing them
 * would take the server's time on the same cores.
 */
#ifndef BENCH_FIND_H
#define BENCH_FIND_H

#include "base/slice.h"

/* What stands in *rest up to the next `before` is dropped, and `before` too. False when there is none. */
bool find_past(struct slice *rest, struct slice before);

/* How often what stands in text, without overlaps. */
uint64_t find_count(struct slice text, struct slice what);

#endif
