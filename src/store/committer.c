#include "store/committer.h"

#include "base/macro.h"
#include "base/mem.h"
#include "os/log.h"
#include "store/writes.h"

#include <assert.h>
#include <stdatomic.h>

#define RESERVE_EVERY_US US_PER_SECOND
#define CLOSING_LOOK_US (10 * US_PER_MS)

/* How far the mark may lag behind: it costs a row in the transaction, and at a start everything
 * above it is looked at. */
#define MARK_EVENTS_MAX 1024
#define MARK_EVERY_US (100 * US_PER_MS)

/* ---- What waits ----------------------------------------------------------------------------- */

static void run_nothing(struct message *message)
{
    (void)message;
}

/* Moves what the mailbox holds to the end of the queue. */
static void take_mail(struct committer *committer)
{
    struct message *next = NULL;

    for (struct message *message = mailbox_take(committer->mailbox); message; message = next) {
        next = message->next;
        if (message == &committer->wake) {
            continue;
        }
        message->next = NULL;
        if (committer->queue_first == NULL) {
            committer->queue_first = message;
        } else {
            committer->queue_last->next = message;
        }
        committer->queue_last = message;
    }
}

static int64_t wait_us(const struct committer *committer)
{
    if (atomic_load(&committer->is_closing)) {
        /* a submitter that is turned away posts nothing that would wake us */
        return CLOSING_LOOK_US;
    }
    return atomic_load(&committer->is_full) ? RESERVE_EVERY_US : -1;
}

/* Sees whether there is room for events again, now and then. */
static void try_reserve(struct committer *committer)
{
    const struct committer_options *options = &committer->options;
    struct mono now = env_mono(options->env);

    if (!atomic_load(&committer->is_full) || now.us < committer->reserve_next.us) {
        return;
    }
    committer->reserve_next.us = now.us + RESERVE_EVERY_US;
    if (options->ops->reserve(options->engine) == OK) {
        atomic_store(&committer->is_full, false);
    }
}

/* Waits for work. False: the store is closing and nothing waits any more. */
static bool wait_for_work(struct committer *committer)
{
    take_mail(committer);
    while (committer->queue_first == NULL) {
        if (atomic_load(&committer->is_closing) && atomic_load(&committer->waiting) == 0) {
            return false;
        }
        (void)mailbox_wait(committer->mailbox, wait_us(committer));
        try_reserve(committer);
        take_mail(committer);
    }
    try_reserve(committer);
    return true;
}

static void fill_batch(struct committer *committer)
{
    committer->batch_len = 0;
    committer->at.needs_no_flush = true;
    while (committer->queue_first != NULL && committer->batch_len < committer->options.batch_max) {
        struct message *message = committer->queue_first;

        struct store_request *request = CONTAINER_OF(message, struct store_request, message);

        committer->queue_first = message->next;
        committer->batch[committer->batch_len++] = request;
        committer->at.needs_no_flush &= request->call == STORE_CALL_show;
    }
    atomic_fetch_sub(&committer->waiting, (int64_t)committer->batch_len);
}

/* ---- One transaction ------------------------------------------------------------------------ */

/* Lets the mark move when that is worth a row. */
static void move_mark(struct committer *committer, bool is_last)
{
    struct mono now = env_mono(committer->options.env);
    uint64_t events = committer->window.passed - committer->mark_passed;

    if (is_last || events >= MARK_EVENTS_MAX ||
        (events > 0 && now.us - committer->mark_given.us >= MARK_EVERY_US)) {
        committer->at.mark = window_mark(&committer->window);
        committer->mark_passed = committer->window.passed;
        committer->mark_given = now;
    }
}

static enum err write_one(struct committer *committer, struct store_request *request,
                          struct diag *diag)
{
    const struct write_call *call = write_call(request->call);

    request->err = OK;
    request->diag = (struct diag){0};
    if (call->needs_room && atomic_load(&committer->is_full)) {
        request->err = diag_set(&request->diag, ERR_FULL,
                                "no room for more: the disk is full or cannot be written");
        return OK;
    }
    enum err err = call->write(committer, request);
    if (err != OK) {
        *diag = request->diag;
    }
    return err;
}

/* While somebody else writes (an operator's tool) the batch waits, however long: nothing of it is
 * written yet. */
static enum err begin(struct committer *committer, struct diag *diag)
{
    const struct committer_options *options = &committer->options;
    enum err err = ERR_BUSY;

    while (err == ERR_BUSY) {
        err = options->ops->begin(options->engine, &committer->at, diag);
    }
    return err;
}

static enum err write_all(struct committer *committer, struct diag *diag)
{
    const struct committer_options *options = &committer->options;
    enum err err = begin(committer, diag);

    committer->written = 0;
    while (committer->written < committer->batch_len && err == OK) {
        err = write_one(committer, committer->batch[committer->written++], diag);
    }
    return err != OK ? err : options->ops->commit(options->engine, diag);
}

/* Nothing of the transaction is stored; only a full disk is survived. */
static void roll_back(struct committer *committer, enum err err, const struct diag *diag)
{
    const struct committer_options *options = &committer->options;

    if (err != ERR_FULL) {
        options->hooks->fatal(options->hooks->ctx, err, diag);
        log_fatal("the store's fatal hook returned", 0);
    }
    options->ops->rollback(options->engine);
    settings_drop(options->settings);
    for (size_t i = 0; i < committer->batch_len; i++) {
        struct store_request *request = committer->batch[i];
        const struct write_call *call = write_call(request->call);

        if (i < committer->written && request->err == OK && call->undo != NULL) {
            call->undo(request);
        }
        request->err = ERR_FULL;
        request->diag = *diag;
    }
}

/* Gives up the reserve, and writes what only ends things: that must go on although no event can be
 * stored. */
static enum err write_without_room(struct committer *committer, struct diag *diag)
{
    const struct committer_options *options = &committer->options;

    atomic_store(&committer->is_full, true);
    committer->reserve_next.us = env_mono(options->env).us + RESERVE_EVERY_US;
    options->ops->relieve(options->engine);
    return write_all(committer, diag);
}

/* True when it was committed; otherwise every request has its error. */
static bool write_batch(struct committer *committer)
{
    struct diag diag = {0};
    enum err err = write_all(committer, &diag);

    if (err != OK) {
        roll_back(committer, err, &diag);
        err = write_without_room(committer, &diag);
        if (err != OK) {
            roll_back(committer, err, &diag);
        }
    }
    return err == OK;
}

static void tell_published(struct committer *committer)
{
    const struct store_hooks *hooks = committer->options.hooks;

    if (committer->published_len > 0 && hooks->published != NULL) {
        hooks->published(hooks->ctx, committer->published, committer->published_len);
    }
    committer->published_len = 0;
}

/* Everybody may know now: first what concerns all, then who asked. */
static void tell(struct committer *committer)
{
    settings_show(committer->options.settings);
    for (size_t i = 0; i < committer->batch_len; i++) {
        struct store_request *request = committer->batch[i];
        const struct write_call *call = write_call(request->call);

        if (request->err == OK && call->committed != NULL) {
            call->committed(committer, request);
        }
    }
    tell_published(committer);
}

static void reply_all(struct committer *committer)
{
    for (size_t i = 0; i < committer->batch_len; i++) {
        replies_add(&committer->replies, committer->batch[i]);
    }
    replies_post(&committer->replies);
}

static void settle_engine(struct committer *committer)
{
    const struct committer_options *options = &committer->options;
    struct diag diag = {0};
    enum err err = options->ops->settled(options->engine, &diag);

    if (err != OK) {
        options->hooks->fatal(options->hooks->ctx, err, &diag);
        log_fatal("the store's fatal hook returned", 0);
    }
}

static void run_batch(struct committer *committer, bool is_last)
{
    committer->at.now = env_wall(committer->options.env);
    move_mark(committer, is_last);
    if (write_batch(committer)) {
        tell(committer);
    }
    reply_all(committer);
    settle_engine(committer);
}

static void run(void *ctx)
{
    struct committer *committer = ctx;

    while (wait_for_work(committer)) {
        fill_batch(committer);
        run_batch(committer, /* is_last= */ false);
    }
    committer->batch_len = 0;
    committer->at.needs_no_flush = false;
    run_batch(committer, /* is_last= */ true);
}

/* ---- From outside --------------------------------------------------------------------------- */

void committer_start(struct committer *committer, const struct committer_options *options)
{
    assert(options->batch_max > 0);
    *committer = (struct committer){
        .options = *options,
        .mailbox = mailbox_new(),
        .wake = {.run = run_nothing},
        .batch = MEM_ARRAY(options->batch_max, struct store_request *),
    };
    id_maker_init(&committer->ids, options->node, options->newest);
    window_init(&committer->window, options->newest);
    committer->at.ids = &committer->ids;
    committer->at.mark = options->newest;
    atomic_init(&committer->is_full, options->ops->reserve(options->engine) != OK);
    thread_start(&committer->thread, "committer", run, committer);
}

void committer_submit(struct committer *committer, struct store_request *request)
{
    /*
     * Counted before looking whether the store closes, while the thread looks for the count after
     * that was said: in every order one of the two sees the other, so nothing is posted to a thread
     * that has left.
     */
    atomic_fetch_add(&committer->waiting, 1);
    if (atomic_load(&committer->is_closing)) {
        atomic_fetch_sub(&committer->waiting, 1);
        request->err = diag_set(&request->diag, ERR_CLOSED, "shutting down");
        reply_post(request);
        return;
    }
    mailbox_post(committer->mailbox, &request->message);
}

void committer_stop(struct committer *committer)
{
    atomic_store(&committer->is_closing, true);
    mailbox_post(committer->mailbox, &committer->wake);
    thread_join(&committer->thread);
}

void committer_clear(struct committer *committer)
{
    window_clear(&committer->window);
    replies_clear(&committer->replies);
    mailbox_free(committer->mailbox);
    mem_free(committer->batch);
    mem_free(committer->published);
}
