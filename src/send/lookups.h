/*
 * How many names are being looked up: each costs a thread of libcurl's, and one that we gave up on
 * lives until the system's resolver gives up too. The count has a limit, or dead name servers would
 * fill the machine with threads.
 */
#ifndef SEND_LOOKUPS_H
#define SEND_LOOKUPS_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOOKUPS_MAX = 256 };

struct lookups {
    uint32_t under_way;
    struct mono abandoned[LOOKUPS_MAX]; /* when each will be over, oldest first: a ring */
    uint32_t abandoned_at, abandoned_len;
};

/* False when there are too many; then nothing began. */
bool lookups_begin(struct lookups *lookups, struct mono now);

void lookups_end(struct lookups *lookups);

/* The end of one whose answer nobody waits for any more. */
void lookups_abandon(struct lookups *lookups, struct mono now);

#endif
