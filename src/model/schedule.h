/*
 * A retry schedule: when the next attempt of a delivery is due, and when to give up.
 *
 * Three forms, as the API takes them:
 *   ["0s", "5s", "5m"]             the wait before each attempt; its length is how many there are
 *   {"every": "5m", "for": "24h"}  fixed gaps after a first attempt at once, until the age is
 *                                  reached
 *   {"first": "1m", "factor": 2, "max": "24h", "for": "7d"}
 *                                  growing gaps: first, first*factor, ... never above max
 * Waits get +-20 % jitter (another by "jitter": 0.2 in the object forms), none on zero waits.
 * Without "factor" gaps double, without "max" they grow up to a day. "for" may be ten years.
 */
#ifndef MODEL_SCHEDULE_H
#define MODEL_SCHEDULE_H

#include "base/chance.h"
#include "base/json.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SCHEDULE_WAITS_MAX = 32,
    SCHEDULE_ATTEMPTS_MAX = 10000, /* where the gaps are shorter than a minute */
};

enum schedule_form { SCHEDULE_LIST, SCHEDULE_GROWING /* "every" is factor 1 */ };

struct schedule {
    enum schedule_form form;
    uint32_t jitter_permille; /* 200 is +-20 % */
    /* SCHEDULE_LIST */
    uint32_t waits_len;
    int64_t waits_us[SCHEDULE_WAITS_MAX];
    /* SCHEDULE_GROWING */
    int64_t first_us;
    uint32_t factor_permille; /* 2000 doubles; 1000..10000 */
    int64_t max_us;
    int64_t for_us; /* no attempt is made later than this after the delivery's creation */
};

/* 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h with +-20 %. */
struct schedule schedule_default(void);

/*
 * For mail: 0, 5 min, 15 min, 1 h, then every 4 h until four days have passed (ten waits would not
 * reach that: it is a list of 27).
 */
struct schedule schedule_default_mail(void);

/* The shortest wait that attempt number `attempt` may have, jitter taken off. */
int64_t schedule_least_us(const struct schedule *schedule, uint32_t attempt);

/* Reads one of the three forms. field names where it stands ("retry"), for the diag. */
enum err schedule_from_json(struct json value, const char *field, struct schedule *out,
                            struct diag *diag) MUST_CHECK;
void schedule_to_json(const struct schedule *schedule, struct json_writer *out);

/*
 * When attempt number `attempt` (2 is the first retry) is due, the one before having ended at now;
 * false when the schedule has ended. created is the delivery's creation. retry_after_us (0: none)
 * is how long from now the receiver asked us to wait by Retry-After; the later of both counts,
 * obeyed up to 24 hours; a wait asked for does not end the schedule.
 */
bool schedule_next(const struct schedule *schedule, uint32_t attempt, struct wall created,
                   struct wall now, int64_t retry_after_us, struct chance *chance,
                   struct wall *due);

#endif
