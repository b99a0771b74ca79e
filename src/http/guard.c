/*
 * Failures are counted by one instant for each origin, `clear_at`: when all of them will be
 * forgotten. Each failure moves it by the time that one is remembered, a minute divided by the
 * limit; an origin must wait while it lies more than a minute less one such step ahead.
 *
 * The lock guards the table of these. It is taken for failures, which are slow on purpose, and
 * while some origin is over its limit (`any_until`).
 */
#include "http/guard.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    SUSPECTS_MAX = 4096, /* origins remembered; the one whose failure is longest ago makes room */
    PROOFS = 8192, /* pairs of origin and key remembered, by hash; a newer one may take the place */
};

struct suspect {
    struct list_link link; /* newest failure last */
    struct origin origin;
    struct mono clear_at;
};

struct guard {
    pthread_mutex_t lock;
    struct map suspects; /* by origin */
    struct list by_age;
    int64_t step_us;           /* how long one failure is remembered; 0: no limit */
    _Atomic int64_t any_until; /* from then on no origin has to wait */
    uint64_t seed;
    _Atomic uint64_t proofs[PROOFS];
};

struct guard *guard_new(uint64_t seed, uint32_t failures_max)
{
    struct guard *guard = MEM_NEW(struct guard);

    (void)pthread_mutex_init(&guard->lock, NULL); /* cannot fail here */
    map_init(&guard->suspects, seed);
    list_init(&guard->by_age);
    guard->seed = seed;
    guard->step_us = failures_max > 0 ? US_PER_MINUTE / failures_max : 0;
    return guard;
}

static void forget(struct guard *guard, struct suspect *suspect)
{
    (void)map_remove(&guard->suspects, origin_key(&suspect->origin));
    list_remove(&guard->by_age, &suspect->link);
    mem_free(suspect);
}

static struct suspect *oldest_of(const struct guard *guard)
{
    return LIST_ITEM(list_first(&guard->by_age), struct suspect, link);
}

void guard_free(struct guard *guard)
{
    if (guard == NULL) {
        return;
    }
    while (!list_is_empty(&guard->by_age)) {
        forget(guard, oldest_of(guard));
    }
    map_clear(&guard->suspects);
    (void)pthread_mutex_destroy(&guard->lock);
    mem_free(guard);
}

/* From when on a suspect may try again. */
static struct mono free_at(const struct guard *guard, const struct suspect *suspect)
{
    return (struct mono){suspect->clear_at.us - (US_PER_MINUTE - guard->step_us)};
}

int64_t guard_wait_us(struct guard *guard, const struct origin *origin, struct mono now)
{
    int64_t wait_us = 0;

    if (atomic_load_explicit(&guard->any_until, memory_order_relaxed) <= now.us) {
        return 0;
    }
    (void)pthread_mutex_lock(&guard->lock);
    const struct suspect *suspect = map_get(&guard->suspects, origin_key(origin));
    if (suspect != NULL) {
        wait_us = free_at(guard, suspect).us - now.us;
    }
    (void)pthread_mutex_unlock(&guard->lock);
    return wait_us > 0 ? wait_us : 0;
}

/* The entry of an origin, as the newest. */
static struct suspect *suspect_of(struct guard *guard, const struct origin *origin)
{
    struct suspect *suspect = map_get(&guard->suspects, origin_key(origin));

    if (suspect != NULL) {
        list_remove(&guard->by_age, &suspect->link);
        list_push_back(&guard->by_age, &suspect->link);
        return suspect;
    }
    if (guard->by_age.count == SUSPECTS_MAX) {
        forget(guard, oldest_of(guard));
    }
    suspect = MEM_NEW(struct suspect);
    suspect->origin = *origin;
    (void)map_put(&guard->suspects, origin_key(&suspect->origin), suspect); /* none was there */
    list_push_back(&guard->by_age, &suspect->link);
    return suspect;
}

void guard_failed(struct guard *guard, const struct origin *origin, struct mono now)
{
    if (guard->step_us == 0) {
        return;
    }
    (void)pthread_mutex_lock(&guard->lock);
    struct suspect *suspect = suspect_of(guard, origin);
    if (suspect->clear_at.us < now.us) {
        suspect->clear_at = now;
    }
    suspect->clear_at.us += guard->step_us;
    int64_t until = free_at(guard, suspect).us;
    if (until > atomic_load_explicit(&guard->any_until, memory_order_relaxed)) {
        atomic_store_explicit(&guard->any_until, until, memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&guard->lock);
}

/* A number that stands for the pair; nobody outside can find another pair with the same. */
static uint64_t proof_of(const struct guard *guard, const struct origin *origin,
                         const uint8_t key_hash[SHA256_BYTES])
{
    uint64_t by_origin = slice_hash(origin_key(origin), guard->seed);

    return slice_hash(slice_from(key_hash, SHA256_BYTES), by_origin) | 1; /* 0 is an empty place */
}

void guard_proved(struct guard *guard, const struct origin *origin,
                  const uint8_t key_hash[SHA256_BYTES])
{
    uint64_t proof = proof_of(guard, origin, key_hash);

    atomic_store_explicit(&guard->proofs[(proof >> 1) % PROOFS], proof, memory_order_relaxed);
}

bool guard_knows(const struct guard *guard, const struct origin *origin,
                 const uint8_t key_hash[SHA256_BYTES])
{
    uint64_t proof = proof_of(guard, origin, key_hash);

    return atomic_load_explicit(&guard->proofs[(proof >> 1) % PROOFS], memory_order_relaxed) ==
           proof;
}
