#include "base/chance.h"

#include <assert.h>

/* Sebastiano Vigna's splitmix64: a counter with an odd step, mixed by David Stafford's variant 13
 * of MurmurHash3's end. */

uint64_t chance_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

void chance_init(struct chance *chance, uint64_t seed)
{
    chance->state = seed;
}

uint64_t chance_next(struct chance *chance)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    return chance_mix(chance->state);
}

uint64_t chance_below(struct chance *chance, uint64_t below)
{
    assert(below > 0);

    /* So many of the lowest values are drawn again that what is left divides evenly. */
    uint64_t uneven = (UINT64_MAX - below + 1) % below;
    uint64_t value = 0;
    do {
        value = chance_next(chance);
    } while (value < uneven);
    return value % below;
}
