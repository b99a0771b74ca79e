#include "store/store.h"

#include "base/macro.h"
#include "base/mem.h"
#include "model/receipt.h"
#include "store/committer.h"
#include "store/engine.h"
#include "store/readers.h"
#include "store/settings.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

struct store {
    const struct engine_ops *ops;
    struct engine *engine;
    struct store_hooks hooks;
    struct settings settings;
    struct dialect_rules_table dialects;
    struct committer committer;
    struct readers readers;
    uint8_t receipt_key[RECEIPT_KEY_BYTES];
    bool is_stopped;
};

/* Which calls go to the committer. */
#define IS_WRITE_W true
#define IS_WRITE_R false
#define WRITE_ROW(name, way) [STORE_CALL_##name] = IS_WRITE_##way,
static const bool is_write[STORE_CALL_COUNT] = {STORE_CALLS(WRITE_ROW)};
#undef WRITE_ROW

/* ---- Opening and closing -------------------------------------------------------------------- */

static enum err open_engine(struct store *store, struct env *env,
                            const struct store_options *options, struct diag *diag)
{
    const struct engine_options engine_options = {
        .path = options->path,
        .url = options->url,
        .master_key = options->master_key,
        .env = env,
        .channel_defaults = options->channel_defaults,
        .idempotency_us =
            options->idempotency_us > 0 ? options->idempotency_us : STORE_IDEMPOTENCY_US,
    };

    store->ops = options->engine;
    return store->ops->open(&engine_options, &store->engine, diag);
}

/* Reads the settings, and makes pending what a crash left in the air. */
static enum err load(struct store *store, struct env *env, struct engine_state *state,
                     struct diag *diag)
{
    uint64_t recovered = 0;

    state->directory = directory_new(env_random_u64(env));
    settings_init(&store->settings, state->directory);
    enum err err = store->ops->load(store->engine, state, diag);
    if (err == OK) {
        settings_make_gates(state->directory);
        memcpy(store->receipt_key, state->receipt_key, sizeof store->receipt_key);
        err = store->ops->recover(store->engine, state->mark, env_wall(env), &recovered, diag);
    }
    return err;
}

static void start_committer(struct store *store, struct env *env,
                            const struct store_options *options, struct id newest)
{
    committer_start(&store->committer, &(struct committer_options){
                                           .env = env,
                                           .ops = store->ops,
                                           .engine = store->engine,
                                           .hooks = &store->hooks,
                                           .settings = &store->settings,
                                           .dialects = &store->dialects,
                                           .node = options->node,
                                           .queue_max = options->queue_max,
                                           .batch_max = options->batch_max,
                                           .newest = newest,
                                       });
}

/* What is left when no thread runs. */
static void free_store(struct store *store)
{
    settings_clear(&store->settings);
    if (store->engine != NULL) {
        store->ops->close(store->engine);
    }
    mem_wipe(store->receipt_key, sizeof store->receipt_key);
    mem_free(store);
}

enum err store_open(struct env *env, const struct store_options *options, struct store **out,
                    struct diag *diag)
{
    struct store *store = MEM_NEW(struct store);
    struct engine_state state = {0};

    assert(options->hooks.fatal != NULL);
    store->hooks = options->hooks;
    store->dialects = options->channel_defaults.dialects;
    enum err err = open_engine(store, env, options, diag);
    if (err == OK) {
        err = load(store, env, &state, diag);
    }
    if (err == OK) {
        err =
            readers_start(&store->readers, store->ops, store->engine, env, options->readers, diag);
    }
    if (err != OK) {
        free_store(store);
        return err;
    }
    start_committer(store, env, options, state.newest);
    *out = store;
    return OK;
}

void store_stop(struct store *store)
{
    if (store == NULL || store->is_stopped) {
        return;
    }
    store->is_stopped = true;
    readers_stop(&store->readers);
    committer_stop(&store->committer);
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    store_stop(store);
    readers_clear(&store->readers);
    committer_clear(&store->committer);
    free_store(store);
}

/* ---- In between ----------------------------------------------------------------------------- */

bool store_is_busy(const struct store *store)
{
    return atomic_load_explicit(&store->committer.waiting, memory_order_relaxed) >
           (int64_t)store->committer.options.queue_max;
}

bool store_is_full(const struct store *store)
{
    return atomic_load_explicit(&store->committer.is_full, memory_order_relaxed);
}

const uint8_t *store_receipt_key(const struct store *store)
{
    return store->receipt_key;
}

struct directory *store_view(struct store *store, struct store_view *view)
{
    return settings_view(&store->settings, view);
}

void store_view_clear(struct store_view *view)
{
    directory_release(view->directory);
    *view = (struct store_view){0};
}

void store_submit(struct store *store, struct store_request *request)
{
    assert(request->reply_to != NULL && request->done != NULL);
    if (is_write[request->call]) {
        committer_submit(&store->committer, request);
    } else {
        readers_submit(&store->readers, request);
    }
}
