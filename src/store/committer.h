/*
 * The committer: the one thread that writes. It takes all requests that wait, writes them in one
 * transaction, flushes once, and then answers them all (group commit), so the more wait, the
 * cheaper each becomes.
 *
 *   submit (any thread) -> mailbox -> begin, write each, commit -> settings visible -> hooks
 *   -> replies -> settled
 *
 * When the disk is full, what needs room is refused and the rest goes on: acknowledging and
 * recording outcomes must still work.
 */
#ifndef STORE_COMMITTER_H
#define STORE_COMMITTER_H

#include "os/thread.h"
#include "store/engine.h"
#include "store/replies.h"
#include "store/settings.h"
#include "store/window.h"

struct committer_options {
    struct env *env;
    const struct engine_ops *ops;
    struct engine *engine;
    const struct store_hooks *hooks;
    struct settings *settings;
    const struct dialect_rules_table *dialects;
    uint32_t node;
    uint32_t queue_max;
    uint32_t batch_max;
    struct id newest; /* id anywhere in the store; all events up to it have been recovered */
};

struct committer {
    struct committer_options options;
    struct mailbox *mailbox;
    struct thread thread;
    struct message wake;     /* posted to make the thread look around */
    _Atomic int64_t waiting; /* submitted and not yet in a transaction */
    _Atomic bool is_closing;
    _Atomic bool is_full;

    /* The rest is the thread's own. */
    struct message *queue_first, *queue_last; /* taken from the mailbox, oldest first */
    struct store_request **batch;             /* room for batch_max */
    size_t batch_len;
    size_t written;         /* how many of the batch the engine was given in this transaction */
    struct engine_batch at; /* what the engine gets with the transaction */
    struct id_maker ids;
    struct window window;
    uint64_t mark_passed;     /* window.passed when the mark was last given to the engine */
    struct mono mark_given;   /* and when */
    struct mono reserve_next; /* when to ask again for room */
    struct replies replies;
    struct store_publish_item **published; /* of this batch, in commit order */
    size_t published_len, published_room;
};

void committer_start(struct committer *committer, const struct committer_options *options);

/* Any thread, until committer_clear. After committer_stop began the request comes back with
 * ERR_CLOSED. */
void committer_submit(struct committer *committer, struct store_request *request);

/* Waits until everything submitted is done, gives the mark to the engine, ends the thread. */
void committer_stop(struct committer *committer);
void committer_clear(struct committer *committer);

#endif
