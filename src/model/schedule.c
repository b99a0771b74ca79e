#include "model/schedule.h"

#include "base/timetext.h"
#include "model/field.h"

#include <assert.h>

enum { JITTER_PERMILLE = 200, FACTOR_PERMILLE = 2000 };
enum { FACTOR_PERMILLE_MIN = 1000, FACTOR_PERMILLE_MAX = 10000, JITTER_PERMILLE_MAX = 1000 };

static const int64_t gap_us_min = US_PER_MS;
static const int64_t max_us_default = US_PER_DAY;
static const int64_t retry_after_us_max = US_PER_DAY;

static const int64_t wait_us_max = 30 * US_PER_DAY;
/* For receivers that are never given up: the event stays as long as it is to be sent. */
static const int64_t for_us_max = 3650 * US_PER_DAY;
/* From this gap on, attempts are too few a year to need a limit of their own. */
static const int64_t gap_us_unlimited = US_PER_MINUTE;

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct schedule schedule_default(void)
{
    return (struct schedule){
        .form = SCHEDULE_LIST,
        .jitter_permille = JITTER_PERMILLE,
        .waits_len = 10,
        .waits_us = {0, 5 * US_PER_SECOND, 5 * US_PER_MINUTE, 30 * US_PER_MINUTE, 2 * US_PER_HOUR,
                     5 * US_PER_HOUR, 10 * US_PER_HOUR, 14 * US_PER_HOUR, 20 * US_PER_HOUR,
                     24 * US_PER_HOUR},
    };
}

struct schedule schedule_default_mail(void)
{
    struct schedule schedule = {
        .form = SCHEDULE_LIST,
        .jitter_permille = JITTER_PERMILLE,
        .waits_len = 27,
        .waits_us = {0, 5 * US_PER_MINUTE, 15 * US_PER_MINUTE, US_PER_HOUR},
    };

    for (uint32_t i = 4; i < schedule.waits_len; i++) {
        schedule.waits_us[i] = 4 * US_PER_HOUR;
    }
    return schedule;
}

static enum err read_list(struct json value, const char *field, struct schedule *out,
                          struct diag *diag)
{
    struct schedule schedule = {.form = SCHEDULE_LIST, .jitter_permille = JITTER_PERMILLE};
    enum err err = field_array(value, field, 1, SCHEDULE_WAITS_MAX, "waits", diag);

    if (err != OK) {
        return err;
    }
    for (struct json at = json_first(value); json_exists(at); at = json_next(at)) {
        uint32_t i = schedule.waits_len++;

        err = field_duration(at, field_item(field, i).chars, 0, wait_us_max, &schedule.waits_us[i],
                             diag);
        if (err != OK) {
            return err;
        }
    }
    *out = schedule;
    return OK;
}

/* Reads the members of an object form one after the other; the first error stays. */
struct reader {
    struct json value;
    const char *field;
    struct diag *diag;
    enum err err;
};

enum { REQUIRED = -1 };

/* A duration; absent or null it is by_default. */
static int64_t take_duration(struct reader *reader, const char *name, int64_t min_us,
                             int64_t max_us, int64_t by_default)
{
    struct json member = json_member(reader->value, name);
    int64_t us = by_default;

    if (reader->err == OK && (by_default == REQUIRED || !json_is_null(member))) {
        struct field_name field = field_member(reader->field, slice_of(name));

        reader->err = field_duration(member, field.chars, min_us, max_us, &us, reader->diag);
    }
    return us;
}

static uint32_t take_permille(struct reader *reader, const char *name, uint32_t min, uint32_t max,
                              uint32_t by_default)
{
    struct json member = json_member(reader->value, name);
    uint32_t permille = by_default;

    if (reader->err == OK && !json_is_null(member)) {
        struct field_name field = field_member(reader->field, slice_of(name));

        reader->err = field_permille(member, field.chars, min, max, &permille, reader->diag);
    }
    return permille;
}

static void read_fixed(struct reader *reader, struct schedule *out)
{
    static const char *const members[] = {"every", "for", "jitter"};

    reader->err =
        field_members(reader->value, reader->field, members, ARRAY_LEN(members), reader->diag);
    out->first_us = take_duration(reader, "every", gap_us_min, wait_us_max, REQUIRED);
    out->factor_permille = FACTOR_PERMILLE_MIN;
    out->max_us = out->first_us;
}

static void read_growing(struct reader *reader, struct schedule *out)
{
    static const char *const members[] = {"first", "factor", "max", "for", "jitter"};

    reader->err =
        field_members(reader->value, reader->field, members, ARRAY_LEN(members), reader->diag);
    out->first_us = take_duration(reader, "first", gap_us_min, wait_us_max, REQUIRED);
    out->factor_permille =
        take_permille(reader, "factor", FACTOR_PERMILLE_MIN, FACTOR_PERMILLE_MAX, FACTOR_PERMILLE);
    out->max_us = take_duration(reader, "max", out->first_us, wait_us_max,
                                larger(out->first_us, max_us_default));
}

static enum err read_object(struct json value, const char *field, struct schedule *out,
                            struct diag *diag)
{
    struct schedule schedule = {.form = SCHEDULE_GROWING};
    struct reader reader = {.value = value, .field = field, .diag = diag};

    if (json_exists(json_member(value, "every"))) {
        read_fixed(&reader, &schedule);
    } else {
        read_growing(&reader, &schedule);
    }
    schedule.for_us = take_duration(&reader, "for", gap_us_min, for_us_max, REQUIRED);
    schedule.jitter_permille =
        take_permille(&reader, "jitter", 0, JITTER_PERMILLE_MAX, JITTER_PERMILLE);
    if (reader.err == OK) {
        *out = schedule;
    }
    return reader.err;
}

enum err schedule_from_json(struct json value, const char *field, struct schedule *out,
                            struct diag *diag)
{
    switch (json_type(value)) {
    case JSON_ARRAY:
        return read_list(value, field, out, diag);
    case JSON_OBJECT:
        return read_object(value, field, out, diag);
    case JSON_NONE:
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
    case JSON_STRING:
        break;
    }
    return field_expected(value, field, "an array of waits or an object", diag);
}

static void put_duration(const char *name, int64_t us, struct json_writer *out)
{
    json_key(out, name);
    json_put_text(out, duration_text(us).chars);
}

static void put_list(const struct schedule *schedule, struct json_writer *out)
{
    json_begin_array(out);
    for (uint32_t i = 0; i < schedule->waits_len; i++) {
        json_put_text(out, duration_text(schedule->waits_us[i]).chars);
    }
    json_end_array(out);
}

static bool is_fixed(const struct schedule *schedule)
{
    return schedule->factor_permille == FACTOR_PERMILLE_MIN &&
           schedule->max_us == schedule->first_us;
}

static void put_object(const struct schedule *schedule, struct json_writer *out)
{
    json_begin_object(out);
    if (is_fixed(schedule)) {
        put_duration("every", schedule->first_us, out);
    } else {
        put_duration("first", schedule->first_us, out);
        json_key(out, "factor");
        field_put_permille(schedule->factor_permille, out);
        put_duration("max", schedule->max_us, out);
    }
    put_duration("for", schedule->for_us, out);
    if (schedule->jitter_permille != JITTER_PERMILLE) {
        json_key(out, "jitter");
        field_put_permille(schedule->jitter_permille, out);
    }
    json_end_object(out);
}

void schedule_to_json(const struct schedule *schedule, struct json_writer *out)
{
    switch (schedule->form) {
    case SCHEDULE_LIST:
        put_list(schedule, out);
        break;
    case SCHEDULE_GROWING:
        put_object(schedule, out);
        break;
    }
}

/* The gap before attempt number `attempt`; none before the first. */
static int64_t growing_wait(const struct schedule *schedule, uint32_t attempt)
{
    int64_t wait_us = schedule->first_us;

    if (attempt <= 1) {
        return 0;
    }
    /* Ends soon: a gap that grows is soon at its largest, one that does not grow need not loop. */
    for (uint32_t i = 2; i < attempt && wait_us < schedule->max_us; i++) {
        int64_t longer_us = wait_us * schedule->factor_permille / FACTOR_PERMILLE_MIN;

        if (longer_us == wait_us) {
            break;
        }
        wait_us = longer_us;
    }
    return smaller(wait_us, schedule->max_us);
}

/* Before jitter; 0 beyond the end of a list. */
static int64_t wait_before(const struct schedule *schedule, uint32_t attempt)
{
    int64_t wait_us = 0;

    assert(attempt > 0);
    switch (schedule->form) {
    case SCHEDULE_LIST:
        wait_us = attempt <= schedule->waits_len ? schedule->waits_us[attempt - 1] : 0;
        break;
    case SCHEDULE_GROWING:
        wait_us = growing_wait(schedule, attempt);
        break;
    }
    return wait_us;
}

/* How far jitter may move a wait. */
static int64_t jitter_us(int64_t wait_us, uint32_t jitter_permille)
{
    return wait_us / 1000 * jitter_permille;
}

/* Evenly from wait - jitter to wait + jitter. */
static int64_t with_jitter(int64_t wait_us, uint32_t jitter_permille, struct chance *chance)
{
    int64_t most_us = jitter_us(wait_us, jitter_permille);

    if (most_us == 0) {
        return wait_us;
    }
    return wait_us - most_us + (int64_t)chance_below(chance, (uint64_t)most_us * 2 + 1);
}

int64_t schedule_least_us(const struct schedule *schedule, uint32_t attempt)
{
    int64_t wait_us = wait_before(schedule, attempt);

    return wait_us - jitter_us(wait_us, schedule->jitter_permille);
}

/* Whether the schedule has ended before an attempt that would come after wait_us. */
static bool has_ended(const struct schedule *schedule, uint32_t attempt, struct wall created,
                      struct wall now, int64_t wait_us)
{
    bool has = false;

    switch (schedule->form) {
    case SCHEDULE_LIST:
        has = attempt > schedule->waits_len;
        break;
    case SCHEDULE_GROWING:
        has =
            now.us + wait_us > created.us + schedule->for_us ||
            (attempt > SCHEDULE_ATTEMPTS_MAX && wait_before(schedule, attempt) < gap_us_unlimited);
        break;
    }
    return has;
}

bool schedule_next(const struct schedule *schedule, uint32_t attempt, struct wall created,
                   struct wall now, int64_t retry_after_us, struct chance *chance, struct wall *due)
{
    int64_t wait_us =
        with_jitter(wait_before(schedule, attempt), schedule->jitter_permille, chance);

    if (has_ended(schedule, attempt, created, now, wait_us)) {
        return false;
    }
    due->us = now.us + larger(wait_us, smaller(retry_after_us, retry_after_us_max));
    return true;
}
