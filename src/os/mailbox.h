/*
 * A mailbox: how work crosses to another thread.
 *
 * Any thread posts messages; one thread, the owner, takes them and runs them in the order in which
 * they came from each poster. A message is intrusive: it lies inside the request it stands for, so
 * posting allocates nothing. Handing a message over hands its request over whole. How many messages
 * can wait is bounded by whoever owns the requests (connections, memory budget), not by the
 * mailbox.
 *
 * Invariants:
 * 1. A message is in at most one mailbox; after run() was called it is the runner's and may be
 *    posted again.
 * 2. The owner sleeps on mailbox_fd() (readable when something waits) or in mailbox_wait(); a post
 *    wakes it once, however many posts follow before it drains, because waking an idle core costs
 *    35 us.
 */
#ifndef OS_MAILBOX_H
#define OS_MAILBOX_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>

struct message;
typedef void message_run_fn(struct message *message);

struct message {
    struct message *next; /* private to the mailbox while it is in one */
    message_run_fn *run;
};

struct mailbox; /* opaque */

/* Ends the process when the system gives no event descriptor. */
struct mailbox *mailbox_new(void);

/* What still waits is dropped, not run. Whoever posts must have ended: a post may still be waking
 * the owner when its message runs. */
void mailbox_free(struct mailbox *mailbox);

/* From any thread. run must be set. */
void mailbox_post(struct mailbox *mailbox, struct message *message);

/* Posts a chain first -> ... -> last, linked by next, as one: nothing of another poster comes in
 * between. */
void mailbox_post_chain(struct mailbox *mailbox, struct message *first, struct message *last);

/* Owner: takes all that waits, oldest first, linked by next; NULL when nothing does. */
struct message *mailbox_take(struct mailbox *mailbox);

/* Owner: takes and runs all that waits now (not what these post in turn). Returns how many ran. */
size_t mailbox_run(struct mailbox *mailbox);

/* Owner: sleeps until something waits or timeout_us passed (< 0: for ever). Returns whether
 * something waits. */
bool mailbox_wait(struct mailbox *mailbox, int64_t timeout_us);

/* To be polled for reading by a loop that sleeps elsewhere; the loop then calls mailbox_take or
 * mailbox_run. */
int mailbox_fd(const struct mailbox *mailbox);

#endif
