/*
 * What time ends. Each call goes through everything from the old end on and stops after `max`
 * removals; an engine with much to keep would remember where it stood.
 */
#include "store/memory/memory_internal.h"

static bool is_full(const struct store_retain *retain)
{
    return retain->removed >= retain->max;
}

static void end(struct snapshot *draft, const struct standing *before, enum delivery_state state)
{
    struct standing *after = standing_new(before);

    after->state = state;
    snapshot_put_standing(draft, after);
}

/* What waits for a channel that was deleted. */
static void cancel_orphans(struct snapshot *draft, struct store_retain *retain)
{
    const struct standing *standing = NULL;
    struct snapshot_walk walk;

    snapshot_walk_begin(&walk, draft->waiting, NULL);
    while (!is_full(retain) && (standing = snapshot_walk_next(&walk)) != NULL) {
        if (!snapshot_has_channel(draft, standing->account, standing->place.channel)) {
            end(draft, standing, DELIVERY_CANCELED);
            retain->removed++;
        }
    }
    snapshot_walk_end(&walk);
}

/* What is sent does not end by age, nor what waits for ever to be fetched. */
static bool ends_by_age(const struct store_retain *retain, const struct standing *standing)
{
    return standing->is_queue &&
           !retain->waits_for_ever(retain->ctx, standing->account, standing->place.channel);
}

/* Queue messages end by age; true when no delivery of the event is pending then. */
static bool end_deliveries(struct snapshot *draft, struct store_retain *retain,
                           const struct kept_event *kept)
{
    bool is_over = true;

    for (uint32_t i = 0; i < kept->deliveries; i++) {
        const struct standing *standing =
            snapshot_standing(draft, event_delivery_id(kept->event->id, i));

        if (delivery_is_final(standing->state)) {
            continue;
        }
        if (ends_by_age(retain, standing) && !is_full(retain)) {
            end(draft, standing, DELIVERY_EXPIRED);
            retain->removed++;
        } else {
            is_over = false;
        }
    }
    return is_over;
}

static void drop_data(struct snapshot *draft, const struct kept_event *kept)
{
    const struct event *whole = kept->event;
    struct event *rest = event_new(&(struct event_parts){
        .id = whole->id,
        .account = whole->account,
        .account_name = whole->account_name,
        .type = whole->type,
        .content_type = whole->content_type,
        .client_ref = whole->client_ref,
        .server_ref = whole->server_ref,
        .notify_url = whole->notify_url,
        .external_id = whole->external_id,
        .attributes = whole->attributes,
    });

    snapshot_put_event(draft,
                       kept_event_new(rest, kept->name, kept->deliveries, /* has_data= */ false));
    event_release(rest);
}

static bool is_needed(const struct snapshot *draft, const struct store_retain *retain,
                      const struct kept_event *kept)
{
    for (uint32_t i = 0; i < kept->deliveries; i++) {
        const struct standing *standing =
            snapshot_standing(draft, event_delivery_id(kept->event->id, i));

        if (!ends_by_age(retain, standing) && !delivery_is_final(standing->state)) {
            return true;
        }
    }
    return false;
}

static void age_event(struct snapshot *draft, struct store_retain *retain,
                      const struct kept_event *kept)
{
    struct wall made = id_time(kept->event->id);

    if (made.us < retain->rest_before.us && !is_needed(draft, retain, kept)) {
        snapshot_remove_event(draft, kept);
        retain->removed += 1 + kept->deliveries;
    } else if (made.us < retain->payloads_before.us && end_deliveries(draft, retain, kept) &&
               kept->has_data) {
        drop_data(draft, kept);
        retain->removed++;
    }
}

/* Not past the mark: above it deliveries are being tried out of memory. */
static void age_events(struct snapshot *draft, struct store_retain *retain)
{
    const struct kept_event *kept = NULL;
    struct snapshot_walk walk;

    snapshot_walk_begin(&walk, draft->events, NULL);
    while (!is_full(retain) && (kept = snapshot_walk_next(&walk)) != NULL &&
           kept->event->id.value <= draft->mark.value) {
        age_event(draft, retain, kept);
    }
    snapshot_walk_end(&walk);
}

static bool is_operation_over(const struct snapshot *draft, const struct store_retain *retain,
                              const struct operation *operation)
{
    bool is_old =
        operation->state != OPERATION_PENDING && operation->ended.us < retain->rest_before.us;

    return is_old || directory_account_by_id(draft->directory, operation->account) == NULL;
}

/* Those that ended long ago, and those of accounts that were removed. */
static void age_operations(struct snapshot *draft, struct store_retain *retain)
{
    const struct kept_operation *kept = NULL;
    struct snapshot_walk walk;

    snapshot_walk_begin(&walk, draft->operations, NULL);
    while (!is_full(retain) && (kept = snapshot_walk_next(&walk)) != NULL) {
        if (is_operation_over(draft, retain, kept->operation)) {
            snapshot_remove_operation(draft, kept->operation->id);
            retain->removed++;
        }
    }
    snapshot_walk_end(&walk);
}

static void age_keys(struct snapshot *draft, struct store_retain *retain)
{
    const struct used_key *used = NULL;
    struct snapshot_walk walk;

    snapshot_walk_begin(&walk, draft->keys, NULL);
    while (!is_full(retain) && (used = snapshot_walk_next(&walk)) != NULL) {
        if (id_time(used->first).us < retain->idempotency_before.us) {
            snapshot_remove_key(draft, used);
            retain->removed++;
        }
    }
    snapshot_walk_end(&walk);
}

enum err memory_retain(struct engine *engine, const struct engine_batch *batch,
                       struct store_retain *retain)
{
    (void)batch;
    retain->removed = 0;
    cancel_orphans(engine->draft, retain);
    age_events(engine->draft, retain);
    age_operations(engine->draft, retain);
    age_keys(engine->draft, retain);
    retain->has_more = is_full(retain);
    return OK;
}
