#include "store/memory/memory_internal.h"

/* Whether it can be tried at all; the request says why not. */
static enum err check_retry(const struct snapshot *draft, struct store_steer *steer,
                            const struct standing *standing)
{
    struct diag *diag = &steer->request.diag;

    if (!snapshot_has_channel(draft, standing->account, standing->place.channel)) {
        return diag_set(diag, ERR_CONFLICT, "its channel was deleted");
    }
    if (!snapshot_event(draft, standing->event)->has_data) {
        return diag_set(diag, ERR_CONFLICT, "the event's data is not kept any more");
    }
    return OK;
}

static enum err retry(struct snapshot *draft, struct wall now, struct store_steer *steer,
                      const struct standing *before)
{
    enum err err = check_retry(draft, steer, before);

    if (err != OK || before->is_fresh) { /* a fresh one is being tried just now */
        return err;
    }
    struct standing *after = standing_new(before);
    after->state = DELIVERY_PENDING;
    after->due = now;
    if (after->is_queue) {
        after->due.us = 0; /* not leased */
    }
    snapshot_put_standing(draft, after);
    return OK;
}

static enum err cancel(struct snapshot *draft, struct store_steer *steer,
                       const struct standing *before)
{
    struct diag *diag = &steer->request.diag;

    if (before->is_fresh) {
        return diag_set(diag, ERR_CONFLICT, "it is being tried for the first time just now");
    }
    if (delivery_is_final(before->state)) {
        return diag_set(diag, ERR_CONFLICT, "it has ended: %s", delivery_word(before->state));
    }
    struct standing *after = standing_new(before);
    after->state = DELIVERY_CANCELED;
    snapshot_put_standing(draft, after);
    return OK;
}

enum err memory_steer(struct engine *engine, const struct engine_batch *batch,
                      struct store_steer *steer)
{
    struct store_request *request = &steer->request;
    const struct standing *before = snapshot_standing(engine->draft, steer->delivery);

    if (before == NULL || before->account.value != steer->account.value) {
        request->err = diag_set(&request->diag, ERR_NOT_FOUND, "there is no such delivery");
        return OK;
    }
    steer->channel = before->place.channel;
    steer->is_queue = before->is_queue;
    switch (steer->kind) {
    case STORE_STEER_RETRY:
        request->err = retry(engine->draft, batch->now, steer, before);
        break;
    case STORE_STEER_CANCEL:
        request->err = cancel(engine->draft, steer, before);
        break;
    }
    return OK;
}
