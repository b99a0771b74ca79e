/*
 * What dispatch asks: what is due for a channel, which channels have something, how much there is.
 */
#include "base/mem.h"
#include "store/memory/found.h"
#include "store/memory/memory_internal.h"

#include <stdlib.h>

/* ---- take ------------------------------------------------------------------------------------ */

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_ids(const void *a, const void *b)
{
    return compare(((const struct id *)a)->value, ((const struct id *)b)->value);
}

static bool is_held(const struct store_take *take, struct id delivery)
{
    return take->held_len > 0 &&
           bsearch(&delivery, take->held, take->held_len, sizeof *take->held, compare_ids) != NULL;
}

static int compare_dues(const void *a, const void *b)
{
    const struct standing *left = *(const struct standing *const *)a;
    const struct standing *right = *(const struct standing *const *)b;

    if (left->due.us != right->due.us) {
        return left->due.us < right->due.us ? -1 : 1;
    }
    return compare(left->place.delivery.value, right->place.delivery.value);
}

/* What nobody holds, in the order in which the channel wants it. */
static void find_pending(const struct snapshot *snapshot, const struct store_take *take,
                         struct found *found)
{
    const struct standing *standing = NULL;
    struct snapshot_walk walk;

    snapshot_walk_channel(&walk, snapshot, take->channel, ID_NONE);
    while ((standing = snapshot_walk_next_in(&walk, take->channel)) != NULL) {
        if (!is_held(take, standing->place.delivery)) {
            found_add(found, standing);
        }
    }
    snapshot_walk_end(&walk);
    if (!take->is_ordered && found->len > 0) {
        qsort(found->things, found->len, sizeof *found->things, compare_dues);
    }
}

static void take_found(const struct snapshot *snapshot, struct store_take *take,
                       const struct found *found)
{
    size_t bytes = 0;

    take->items = MEM_ARRAY(found->len < take->max ? found->len : take->max, struct store_due);
    take->items_len = 0;
    take->next_due = WALL_NEVER;
    for (size_t i = 0; i < found->len; i++) {
        const struct standing *standing = found->things[i];
        struct event *event = snapshot_event(snapshot, standing->event)->event;
        struct wall due = engine_due(standing->due, take->now);

        if (!take->is_ordered && due.us > take->now.us) {
            take->next_due = due.us < take->next_due.us ? due : take->next_due;
            continue;
        }
        bytes += event->data.len;
        if (take->items_len == take->max || (take->items_len > 0 && bytes > take->bytes_max)) {
            take->next_due = due;
            return;
        }
        take->items[take->items_len++] = (struct store_due){
            .event = event_hold(event),
            .delivery = standing->place.delivery,
            .attempts = standing->attempts,
            .due = due,
        };
    }
}

enum err memory_take(struct engine_reader *reader, struct wall now, struct store_take *take)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);
    struct found found = {0};

    (void)now;
    find_pending(snapshot, take, &found);
    take_found(snapshot, take, &found);
    found_clear(&found);
    snapshot_release(snapshot);
    return OK;
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* The walk goes channel by channel, so a channel's lane is the last one or new. */
static void add_to_lane(struct store_lanes *lanes, struct wall now, const struct standing *standing)
{
    struct wall due = engine_due(standing->due, now);
    struct store_lane *last = lanes->lanes_len > 0 ? &lanes->lanes[lanes->lanes_len - 1] : NULL;

    if (last == NULL || last->channel.value != standing->place.channel.value) {
        lanes->lanes[lanes->lanes_len++] =
            (struct store_lane){standing->account, standing->place.channel, due};
    } else if (due.us < last->next_due.us) {
        last->next_due = due;
    }
}

enum err memory_lanes(struct engine_reader *reader, struct wall now, struct store_lanes *lanes)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);
    const struct standing *standing = NULL;
    struct snapshot_walk walk;

    lanes->lanes = MEM_ARRAY(snapshot->waiting->count, struct store_lane);
    lanes->lanes_len = 0;
    snapshot_walk_begin(&walk, snapshot->waiting, NULL);
    while ((standing = snapshot_walk_next(&walk)) != NULL) {
        if (!standing->is_queue) {
            add_to_lane(lanes, now, standing);
        }
    }
    snapshot_walk_end(&walk);
    snapshot_release(snapshot);
    return OK;
}

/* ---- stats ----------------------------------------------------------------------------------- */

static void add_bytes(void *ctx, void *thing)
{
    const struct kept_event *kept = thing;
    uint64_t *bytes = ctx;

    *bytes += event_bytes(kept->event);
}

/* There is no disk: the bytes are those of the events. */
enum err memory_stats(struct engine_reader *reader, struct wall now, struct store_stats *stats)
{
    struct snapshot *snapshot = shelf_snapshot(reader->engine->shelf);

    (void)now;
    stats->pending = snapshot->waiting->count;
    stats->bytes = 0;
    table_each(snapshot->events, add_bytes, &stats->bytes);
    snapshot_release(snapshot);
    return OK;
}
