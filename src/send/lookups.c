#include "send/lookups.h"

#include <assert.h>

/* The system's resolver asks three name servers twice, five seconds each (resolv.conf(5)). */
#define ABANDONED_US (30 * US_PER_SECOND)

static void forget_old(struct lookups *lookups, struct mono now)
{
    while (lookups->abandoned_len > 0 && lookups->abandoned[lookups->abandoned_at].us <= now.us) {
        lookups->abandoned_at = (lookups->abandoned_at + 1) % LOOKUPS_MAX;
        lookups->abandoned_len--;
    }
}

bool lookups_begin(struct lookups *lookups, struct mono now)
{
    forget_old(lookups, now);
    if (lookups->under_way + lookups->abandoned_len >= LOOKUPS_MAX) {
        return false;
    }
    lookups->under_way++;
    return true;
}

void lookups_end(struct lookups *lookups)
{
    assert(lookups->under_way > 0);
    lookups->under_way--;
}

void lookups_abandon(struct lookups *lookups, struct mono now)
{
    uint32_t end = (lookups->abandoned_at + lookups->abandoned_len) % LOOKUPS_MAX;

    lookups_end(lookups);
    lookups->abandoned[end] = (struct mono){now.us + ABANDONED_US};
    lookups->abandoned_len++;
}
