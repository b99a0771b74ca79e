/*
 * Times and durations as text.
 *
 * Instants are RFC 3339 in UTC; one outside the years 0 to 9999 is written as the nearest inside.
 * Durations are a number and a unit: 500ms, 5s, 5m, 2h, 5d; "0s" is zero.
 */
#ifndef BASE_TIMETEXT_H
#define BASE_TIMETEXT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"

enum { TIMETEXT_SIZE = 32 };

struct timetext {
    char chars[TIMETEXT_SIZE];
};

/* 2026-02-03T10:20:30.123456Z: always six digits, so that text sorts as time does. */
struct timetext timetext_rfc3339(struct wall at);
/* 2026-02-03T10:20:30.123Z: always three digits, what is past them is cut off */
struct timetext timetext_millis(struct wall at);
/* 2026-02-03T10:20:30Z */
struct timetext timetext_seconds(struct wall at);
/* Tue, 03 Feb 2026 10:20:30 GMT (RFC 9110) */
struct timetext timetext_http(struct wall at);
/* Tue, 03 Feb 2026 10:20:30 +0000 (RFC 5322) */
struct timetext timetext_mail(struct wall at);

/*
 * RFC 3339 date-time with 'T' (or 't' or a space), any fraction (past microseconds cut off), 'Z' or
 * an offset. Leap second :60 is read as :59.999999. Years 1970 to 9999. ERR_INVALID otherwise.
 */
enum err timetext_parse(struct slice text, struct wall *out) MUST_CHECK;
/*
 * The same, but what is past microseconds counts as one more: the first microsecond that is not
 * before the instant, so that periods given in nanoseconds can be compared exactly.
 */
enum err timetext_parse_up(struct slice text, struct wall *out) MUST_CHECK;

/*
 * The three date forms of RFC 9110 section 5.6.7, years 1970 to 9999. Two digits mean the years
 * 1970 to 2069; whether the weekday is that of the date is not checked. ERR_INVALID otherwise.
 */
enum err timetext_parse_http(struct slice text, struct wall *out) MUST_CHECK;

/* The calendar, proleptic Gregorian, UTC. */
struct civil {
    int year, month, day; /* month 1..12, day 1..31 */
    int hour, minute, second, microsecond;
    int weekday; /* 0 is Sunday */
};

struct civil civil_from_wall(struct wall at);
/* Ignores the weekday. ERR_INVALID: no such date or time, or outside the years 0 to 9999. */
enum err civil_to_wall(const struct civil *civil, struct wall *out) MUST_CHECK;

/* "500ms" into microseconds; not negative, at most 3,660 days. ERR_INVALID, ERR_LIMIT. */
enum err duration_parse(struct slice text, int64_t *out_us) MUST_CHECK;
/*
 * The shortest exact form, "90s" not "1.5m", "2h" not "120m". Whole milliseconds only (rounded
 * down); "0s" for nothing and for less.
 */
struct timetext duration_text(int64_t duration_us);

#endif
