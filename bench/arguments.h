/*
 * The command line of a benchmark's program: `--name VALUE` pairs, described by one table.
 */
#ifndef BENCH_ARGUMENTS_H
#define BENCH_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

struct argument {
    const char *name;
    const char **text; /* where a text goes, or NULL */
    int64_t *number;   /* where a whole number goes, or NULL; it holds the default */
    int64_t min, max;  /* of a number */
    const char *help;
};

/*
 * Reads them all into their places. When something is wrong it says so on stderr, with the table,
 * and ends the process with status 2.
 */
void arguments_read(int argc, char **argv, const struct argument *table, size_t table_len);

#endif
