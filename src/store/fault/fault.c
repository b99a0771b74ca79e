#include "store/fault/fault.h"

#include <stdatomic.h>

static struct fault_plan *plan; /* borrowed from the test */
static struct engine_ops ops;   /* the inner engine's, with our functions in front of some */

static bool strikes(uint64_t call, bool needs_room)
{
    if (atomic_load(&plan->is_mended)) {
        return false;
    }
    switch (plan->kind) {
    case FAULT_NONE:
        return false;
    case FAULT_ONCE:
        return call == plan->fail_at;
    case FAULT_LASTING:
        return call >= plan->fail_at;
    case FAULT_ROOM:
        return call >= plan->fail_at && needs_room;
    }
    return false;
}

/* Counts a call, and fails it when the plan says so. */
static enum err strike(bool needs_room, struct diag *diag)
{
    uint64_t call = atomic_fetch_add(&plan->calls, 1) + 1;

    return strikes(call, needs_room)
               ? diag_set(diag, plan->err, "planned fault at call %llu", (unsigned long long)call)
               : OK;
}

static enum err begin(struct engine *engine, const struct engine_batch *batch, struct diag *diag)
{
    enum err err = strike(false, diag);

    return err != OK ? err : plan->inner->begin(engine, batch, diag);
}

static enum err commit(struct engine *engine, struct diag *diag)
{
    enum err err = strike(false, diag);

    return err != OK ? err : plan->inner->commit(engine, diag);
}

/* Is asked now and then and not in a transaction: it does not count. */
static enum err reserve(struct engine *engine)
{
    bool needs_room = plan->kind == FAULT_ROOM;

    return strikes(atomic_load(&plan->calls), needs_room) ? plan->err
                                                          : plan->inner->reserve(engine);
}

#define FAULT_WRITE(name, needs_room)                                                              \
    static enum err write_##name(struct engine *engine, const struct engine_batch *batch,          \
                                 struct store_##name *call)                                        \
    {                                                                                              \
        enum err err = strike((needs_room), &call->request.diag);                                  \
                                                                                                   \
        return err != OK ? err : plan->inner->name(engine, batch, call);                           \
    }

FAULT_WRITE(publish, true)
FAULT_WRITE(settle, false)
FAULT_WRITE(receive, false)
FAULT_WRITE(answer, false)
FAULT_WRITE(steer, false)
FAULT_WRITE(show, false)
FAULT_WRITE(open_operation, true)
FAULT_WRITE(advance, true)
FAULT_WRITE(put_account, true)
FAULT_WRITE(put_channel, true)
FAULT_WRITE(put_key, true)
FAULT_WRITE(remove, false)
FAULT_WRITE(retain, false)

const struct engine_ops *fault_engine(struct fault_plan *new_plan)
{
    plan = new_plan;
    ops = *new_plan->inner;
    ops.name = "fault";
    ops.begin = begin;
    ops.commit = commit;
    ops.reserve = reserve;
    ops.publish = write_publish;
    ops.settle = write_settle;
    ops.receive = write_receive;
    ops.answer = write_answer;
    ops.steer = write_steer;
    ops.show = write_show;
    ops.open_operation = write_open_operation;
    ops.advance = write_advance;
    ops.put_account = write_put_account;
    ops.put_channel = write_put_channel;
    ops.put_key = write_put_key;
    ops.remove = write_remove;
    ops.retain = write_retain;
    return &ops;
}
