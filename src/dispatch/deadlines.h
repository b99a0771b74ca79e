/*
 * Deadlines of operations: when one passes, the operation is told as delayed, or ends as expired if
 * it was made so.
 *
 * The store knows which are due; here is only when to ask it. Lives on the thread that owns the
 * mailbox, which calls deadlines_run again and again.
 *
 * 1. A deadline is told once: the store moves the operation and stores the event in one
 *    transaction, or does neither; what it refused is asked for again.
 * 2. No deadline is missed between asking and sleeping: what is stored from the asking on lowers
 *    the time of the next asking (deadlines_stored), and only what is not lower is seen by it.
 * 3. Deadlines are of the wall clock, and it is looked at again so often that one that was set
 *    forward is noticed within a second. Set back, it brings nothing twice.
 */
#ifndef DISPATCH_DEADLINES_H
#define DISPATCH_DEADLINES_H

#include "dispatch/dispatch.h"

struct deadlines; /* opaque */

/* The first run asks for those that passed while nobody looked. */
struct deadlines *deadlines_new(struct env *env, struct store *store, struct dispatch *dispatch,
                                struct mailbox *mailbox);

/* Owner: asks the store if it is time; returns in how many microseconds to call again, at the
 * latest. */
int64_t deadlines_run(struct deadlines *deadlines);

/* The store's hook, from the committer's thread. NULL is fine: nobody looks yet. */
void deadlines_stored(struct deadlines *deadlines, struct wall deadline);

/* Owner: nothing new is begun; what is under way comes back to the mailbox. NULL is fine. */
void deadlines_stop(struct deadlines *deadlines);

/* After the store was closed and the mailbox run; NULL is fine. */
void deadlines_free(struct deadlines *deadlines);

/* How many were told since the start; any thread. */
uint64_t deadlines_told(const struct deadlines *deadlines);

#endif
