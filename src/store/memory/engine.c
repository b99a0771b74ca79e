/*
 * The engine's life, its transactions, and the table of its calls. For tests and for trying out:
 * nothing is on disk, so everything is gone when the process ends.
 *
 * Also the plainest answer to what an engine must do: each call is as short as its meaning allows.
 * What it does not do is be fast with millions of events.
 */
#include "base/mem.h"
#include "store/memory/memory_internal.h"

#include <assert.h>
#include <string.h>

/* ---- Opening and closing --------------------------------------------------------------------- */

static enum err open_engine(const struct engine_options *options, struct engine **out,
                            struct diag *diag)
{
    struct engine *engine = MEM_NEW(struct engine);
    enum err err = shelf_open(options->env, options->path, &engine->shelf, diag);

    if (err != OK) {
        mem_free(engine);
        return err;
    }
    engine->channel_defaults = options->channel_defaults;
    engine->idempotency_us = options->idempotency_us;
    *out = engine;
    return OK;
}

static void close_engine(struct engine *engine)
{
    shelf_close(engine->shelf);
    mem_free(engine);
}

/* Everything above the mark that is still being tried for the first time was in the air. */
static enum err recover(struct engine *engine, struct id mark, struct wall now, uint64_t *out_count,
                        struct diag *diag)
{
    struct snapshot *draft = snapshot_draft(engine->shelf->newest);
    const struct standing *fresh = NULL;
    struct snapshot_walk walk;
    uint64_t count = 0;

    (void)diag;
    snapshot_walk_from(&walk, draft->standings, mark);
    while ((fresh = snapshot_walk_next(&walk)) != NULL) {
        if (fresh->is_fresh) {
            struct standing *waiting = standing_new(fresh);

            waiting->is_fresh = false;
            waiting->due = now;
            snapshot_put_standing(draft, waiting);
            count++;
        }
    }
    snapshot_walk_end(&walk);
    shelf_put(engine->shelf, draft);
    *out_count = count;
    return OK;
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static enum err begin(struct engine *engine, const struct engine_batch *batch, struct diag *diag)
{
    (void)diag;
    assert(engine->draft == NULL);
    engine->draft = snapshot_draft(engine->shelf->newest);
    engine->draft->mark = batch->mark;
    engine->ids = batch->ids;
    return OK;
}

static enum err commit(struct engine *engine, struct diag *diag)
{
    (void)diag;
    engine->draft->newest = engine->ids->last;
    shelf_put(engine->shelf, engine->draft);
    engine->draft = NULL;
    return OK;
}

static void roll_back(struct engine *engine)
{
    snapshot_release(engine->draft);
    engine->draft = NULL;
}

static enum err settled(struct engine *engine, struct diag *diag)
{
    (void)engine;
    (void)diag;
    return OK;
}

/* Memory is never full (see base/mem.h), so there is nothing to give up. */
static void relieve(struct engine *engine)
{
    (void)engine;
}

static enum err reserve(struct engine *engine)
{
    (void)engine;
    return OK;
}

/* ---- Readers --------------------------------------------------------------------------------- */

static enum err reader_open(struct engine *engine, struct engine_reader **out, struct diag *diag)
{
    (void)diag;
    *out = MEM_NEW(struct engine_reader);
    (*out)->engine = engine;
    return OK;
}

static void reader_close(struct engine_reader *reader)
{
    mem_free(reader);
}

/* ---- The table ------------------------------------------------------------------------------- */

const struct engine_ops engine_memory = {
    .name = "memory",
    .open = open_engine,
    .close = close_engine,
    .load = memory_load,
    .recover = recover,
    .begin = begin,
    .commit = commit,
    .rollback = roll_back,
    .settled = settled,
    .relieve = relieve,
    .reserve = reserve,
    .publish = memory_publish,
    .settle = memory_settle,
    .receive = memory_receive,
    .answer = memory_answer,
    .steer = memory_steer,
    .show = memory_show,
    .open_operation = memory_open_operation,
    .advance = memory_advance,
    .put_account = memory_put_account,
    .put_channel = memory_put_channel,
    .put_key = memory_put_key,
    .remove = memory_remove,
    .retain = memory_retain,
    .reader_open = reader_open,
    .reader_close = reader_close,
    .get_event = memory_get_event,
    .list_events = memory_list_events,
    .get_delivery = memory_get_delivery,
    .list_deliveries = memory_list_deliveries,
    .find_event = memory_find_event,
    .get_operation = memory_get_operation,
    .list_operations = memory_list_operations,
    .due_operations = memory_due_operations,
    .take = memory_take,
    .lanes = memory_lanes,
    .stats = memory_stats,
};
