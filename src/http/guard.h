/*
 * The guard slows down those who try keys.
 *
 * An origin may fail so many times a minute; each failure above that has to wait until the oldest
 * are forgotten, evenly: with 30 a minute there is one more try every 2 seconds. Until then the
 * answer is "too many", and the key is not even looked at.
 *
 * A customer behind the same address must not be locked out by that. Therefore a key that was right
 * from this origin before, since the start, is let through to the usual check. A right key that was
 * never shown from there waits for its turn like the wrong ones, some seconds when nobody else
 * tries.
 *
 * Any thread may call. Nothing here is asked for while no origin is over its limit, except one
 * atomic read a request.
 */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include "base/sign.h"
#include "base/time.h"
#include "http/origin.h"

struct guard;

/* failures_max: a minute and origin; 0: no limit. */
struct guard *guard_new(uint64_t seed, uint32_t failures_max);
void guard_free(struct guard *guard); /* NULL is fine */

/* How long the origin has to wait before it may try; 0: now. */
int64_t guard_wait_us(struct guard *guard, const struct origin *origin, struct mono now);

/* Counts a key that was wrong. */
void guard_failed(struct guard *guard, const struct origin *origin, struct mono now);

/* Remembers that the key was right from there, and whether it was. */
void guard_proved(struct guard *guard, const struct origin *origin,
                  const uint8_t key_hash[SHA256_BYTES]);
bool guard_knows(const struct guard *guard, const struct origin *origin,
                 const uint8_t key_hash[SHA256_BYTES]);

#endif
