#include "base/macro.h"
#include "base/mem.h"
#include "store/writes_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

static void tell_nudged(struct committer *committer, struct id account, struct id channel,
                        struct id delivery)
{
    const struct store_hooks *hooks = committer->options.hooks;

    if (hooks->nudged != NULL) {
        hooks->nudged(hooks->ctx, account, channel, delivery);
    }
}

/* ---- publish -------------------------------------------------------------------------------- */

void writes_prepare_item(struct committer *committer, struct store_publish_item *item)
{
    assert(item->name.len <= EVENT_REFERENCE_BYTES_MAX);
    item->id = id_make(&committer->ids, committer->at.now, 1 + (uint64_t)item->targets_len);
    item->event->id = item->id;
    item->deliveries = item->targets_len;
    item->is_duplicate = false;
    item->err = OK;
}

void writes_undo_item(struct store_publish_item *item)
{
    item->event->id = ID_NONE;
    item->id = ID_NONE;
}

static enum err write_publish(struct committer *committer, struct store_request *request)
{
    struct store_publish *publish = REQUEST(publish, request);

    for (size_t i = 0; i < publish->items_len; i++) {
        writes_prepare_item(committer, &publish->items[i]);
    }
    return committer->options.ops->publish(committer->options.engine, &committer->at, publish);
}

static void undo_publish(struct store_request *request)
{
    struct store_publish *publish = REQUEST(publish, request);

    for (size_t i = 0; i < publish->items_len; i++) {
        writes_undo_item(&publish->items[i]);
    }
}

static uint32_t count_fresh(const struct store_publish_item *item)
{
    uint32_t fresh = 0;

    for (uint32_t i = 0; i < item->targets_len; i++) {
        fresh += item->targets[i].way == STORE_FRESH;
    }
    return fresh;
}

static void note_published(struct committer *committer, struct store_publish_item *item)
{
    if (committer->published_len == committer->published_room) {
        committer->published_room =
            committer->published_room == 0 ? 1024 : 2 * committer->published_room;
        committer->published = mem_resize(committer->published, committer->published_room,
                                          sizeof(struct store_publish_item *));
    }
    committer->published[committer->published_len++] = item;
}

void writes_tell_item(struct committer *committer, struct store_publish_item *item)
{
    if (item->err != OK || item->is_duplicate) {
        item->event->id = ID_NONE;
        return;
    }
    window_add(&committer->window, item->id, count_fresh(item));
    note_published(committer, item);
}

static void committed_publish(struct committer *committer, struct store_request *request)
{
    struct store_publish *publish = REQUEST(publish, request);

    for (size_t i = 0; i < publish->items_len; i++) {
        writes_tell_item(committer, &publish->items[i]);
    }
}

/* ---- settle --------------------------------------------------------------------------------- */

/* NULL when it is gone. */
static const struct channel *find_channel(const struct committer *committer, struct id account,
                                          struct id channel)
{
    const struct account *owner =
        directory_account_by_id(settings_staged(committer->options.settings), account);

    return owner != NULL ? account_channel(owner, channel) : NULL;
}

/* Without room it is left out, so that the outcomes that it comes with go on. */
static enum err write_notice(struct committer *committer, const struct store_settle_health *health,
                             struct diag *diag)
{
    struct store_publish_item *item = health->notice;
    struct store_publish publish = {.items = item, .items_len = 1};

    if (atomic_load(&committer->is_full)) {
        item->err = ERR_FULL;
        return OK;
    }
    if (find_channel(committer, health->account, health->channel) == NULL) {
        item->err = ERR_NOT_FOUND;
        return OK;
    }
    writes_prepare_item(committer, item);
    enum err err =
        committer->options.ops->publish(committer->options.engine, &committer->at, &publish);
    if (err != OK) {
        *diag = publish.request.diag;
    }
    return err;
}

static enum err write_settle(struct committer *committer, struct store_request *request)
{
    struct store_settle *settle = REQUEST(settle, request);
    enum err err = OK;

    for (size_t i = 0; i < settle->health_len && err == OK; i++) {
        if (settle->health[i].notice != NULL) {
            err = write_notice(committer, &settle->health[i], &request->diag);
        }
    }
    if (err == OK) {
        err = committer->options.ops->settle(committer->options.engine, &committer->at, settle);
    }
    for (size_t i = 0; i < settle->health_len && err == OK; i++) {
        writes_stage_health(committer, &settle->health[i]);
    }
    return err;
}

static void undo_settle(struct store_request *request)
{
    const struct store_settle *settle = REQUEST(settle, request);

    for (size_t i = 0; i < settle->health_len; i++) {
        if (settle->health[i].notice != NULL) {
            writes_undo_item(settle->health[i].notice);
        }
    }
}

static void committed_settle(struct committer *committer, struct store_request *request)
{
    const struct store_settle *settle = REQUEST(settle, request);

    for (size_t i = 0; i < settle->items_len; i++) {
        if (settle->items[i].is_fresh) {
            window_settle(&committer->window, settle->items[i].event);
        }
    }
    for (size_t i = 0; i < settle->health_len; i++) {
        writes_tell_changed(committer, settle->health[i].account, settle->health[i].channel);
        if (settle->health[i].notice != NULL) {
            writes_tell_item(committer, settle->health[i].notice);
        }
    }
}

/* ---- the queue, and steering by hand -------------------------------------------------------- */

static enum err write_receive(struct committer *committer, struct store_request *request)
{
    return committer->options.ops->receive(committer->options.engine, &committer->at,
                                           REQUEST(receive, request));
}

static enum err write_show(struct committer *committer, struct store_request *request)
{
    return committer->options.ops->show(committer->options.engine, &committer->at,
                                        REQUEST(show, request));
}

/* Takes back what the engine handed out. */
static void undo_results(struct store_request *request)
{
    store_request_clear(request);
}

static enum err write_answer(struct committer *committer, struct store_request *request)
{
    return committer->options.ops->answer(committer->options.engine, &committer->at,
                                          REQUEST(answer, request));
}

/* What was given back is there for whoever waits. */
static void committed_answer(struct committer *committer, struct store_request *request)
{
    const struct store_answer *answer = REQUEST(answer, request);

    if (answer->kind == STORE_RELEASE || answer->kind == STORE_UNDO) {
        tell_nudged(committer, answer->account, answer->channel, ID_NONE);
    }
}

static enum err write_steer(struct committer *committer, struct store_request *request)
{
    return committer->options.ops->steer(committer->options.engine, &committer->at,
                                         REQUEST(steer, request));
}

static void committed_steer(struct committer *committer, struct store_request *request)
{
    const struct store_steer *steer = REQUEST(steer, request);

    tell_nudged(committer, steer->account, steer->channel,
                steer->is_queue ? ID_NONE : steer->delivery);
}

static bool waits_for_ever(void *ctx, struct id account, struct id channel)
{
    const struct committer *committer = ctx;
    const struct channel *queue = find_channel(committer, account, channel);
    const struct dialect_rules *rules =
        queue != NULL ? dialect_rules_find(committer->options.dialects, queue->dialect) : NULL;

    return rules != NULL && rules->waits_for_ever;
}

static enum err write_retain(struct committer *committer, struct store_request *request)
{
    struct store_retain *retain = REQUEST(retain, request);

    retain->waits_for_ever = waits_for_ever;
    retain->ctx = committer;
    return committer->options.ops->retain(committer->options.engine, &committer->at, retain);
}

/* ---- The table ------------------------------------------------------------------------------ */

static const struct write_call calls[STORE_CALL_COUNT] = {
    [STORE_CALL_publish] = {write_publish, undo_publish, committed_publish, true},
    [STORE_CALL_settle] = {write_settle, undo_settle, committed_settle, false},
    [STORE_CALL_receive] = {write_receive, undo_results, NULL, false},
    [STORE_CALL_answer] = {write_answer, NULL, committed_answer, false},
    [STORE_CALL_steer] = {write_steer, NULL, committed_steer, false},
    [STORE_CALL_show] = {write_show, undo_results, NULL, false},
    [STORE_CALL_open_operation] = {write_open_operation, NULL, committed_open_operation, true},
    [STORE_CALL_advance] = {write_advance, undo_advance, committed_advance, true},
    [STORE_CALL_put_account] = {write_put_account, undo_put_account, committed_put_account, true},
    [STORE_CALL_put_channel] = {write_put_channel, undo_put_channel, committed_put_channel, true},
    [STORE_CALL_put_key] = {write_put_key, undo_put_key, NULL, true},
    [STORE_CALL_remove] = {write_remove, NULL, committed_remove, false},
    [STORE_CALL_retain] = {write_retain, NULL, NULL, false},
};

const struct write_call *write_call(enum store_call call)
{
    return &calls[call];
}
