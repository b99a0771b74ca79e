#include "store/writes_internal.h"

#include <stdio.h>

void writes_tell_changed(struct committer *committer, struct id account, struct id channel)
{
    const struct store_hooks *hooks = committer->options.hooks;

    if (hooks->changed != NULL) {
        hooks->changed(hooks->ctx, account, channel);
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

void writes_stage_health(struct committer *committer, const struct store_settle_health *item)
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

/* ---- Accounts ------------------------------------------------------------------------------- */

/* Whether what is to be changed is what the caller had seen. */
static enum err check_version(struct store_request *request, struct wall updated,
                              struct wall expected)
{
    return updated.us == expected.us
               ? OK
               : diag_set(&request->diag, ERR_STALE, "it was changed meanwhile");
}

static enum err missing(struct store_request *request, const char *what)
{
    return diag_set(&request->diag, ERR_NOT_FOUND, "there is no such %s", what);
}

/* What tells accounts apart at a dialect's door belongs to one of them. */
static enum err check_logins(struct committer *committer, struct store_put_account *put)
{
    const struct directory *directory = settings_staged(committer->options.settings);
    const struct credentials *credentials = put->account->credentials;

    for (uint32_t i = 0; credentials != NULL && i < credentials->items_len; i++) {
        const struct credential *item = &credentials->items[i];
        const struct account *owner =
            directory_account_by_login(directory, item->rules->name, item->login);

        if (owner != NULL && owner->id.value != put->account->id.value) {
            char field[DIAG_FIELD_SIZE];

            (void)snprintf(field, sizeof field, "%s.%s", item->rules->name, item->rules->login);
            return diag_field(&put->request.diag, ERR_CONFLICT, field,
                              "belongs to another account");
        }
    }
    return OK;
}

/* A new account, or the next version of one; sets its id and times. */
static enum err prepare_account(struct committer *committer, struct store_put_account *put)
{
    struct account *account = put->account;
    struct wall now = committer->at.now;
    enum err err = check_logins(committer, put);

    if (err != OK) {
        return err;
    }
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
    if (before == NULL) {
        return missing(&put->request, "account");
    }
    err = check_version(&put->request, before->updated, put->expected);
    if (err == OK) {
        account->created = before->created;
        account->updated = later(now, before->updated);
        (void)account_with_channels_of(account, before);
    }
    return err;
}

enum err write_put_account(struct committer *committer, struct store_request *request)
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
void undo_put_account(struct store_request *request)
{
    struct account *account = REQUEST(put_account, request)->account;

    if (account->created.us == account->updated.us) {
        account->id = ID_NONE;
    }
}

void committed_put_account(struct committer *committer, struct store_request *request)
{
    writes_tell_changed(committer, REQUEST(put_account, request)->account->id, ID_NONE);
}

/* ---- Channels ------------------------------------------------------------------------------- */

/* The rules of a dialect of which an account has one enabled channel; NULL: it is no such one. */
static const struct dialect_rules *exclusive_rules(const struct committer *committer,
                                                   const struct channel *channel)
{
    const struct dialect_rules *rules =
        dialect_rules_find(committer->options.dialects, channel->dialect);

    return rules != NULL && rules->is_exclusive ? rules : NULL;
}

/*
 * Whoever has credentials of an exclusive dialect has a channel of it that is enabled: otherwise
 * what comes meanwhile would reach nobody. So the only one cannot go; another takes over from it.
 */
static enum err check_may_go(const struct committer *committer, const struct account *account,
                             const struct channel *channel, struct diag *diag)
{
    const struct dialect_rules *rules = exclusive_rules(committer, channel);

    if (rules == NULL || !channel->is_enabled ||
        credentials_of(account->credentials, rules->name) == NULL) {
        return OK;
    }
    return diag_set(diag, ERR_CONFLICT,
                    "an account with %s credentials needs one enabled %s channel: enable or make "
                    "another, which takes over, or remove the credentials",
                    rules->name, rules->name);
}

/* A new channel of an account, or the next version of one; sets its id and times. */
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
    if (before == NULL) {
        return missing(&put->request, "channel");
    }
    enum err err = check_version(&put->request, before->updated, put->expected);
    if (err == OK && (!channel->is_enabled || !slice_equal(channel->dialect, before->dialect))) {
        err = check_may_go(committer, account, before, &put->request.diag);
    }
    if (err == OK) {
        channel->created = before->created;
        channel->updated = later(now, before->updated);
    }
    if (err == OK && !put->is_enabled_again) {
        channel->health = before->health;
    }
    return err;
}

static bool is_taking_over(const struct committer *committer, const struct channel *channel)
{
    return channel->is_enabled && exclusive_rules(committer, channel) != NULL;
}

/* The next version of a channel that another one takes over from. */
static enum err disable(struct committer *committer, struct store_put_channel *put,
                        const struct channel *before)
{
    struct store_put_channel change = {.account = put->account, .channel = channel_copy(before)};

    change.channel->is_enabled = false;
    change.channel->updated = later(committer->at.now, before->updated);
    enum err err =
        committer->options.ops->put_channel(committer->options.engine, &committer->at, &change);
    if (err == OK) {
        stage_account(committer, account_with_channel(staged_account(committer, put->account),
                                                      change.channel));
    } else {
        put->request.diag = change.request.diag;
    }
    channel_release(change.channel);
    return err;
}

/* Of an exclusive dialect only the channel that was just put stays enabled. */
static enum err disable_others(struct committer *committer, struct store_put_channel *put)
{
    /* The staged account changes meanwhile; what this one lends stays. */
    struct account *account = account_hold(staged_account(committer, put->account));
    enum err err = OK;

    for (uint32_t i = 0; i < account->channels_len && err == OK; i++) {
        const struct channel *other = account->channels[i];

        if (other->id.value != put->channel->id.value && other->is_enabled &&
            slice_equal(other->dialect, put->channel->dialect)) {
            err = disable(committer, put, other);
        }
    }
    account_release(account);
    return err;
}

enum err write_put_channel(struct committer *committer, struct store_request *request)
{
    struct store_put_channel *put = REQUEST(put_channel, request);
    struct account *account = staged_account(committer, put->account);

    if (account == NULL) {
        request->err = missing(request, "account");
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
    if (err == OK && request->err == OK && is_taking_over(committer, put->channel)) {
        err = disable_others(committer, put);
    }
    return err;
}

void undo_put_channel(struct store_request *request)
{
    struct channel *channel = REQUEST(put_channel, request)->channel;

    if (channel->created.us == channel->updated.us) {
        channel->id = ID_NONE;
    }
}

/* Those that were disabled, and those that were so before: who is told looks anew. */
static void tell_others(struct committer *committer, const struct store_put_channel *put)
{
    const struct account *account = staged_account(committer, put->account);

    for (uint32_t i = 0; account != NULL && i < account->channels_len; i++) {
        const struct channel *other = account->channels[i];

        if (other->id.value != put->channel->id.value && !other->is_enabled &&
            slice_equal(other->dialect, put->channel->dialect)) {
            writes_tell_changed(committer, put->account, other->id);
        }
    }
}

void committed_put_channel(struct committer *committer, struct store_request *request)
{
    const struct store_put_channel *put = REQUEST(put_channel, request);

    writes_tell_changed(committer, put->account, put->channel->id);
    if (is_taking_over(committer, put->channel)) {
        tell_others(committer, put);
    }
}

/* ---- Keys, and removing --------------------------------------------------------------------- */

enum err write_put_key(struct committer *committer, struct store_request *request)
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

void undo_put_key(struct store_request *request)
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

/* Whether a channel that is to be removed may go; what else may is not asked here. */
static enum err check_removal(struct committer *committer, struct store_remove *target)
{
    const struct account *account = staged_account(committer, target->account);
    const struct channel *channel =
        account != NULL ? account_channel(account, target->channel) : NULL;

    return channel != NULL ? check_may_go(committer, account, channel, &target->request.diag) : OK;
}

enum err write_remove(struct committer *committer, struct store_request *request)
{
    struct settings *settings = committer->options.settings;
    struct store_remove *target = REQUEST(remove, request);

    request->err = check_removal(committer, target);
    if (request->err != OK) {
        return OK;
    }
    struct directory *rest = without(settings_staged(settings), target);
    if (rest == NULL) {
        request->err = missing(request, "thing");
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

void committed_remove(struct committer *committer, struct store_request *request)
{
    const struct store_remove *target = REQUEST(remove, request);

    if (target->key.value == 0) {
        writes_tell_changed(committer, target->account, target->channel);
    }
}
