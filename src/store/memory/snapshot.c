#include "store/memory/snapshot.h"

#include "base/mem.h"
#include "model/reference.h"

struct snapshot *snapshot_new(uint64_t seed)
{
    struct snapshot *snapshot = MEM_NEW(struct snapshot);

    *snapshot = (struct snapshot){
        .references = 1,
        .events = table_new(&thing_events, seed),
        .standings = table_new(&thing_standings, seed),
        .waiting = table_new(&thing_waiting, seed),
        .operations = table_new(&thing_operations, seed),
        .keys = table_new(&thing_keys, seed),
        .directory = directory_new(seed),
    };
    return snapshot;
}

struct snapshot *snapshot_draft(const struct snapshot *from)
{
    struct snapshot *draft = MEM_NEW(struct snapshot);

    *draft = (struct snapshot){
        .references = 1,
        .events = table_copy(from->events),
        .standings = table_copy(from->standings),
        .waiting = table_copy(from->waiting),
        .operations = table_copy(from->operations),
        .keys = table_copy(from->keys),
        .directory = directory_hold(from->directory),
        .mark = from->mark,
        .newest = from->newest,
    };
    return draft;
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    reference_take(&snapshot->references);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL || !reference_drop(&snapshot->references)) {
        return;
    }
    table_release(snapshot->events);
    table_release(snapshot->standings);
    table_release(snapshot->waiting);
    table_release(snapshot->operations);
    table_release(snapshot->keys);
    directory_release(snapshot->directory);
    mem_free(snapshot);
}

/* ---- Looking --------------------------------------------------------------------------------- */

static struct slice id_key(const struct id *id)
{
    return slice_from(id, sizeof *id);
}

const struct kept_event *snapshot_event(const struct snapshot *snapshot, struct id event)
{
    return table_get(snapshot->events, id_key(&event));
}

const struct standing *snapshot_standing(const struct snapshot *snapshot, struct id delivery)
{
    return table_get(snapshot->standings, id_key(&delivery));
}

const struct kept_operation *snapshot_operation(const struct snapshot *snapshot,
                                                struct id operation)
{
    return table_get(snapshot->operations, id_key(&operation));
}

const struct used_key *snapshot_key(const struct snapshot *snapshot,
                                    const uint8_t key[STORE_HASH_BYTES])
{
    return table_get(snapshot->keys, slice_from(key, STORE_HASH_BYTES));
}

uint32_t snapshot_deliveries(const struct snapshot *snapshot, struct id event)
{
    const struct kept_event *kept = snapshot_event(snapshot, event);

    return kept != NULL ? kept->deliveries : 0;
}

bool snapshot_has_channel(const struct snapshot *snapshot, struct id account, struct id channel)
{
    const struct account *owner = directory_account_by_id(snapshot->directory, account);

    return owner != NULL && account_channel(owner, channel) != NULL;
}

/* ---- Changing -------------------------------------------------------------------------------- */

void snapshot_put_event(struct snapshot *draft, struct kept_event *kept)
{
    table_put(draft->events, kept);
    kept_event_release(kept);
}

void snapshot_put_standing(struct snapshot *draft, struct standing *standing)
{
    table_put(draft->standings, standing);
    if (standing_is_waiting(standing)) {
        table_put(draft->waiting, standing);
    } else {
        table_remove(draft->waiting, thing_waiting.key(standing));
    }
    standing_release(standing);
}

void snapshot_put_operation(struct snapshot *draft, struct kept_operation *kept)
{
    table_put(draft->operations, kept);
    kept_operation_release(kept);
}

void snapshot_put_key(struct snapshot *draft, struct used_key *used)
{
    table_put(draft->keys, used);
    used_key_release(used);
}

void snapshot_put_directory(struct snapshot *draft, struct directory *directory)
{
    directory_release(draft->directory);
    draft->directory = directory;
}

static void remove_standing(struct snapshot *draft, struct id delivery)
{
    const struct standing *standing = snapshot_standing(draft, delivery);

    table_remove(draft->waiting, thing_waiting.key(standing));
    table_remove(draft->standings, id_key(&delivery));
}

void snapshot_remove_event(struct snapshot *draft, const struct kept_event *kept)
{
    struct id event = kept->event->id;

    for (uint32_t i = 0; i < kept->deliveries; i++) {
        remove_standing(draft, event_delivery_id(event, i));
    }
    table_remove(draft->events, id_key(&event));
}

void snapshot_remove_operation(struct snapshot *draft, struct id operation)
{
    table_remove(draft->operations, id_key(&operation));
}

void snapshot_remove_key(struct snapshot *draft, const struct used_key *used)
{
    table_remove(draft->keys, thing_keys.key(used));
}

/* ---- Walking --------------------------------------------------------------------------------- */

void snapshot_walk_begin(struct snapshot_walk *walk, const struct table *table,
                         const struct slice *after)
{
    walk->table = table_copy(table);
    table_walk_init(&walk->walk, walk->table, after);
}

const void *snapshot_walk_next(struct snapshot_walk *walk)
{
    return table_walk_next(&walk->walk);
}

void snapshot_walk_end(struct snapshot_walk *walk)
{
    table_release(walk->table);
}

void snapshot_walk_from(struct snapshot_walk *walk, const struct table *table, struct id first)
{
    const struct id before = {first.value - 1};
    const struct slice after = id_key(&before);

    snapshot_walk_begin(walk, table, first.value == 0 ? NULL : &after);
}

void snapshot_walk_channel(struct snapshot_walk *walk, const struct snapshot *snapshot,
                           struct id channel, struct id after)
{
    const struct place place = {.channel = channel, .delivery = after};
    const struct slice key = slice_from(&place, sizeof place);

    snapshot_walk_begin(walk, snapshot->waiting, &key);
}

const struct standing *snapshot_walk_next_in(struct snapshot_walk *walk, struct id channel)
{
    const struct standing *standing = snapshot_walk_next(walk);

    return standing != NULL && standing->place.channel.value == channel.value ? standing : NULL;
}
