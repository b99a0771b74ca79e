/*
 * Pacing: a token bucket, so that a channel gets at most per_second attempts a second after a
 * burst.
 */
#ifndef MODEL_PACING_H
#define MODEL_PACING_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum { PACING_PER_SECOND_MAX = 100000, PACING_BURST_MAX = 100000 };

struct pacing_limit {
    uint32_t per_second; /* 0: no limit */
    uint32_t burst;      /* at least 1 when there is a limit */
};

struct pacing {
    struct mono full_at; /* when the bucket will be full again; past: it is */
};

/* Takes one token if there is one. Otherwise false and *wait_us is how long until there is. */
bool pacing_take(struct pacing *pacing, struct pacing_limit limit, struct mono now,
                 int64_t *wait_us);

#endif
