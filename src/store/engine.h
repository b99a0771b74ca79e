/*
 * An engine, for those who write one: plain blocking code that keeps the domain's data somewhere.
 *
 * The generic half (store.c, committer.c, readers.c) does threads, batching, ids, the directory,
 * the mark and the callbacks. An engine does storage, and is called like this:
 *
 *   open, load, recover                               once, on the opening thread
 *   (begin, write..., commit | rollback), settled     for ever, all on the committer's thread
 *   reader_open                                       once for each reader, on the opening thread
 *   read...                                           on each reader's thread, while others write
 *   reader_close, close                               once, last, on the closing thread
 *
 * Rules:
 * 1. A write function checks before it changes anything. A domain error (ERR_NOT_FOUND,
 *    ERR_CONFLICT, ...) goes into the request (or item) and the function returns OK; the
 *    transaction goes on with the other requests.
 * 2. A write function returns ERR_FULL, ERR_IO or ERR_CORRUPT when the whole transaction is spoilt,
 *    with the words in the request's diag; rollback follows.
 * 3. commit returns OK only when everything is flushed, unless the batch says that it need not be:
 *    then it must outlive the process, and the next one that flushes covers it. ERR_FULL: nothing of
 *    it is there, rollback follows. Anything else is fatal.
 * 4. Ids and `now` are given in; an engine makes no ids but those of attempts, and reads no clock.
 *    The generic half has checked settings before it calls (names, versions, that what is to be
 *    removed exists) and has set their ids and times: an engine stores them as they are.
 * 5. A read function fills the request's results with memory from mem_new, which
 *    store_request_clear frees in one way for all engines: arrays as one block; detail and answer
 *    of each attempt, and event_type of list_deliveries, as a mem_text each.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/store.h"

struct engine;        /* each engine's own */
struct engine_reader; /* each engine's own */

struct engine_options {
    const char *path, *url;
    const uint8_t *master_key; /* or NULL */
    struct env *env;           /* for nonces of sealed secrets only */
    int64_t idempotency_us;    /* how long a key counts, whether or not retain has removed it */
    struct channel_defaults channel_defaults;
};

/* What the generic half gives to each transaction. */
struct engine_batch {
    struct wall now;
    struct id_maker *ids; /* for attempts; events and deliveries have theirs already */
    bool needs_no_flush;  /* there are only shows in it */
    /* invariant 4 of store.h: every event up to here has its deliveries pending or final; moves
     * when it is worth keeping */
    struct id mark;
};

/* What an engine tells when opened. */
struct engine_state {
    struct directory *directory; /* filled by load */
    struct id newest;            /* newest id anywhere in it */
    struct id mark;
    uint8_t receipt_key[32]; /* from chance given in at the first open, kept for ever */
};

/* When something is due, given what was recorded: see STORE_DUE_US_MAX. */
static inline struct wall engine_due(struct wall due, struct wall now)
{
    return due.us - now.us > STORE_DUE_US_MAX ? now : due;
}

#define ENGINE_WRITE(name)                                                                         \
    enum err (*name)(struct engine *, const struct engine_batch *, struct store_##name *)
#define ENGINE_READ(name)                                                                          \
    enum err (*name)(struct engine_reader *, struct wall now, struct store_##name *)

struct engine_ops {
    const char *name; /* in the settings: "sqlite" */

    enum err (*open)(const struct engine_options *options, struct engine **out, struct diag *diag);
    void (*close)(struct engine *engine);

    /* Everything about settings, into state->directory (made by the caller, empty). */
    enum err (*load)(struct engine *engine, struct engine_state *state, struct diag *diag);
    /* Makes pending, due now, what is above the mark and has no recorded end; returns how many. In
     * transactions of its own. */
    enum err (*recover)(struct engine *engine, struct id mark, struct wall now, uint64_t *out_count,
                        struct diag *diag);

    /* ERR_BUSY: somebody else writes for longer than an engine cares to wait at a time; nothing has
     * begun, and it is called again. */
    enum err (*begin)(struct engine *engine, const struct engine_batch *batch, struct diag *diag);
    enum err (*commit)(struct engine *engine, struct diag *diag);
    void (*rollback)(struct engine *engine);
    /* After a commit: checkpoints and the like, in small steps. What it returns but OK is fatal. */
    enum err (*settled)(struct engine *engine, struct diag *diag);
    /* Disk full: give up what was held in reserve so that acknowledging still works; take it back:
     * OK when there is room for events again. */
    void (*relieve)(struct engine *engine);
    enum err (*reserve)(struct engine *engine);

    ENGINE_WRITE(publish);
    ENGINE_WRITE(settle); /* without the notices, which are published before it */
    ENGINE_WRITE(receive);
    ENGINE_WRITE(answer);
    ENGINE_WRITE(steer);
    ENGINE_WRITE(show);
    ENGINE_WRITE(open_operation); /* its id is the request's */
    ENGINE_WRITE(advance);
    ENGINE_WRITE(put_account);
    ENGINE_WRITE(put_channel);
    ENGINE_WRITE(put_key);
    ENGINE_WRITE(remove);
    ENGINE_WRITE(retain);

    enum err (*reader_open)(struct engine *engine, struct engine_reader **out, struct diag *diag);
    void (*reader_close)(struct engine_reader *reader);
    ENGINE_READ(get_event);
    ENGINE_READ(list_events);
    ENGINE_READ(get_delivery);
    ENGINE_READ(list_deliveries);
    ENGINE_READ(find_event);
    ENGINE_READ(get_operation);
    ENGINE_READ(list_operations);
    ENGINE_READ(due_operations);
    ENGINE_READ(take);
    ENGINE_READ(lanes);
    ENGINE_READ(stats);
};

extern const struct engine_ops engine_sqlite;
/* For tests: all is gone at the end of the process; until then a path opens again what it held. */
extern const struct engine_ops engine_memory;

/* By name, NULL when there is none such. */
const struct engine_ops *engine_find(const char *name);

#endif
