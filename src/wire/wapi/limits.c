/*
 * One lock guards both tables. Each request takes it twice for some look-ups in memory; a mailbox
 * would cost two wakings instead, and the answer is needed in the middle of the request.
 */
#include "wire/wapi/limits.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

enum {
    SUSPECTS_MAX = 4096, /* addresses remembered; the one whose failure is longest ago makes room */
    BLOCK_MINUTES_MAX = 60,
    ORIGIN_KEY_BYTES_MAX = 16,
};

/* An address that has failed. */
struct suspect {
    struct list_link link; /* newest failure last */
    char key[ORIGIN_KEY_BYTES_MAX];
    size_t key_len;
    uint32_t failures;      /* that are not forgotten */
    struct mono counted_at; /* when failures was right; the next is forgotten a step later */
    struct mono blocked_until;
};

/* What an account has asked for in the present hour. */
struct tally {
    struct id account;
    uint32_t count;
};

struct limits {
    pthread_mutex_t lock;
    struct limits_options options;
    struct map suspects; /* by origin */
    struct list by_age;
    struct map tallies; /* by account */
    int64_t hour;       /* since 1970, that tallies are of */
};

struct limits *limits_new(const struct limits_options *options)
{
    struct limits *limits = MEM_NEW(struct limits);

    (void)pthread_mutex_init(&limits->lock, NULL); /* cannot fail here */
    limits->options = *options;
    map_init(&limits->suspects, options->seed);
    map_init(&limits->tallies, options->seed);
    list_init(&limits->by_age);
    return limits;
}

static struct slice key_of(const struct suspect *suspect)
{
    return slice_from(suspect->key, suspect->key_len);
}

static void forget_oldest(struct limits *limits)
{
    struct suspect *suspect = LIST_ITEM(list_pop_front(&limits->by_age), struct suspect, link);

    (void)map_remove(&limits->suspects, key_of(suspect));
    mem_free(suspect);
}

static void forget_tallies(struct limits *limits)
{
    struct tally *tally;
    size_t at = 0;

    while ((tally = map_each(&limits->tallies, &at)) != NULL) {
        mem_free(tally);
    }
    map_clear(&limits->tallies);
}

void limits_free(struct limits *limits)
{
    if (limits == NULL) {
        return;
    }
    while (!list_is_empty(&limits->by_age)) {
        forget_oldest(limits);
    }
    map_clear(&limits->suspects);
    forget_tallies(limits);
    (void)pthread_mutex_destroy(&limits->lock);
    mem_free(limits);
}

/* ---- accounts ---- */

static struct tally *tally_of(struct limits *limits, struct id account)
{
    struct tally *tally = map_get_u64(&limits->tallies, account.value);

    if (tally == NULL) {
        tally = MEM_NEW(struct tally);
        tally->account = account;
        (void)map_put_u64(&limits->tallies, account.value, tally); /* none was there */
    }
    return tally;
}

bool limits_take(struct limits *limits, struct id account, struct wall now)
{
    int64_t hour = now.us / US_PER_HOUR;

    (void)pthread_mutex_lock(&limits->lock);
    if (hour != limits->hour) {
        forget_tallies(limits);
        limits->hour = hour;
    }
    struct tally *tally = tally_of(limits, account);
    bool has_room = tally->count < limits->options.hourly_max;
    tally->count += has_room;
    (void)pthread_mutex_unlock(&limits->lock);
    return has_room;
}

/* ---- addresses ---- */

bool limits_is_blocked(struct limits *limits, struct slice origin, struct mono now)
{
    (void)pthread_mutex_lock(&limits->lock);
    const struct suspect *suspect = map_get(&limits->suspects, origin);
    bool is_blocked = suspect != NULL && now.us < suspect->blocked_until.us;
    (void)pthread_mutex_unlock(&limits->lock);
    return is_blocked;
}

/* The entry of an address, as the newest. */
static struct suspect *suspect_of(struct limits *limits, struct slice origin, struct mono now)
{
    struct suspect *suspect = map_get(&limits->suspects, origin);

    if (suspect != NULL) {
        list_remove(&limits->by_age, &suspect->link);
        list_push_back(&limits->by_age, &suspect->link);
        return suspect;
    }
    if (limits->by_age.count == SUSPECTS_MAX) {
        forget_oldest(limits);
    }
    suspect = MEM_NEW(struct suspect);
    suspect->counted_at = now;
    suspect->key_len = slice_sub(origin, 0, sizeof suspect->key).len;
    memcpy(suspect->key, origin.ptr, suspect->key_len);
    (void)map_put(&limits->suspects, key_of(suspect), suspect); /* none was there */
    list_push_back(&limits->by_age, &suspect->link);
    return suspect;
}

/* Takes off what time has made forgotten. */
static void forget_failures(const struct limits *limits, struct suspect *suspect, struct mono now)
{
    int64_t step_us = US_PER_HOUR / limits->options.failures_max;
    int64_t steps = (now.us - suspect->counted_at.us) / step_us;

    if (steps >= suspect->failures) {
        suspect->failures = 0;
        suspect->counted_at = now;
    } else {
        suspect->failures -= (uint32_t)steps;
        suspect->counted_at.us += steps * step_us;
    }
}

void limits_failed(struct limits *limits, struct slice origin, struct mono now)
{
    uint32_t max = limits->options.failures_max;

    (void)pthread_mutex_lock(&limits->lock);
    struct suspect *suspect = suspect_of(limits, origin, now);
    forget_failures(limits, suspect, now);
    if (suspect->failures < max + BLOCK_MINUTES_MAX) {
        suspect->failures++;
    }
    if (suspect->failures > max) {
        suspect->blocked_until.us = now.us + (suspect->failures - max) * US_PER_MINUTE;
    }
    (void)pthread_mutex_unlock(&limits->lock);
}
