/*
 * Ids: 64 bits that sort by creation, so that an insert appends and a period of time is a range of
 * ids.
 *
 *   42 bits milliseconds since 2020-01-01 UTC | 10 bits node | 12 bits counter
 *
 * Outside it is text: a prefix for its kind and 13 characters of Crockford base32 (upper case),
 * such as evt_0D3K7ZQ8M4T1V. Zero is no id.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct id {
    uint64_t value;
};

#define ID_NONE ((struct id){0})

/* X(name, prefix) */
#define ID_KINDS(X)                                                                                \
    X(EVENT, "evt_")                                                                               \
    X(DELIVERY, "dlv_")                                                                            \
    X(CHANNEL, "chn_")                                                                             \
    X(OPERATION, "opr_")                                                                           \
    X(ATTEMPT, "att_")                                                                             \
    X(KEY, "key_")                                                                                 \
    X(JOB, "job_")

enum id_kind {
#define ID_ENUM(name, prefix) ID_##name,
    ID_KINDS(ID_ENUM)
#undef ID_ENUM
};

enum { ID_TEXT_SIZE = 4 + 13 + 1, ID_NODE_MAX = 1023, ID_COUNTER_BITS = 12, ID_NODE_BITS = 10 };

/* The text of an id, in memory of its own: printf("%s", id_text(ID_EVENT, id).chars). */
struct id_text {
    char chars[ID_TEXT_SIZE];
};

struct id_text id_text(enum id_kind kind, struct id id);

/* Reads an id as a peer sent it: exact prefix, 13 characters, letters in either case, 'O' as 0 and
 * 'I', 'L' as 1 refused. ERR_INVALID when it is not one of this kind; zero is not one. */
enum err id_parse(enum id_kind kind, struct slice text, struct id *out) MUST_CHECK;

/* The instant in an id, to the millisecond. */
struct wall id_time(struct id id);

/* The lowest id an instant can have: ids made at or after `at` are not below it. Instants before
 * 2020 give zero. */
struct id id_floor(struct wall at);

/* An id of an instant with bits of chance below its millisecond, for what no id_maker counts. */
struct id id_by_chance(struct wall at, uint64_t chance);

/*
 * The id `steps` behind `id` in the order in which one node makes them: the counter goes on, and
 * what does not fit goes into the milliseconds. Beyond the last id there is (in the year 2159) it
 * stays at that one.
 */
struct id id_offset(struct id id, uint64_t steps);

/* How many steps lie between two ids of one node, to - from; INT64_MIN when the nodes differ. */
int64_t id_distance(struct id from, struct id to);

/* Makes ids. One thread owns it. */
struct id_maker {
    struct id last; /* newest made, or seen in the store at start */
    uint32_t node;  /* 0..ID_NODE_MAX */
};

void id_maker_init(struct id_maker *maker, uint32_t node, struct id newest_stored);

/* Makes `count` (> 0) consecutive ids and returns the first; the others are id_offset(first,
 * 1..count-1). When the clock stands or stepped back, the counter goes on from the newest. */
struct id id_make(struct id_maker *maker, struct wall now, uint64_t count);

#endif
