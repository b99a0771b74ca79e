/*
 * The two kinds of time, as two types so that the compiler keeps them apart.
 *
 * struct mono is for durations and deadlines of this process and is never stored. struct wall is
 * what is stored and shown. Both count microseconds.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

struct mono {
    int64_t us; /* since some start; only differences mean something */
};

struct wall {
    int64_t us; /* since 1970-01-01T00:00:00Z, without leap seconds */
};

#define US_PER_MS INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR (60 * US_PER_MINUTE)
#define US_PER_DAY (24 * US_PER_HOUR)

/* Later than anything that happens; adding a day to it does not overflow. */
#define WALL_NEVER ((struct wall){INT64_MAX / 2})
#define MONO_NEVER ((struct mono){INT64_MAX / 2})

#endif
