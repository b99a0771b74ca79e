/*
 * Reference counts of what is shared between threads and never changes.
 */
#ifndef MODEL_REFERENCE_H
#define MODEL_REFERENCE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Whoever takes one has one already, so the count cannot be zero. */
static inline void reference_take(_Atomic uint32_t *references)
{
    uint32_t before = atomic_fetch_add_explicit(references, 1, memory_order_relaxed);

    assert(before > 0 && before < UINT32_MAX);
}

/* True when it was the last: all that other threads did with the thing is visible then. */
static inline bool reference_drop(_Atomic uint32_t *references)
{
    uint32_t before = atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel);

    assert(before > 0);
    return before == 1;
}

/* Whether nobody but the caller has one: then it may still be changed in place. */
static inline bool reference_is_only(_Atomic uint32_t *references)
{
    return atomic_load_explicit(references, memory_order_acquire) == 1;
}

#endif
