#include "store/memory/thing.h"

#include "base/mem.h"
#include "model/reference.h"

#include <string.h>

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_ids(struct slice a, struct slice b)
{
    struct id left;
    struct id right;

    memcpy(&left, a.ptr, sizeof left);
    memcpy(&right, b.ptr, sizeof right);
    return compare_u64(left.value, right.value);
}

static struct slice own_text(struct slice text)
{
    return slice_from(mem_text(text.ptr, text.len), text.len);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static struct slice event_key(const void *thing)
{
    const struct kept_event *kept = thing;

    return slice_from(&kept->event->id, sizeof kept->event->id);
}

static void hold_event(void *thing)
{
    struct kept_event *kept = thing;

    reference_take(&kept->references);
}

static void release_event(void *thing)
{
    kept_event_release(thing);
}

const struct table_kind thing_events = {event_key, compare_ids, hold_event, release_event};

struct kept_event *kept_event_new(struct event *event, struct slice name, uint32_t deliveries,
                                  bool has_data)
{
    struct kept_event *kept = MEM_NEW(struct kept_event);

    *kept = (struct kept_event){
        .references = 1,
        .event = event_hold(event),
        .name = own_text(name),
        .deliveries = deliveries,
        .has_data = has_data,
    };
    return kept;
}

void kept_event_release(struct kept_event *kept)
{
    if (reference_drop(&kept->references)) {
        event_release(kept->event);
        mem_free((void *)kept->name.ptr);
        mem_free(kept);
    }
}

/* ---- Attempts -------------------------------------------------------------------------------- */

static struct tried *tried_new(const struct attempt *attempt, struct tried *before)
{
    struct tried *tried = MEM_NEW(struct tried);

    *tried = (struct tried){.references = 1, .attempt = *attempt, .before = before};
    tried->attempt.detail = own_text(attempt->detail);
    tried->attempt.answer = own_text(attempt->answer);
    return tried;
}

/* Along the chain as far as nobody else holds it. Not by recursion: a chain may be long. */
static void tried_release(struct tried *tried)
{
    while (tried != NULL && reference_drop(&tried->references)) {
        struct tried *before = tried->before;

        mem_free((void *)tried->attempt.detail.ptr);
        mem_free((void *)tried->attempt.answer.ptr);
        mem_free(tried);
        tried = before;
    }
}

/* ---- Standings ------------------------------------------------------------------------------- */

static struct slice standing_key(const void *thing)
{
    const struct standing *standing = thing;

    return slice_from(&standing->place.delivery, sizeof standing->place.delivery);
}

static struct slice place_key(const void *thing)
{
    const struct standing *standing = thing;

    return slice_from(&standing->place, sizeof standing->place);
}

static int compare_places(struct slice a, struct slice b)
{
    struct place left;
    struct place right;

    memcpy(&left, a.ptr, sizeof left);
    memcpy(&right, b.ptr, sizeof right);
    int order = compare_u64(left.channel.value, right.channel.value);
    return order != 0 ? order : compare_u64(left.delivery.value, right.delivery.value);
}

static void hold_standing(void *thing)
{
    struct standing *standing = thing;

    reference_take(&standing->references);
}

static void release_standing(void *thing)
{
    standing_release(thing);
}

const struct table_kind thing_standings = {standing_key, compare_ids, hold_standing,
                                           release_standing};
const struct table_kind thing_waiting = {place_key, compare_places, hold_standing,
                                         release_standing};

struct standing *standing_new(const struct standing *from)
{
    struct standing *standing = MEM_NEW(struct standing);

    *standing = (struct standing){
        .references = 1,
        .place = from->place,
        .event = from->event,
        .account = from->account,
        .is_queue = from->is_queue,
        .state = from->state,
        .is_fresh = from->is_fresh,
        .attempts = from->attempts,
        .epoch = from->epoch,
        .due = from->due,
        .newest = from->newest,
    };
    if (standing->newest != NULL) {
        reference_take(&standing->newest->references);
    }
    return standing;
}

void standing_release(struct standing *standing)
{
    if (reference_drop(&standing->references)) {
        tried_release(standing->newest);
        mem_free(standing);
    }
}

bool standing_is_waiting(const struct standing *standing)
{
    return standing->state == DELIVERY_PENDING && !standing->is_fresh;
}

void standing_add_attempt(struct standing *standing, const struct engine_batch *batch,
                          struct attempt *attempt)
{
    attempt->id = id_make(batch->ids, batch->now, 1);
    standing->newest = tried_new(attempt, standing->newest);
    standing->attempts = attempt->number;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static struct slice operation_key(const void *thing)
{
    const struct kept_operation *kept = thing;

    return slice_from(&kept->operation->id, sizeof kept->operation->id);
}

static void hold_operation(void *thing)
{
    struct kept_operation *kept = thing;

    reference_take(&kept->references);
}

static void release_operation(void *thing)
{
    kept_operation_release(thing);
}

const struct table_kind thing_operations = {operation_key, compare_ids, hold_operation,
                                            release_operation};

struct kept_operation *kept_operation_new(const struct operation *operation,
                                          const uint8_t *ended_by)
{
    struct kept_operation *kept = MEM_NEW(struct kept_operation);

    atomic_init(&kept->references, 1);
    kept->operation = operation_new(operation);
    if (ended_by != NULL) {
        memcpy(kept->ended_by, ended_by, sizeof kept->ended_by);
    }
    return kept;
}

void kept_operation_release(struct kept_operation *kept)
{
    if (reference_drop(&kept->references)) {
        operation_free(kept->operation);
        mem_free(kept);
    }
}

/* ---- Idempotency keys ------------------------------------------------------------------------ */

static struct slice used_key_key(const void *thing)
{
    const struct used_key *used = thing;

    return slice_from(used->key, sizeof used->key);
}

static void hold_key(void *thing)
{
    struct used_key *used = thing;

    reference_take(&used->references);
}

static void release_key(void *thing)
{
    used_key_release(thing);
}

const struct table_kind thing_keys = {used_key_key, slice_compare, hold_key, release_key};

struct used_key *used_key_new(const uint8_t key[STORE_HASH_BYTES],
                              const uint8_t body[STORE_HASH_BYTES], struct id first)
{
    struct used_key *used = MEM_NEW(struct used_key);

    atomic_init(&used->references, 1);
    memcpy(used->key, key, sizeof used->key);
    memcpy(used->body, body, sizeof used->body);
    used->first = first;
    return used;
}

void used_key_release(struct used_key *used)
{
    if (reference_drop(&used->references)) {
        mem_free(used);
    }
}
