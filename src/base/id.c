#include "base/id.h"

#include "base/encode.h"
#include "base/macro.h"

#include <assert.h>
#include <string.h>

#define EPOCH_MS INT64_C(1577836800000) /* 2020-01-01T00:00:00Z */
#define MS_MAX ((INT64_C(1) << 42) - 1) /* in May 2159 */
#define COUNTER_MAX ((INT64_C(1) << ID_COUNTER_BITS) - 1)
#define STEP_MAX ((MS_MAX << ID_COUNTER_BITS) | COUNTER_MAX)

enum { PREFIX_LEN = 4, DIGITS = 13, MS_SHIFT = ID_NODE_BITS + ID_COUNTER_BITS };

static const char *const prefixes[] = {
#define ID_PREFIX(name, prefix) [ID_##name] = (prefix),
    ID_KINDS(ID_PREFIX)
#undef ID_PREFIX
};

static int64_t ms_of(struct id id)
{
    return (int64_t)(id.value >> MS_SHIFT);
}

static uint32_t node_of(struct id id)
{
    return (id.value >> ID_COUNTER_BITS) & ID_NODE_MAX;
}

/* The place of an id among those of its node: milliseconds and counter as one number of 54 bits. */
static int64_t step_of(struct id id)
{
    return (ms_of(id) << ID_COUNTER_BITS) | (int64_t)(id.value & COUNTER_MAX);
}

static struct id id_at_step(int64_t step, uint32_t node)
{
    uint64_t ms = (uint64_t)(step >> ID_COUNTER_BITS);
    uint64_t counter = (uint64_t)(step & COUNTER_MAX);

    return (struct id){(ms << MS_SHIFT) | ((uint64_t)node << ID_COUNTER_BITS) | counter};
}

/* Milliseconds since 2020 as an id holds them; what lies outside becomes the nearest. */
static int64_t ms_at(struct wall at)
{
    int64_t ms = at.us / US_PER_MS - EPOCH_MS;

    if (ms < 0) {
        return 0;
    }
    return ms < MS_MAX ? ms : MS_MAX;
}

struct id_text id_text(enum id_kind kind, struct id id)
{
    struct id_text text = {0};

    memcpy(text.chars, prefixes[kind], PREFIX_LEN);
    base32_encode_u64(text.chars + PREFIX_LEN, id.value);
    return text;
}

enum err id_parse(enum id_kind kind, struct slice text, struct id *out)
{
    struct id id = ID_NONE;

    if (!slice_starts(text, slice_from(prefixes[kind], PREFIX_LEN))) {
        return ERR_INVALID;
    }
    enum err err = base32_decode_u64(slice_sub(text, PREFIX_LEN, text.len), &id.value);
    if (err != OK || id.value == 0) {
        return ERR_INVALID;
    }
    *out = id;
    return OK;
}

struct wall id_time(struct id id)
{
    return (struct wall){(ms_of(id) + EPOCH_MS) * US_PER_MS};
}

struct id id_floor(struct wall at)
{
    return id_at_step(ms_at(at) << ID_COUNTER_BITS, 0);
}

struct id id_by_chance(struct wall at, uint64_t chance)
{
    const uint64_t below_a_millisecond = (UINT64_C(1) << (ID_NODE_BITS + ID_COUNTER_BITS)) - 1;

    return (struct id){id_floor(at).value | (chance & below_a_millisecond)};
}

struct id id_offset(struct id id, uint64_t steps)
{
    int64_t step = step_of(id);
    uint64_t left = (uint64_t)(STEP_MAX - step);

    return id_at_step(steps < left ? step + (int64_t)steps : STEP_MAX, node_of(id));
}

int64_t id_distance(struct id from, struct id to)
{
    return node_of(from) == node_of(to) ? step_of(to) - step_of(from) : INT64_MIN;
}

void id_maker_init(struct id_maker *maker, uint32_t node, struct id newest_stored)
{
    assert(node <= ID_NODE_MAX);
    maker->node = node;
    maker->last = newest_stored;
    if (newest_stored.value != 0 && node_of(newest_stored) != node) {
        /* Another node's: within its millisecond a lower node could only make lower ids, so this
         * one is over. */
        maker->last = id_at_step(step_of(newest_stored) | COUNTER_MAX, node);
    }
}

struct id id_make(struct id_maker *maker, struct wall now, uint64_t count)
{
    int64_t first = ms_at(now) << ID_COUNTER_BITS;
    int64_t next = step_of(maker->last) + 1; /* at least 1, so that no id is zero */

    assert(count > 0);
    first = first > next ? first : next;
    assert(first <= STEP_MAX && count - 1 <= (uint64_t)(STEP_MAX - first));
    maker->last = id_at_step(first + (int64_t)count - 1, maker->node);
    return id_at_step(first, maker->node);
}
