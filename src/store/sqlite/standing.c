#include "store/sqlite/standing.h"

#include "store/sqlite/attempt_row.h"

/* Without a row it was delivered by its first attempt, or is fresh: above the mark and no attempt
 * known. */
static enum err stand_rowless(struct database *db, const struct delivery_origin *origin,
                              struct id delivery, struct id mark, struct standing *out)
{
    struct id attempt = ID_NONE;
    bool may_be_fresh = origin->way == STORE_FRESH && origin->event.value > mark.value;

    if (may_be_fresh) {
        enum err err = attempt_row_find(db, origin->event, delivery, &attempt);

        if (err != OK) {
            return err;
        }
    }
    out->is_fresh = may_be_fresh && attempt.value == 0;
    out->state = out->is_fresh ? DELIVERY_PENDING : DELIVERY_DELIVERED;
    out->attempts = out->is_fresh ? 0 : 1;
    return OK;
}

enum err standing_get(struct database *db, const struct delivery_origin *origin, struct id delivery,
                      struct id mark, struct standing *out)
{
    struct ended_row ended;

    *out = (struct standing){.state = DELIVERY_PENDING};
    enum err err = pending_get(db, origin->channel, delivery, &out->row);
    if (err != OK) {
        return err;
    }
    if (out->row.is_found) {
        out->has_pending = true;
        out->attempts = out->row.attempts;
        out->last_attempt = out->row.last_attempt;
        return OK;
    }
    err = ended_get(db, delivery, &ended);
    if (err != OK || !ended.is_found) {
        return err != OK ? err : stand_rowless(db, origin, delivery, mark, out);
    }
    out->has_ended = true;
    out->state = ended.state;
    out->attempts = ended.attempts;
    out->last_attempt = ended.last_attempt;
    return OK;
}

struct store_delivery standing_describe(const struct standing *standing,
                                        const struct delivery_origin *origin, struct id delivery,
                                        struct slice type)
{
    return (struct store_delivery){
        .delivery = delivery,
        .event = origin->event,
        .channel = origin->channel,
        .is_queue = origin->way == STORE_QUEUE,
        .state = standing->state,
        .is_fresh = standing->is_fresh,
        .attempts = standing->attempts,
        .due = standing->has_pending ? standing->row.due : (struct wall){0},
        .event_type = type,
    };
}
