#include "store/memory/memory_internal.h"

#include <assert.h>

/* What is decided about a delivery that was open until now. */
static void decide(const struct snapshot *draft, const struct store_settle_item *item,
                   struct standing *standing)
{
    standing->is_fresh = false;
    switch (item->next) {
    case STORE_FINAL:
        standing->state = item->state;
        return;
    case STORE_RETRY:
    case STORE_PARK:
        standing->due = item->due;
        if (!snapshot_has_channel(draft, item->account, item->channel)) {
            standing->state = DELIVERY_CANCELED;
        }
        return;
    }
}

static void settle_item(struct snapshot *draft, const struct engine_batch *batch,
                        struct store_settle_item *item)
{
    const struct standing *before = snapshot_standing(draft, item->delivery);

    if (before == NULL) {
        return; /* canceled long ago, and its event was removed by age */
    }
    assert(item->is_fresh == before->is_fresh);
    struct standing *after = standing_new(before);
    if (item->has_attempt) {
        standing_add_attempt(after, batch, &item->attempt);
    }
    if (before->state == DELIVERY_PENDING) { /* otherwise canceled meanwhile: the state stays */
        decide(draft, item, after);
    }
    snapshot_put_standing(draft, after);
}

enum err memory_settle(struct engine *engine, const struct engine_batch *batch,
                       struct store_settle *settle)
{
    for (size_t i = 0; i < settle->items_len; i++) {
        settle_item(engine->draft, batch, &settle->items[i]);
    }
    for (size_t i = 0; i < settle->health_len; i++) {
        memory_put_health(engine, &settle->health[i]);
    }
    return OK;
}
