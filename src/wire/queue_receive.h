/*
 * Receiving from a queue, for all dialects: asks the store for messages, waits for some to come
 * when there are none, and gives back what its caller is not there any more to take. What a request
 * says, and how messages look in its answer, is the dialect's.
 */
#ifndef WIRE_QUEUE_RECEIVE_H
#define WIRE_QUEUE_RECEIVE_H

#include "http/exchange.h"
#include "model/event.h"

/* No dialect lets one request wait longer: some proxies close a connection so long silent. */
#define QUEUE_RECEIVE_WAIT_US_MAX (60 * US_PER_SECOND)

/* One request. The dialect fills what it needs and zeroes the rest; goes with the exchange. */
struct queue_receive {
    struct exchange *exchange;
    /* account and channel, both seen by the exchange's caller, and how much is asked for */
    struct store_receive store;
    int64_t wait_us; /* how long it may wait for a message, to the maximum; 0: not at all */

    /* Answers with the messages that are in store, which may be none. */
    void (*answer)(struct queue_receive *receive);
    /*
     * Whether an event can be told in this dialect; if not, the diag says why. Those that cannot
     * are refused for good and leave the queue, so that they do not stand in front of others; what
     * was acknowledged as it was received is only left out of the answer. NULL: any can.
     */
    bool (*can_tell)(const struct event *event, struct diag *diag);
    /* Whether the caller still may receive, asked after each sleep; if not, it has answered. NULL:
     * the server's own check of API keys does. */
    bool (*may_go_on)(struct exchange *exchange);

    /* private */
    struct mono deadline;
    bool waits_for_lease;                 /* the newest sleep ends when a lease does */
    struct store_answer undo;             /* gives back what nobody waits for any more */
    struct store_answer_item *undo_items; /* owned */
    struct store_settle refusal;
    struct store_settle_item *refused; /* owned */
    struct diag *reasons;              /* owned; of refused */
};

/* Answers the exchange sooner or later; called by its handler. */
void queue_receive_start(struct queue_receive *receive);

/*
 * Tells one who waits at the queue that there is something new to know about it: more messages, or
 * a lease that ends before its wait does. It asks again, and then knows.
 */
void queue_receive_ring(struct exchange *exchange, struct id channel);

/* Whether a lease that starts now may end before somebody stops waiting. */
bool queue_receive_lease_is_short(int64_t lease_us);

#endif
