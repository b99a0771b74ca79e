#include "store/writes.h"

#include "base/macro.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <string.h>

#define REQUEST(name, from) CONTAINER_OF(from, struct store_##name, request)

static void tell_changed(struct committer *committer, struct id account, struct id channel)
{
    const struct store_hooks *hooks = committer->options.hooks;

    if (hooks->changed != NULL) {
        hooks->changed(hooks->ctx, account, channel);
    }
}

static void tell_nudged(struct committer *committer, struct id account, struct id channel,
                        struct id delivery)
{
    const struct store_hooks *hooks = committer->options.hooks;

    if (hooks->nudged != NULL) {
        hooks->nudged(hooks->ctx, account, channel, delivery);
    }
}

/* Settings change for ever forwards, also when the clock stands or steps back: `updated` is their
 * version. */
static struct wall later(struct wall now, struct wall before)
{
    return now.us > before.us ? now : (struct wall){before.us + 1};
}

static struct account *staged_account(struct committer *committer, struct id account)
{
    return directory_account_by_id(settings_staged(committer->options.settings), account);
}

/* Puts an account into the staged directory and gives up the caller's reference. */
static void stage_account(struct committer *committer, struct account *account)
{
    struct settings *settings = committer->options.settings;

    settings_stage(settings, directory_put_account(settings_staged(settings), account));
    account_release(account);
}

/* ---- publish -------------------------------------------------------------------------------- */

static enum err write_publish(struct committer *committer, struct store_request *request)
{
    struct store_publish *publish = REQUEST(publish, request);

    for (size_t i = 0; i < publish->items_len; i++) {
        struct store_publish_item *item = &publish->items[i];

        item->id = id_make(&committer->ids, committer->at.now, 1 + (uint64_t)item->targets_len);
        item->event->id = item->id;
        item->deliveries = item->targets_len;
        item->is_duplicate = false;
        item->err = OK;
    }
    return committer->options.ops->publish(committer->options.engine, &committer->at, publish);
}

static void undo_publish(struct store_request *request)
{
    struct store_publish *publish = REQUEST(publish, request);

    for (size_t i = 0; i < publish->items_len; i++) {
        publish->items[i].event->id = ID_NONE;
        publish->items[i].id = ID_NONE;
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

static void committed_publish(struct committer *committer, struct store_request *request)
{
    struct store_publish *publish = REQUEST(publish, request);

    for (size_t i = 0; i < publish->items_len; i++) {
        struct store_publish_item *item = &publish->items[i];

        if (item->err != OK || item->is_duplicate) {
            item->event->id = ID_NONE;
            continue;
        }
        window_add(&committer->window, item->id, count_fresh(item));
        note_published(committer, item);
    }
}

/* ---- settle --------------------------------------------------------------------------------- */

/* The channel with its new health; one that is gone meanwhile needs none. */
static void stage_health(struct committer *committer, const struct store_settle_health *item)
{
    struct account *account = staged_account(committer, item->account);
    struct channel *before = account != NULL ? account_channel(account, item->channel) : NULL;

    if (before == NULL) {
        return;
    }
    struct channel *channel = channel_copy(before);
    channel->health = item->health;
    stage_account(committer, account_with_channel(account, channel));
    channel_release(channel);
}

static enum err write_settle(struct committer *committer, struct store_request *request)
{
    struct store_settle *settle = REQUEST(settle, request);
    enum err err =
        committer->options.ops->settle(committer->options.engine, &committer->at, settle);

    for (size_t i = 0; i < settle->health_len && err == OK; i++) {
        stage_health(committer, &settle->health[i]);
    }
    return err;
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
        tell_changed(committer, settle->health[i].account, settle->health[i].channel);
    }
}

/* ---- the queue, and steering by hand -------------------------------------------------------- */

static enum err write_receive(struct committer *committer, struct store_request *request)
{
    return committer->options.ops->receive(committer->options.engine, &committer->at,
                                           REQUEST(receive, request));
}

static void undo_receive(struct store_request *request)
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

    if (answer->kind == STORE_RELEASE) {
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

/* ---- settings ------------------------------------------------------------------------------- */

/* Whether what is to be changed is what the caller had seen. */
static enum err check_version(struct store_request *request, const struct wall *updated,
                              struct wall expected)
{
    if (updated == NULL) {
        return diag_set(&request->diag, ERR_NOT_FOUND, "it does not exist any more");
    }
    if (updated->us != expected.us) {
        return diag_set(&request->diag, ERR_STALE, "it was changed meanwhile");
    }
    return OK;
}

/* A new account, or the next version of one; sets its id and times. */
static enum err prepare_account(struct committer *committer, struct store_put_account *put)
{
    struct account *account = put->account;
    struct wall now = committer->at.now;

    if (account->id.value == 0) {
        if (directory_account(settings_staged(committer->options.settings), account->name)) {
            return diag_set(&put->request.diag, ERR_EXISTS, "there is such an account already");
        }
        account->id = id_make(&committer->ids, now, 1);
        account->created = now;
        account->updated = now;
        return OK;
    }
    struct account *before = staged_account(committer, account->id);
    enum err err =
        check_version(&put->request, before != NULL ? &before->updated : NULL, put->expected);
    if (err == OK) {
        account->created = before->created;
        account->updated = later(now, before->updated);
        (void)account_with_channels_of(account, before);
    }
    return err;
}

static enum err write_put_account(struct committer *committer, struct store_request *request)
{
    struct store_put_account *put = REQUEST(put_account, request);

    request->err = prepare_account(committer, put);
    if (request->err != OK) {
        return OK;
    }
    enum err err =
        committer->options.ops->put_account(committer->options.engine, &committer->at, put);
    if (err == OK && request->err == OK) {
        stage_account(committer, account_hold(put->account));
    }
    return err;
}

/* The id of a thing that did not come to be. What has been a version before keeps its own. */
static void undo_put_account(struct store_request *request)
{
    struct account *account = REQUEST(put_account, request)->account;

    if (account->created.us == account->updated.us) {
        account->id = ID_NONE;
    }
}

static void committed_put_account(struct committer *committer, struct store_request *request)
{
    tell_changed(committer, REQUEST(put_account, request)->account->id, ID_NONE);
}

static enum err prepare_channel(struct committer *committer, const struct account *account,
                                struct store_put_channel *put)
{
    struct channel *channel = put->channel;
    struct wall now = committer->at.now;

    if (channel->id.value == 0) {
        if (account->channels_len >= ACCOUNT_CHANNELS_MAX) {
            return diag_set(&put->request.diag, ERR_LIMIT, "an account has at most %d channels",
                            ACCOUNT_CHANNELS_MAX);
        }
        channel->id = id_make(&committer->ids, now, 1);
        channel->created = now;
        channel->updated = now;
        return OK;
    }
    const struct channel *before = account_channel(account, channel->id);
    enum err err =
        check_version(&put->request, before != NULL ? &before->updated : NULL, put->expected);
    if (err == OK) {
        channel->created = before->created;
        channel->updated = later(now, before->updated);
    }
    return err;
}

static enum err write_put_channel(struct committer *committer, struct store_request *request)
{
    struct store_put_channel *put = REQUEST(put_channel, request);
    struct account *account = staged_account(committer, put->account);

    if (account == NULL) {
        request->err = diag_set(&request->diag, ERR_NOT_FOUND, "there is no such account");
        return OK;
    }
    request->err = prepare_channel(committer, account, put);
    if (request->err != OK) {
        return OK;
    }
    put->channel->account = put->account;
    if (put->channel->gate == NULL) {
        put->channel->gate = channel_gate_new(SETTINGS_GATE_ROOM);
    }
    enum err err =
        committer->options.ops->put_channel(committer->options.engine, &committer->at, put);
    if (err == OK && request->err == OK) {
        stage_account(committer, account_with_channel(account, put->channel));
    }
    return err;
}

static void undo_put_channel(struct store_request *request)
{
    struct channel *channel = REQUEST(put_channel, request)->channel;

    if (channel->created.us == channel->updated.us) {
        channel->id = ID_NONE;
    }
}

static void committed_put_channel(struct committer *committer, struct store_request *request)
{
    const struct store_put_channel *put = REQUEST(put_channel, request);

    tell_changed(committer, put->account, put->channel->id);
}

static enum err write_put_key(struct committer *committer, struct store_request *request)
{
    struct store_put_key *put = REQUEST(put_key, request);
    struct settings *settings = committer->options.settings;

    put->key->id = id_make(&committer->ids, committer->at.now, 1);
    put->key->created = committer->at.now;
    enum err err = committer->options.ops->put_key(committer->options.engine, &committer->at, put);
    if (err == OK && request->err == OK) {
        settings_stage(settings, directory_put_key(settings_staged(settings), put->key));
    }
    return err;
}

static void undo_put_key(struct store_request *request)
{
    REQUEST(put_key, request)->key->id = ID_NONE;
}

/* The directory without what is to go, or NULL when it is not there. */
static struct directory *without(const struct directory *directory,
                                 const struct store_remove *target)
{
    if (target->key.value != 0) {
        return directory_key_by_id(directory, target->key) != NULL
                   ? directory_remove_key(directory, target->key)
                   : NULL;
    }
    struct account *account = directory_account_by_id(directory, target->account);
    if (account == NULL) {
        return NULL;
    }
    if (target->channel.value == 0) {
        return directory_remove_account(directory, target->account);
    }
    if (account_channel(account, target->channel) == NULL) {
        return NULL;
    }
    struct account *fewer = account_without_channel(account, target->channel);
    struct directory *result = directory_put_account(directory, fewer);
    account_release(fewer);
    return result;
}

static enum err write_remove(struct committer *committer, struct store_request *request)
{
    struct settings *settings = committer->options.settings;
    struct store_remove *target = REQUEST(remove, request);
    struct directory *rest = without(settings_staged(settings), target);

    if (rest == NULL) {
        request->err = diag_set(&request->diag, ERR_NOT_FOUND, "there is no such thing");
        return OK;
    }
    enum err err =
        committer->options.ops->remove(committer->options.engine, &committer->at, target);
    if (err != OK || request->err != OK) {
        directory_release(rest);
        return err;
    }
    settings_stage(settings, rest);
    return OK;
}

static void committed_remove(struct committer *committer, struct store_request *request)
{
    const struct store_remove *target = REQUEST(remove, request);

    if (target->key.value == 0) {
        tell_changed(committer, target->account, target->channel);
    }
}

static enum err write_retain(struct committer *committer, struct store_request *request)
{
    return committer->options.ops->retain(committer->options.engine, &committer->at,
                                          REQUEST(retain, request));
}

/* ---- The table ------------------------------------------------------------------------------ */

static const struct write_call calls[STORE_CALL_COUNT] = {
    [STORE_CALL_publish] = {write_publish, undo_publish, committed_publish, true},
    [STORE_CALL_settle] = {write_settle, NULL, committed_settle, false},
    [STORE_CALL_receive] = {write_receive, undo_receive, NULL, false},
    [STORE_CALL_answer] = {write_answer, NULL, committed_answer, false},
    [STORE_CALL_steer] = {write_steer, NULL, committed_steer, false},
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
