/*
 * The keeper: what time brings. Clears up old events, attempts and idempotency keys in small
 * slices, so that nobody notices.
 *
 * Lives on the main thread, between signals.
 */
#ifndef CLI_KEEPER_H
#define CLI_KEEPER_H

#include "os/env.h"
#include "os/mailbox.h"
#include "store/store.h"

struct keeper_limits {
    int64_t payloads_us, rest_us, idempotency_us; /* ages */
};

struct keeper; /* opaque */

struct keeper *keeper_new(struct env *env, struct store *store, struct mailbox *mailbox,
                          const struct keeper_limits *limits);
void keeper_free(
    struct keeper
        *keeper); /* with no slice under way: after the store was closed and the mailbox run */
void keeper_set_limits(struct keeper *keeper, const struct keeper_limits *limits);

/* Does what is due; returns in how many microseconds to call again. */
int64_t keeper_run(struct keeper *keeper);

#endif
