/*
 * Dispatch: brings committed deliveries to their receivers and records what came of it.
 *
 * Every send channel belongs to one worker thread (by hash of its id), so its order, pacing and
 * health need no lock. A worker keeps a lane for each of its channels that has work; accounts take
 * turns, and the lanes of an account among themselves, so that nobody's backlog holds up another's
 * news.
 *
 * Invariants:
 * 1. A delivery is in memory at most once: in its lane, from the hand-over (or fetch) until its
 *    outcome is recorded.
 * 2. A fresh delivery that was not settled PARK_AFTER_US after it came is parked, so the store's
 *    mark moves on (store.h, invariant 4).
 * 3. What a channel may hold in memory is bounded by its gate, and all together by the memory
 *    budget; beyond both, deliveries wait in the store.
 * 4. A lane that fails again and again tries one delivery at a time and takes nothing fresh, until
 *    one succeeds.
 * 5. An account never has more than three times as many attempts under way as a worker has left
 *    free. So one whose receivers all hang leaves a quarter to the others, two of them a seventh.
 */
#ifndef DISPATCH_DISPATCH_H
#define DISPATCH_DISPATCH_H

#include "dispatch/dialect.h"
#include "model/health.h"
#include "send/sender.h"
#include "store/store.h"

struct dispatch; /* opaque */

struct dispatch_options {
    uint32_t threads;       /* 1..64 */
    uint64_t memory_bytes;  /* budget for events held for sending */
    uint32_t in_flight_max; /* attempts under way, for each thread */
    struct dialect_table dialects;
    const void *dialect_settings; /* for the dialects only: struct dialect_attempt */
    struct sender_options sender;
    struct health_limits health;
    const char *mail_from;   /* of outgoing mail; NULL: no mail is sent */
    const char *mail_domain; /* for message ids */
};

struct dispatch *dispatch_new(struct env *env, const struct dispatch_options *options);

/* Starts the threads, from what the store says is pending. */
enum err dispatch_start(struct dispatch *dispatch, struct store *store,
                        struct diag *diag) MUST_CHECK;

/* To be called from the store's hooks, on the committer's thread. */
void dispatch_published(struct dispatch *dispatch, struct store_publish_item *const *items,
                        size_t len);
void dispatch_nudged(struct dispatch *dispatch, struct id account, struct id channel,
                     struct id delivery);
void dispatch_changed(struct dispatch *dispatch, struct id account, struct id channel);

/*
 * No new attempts; waits for those under way to end and be recorded, at most timeout_us; the rest
 * is parked. Then the threads end.
 */
void dispatch_drain(struct dispatch *dispatch, int64_t timeout_us);
void dispatch_free(struct dispatch *dispatch); /* after drain; NULL is fine */

/* ---- Intake: which channels an event goes to, and by which way. Any thread. ---- */

/*
 * Fills item->targets, and item->name, with the account's channels that want the event, and reserves
 * memory for those that go straight from it. intake_end gives up what the item holds, its event too,
 * when the store is done with it; with the reservation unless it was stored now: not when the store
 * refused it, or knew it already.
 */
void intake_match(struct dispatch *dispatch, const struct account *account,
                  struct store_publish_item *item);
void intake_end(struct dispatch *dispatch, const struct account *account,
                struct store_publish_item *item, bool is_stored);

/* ---- Probe: one attempt at once, recorded nowhere: the test button ---- */

struct dispatch_probe;
typedef void dispatch_probe_done_fn(struct dispatch_probe *probe);

struct dispatch_probe {
    struct message message; /* private */
    struct mailbox *reply_to;
    dispatch_probe_done_fn *done; /* on the caller's thread */
    struct channel *channel;      /* held by the caller until done */
    struct account *account;      /* held by the caller until done */
    struct event *event;          /* held by the caller until done; has an id of its own */
    struct id delivery;
    /* out */
    enum attempt_outcome outcome;
    int32_t status;
    int64_t took_us;
    char detail[ATTEMPT_DETAIL_BYTES_MAX + 1];
    struct buf answer; /* clear with buf_clear */
    void *private_state;
};

void dispatch_probe(struct dispatch *dispatch, struct dispatch_probe *probe);

struct dispatch_figures {
    uint64_t attempts, delivered, failed_attempts; /* since start */
    uint64_t in_flight, in_memory, memory_bytes;
    uint64_t lanes;
    int64_t cpu_us;
};
void dispatch_figures(const struct dispatch *dispatch, struct dispatch_figures *out);

#endif
