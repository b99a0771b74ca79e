/*
 * What the files of dispatch share: workers, lanes and flights.
 *
 *   worker.c   the thread: mailbox, timers, whose turn it is
 *   handover.c what comes from the committer: fresh deliveries, nudges, changes
 *   lane.c     one channel's work: what may go now, fetching from the store, parking
 *   shot.c     one attempt: encode, send, judge
 *   record.c   outcomes on their way into the store, in batches
 *   notice.c   telling an account that a channel of its fails or was disabled
 *   probe.c    the test button
 *   errand.c   requests of the server itself to what the operator named
 *   intake.c   which channels an event goes to
 */
#ifndef DISPATCH_INTERNAL_H
#define DISPATCH_INTERNAL_H

#include "base/chance.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "dispatch/dispatch.h"
#include "os/thread.h"

#define PARK_AFTER_US (2 * US_PER_SECOND)
#define SWEEP_EVERY_US (500 * US_PER_MS)
/*
 * Times of the store are looked at again this often, so that a wall clock that stepped is noticed.
 */
#define LOOK_AGAIN_US (10 * US_PER_SECOND)

enum {
    DISPATCH_THREADS_MAX = 64,
    LANE_HELD_MAX = 256, /* deliveries fetched from the store that a lane holds */
    LANE_TAKE_MAX = 64,
    LANE_TROUBLE_AFTER = 5,  /* failures in a row */
    TURN_SHARE = 3,          /* invariant 5 of dispatch.h */
    RECORD_ITEMS_MAX = 1024, /* outcomes in one request to the store */
};
#define LANE_TAKE_BYTES_MAX ((size_t)4 * 1024 * 1024)
/* After a fetch that failed, or that had to wait for memory. */
#define FETCH_AGAIN_US (200 * US_PER_MS)

/*
 * Where a flight is. Moves forward only, but for the retry of an ordered lane's head, which is
 * queued again.
 */
enum flight_state { FLIGHT_QUEUED, FLIGHT_FLYING, FLIGHT_RECORDING };

/* One delivery in memory. */
struct flight {
    struct list_link in_lane;  /* lane->queue while QUEUED, lane->flying otherwise */
    struct list_link in_fresh; /* worker->fresh while it is fresh: oldest first */
    struct lane *lane;
    struct event *event; /* held */
    struct id delivery;
    uint32_t attempts; /* made so far */
    struct wall due;   /* ordered lanes: not before */
    struct mono came;
    bool is_fresh;   /* has no row in the store: to be parked in time */
    bool is_charged; /* counts against the memory budget */
    bool took_room;  /* in the channel's gate */
    bool is_dropped; /* changed by hand while being tried: the store has the say */
    enum flight_state state;
};

/* One channel's work. */
struct lane {
    struct worker *worker;
    struct turn *turn;
    struct id id, account;
    struct channel *channel;       /* held; NULL: deleted */
    const struct dialect *dialect; /* NULL: none of the channel's name */
    struct account *owner;         /* held; NULL: deleted */
    uint64_t version;              /* of the directory that channel and owner are from */
    struct health health;
    struct list queue;  /* flights to be tried, in order */
    struct list flying; /* flights being tried or recorded */
    uint32_t in_flight; /* of these, being tried */
    uint32_t leaving;   /* of these, on their way to the store, to be fetched from there */
    uint32_t failures;  /* in a row */
    struct pacing pacing;
    struct mono paused_until;     /* the receiver asked to wait, or a token is missing */
    struct mono fetch_not_before; /* the store refused one */
    struct wall next_due; /* of what is pending in the store beyond memory; WALL_NEVER: nothing */
    bool is_taking;
    bool has_spilled; /* something went to the store since the fetch under way began */
    struct store_take take;
    struct id *taking_held; /* owned while a fetch is under way: what the lane held when it began */
    struct list_link ready; /* turn->lanes while it may have something to do */
    struct heap_link wake;  /* worker->wakes */
};

/* One account's turn among those of a worker. */
struct turn {
    struct id account;
    struct list lanes;      /* ready ones */
    struct list_link ready; /* worker->ready, or worker->held_back */
    uint32_t lanes_count;
    uint32_t in_flight; /* of all its lanes */
    bool is_held_back;  /* invariant 5 of dispatch.h */
};

struct worker {
    struct dispatch *dispatch;
    struct env *env;
    uint32_t index;
    struct thread thread;
    struct mailbox *mailbox;
    struct sender *sender;
    struct store_view view;
    struct chance chance;
    struct map lanes;      /* by channel id */
    struct map turns;      /* by account id */
    struct list ready;     /* turns */
    struct list held_back; /* turns that have something to do, and their share under way */
    struct heap wakes;
    struct list fresh; /* flights, oldest first */
    struct mono next_sweep, next_collect;
    uint32_t in_flight;
    struct list records;     /* outcomes for the store, in order; only the first may be under way */
    struct list shots;       /* being tried */
    struct list probes;      /* under way */
    struct list errands;     /* under way */
    struct shot *shots_free; /* pool */
    bool is_draining;
    struct mono drain_until;
    /* figures, read by other threads */
    _Atomic uint64_t attempts, delivered, failed_attempts, lanes_now, in_flight_now;
    _Atomic int64_t cpu_us;
};

struct dispatch {
    struct env *env;
    _Atomic bool is_drained; /* the workers' threads have ended */
    struct dispatch_options options;
    struct store *store;
    struct worker *workers;
    uint32_t workers_len;
    _Atomic int64_t memory_bytes; /* reserved by admitted flights */
    _Atomic int64_t in_memory;
};

struct worker *dispatch_worker_for(struct dispatch *dispatch, struct id channel);

/* ---- worker.c ---- */
void worker_start(struct worker *worker);
struct lane *worker_lane(struct worker *worker, struct id account,
                         struct id channel); /* finds or makes */
void worker_make_ready(struct worker *worker, struct lane *lane);

/* ---- lane.c ---- */
struct lane *lane_new(struct worker *worker, struct turn *turn, struct id account,
                      struct id channel);
void lane_free(struct lane *lane);          /* must hold no flights */
void lane_refresh(struct lane *lane);       /* channel and owner from the newest directory */
bool lane_is_idle(const struct lane *lane); /* holds nothing and waits for nothing */

/* Tries to make one attempt. True when one was started and there may be more to do at once. */
bool lane_turn(struct lane *lane);

/* Takes a delivery over (with the caller's reference to event). */
void lane_add_fresh(struct lane *lane, struct event *event, struct id delivery);
void lane_spilled(struct lane *lane, struct wall due); /* something of it is pending in the store */
/* Changed by hand: forgets it unless it is being tried. */
void lane_drop(struct lane *lane, struct id delivery);
bool lane_holds(const struct lane *lane, struct id delivery);

/* Ends: flight leaves memory. */
void flight_free(struct flight *flight);
void flight_requeue(struct flight *flight,
                    struct wall due); /* ordered: back to the head of the queue */
void lane_sweep(struct worker *worker, struct mono now); /* invariant 2 of dispatch.h */
void lane_landed(struct lane *lane);                     /* an attempt ended: it may go on */

/* ---- shot.c ---- */
void shot_fire(struct flight *flight);
void shot_free_all(struct worker *worker); /* after the sender has gone */
/* Fills a request or mail for one attempt: shared with the probe. */
struct shot_parts {
    struct outbound request;
    struct outbound_tls tls;
    struct buf body, text;
};
struct dialect_judgement shot_judge(const struct dialect *dialect,
                                    const struct dialect_attempt *attempt,
                                    const struct outbound_result *result, struct buf *detail);
enum attempt_outcome shot_outcome(enum dialect_verdict verdict,
                                  const struct outbound_result *result);
enum err shot_encode(const struct dispatch_options *options, const struct dialect *dialect,
                     const struct dialect_attempt *attempt, struct shot_parts *parts,
                     struct diag *diag) MUST_CHECK;

/* ---- record.c ---- */
/*
 * Adds an outcome. With is_leaving the flight is FLIGHT_RECORDING until it is stored, and then
 * leaves memory; otherwise it stays as it is. The attempt's texts are copied. Outcomes reach the
 * store in the order in which they were added, also when it refuses for a while: a parking must not
 * overtake the end.
 */
struct outcome {
    enum store_next next;
    enum delivery_state state;
    struct wall due;
    bool has_attempt;
    struct attempt attempt;
};
void record_add(struct flight *flight, const struct outcome *outcome, bool is_leaving);
/* lane->health moved; what tells the account of it is stored with it. */
void record_health(struct lane *lane, struct slice cause);
void record_submit(
    struct worker *worker); /* what was added, unless something is under way already */
bool record_is_pending(const struct worker *worker);
void record_free_all(struct worker *worker);

/* ---- probe.c ---- */
void probe_end_all(struct worker *worker); /* those under way, when the worker ends */

/* ---- errand.c ---- */
void errand_end_all(struct worker *worker); /* those under way, when the worker ends */

/* ---- intake.c ---- */
/* Takes one channel out of what intake_match found. */
void intake_leave_out(struct dispatch *dispatch, const struct account *account,
                      struct store_publish_item *item, struct id channel);

/* ---- notice.c ---- */

/*
 * The event that tells the account of a move of health, to be stored together with it; NULL when it
 * is not worth one, or nobody is left to be told.
 */
struct notice *notice_new(const struct lane *lane, const struct health *health, const char *cause);
struct store_publish_item *notice_item(struct notice *notice); /* NULL for NULL */
/* NULL is fine. is_stored: the request that took the item along was; its own err counts too. */
void notice_free(struct notice *notice, bool is_stored);
/* Tells the operator of the move. */
void notice_log(const struct lane *lane, const struct health *health, const char *cause);

#endif
