/*
 * Pseudo-random numbers for jitter and tests: fast, seeded, repeatable; never for secrets (those
 * come from os/env).
 */
#ifndef BASE_CHANCE_H
#define BASE_CHANCE_H

#include <stdint.h>

struct chance {
    uint64_t state;
};

/* The mixing step alone: one of 64 bits for one of 64 bits, neighbours far apart. Good as a hash of
 * a number. */
uint64_t chance_mix(uint64_t value);

void chance_init(struct chance *chance, uint64_t seed);
uint64_t chance_next(struct chance *chance);

/* Evenly from 0 to below - 1; below > 0. */
uint64_t chance_below(struct chance *chance, uint64_t below);

#endif
