#include "model/health.h"

#include "base/macro.h"

const char *health_word(enum health_state state)
{
    static const char *const words[] = {
        [HEALTH_HEALTHY] = "healthy",
        [HEALTH_FAILING] = "failing",
        [HEALTH_WARNED] = "warned",
        [HEALTH_DISABLED] = "disabled",
    };

    return words[state];
}

/* The one place where the state changes. */
static bool move(struct health *health, enum health_state state, struct wall now)
{
    if (health->state == state) {
        return false;
    }
    if (state == HEALTH_HEALTHY) {
        health->failing_since = (struct wall){0};
    } else if (health->state == HEALTH_HEALTHY) {
        health->failing_since = now;
    }
    health->state = state;
    health->changed_at = now;
    return true;
}

/* A warning that came later than the disabling would be none. */
static int64_t warn_after_us(const struct health_limits *limits)
{
    bool warns_first =
        limits->disable_after_us == 0 || limits->warn_after_us < limits->disable_after_us;

    return warns_first ? limits->warn_after_us : limits->disable_after_us;
}

bool health_success(struct health *health, struct wall now)
{
    /* An answer that was on its way when the channel was disabled does not bring it back. */
    return health->state != HEALTH_DISABLED && move(health, HEALTH_HEALTHY, now);
}

bool health_failure(struct health *health, const struct health_limits *limits, struct wall now)
{
    int64_t failing_us = now.us - health->failing_since.us;

    switch (health->state) {
    case HEALTH_HEALTHY:
        return move(health, HEALTH_FAILING, now);
    case HEALTH_FAILING:
        return failing_us >= warn_after_us(limits) && move(health, HEALTH_WARNED, now);
    case HEALTH_WARNED:
        return limits->disable_after_us > 0 && failing_us >= limits->disable_after_us &&
               move(health, HEALTH_DISABLED, now);
    case HEALTH_DISABLED:
        return false;
    }
    return false;
}

bool health_gone(struct health *health, struct wall now)
{
    return move(health, HEALTH_DISABLED, now);
}

bool health_enable(struct health *health, struct wall now)
{
    return move(health, HEALTH_HEALTHY, now);
}
