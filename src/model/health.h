/*
 * The health of a channel: how long it has only failed, and what follows from that.
 *
 *   HEALTHY --failure--> FAILING --warn_after--> WARNED --disable_after--> DISABLED
 *      ^                    |                       |                         |
 *      |<----- success -----'------- success -------'                         |
 *      '---------------------- enabled again by hand -------------------------'
 *
 * A failure moves it one step at most, so that a warning always comes before it is disabled for
 * failing. A receiver's 410 Gone disables at once, from any state. Stored whenever it moves, so a
 * restart changes nothing.
 */
#ifndef MODEL_HEALTH_H
#define MODEL_HEALTH_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum health_state { HEALTH_HEALTHY, HEALTH_FAILING, HEALTH_WARNED, HEALTH_DISABLED };

struct health {
    enum health_state state;
    struct wall failing_since; /* first failure after the newest success; 0 when healthy */
    struct wall changed_at;
};

struct health_limits {
    int64_t warn_after_us;    /* a day */
    int64_t disable_after_us; /* five days; 0: never */
};

const char *health_word(enum health_state state); /* "healthy", "failing", "warned", "disabled" */

/* Each returns whether the state moved (so must be stored and told). */
bool health_success(struct health *health, struct wall now); /* changes nothing once disabled */
bool health_failure(struct health *health, const struct health_limits *limits, struct wall now);
bool health_gone(struct health *health, struct wall now);
bool health_enable(struct health *health, struct wall now);

#endif
