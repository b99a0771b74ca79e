/*
 * What a benchmark's program has to say, as one JSON object. Times are in microseconds.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "base/json.h"
#include "histogram.h"

enum { REPORT_BYTES_MAX = 16 * 1024 };

struct report {
    struct buf text;
    struct json_writer writer; /* within the object: members may be put here too */
};

void report_begin(struct report *report);
void report_number(struct report *report, const char *name, uint64_t number);
void report_histogram(struct report *report, const char *name, const struct histogram *histogram);

/* Adds the CPU time of this thread, which is all of the program, and ends the object. */
void report_end(struct report *report);

/* Prints the ended object as one line on stdout. */
void report_print(const struct report *report);
void report_clear(struct report *report);

#endif
