/*
 * Settings. A snapshot keeps them as the directory that they make; only what belongs to a process
 * and not to the settings is made anew when they are loaded: the channels' gates.
 */
#include "base/json.h"
#include "store/memory/memory_internal.h"

#include <assert.h>
#include <string.h>

enum { SETTINGS_BYTES_MAX = 1024 * 1024 }; /* settings have limits of their own, well below */

/* Puts an account into the draft and gives up the caller's reference. */
static void put_account(struct snapshot *draft, struct account *account)
{
    snapshot_put_directory(draft, directory_put_account(draft->directory, account));
    account_release(account);
}

enum err memory_put_account(struct engine *engine, const struct engine_batch *batch,
                            struct store_put_account *put)
{
    (void)batch;
    put_account(engine->draft, account_hold(put->account));
    return OK;
}

static void put_channel(struct snapshot *draft, struct id account, struct channel *channel)
{
    const struct account *owner = directory_account_by_id(draft->directory, account);

    put_account(draft, account_with_channel(owner, channel));
}

enum err memory_put_channel(struct engine *engine, const struct engine_batch *batch,
                            struct store_put_channel *put)
{
    (void)batch;
    put_channel(engine->draft, put->account, put->channel);
    return OK;
}

void memory_put_health(struct engine *engine, const struct store_settle_health *item)
{
    struct snapshot *draft = engine->draft;
    const struct account *owner = directory_account_by_id(draft->directory, item->account);
    const struct channel *before = owner != NULL ? account_channel(owner, item->channel) : NULL;

    if (before == NULL) {
        return;
    }
    struct channel *after = channel_copy(before);
    after->health = item->health;
    put_channel(draft, item->account, after);
    channel_release(after);
}

enum err memory_put_key(struct engine *engine, const struct engine_batch *batch,
                        struct store_put_key *put)
{
    struct snapshot *draft = engine->draft;

    (void)batch;
    snapshot_put_directory(draft, directory_put_key(draft->directory, put->key));
    return OK;
}

enum err memory_remove(struct engine *engine, const struct engine_batch *batch,
                       struct store_remove *target)
{
    struct snapshot *draft = engine->draft;
    const struct directory *before = draft->directory;

    (void)batch;
    if (target->key.value != 0) {
        snapshot_put_directory(draft, directory_remove_key(before, target->key));
    } else if (target->channel.value != 0) {
        const struct account *owner = directory_account_by_id(before, target->account);

        put_account(draft, account_without_channel(owner, target->channel));
    } else {
        snapshot_put_directory(draft, directory_remove_account(before, target->account));
    }
    return OK;
}

/* ---- Loading --------------------------------------------------------------------------------- */

/* The channel as a store on disk would give it back: without a gate. */
static struct channel *read_back(const struct channel *kept,
                                 const struct channel_defaults *defaults)
{
    struct channel *channel = NULL;
    struct json_doc doc;
    struct buf settings;

    buf_init(&settings, SETTINGS_BYTES_MAX);
    json_doc_init(&doc);
    channel_settings_json(kept, &settings);
    enum err err = json_parse(&doc, buf_view(&settings), NULL);
    if (err == OK) {
        err = channel_from_json(json_root(&doc), NULL, defaults, &channel, NULL);
    }
    assert(err == OK); /* it was valid when it was put */
    channel->id = kept->id;
    channel->account = kept->account;
    channel->created = kept->created;
    channel->updated = kept->updated;
    channel->health = kept->health;
    memcpy(channel->secrets, kept->secrets, sizeof channel->secrets);
    channel->secrets_len = kept->secrets_len;
    json_doc_clear(&doc);
    buf_clear(&settings);
    return channel;
}

static void load_account(void *ctx, struct account *kept)
{
    struct engine *engine = ctx;
    struct account *account = account_without_channel(kept, ID_NONE); /* a copy: none has that id */

    for (uint32_t i = 0; i < account->channels_len; i++) {
        channel_release(account->channels[i]);
        account->channels[i] = read_back(kept->channels[i], &engine->channel_defaults);
    }
    put_account(engine->draft, account);
}

static void load_keys(struct directory *into, const struct directory *kept)
{
    struct id after = ID_NONE;
    struct key *key = NULL;

    while (directory_keys_after(kept, after, &key, 1) == 1) {
        directory_add_key(into, key);
        after = key->id;
    }
}

static void add_account(void *ctx, struct account *account)
{
    directory_add_account(ctx, account);
}

/* The draft takes the new channels in too: what is put later finds them as everybody sees them. */
enum err memory_load(struct engine *engine, struct engine_state *state, struct diag *diag)
{
    const struct snapshot *kept = engine->shelf->newest;

    (void)diag;
    engine->draft = snapshot_draft(kept);
    directory_each_account(kept->directory, load_account, engine);
    directory_each_account(engine->draft->directory, add_account, state->directory);
    load_keys(state->directory, kept->directory);
    state->newest = kept->newest;
    state->mark = kept->mark;
    memcpy(state->receipt_key, engine->shelf->receipt_key, sizeof state->receipt_key);
    shelf_put(engine->shelf, engine->draft);
    engine->draft = NULL;
    return OK;
}
