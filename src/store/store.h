/*
 * The store, for those who call it: events, deliveries and settings, durably.
 *
 * It speaks of the domain, not of tables. Every call is asynchronous: the caller fills a request
 * that it owns (usually part of a larger struct of its own), submits it, and gets it back by `done`
 * on its own thread, out of its own mailbox; a write is on disk by then. Until then the request and
 * all that it points to belong to the store. Callbacks never come from inside store_submit.
 *
 * Invariants:
 * 1. A write request that comes back OK was flushed (or committed synchronously) before, in one
 *    transaction with all its parts. Only what a show notes is flushed with the next one.
 * 2. Writes take effect in the order in which the committer took them; a reader that starts after a
 *    write came back sees it.
 * 3. A delivery is in exactly one place: being tried for the first time out of memory (fresh);
 *    among the pending (a row that the store keeps until the end); or final. Only what is pending
 *    or was not delivered by its first attempt costs more than appends.
 * 4. Every fresh delivery belongs to an event above the mark. At start everything above the mark
 *    that has no recorded end becomes pending, so a crash repeats attempts but loses none. Whoever
 *    holds a fresh delivery for long parks it, so that the mark moves on.
 * 5. A flush that fails ends the process (hooks.fatal); it is never tried again.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"
#include "base/time.h"
#include "model/delivery.h"
#include "model/directory.h"
#include "model/event.h"
#include "model/operation.h"
#include "os/env.h"
#include "os/mailbox.h"

#include <stdbool.h>
#include <stdint.h>

/* Every function here may be called from any thread unless it says otherwise. */
struct store;
struct engine_ops;

/* ---- Opening and closing -------------------------------------------------------------------- */

struct store_publish_item;

/* Called on the committer's thread, after the flush and before `done` of the requests concerned.
 * Must only look and post to mailboxes. */
struct store_hooks {
    void *ctx;
    /* Committed events with their targets, in commit order; duplicates are left out. Whoever takes
     * fresh deliveries holds the event. */
    void (*published)(void *ctx, struct store_publish_item *const *items, size_t len);
    /* A delivery became due again by hand, or was canceled; or queue messages became available
     * (delivery ID_NONE). */
    void (*nudged)(void *ctx, struct id account, struct id channel, struct id delivery);
    /* Settings of a channel changed; channel ID_NONE: of the whole account. The new snapshot is
     * already visible. */
    void (*changed)(void *ctx, struct id account, struct id channel);
    /* An operation with a deadline was stored. */
    void (*deadline)(void *ctx, struct wall deadline);
    /* The store cannot go on (flush failed, data damaged). Say so and end the process; must not
     * return. */
    void (*fatal)(void *ctx, enum err err, const struct diag *diag);
};

struct store_options {
    const struct engine_ops *engine;
    const char *path; /* folder of an embedded engine */
    const char *url;  /* of a shared engine */
    uint32_t node;    /* in ids */
    /* threads that answer the API's reads, at least 1; dispatch's take and lanes have one more of
     * their own */
    uint32_t readers;
    uint32_t queue_max; /* writes that may wait before store_is_busy says so */
    uint32_t batch_max; /* requests in one transaction */
    /* SEAL_KEY_BYTES to seal secrets with, or NULL: they are stored as they are */
    const uint8_t *master_key;
    struct channel_defaults channel_defaults;
    int64_t idempotency_us; /* how long a key counts; 0: STORE_IDEMPOTENCY_US */
    struct store_hooks hooks;
};

/* Opens, upgrades, recovers (invariant 4), loads the directory and starts the threads. ERR_BUSY:
 * another process has it; ERR_VERSION: written by a newer program; ERR_CORRUPT, ERR_IO. The diag
 * tells what to do. */
enum err store_open(struct env *env, const struct store_options *options, struct store **out,
                    struct diag *diag) MUST_CHECK;

/* Waits for everything submitted, then stops the threads. What is submitted after it began comes
 * back with ERR_CLOSED. Callers keep running their mailboxes; their threads may go on submitting
 * until store_close. */
void store_stop(struct store *store);

/* Stops, unless that was done, and frees. Nobody may use the store any more. */
void store_close(struct store *store);

/* More writes wait than queue_max: refuse new events now (503) instead of making everybody wait. */
bool store_is_busy(const struct store *store);

/* No room to store events (507); reading and acknowledging still work. */
bool store_is_full(const struct store *store);

/* Everything answered from now on can rely on the key (receipts); made at the first start and kept.
 * RECEIPT_KEY_BYTES. */
const uint8_t *store_receipt_key(const struct store *store);

/* ---- The directory -------------------------------------------------------------------------- */

/* A thread's own look at the newest settings. Zero it before the first use. */
struct store_view {
    struct directory *directory; /* held */
    uint64_t version;
};

/* The newest snapshot, lent until this thread's next call. Whoever saw a settings request come back
 * sees its effect here. */
struct directory *store_view(struct store *store, struct store_view *view);
void store_view_clear(struct store_view *view);

/* ---- Requests ------------------------------------------------------------------------------- */

/* X(name, W or R): writes go to the committer, reads to a reader thread with its own snapshot. */
#define STORE_CALLS(X)                                                                             \
    X(publish, W)                                                                                  \
    X(settle, W)                                                                                   \
    X(receive, W)                                                                                  \
    X(answer, W)                                                                                   \
    X(steer, W)                                                                                    \
    X(show, W)                                                                                     \
    X(open_operation, W)                                                                           \
    X(advance, W)                                                                                  \
    X(put_account, W)                                                                              \
    X(put_channel, W)                                                                              \
    X(put_key, W)                                                                                  \
    X(remove, W)                                                                                   \
    X(retain, W)                                                                                   \
    X(get_event, R)                                                                                \
    X(list_events, R)                                                                              \
    X(get_delivery, R)                                                                             \
    X(list_deliveries, R)                                                                          \
    X(find_event, R)                                                                               \
    X(get_operation, R)                                                                            \
    X(list_operations, R)                                                                          \
    X(due_operations, R)                                                                           \
    X(take, R)                                                                                     \
    X(lanes, R)                                                                                    \
    X(stats, R)

enum store_call {
#define STORE_ENUM(name, way) STORE_CALL_##name,
    STORE_CALLS(STORE_ENUM)
#undef STORE_ENUM
        STORE_CALL_COUNT
};

struct store_request;
typedef void store_done_fn(struct store_request *request);

/* The head of every request. Fill call, reply_to and done; err and diag come back. */
struct store_request {
    struct message message; /* private */
    enum store_call call;
    struct mailbox *reply_to; /* the caller's own thread runs it */
    store_done_fn *done;
    enum err err;
    struct diag diag;
};

void store_submit(struct store *store, struct store_request *request);

/* Frees what the store allocated into a request's results (events, arrays). Call once after done,
 * for every call below that says "owned". */
void store_request_clear(struct store_request *request);

/*
 * No schedule waits longer than 30 days and a fifth. A due time further ahead than this was given by
 * a clock that has been set back since: it counts as due now.
 */
#define STORE_DUE_US_MAX (60 * US_PER_DAY)

/* ---- publish: events with the channels they go to ------------------------------------------- */

enum store_way {
    STORE_FRESH = 1,   /* the sender takes it from memory by hooks.published */
    STORE_WAITING = 2, /* pending in the store, due at once; the sender fetches it */
    STORE_QUEUE = 3,   /* pending in the store until acknowledged */
};

struct store_target {
    struct id channel;
    enum store_way way;
    int64_t delay_us; /* STORE_WAITING: due so long after the commit */
};

enum { STORE_HASH_BYTES = 16 };

/* How long an idempotency key counts unless the options say otherwise. */
#define STORE_IDEMPOTENCY_US (24 * US_PER_HOUR)

struct store_publish_item {
    struct event *event; /* in: id is none; out: the store's id is in it, unless a duplicate */
    /* in: borrowed; target i becomes delivery event_delivery_id(event, i) */
    struct store_target *targets;
    uint32_t targets_len;
    /* in: borrowed; another name by which find_event finds it in its account, at most
     * EVENT_REFERENCE_BYTES_MAX; empty: none */
    struct slice name;
    bool is_idempotent; /* in: the next two count */
    /* in: start of SHA-256 over account id, kind of key and key */
    uint8_t idempotency[STORE_HASH_BYTES];
    /* in: start of SHA-256 over what must be the same when sent again */
    uint8_t body[STORE_HASH_BYTES];
    enum err err;        /* out: OK; ERR_CONFLICT: the key was used with another body */
    bool is_duplicate;   /* out: stored before; id is the first one's */
    struct id id;        /* out */
    uint32_t deliveries; /* out: how many it has (the first one's when duplicate) */
};

/* All items in one transaction, each with its own result. The request fails as a whole only when
 * nothing was stored: ERR_FULL, ERR_BUSY, ERR_CLOSED. */
struct store_publish {
    struct store_request request;
    struct store_publish_item *items; /* borrowed */
    size_t items_len;
};

/* ---- settle: what came of attempts ---------------------------------------------------------- */

enum store_next {
    STORE_FINAL, /* the delivery ends in `state` */
    STORE_RETRY, /* pending, due at `due` */
    /* no attempt ended: a fresh delivery that memory holds for long becomes pending, due at
     * `due` */
    STORE_PARK,
};

struct store_settle_item {
    struct id account, channel, delivery, event;
    bool is_fresh; /* has no pending row yet (neither parked nor fetched) */
    enum store_next next;
    enum delivery_state state; /* STORE_FINAL */
    /* STORE_RETRY, STORE_PARK */
    struct wall due;
    bool has_attempt;
    struct attempt attempt; /* texts borrowed; number is set by the caller; id comes back */
};

struct store_settle_health {
    struct id account, channel;
    struct health health;
    /*
     * Borrowed, may be NULL: the event that tells of the move, stored with it. Its err is ERR_FULL
     * when there was no room for it, ERR_NOT_FOUND when the channel is gone; the rest is stored all
     * the same.
     */
    struct store_publish_item *notice;
};

/*
 * Records outcomes. A delivery that is not fresh and has no pending row any more was canceled
 * meanwhile (or its channel deleted): its attempt is recorded, its state stays. Health moves are
 * settings changes (hooks.changed).
 */
struct store_settle {
    struct store_request request;
    struct store_settle_item *items; /* borrowed */
    size_t items_len;
    struct store_settle_health *health; /* borrowed */
    size_t health_len;
};

/* ---- receive and answer: the queue ---------------------------------------------------------- */

struct store_message {
    struct event *event; /* one reference, owned by the request */
    struct id delivery;
    uint32_t epoch;   /* of this lease: goes into the receipt */
    uint32_t attempt; /* how often it has been received, this time included */
};

/* The oldest available messages of a queue channel, leased. */
struct store_receive {
    struct store_request request;
    struct id account, channel;
    struct id after;       /* only deliveries with greater ids; ID_NONE: all */
    uint32_t max;          /* messages */
    size_t bytes_max;      /* of data; at least one message comes whatever its size */
    int64_t lease_us;      /* 0: shown but not hidden from the next poll (no lease) */
    uint32_t max_receives; /* more receives than this make it failed instead; 0: no limit */
    bool is_auto_ack;      /* delivered at once, in the same transaction */
    struct store_message *messages; /* out, owned */
    size_t messages_len;
    bool has_more; /* out: available beyond these */
    /* out: when nothing came: the next lease ends then; WALL_NEVER: the queue is empty */
    struct wall next_available;
};

/* The longest lease there is. One that ends later than this from now was given by a clock that has
 * been set back, and does not hold. */
#define STORE_LEASE_US_MAX (12 * US_PER_HOUR)

enum store_answer_kind {
    STORE_ACK,
    STORE_RELEASE,
    STORE_EXTEND,
    STORE_UNDO, /* as if it had not been received: nobody got it */
    /* By name, whatever its lease: epoch does not count. OK too when it was delivered before, in
     * this channel. */
    STORE_ACK_NAMED,
    /* Only of the oldest pending one of the channel: any other is ERR_NOT_FOUND, and so is that one
     * when it was shown less often than epoch. */
    STORE_ACK_HEAD,
};

struct store_answer_item {
    struct id delivery;
    uint32_t epoch;
    /* out: OK; ERR_STALE: leased again since; ERR_NOT_FOUND: not pending in this channel
     * (acknowledged before, expired, canceled) */
    enum err err;
};

/* What a consumer does with leased messages: acknowledge, give back at once, or hold longer
 * (lease_us from now); or what is done for one that went before the answer. */
struct store_answer {
    struct store_request request;
    struct id account, channel;
    enum store_answer_kind kind;
    int64_t lease_us;
    struct wall since; /* STORE_ACK_NAMED: those of older events are ERR_NOT_FOUND; 0: none are */
    struct store_answer_item *items; /* borrowed */
    size_t items_len;
};

/*
 * The head of a queue channel whose messages are acknowledged one by one in strict order: the
 * oldest pending one, the same again and again until it is acknowledged, hidden from nobody. That
 * it was shown is recorded the first time only (attempt 1, epoch 1); after that a show writes
 * nothing.
 *
 * The record outlives a crash of the process, but is not flushed by itself: after a power cut a
 * message may have to be shown once more before it is acknowledged. A consumer who takes turns with
 * show and acknowledge so waits for one flush a message and not for two.
 */
struct store_show {
    struct store_request request;
    struct id account, channel;
    bool is_look;                 /* in: that it was shown is not recorded */
    struct store_message message; /* out, owned; its event NULL when the queue is empty */
};

/* ---- steer: retry and cancel by hand -------------------------------------------------------- */

enum store_steer_kind { STORE_STEER_RETRY, STORE_STEER_CANCEL };

/* ERR_NOT_FOUND; ERR_CONFLICT: cancel of a final one, either while it is being tried for the first
 * time (the diag says so). A retry of a pending one makes it due now; of a final one, pending again
 * with its attempts kept. */
struct store_steer {
    struct store_request request;
    enum store_steer_kind kind;
    struct id account, delivery;
    struct id channel; /* out: the delivery's */
    bool is_queue;     /* out */
};

/* ---- operations ----------------------------------------------------------------------------- */

/*
 * Stores a new operation. operation->id none: the store gives the id; else the caller chose it and
 * ERR_EXISTS comes back when there is one of that id. With is_idempotent the key's first use
 * counts, as for events: is_duplicate with the first one's id, or ERR_CONFLICT when the body was
 * another. ERR_NOT_FOUND: there is no such account.
 */
struct store_open_operation {
    struct store_request request;
    struct operation *operation; /* borrowed; out: its id and created, unless a duplicate */
    bool is_idempotent;
    uint8_t idempotency[STORE_HASH_BYTES];
    uint8_t body[STORE_HASH_BYTES];
    bool is_duplicate; /* out */
    struct id id;      /* out */
};

enum store_advance_kind {
    STORE_ADVANCE_STEP,  /* pending stays pending, one step more */
    STORE_ADVANCE_END,   /* pending becomes `state` */
    STORE_ADVANCE_DELAY, /* the deadline has passed: told once */
};

/*
 * Moves a pending operation on and publishes the event that tells it, in one transaction.
 * ERR_NOT_FOUND: no such operation of the account; ERR_CONFLICT: it is not pending any more (DELAY:
 * or was told already), unless it ended by the same request before (`body` equal): then
 * is_duplicate and the first one's event in item.id; ERR_LIMIT: a step beyond OPERATION_STEPS_MAX.
 *
 * Steps are told apart by item's own idempotency key, which is looked at before the operation is: a
 * step that is repeated after the operation ended is still a duplicate. Nothing happens when the
 * item fails (item.err ERR_CONFLICT) or is a duplicate. What the hooks see of it is as for publish.
 */
struct store_advance {
    struct store_request request;
    enum store_advance_kind kind;
    struct id account, operation;
    /* STORE_ADVANCE_END */
    enum operation_state state;
    int32_t code;
    struct slice result, outcome; /* borrowed */
    uint8_t
        body[STORE_HASH_BYTES]; /* start of SHA-256 over what must be the same when sent again */
    struct store_publish_item item;
    bool is_duplicate; /* out: the item is one, too */
};

/* ---- settings ------------------------------------------------------------------------------- */

/*
 * Puts an account: new when account->id is none (the store gives the id; ERR_EXISTS when the name
 * is taken), else a change of the one whose `updated` is `expected` (ERR_STALE: it changed since;
 * ERR_NOT_FOUND). ERR_CONFLICT: a login in its credentials belongs to another account; the diag
 * names it. Channels in it are ignored: it keeps those it has. The request holds no
 * reference; the store takes its own.
 */
struct store_put_account {
    struct store_request request;
    struct account *account; /* in; out: its id, created and updated are set */
    struct wall expected;
};

/* Puts a channel of an account: the same rules by channel->id. ERR_LIMIT: ACCOUNT_CHANNELS_MAX. A
 * change keeps the health that is stored, which may have moved since the caller looked. Where the
 * dialect is exclusive, an enabled channel takes over: the others of the account's are disabled in
 * the same transaction and keep what waits in them, so no event falls between two of them (one that
 * was matched just before goes where it was matched to). The only enabled one of an account with
 * credentials of the dialect cannot be disabled: ERR_CONFLICT. */
struct store_put_channel {
    struct store_request request;
    struct id account;
    struct channel *channel;
    struct wall expected;
    bool is_enabled_again; /* in: its health counts, and not the stored one */
};

struct store_put_key {
    struct store_request request;
    struct key *key; /* in: id none; out: id and created are set */
};

/* Removes one thing. Exactly one of these is set, besides account: channel (with its account), key,
 * or account alone (with its channels and keys). What was pending for a channel becomes canceled,
 * in slices by retain; so the operations of an account go. ERR_NOT_FOUND;
 * ERR_CONFLICT as for putting a channel. */
struct store_remove {
    struct store_request request;
    struct id account, channel, key;
};

/* ---- retain: what time ends ----------------------------------------------------------------- */

/* One slice of clearing up, small enough not to be noticed; call again soon while has_more. */
struct store_retain {
    struct store_request request;
    /* data of older events goes, once all their deliveries are final; queue messages older than
     * this expire */
    struct wall payloads_before;
    /* older events, attempts and idempotency keys past it go, and operations that ended before it,
     * but never a pending one. An event stays while one of its deliveries is still to be sent:
     * until its schedule ends or its channel is removed. */
    struct wall rest_before;
    struct wall idempotency_before;
    /* Whether messages of a queue channel wait for ever for their acknowledgement, and their events
     * with them. Set by the generic half, from the rules of the channels' dialects. */
    bool (*waits_for_ever)(void *ctx, struct id account, struct id channel);
    void *ctx;
    /* rows to look at, the deliveries of an event counted too; one event is looked at as a whole,
     * however many it has */
    uint32_t max;
    bool has_more;    /* out */
    uint64_t removed; /* out */
};

/* ---- reading -------------------------------------------------------------------------------- */

struct store_delivery {
    struct id delivery, event, channel;
    bool is_queue;
    enum delivery_state state;
    bool is_fresh;           /* pending and being tried for the first time */
    uint32_t attempts;       /* made so far (queue: receives) */
    struct wall due;         /* pending: when; 0 unknown */
    struct slice event_type; /* lent from the request */
};

struct store_get_event {
    struct store_request request;
    struct id account, event;
    struct event *found;               /* out, owned */
    struct store_delivery *deliveries; /* out, owned, in order of their ids */
    size_t deliveries_len;
};

/* The head of every list: a page of what an account has with ids in [from, to), behind the cursor.
 * Newest first where the list does not say otherwise. */
struct store_page {
    struct store_request request;
    struct id account, from, to;
    struct id after; /* cursor: the last one seen, ID_NONE at first */
    uint32_t max;
    bool has_more;  /* out */
    struct id last; /* out: cursor for the next page */
};

/* Events of an account. */
struct store_list_events {
    union {
        struct store_request request;
        struct store_page page; /* begins with the same request */
    };
    bool is_newest_first;  /* otherwise oldest first */
    struct slice type;     /* a filter pattern, empty for all */
    struct id channel;     /* only those with a delivery to it; ID_NONE: all */
    size_t bytes_max;      /* of data in one answer; at least one event comes */
    struct event **events; /* out, owned */
    size_t events_len;
    struct id *deliveries; /* out, owned: of each event the one to channel; NULL without channel */
};

struct store_get_delivery {
    struct store_request request;
    struct id account, delivery;
    struct store_delivery found; /* out */
    struct event *event;         /* out, owned */
    struct attempt *attempts;    /* out, owned, oldest first, at most STORE_ATTEMPTS_MAX newest */
    size_t attempts_len;
};

enum { STORE_ATTEMPTS_MAX = 100 };

/* The newest event of an account that was published with this name; NULL when there is none. */
struct store_find_event {
    struct store_request request;
    struct id account;
    struct slice name;   /* borrowed */
    struct event *found; /* out, owned */
};

struct store_get_operation {
    struct store_request request;
    struct id account, operation;
    struct operation *found; /* out, owned; ERR_NOT_FOUND otherwise */
};

/* Operations of an account by the period of their ids, newest first. May return fewer than max with
 * has_more: it looks at a bounded number of operations a call. */
struct store_list_operations {
    union {
        struct store_request request;
        struct store_page page; /* begins with the same request */
    };
    bool has_state;
    enum operation_state state;
    size_t bytes_max; /* of data and outcomes in one answer; at least one operation comes */
    struct operation **operations; /* out, owned */
    size_t operations_len;
};

/* Pending operations of all accounts whose deadline has come and is not told yet, oldest deadline
 * first. May return fewer than max although more are due: `next` tells. */
struct store_due_operations {
    struct store_request request;
    struct wall now;
    uint32_t max;
    size_t bytes_max;              /* of their data; at least one comes */
    struct operation **operations; /* out, owned */
    size_t operations_len;
    /* out: the next deadline beyond these (may be past: more is due now); WALL_NEVER: none */
    struct wall next;
};

/* Deliveries of an account's events in a period, newest first. May return fewer than max with
 * has_more: it looks at a bounded number of events a call. */
struct store_list_deliveries {
    union {
        struct store_request request;
        struct store_page page; /* begins with the same request */
    };
    struct id channel; /* ID_NONE: any */
    bool has_state;
    enum delivery_state state;
    struct store_delivery *deliveries; /* out, owned */
    size_t deliveries_len;
};

/* ---- for dispatch --------------------------------------------------------------------------- */

struct store_due {
    struct event *event; /* one reference, owned by the request; a taker holds it before clearing */
    struct id delivery;
    uint32_t attempts; /* made so far */
    struct wall due;   /* `now` where STORE_DUE_US_MAX says so */
};

/* What is due for one send channel: by due time, or for an ordered channel by delivery id whatever
 * its due time. Reads only; the caller keeps track of what it holds and names it, so that it does
 * not come again. */
struct store_take {
    struct store_request request;
    struct id channel;
    bool is_ordered;
    struct wall now;
    const struct id *held; /* borrowed, sorted */
    size_t held_len;
    uint32_t max;
    size_t bytes_max;
    struct store_due *items; /* out, owned */
    size_t items_len;
    /* out: when the next beyond these is due (may be past: more is due now); WALL_NEVER: no
     * more pending */
    struct wall next_due;
};

struct store_lane {
    struct id account, channel;
    struct wall next_due;
};

/* Every send channel that has something pending: where dispatch starts from. */
struct store_lanes {
    struct store_request request;
    struct store_lane *lanes; /* out, owned */
    size_t lanes_len;
};

struct store_stats {
    struct store_request request;
    uint64_t pending; /* deliveries with a pending row */
    uint64_t bytes;   /* on disk */
};

#endif
