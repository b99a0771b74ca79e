/*
 * A histogram of durations in microseconds.
 *
 * Each doubling is divided into the same number of steps, so that a quantile is off by less than
 * one per cent, be it of microseconds or of minutes, and adding costs the same however many there
 * are.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include "base/json.h"

#include <stdint.h>

enum {
    HISTOGRAM_STEPS_LOG2 = 7, /* 128 steps a doubling: an error of at most 0.8 % */
    HISTOGRAM_STEPS = 1 << HISTOGRAM_STEPS_LOG2,
    HISTOGRAM_BITS_MAX = 36, /* 19 hours; longer ones count as that */
    HISTOGRAM_BUCKETS = (HISTOGRAM_BITS_MAX - HISTOGRAM_STEPS_LOG2 + 1) * HISTOGRAM_STEPS,
};

/* All zero is an empty one. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    int64_t max_us;
};

/* A negative duration counts as none. */
void histogram_add(struct histogram *histogram, int64_t us);

/*
 * The duration that per_mille of all do not pass, rounded up to the end of its bucket; 0 for an
 * empty histogram.
 */
int64_t histogram_quantile(const struct histogram *histogram, uint64_t per_mille);

/* Puts {"count", "p50", "p90", "p99", "p99_9", "max"}, in microseconds. */
void histogram_put(const struct histogram *histogram, struct json_writer *out);

#endif
