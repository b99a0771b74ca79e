#include "wire/reference.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

void references_init(struct references *references, struct env *env, uint32_t node)
{
    atomic_init(&references->count, 0);
    env->random(env, &references->chance, sizeof references->chance);
    references->node = node;
}

void reference_make(struct references *references, struct wall now, char out[REFERENCE_SIZE])
{
    uint64_t count = 1 + atomic_fetch_add_explicit(&references->count, 1, memory_order_relaxed);

    (void)snprintf(out, REFERENCE_SIZE, "%" PRId64 ".%" PRIu64 ".%" PRIu32 ".%" PRIu32,
                   now.us / US_PER_SECOND, count, references->chance, references->node);
}
