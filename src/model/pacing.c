#include "model/pacing.h"

bool pacing_take(struct pacing *pacing, struct pacing_limit limit, struct mono now,
                 int64_t *wait_us)
{
    if (limit.per_second == 0) {
        return true;
    }
    /* Rounded up: a gap cut short would let more than per_second through. */
    int64_t gap_us = (US_PER_SECOND + limit.per_second - 1) / limit.per_second;
    int64_t room_us = gap_us * limit.burst;
    int64_t full_us = pacing->full_at.us > now.us ? pacing->full_at.us : now.us;
    int64_t over_us = full_us + gap_us - now.us - room_us;

    if (over_us > 0) {
        *wait_us = over_us;
        return false;
    }
    pacing->full_at.us = full_us + gap_us;
    return true;
}
