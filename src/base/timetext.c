#include "base/timetext.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define DURATION_MAX_US (3660 * US_PER_DAY)

/* The first and last instants that have four digits for their year. */
#define WALL_YEAR_0 (INT64_C(-62167219200) * US_PER_SECOND)
#define WALL_YEAR_9999_END (INT64_C(253402300800) * US_PER_SECOND - 1)

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekday_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                            "Thursday", "Friday", "Saturday"};

/* Rounds down also below zero, as the calendar needs it. */
static int64_t divide_down(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/*
 * Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its year
 * and the months' lengths follow a line: March to July and August to December have 153 days each.
 */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t from_march = month > 2 ? month - 3 : month + 9;
    int64_t years = month > 2 ? year : year - 1;
    int64_t leap_days = divide_down(years, 4) - divide_down(years, 100) + divide_down(years, 400);

    /* 719468 days lie between 0000-03-01 and 1970-01-01. */
    return years * 365 + leap_days + (from_march * 153 + 2) / 5 + day - 1 - 719468;
}

/* The other way round. */
static void civil_from_days(int64_t days, struct civil *out)
{
    enum { DAYS_PER_400_YEARS = 146097, DAYS_PER_100_YEARS = 36524, DAYS_PER_4_YEARS = 1461 };

    days += 719468;
    int64_t cycle = divide_down(days, DAYS_PER_400_YEARS);
    int64_t day = days - cycle * DAYS_PER_400_YEARS;
    /*
     * Without the leap days that came before it in the cycle, a day's year is a plain division.
     */
    int64_t year = (day - day / (DAYS_PER_4_YEARS - 1) + day / DAYS_PER_100_YEARS -
                    day / (DAYS_PER_400_YEARS - 1)) /
                   365;
    day -= year * 365 + year / 4 - year / 100;
    int64_t from_march = (day * 5 + 2) / 153;

    out->day = (int)(day - (from_march * 153 + 2) / 5 + 1);
    out->month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    out->year = (int)(cycle * 400 + year + (out->month <= 2));
}

struct civil civil_from_wall(struct wall at)
{
    int64_t seconds = divide_down(at.us, US_PER_SECOND);
    int64_t days = divide_down(seconds, SECONDS_PER_DAY);
    int second_of_day = (int)(seconds - days * SECONDS_PER_DAY);
    int64_t from_sunday = days + 4; /* 1970-01-01 was a Thursday */
    struct civil civil = {
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .microsecond = (int)(at.us - seconds * US_PER_SECOND),
        .weekday = (int)(from_sunday - divide_down(from_sunday, 7) * 7),
    };

    civil_from_days(days, &civil);
    return civil;
}

static bool is_within(int number, int min, int max)
{
    return number >= min && number <= max;
}

enum err civil_to_wall(const struct civil *civil, struct wall *out)
{
    if (!is_within(civil->year, 0, 9999) || !is_within(civil->month, 1, 12) ||
        !is_within(civil->day, 1, days_in_month(civil->year, civil->month)) ||
        !is_within(civil->hour, 0, 23) || !is_within(civil->minute, 0, 59) ||
        !is_within(civil->second, 0, 59) || !is_within(civil->microsecond, 0, 999999)) {
        return ERR_INVALID;
    }
    int64_t days = days_from_civil(civil->year, civil->month, civil->day);
    int64_t seconds =
        days * SECONDS_PER_DAY + civil->hour * 3600 + civil->minute * 60 + civil->second;

    out->us = seconds * US_PER_SECOND + civil->microsecond;
    return OK;
}

/*
 * Patterns say how an instant is written and read. Their letters are those of strftime, without its
 * locale, and
 *   %f  microseconds; read: nothing, or a point and at least one digit
 *   %L  milliseconds, only written
 *   %e  day, read with a space for a leading zero
 *   %A  whole name of the weekday, only read
 *   %T  between date and time, only read
 *   %z  offset from UTC, only read
 */
#define PATTERN_RFC3339 "%Y-%m-%dT%H:%M:%S.%fZ"
#define PATTERN_MILLIS "%Y-%m-%dT%H:%M:%S.%LZ"
#define PATTERN_SECONDS "%Y-%m-%dT%H:%M:%SZ"
#define PATTERN_MAIL "%a, %d %b %Y %H:%M:%S +0000"
#define PATTERN_HTTP "%a, %d %b %Y %H:%M:%S GMT"
#define PATTERN_RFC850 "%A, %d-%b-%y %H:%M:%S GMT"
#define PATTERN_ASCTIME "%a %b %e %H:%M:%S %Y"
#define PATTERN_RFC3339_READ "%Y-%m-%d%T%H:%M:%S%f%z"

/* The letters that are plain numbers. */
struct field {
    char letter;
    size_t offset; /* in struct civil */
    size_t digits;
};

static const struct field fields[] = {
    {'Y', offsetof(struct civil, year), 4},   {'m', offsetof(struct civil, month), 2},
    {'d', offsetof(struct civil, day), 2},    {'H', offsetof(struct civil, hour), 2},
    {'M', offsetof(struct civil, minute), 2}, {'S', offsetof(struct civil, second), 2},
};

static const struct field *field_of(char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (fields[i].letter == letter) {
            return &fields[i];
        }
    }
    return NULL;
}

static int *number_in(struct civil *civil, const struct field *field)
{
    return (int *)(void *)((char *)civil + field->offset);
}

/* A text that is being written. */
struct writer {
    struct timetext text;
    size_t len;
};

static void put_text(struct writer *writer, const char *text, size_t len)
{
    assert(writer->len + len < TIMETEXT_SIZE);
    memcpy(writer->text.chars + writer->len, text, len);
    writer->len += len;
}

static void put_number(struct writer *writer, int number, size_t digits)
{
    char text[TIMETEXT_SIZE];

    for (size_t i = digits; i-- > 0; number /= 10) {
        text[i] = (char)('0' + number % 10);
    }
    put_text(writer, text, digits);
}

static void put_field(struct writer *writer, struct civil *civil, char letter)
{
    const struct field *field = field_of(letter);

    if (field != NULL) {
        put_number(writer, *number_in(civil, field), field->digits);
    } else if (letter == 'f') {
        put_number(writer, civil->microsecond, 6);
    } else if (letter == 'L') {
        put_number(writer, civil->microsecond / 1000, 3);
    } else if (letter == 'b') {
        put_text(writer, month_names[civil->month - 1], 3);
    } else {
        assert(letter == 'a');
        put_text(writer, weekday_names[civil->weekday], 3);
    }
}

static struct timetext write_time(struct wall at, const char *pattern)
{
    struct writer writer = {.len = 0};

    if (at.us < WALL_YEAR_0) {
        at.us = WALL_YEAR_0;
    } else if (at.us > WALL_YEAR_9999_END) {
        at.us = WALL_YEAR_9999_END;
    }
    struct civil civil = civil_from_wall(at);
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '%') {
            put_field(&writer, &civil, *++pattern);
        } else {
            put_text(&writer, pattern, 1);
        }
    }
    return writer.text;
}

struct timetext timetext_rfc3339(struct wall at)
{
    return write_time(at, PATTERN_RFC3339);
}

struct timetext timetext_millis(struct wall at)
{
    return write_time(at, PATTERN_MILLIS);
}

struct timetext timetext_seconds(struct wall at)
{
    return write_time(at, PATTERN_SECONDS);
}

struct timetext timetext_http(struct wall at)
{
    return write_time(at, PATTERN_HTTP);
}

struct timetext timetext_mail(struct wall at)
{
    return write_time(at, PATTERN_MAIL);
}

/* A text that is being read. */
struct reader {
    struct slice rest;
    struct civil civil;
    int offset_minutes; /* east of UTC */
    bool was_cut;       /* the instant lies behind the microsecond that was read */
};

/* Takes one byte when it is one of `wanted`. */
static bool take_any(struct reader *reader, const char *wanted)
{
    struct slice rest = reader->rest;

    if (rest.len == 0 || memchr(wanted, rest.ptr[0], strlen(wanted)) == NULL) {
        return false;
    }
    reader->rest = slice_sub(rest, 1, rest.len);
    return true;
}

static bool take_number(struct reader *reader, size_t digits, int *out)
{
    uint64_t number;

    if (reader->rest.len < digits ||
        slice_to_u64(slice_sub(reader->rest, 0, digits), &number) != OK) {
        return false;
    }
    reader->rest = slice_sub(reader->rest, digits, reader->rest.len);
    *out = (int)number;
    return true;
}

/* Takes one of names, whole or its first three letters, and gives its place. */
static bool take_name(struct reader *reader, const char *const *names, size_t count, bool is_whole,
                      int *out)
{
    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_sub(slice_of(names[i]), 0, is_whole ? SIZE_MAX : 3);

        if (slice_starts(reader->rest, name)) {
            reader->rest = slice_sub(reader->rest, name.len, reader->rest.len);
            *out = (int)i;
            return true;
        }
    }
    return false;
}

static bool take_month(struct reader *reader)
{
    int place;

    if (!take_name(reader, month_names, ARRAY_LEN(month_names), false, &place)) {
        return false;
    }
    reader->civil.month = place + 1;
    return true;
}

/* What is past six digits is cut off. */
static bool take_fraction(struct reader *reader)
{
    int digit;
    int unit = 100000;

    if (!take_any(reader, ".")) {
        return true;
    }
    if (!take_number(reader, 1, &digit)) {
        return false;
    }
    do {
        reader->civil.microsecond += digit * unit;
        reader->was_cut = reader->was_cut || (unit == 0 && digit > 0);
        unit /= 10;
    } while (take_number(reader, 1, &digit));
    return true;
}

static bool take_offset(struct reader *reader)
{
    int hours;
    int minutes;

    if (take_any(reader, "Zz")) {
        return true;
    }
    int sign = slice_starts(reader->rest, SLICE("-")) ? -1 : 1;
    if (!take_any(reader, "+-") || !take_number(reader, 2, &hours) || !take_any(reader, ":") ||
        !take_number(reader, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    reader->offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

/* The years that two digits mean: 1970 to 2069. */
static bool take_short_year(struct reader *reader)
{
    if (!take_number(reader, 2, &reader->civil.year)) {
        return false;
    }
    reader->civil.year += reader->civil.year >= 70 ? 1900 : 2000;
    return true;
}

static bool take_field(struct reader *reader, char letter)
{
    const struct field *field = field_of(letter);
    int *weekday =
        &reader->civil
             .weekday; /* not compared with the date: what would a sender's slip there tell? */

    if (field != NULL) {
        return take_number(reader, field->digits, number_in(&reader->civil, field));
    }
    switch (letter) {
    case 'A':
        return take_name(reader, weekday_names, ARRAY_LEN(weekday_names), true, weekday);
    case 'a':
        return take_name(reader, weekday_names, ARRAY_LEN(weekday_names), false, weekday);
    case 'b':
        return take_month(reader);
    case 'e':
        return take_number(reader, take_any(reader, " ") ? 1 : 2, &reader->civil.day);
    case 'f':
        return take_fraction(reader);
    case 'T':
        return take_any(reader, "Tt ");
    case 'y':
        return take_short_year(reader);
    default:
        assert(letter == 'z');
        return take_offset(reader);
    }
}

static enum err read_time(struct slice text, const char *pattern, struct wall *out, bool *was_cut)
{
    struct reader reader = {.rest = text};
    struct wall at;

    for (; *pattern != '\0'; pattern++) {
        bool is_right = *pattern == '%' ? take_field(&reader, *++pattern)
                                        : take_any(&reader, (const char[]){*pattern, '\0'});

        if (!is_right) {
            return ERR_INVALID;
        }
    }
    if (reader.civil.second == 60) {
        reader.civil.second = 59;
        reader.civil.microsecond = 999999;
    }
    if (reader.rest.len > 0 || civil_to_wall(&reader.civil, &at) != OK) {
        return ERR_INVALID;
    }
    at.us -= reader.offset_minutes * US_PER_MINUTE;
    if (at.us < 0 || at.us > WALL_YEAR_9999_END) {
        return ERR_INVALID;
    }
    *out = at;
    *was_cut = reader.was_cut;
    return OK;
}

enum err timetext_parse(struct slice text, struct wall *out)
{
    bool was_cut;

    return read_time(text, PATTERN_RFC3339_READ, out, &was_cut);
}

enum err timetext_parse_up(struct slice text, struct wall *out)
{
    struct wall at;
    bool was_cut;
    enum err err = read_time(text, PATTERN_RFC3339_READ, &at, &was_cut);

    if (err == OK) {
        out->us = at.us + was_cut;
    }
    return err;
}

enum err timetext_parse_http(struct slice text, struct wall *out)
{
    static const char *const patterns[] = {PATTERN_HTTP, PATTERN_RFC850, PATTERN_ASCTIME};

    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        bool was_cut;

        if (read_time(text, patterns[i], out, &was_cut) == OK) {
            return OK;
        }
    }
    return ERR_INVALID;
}

static const struct unit {
    const char *name;
    int64_t us;
} units[] = {
    {"d", US_PER_DAY},    {"h", US_PER_HOUR}, {"m", US_PER_MINUTE},
    {"s", US_PER_SECOND}, {"ms", US_PER_MS},
};

enum err duration_parse(struct slice text, int64_t *out_us)
{
    size_t digits = 0;
    uint64_t number;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
        digits++;
    }
    struct slice name = slice_sub(text, digits, text.len);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!slice_is(name, units[i].name)) {
            continue;
        }
        enum err err = slice_to_u64(slice_sub(text, 0, digits), &number);
        if (err != OK) {
            return err;
        }
        if (number > (uint64_t)(DURATION_MAX_US / units[i].us)) {
            return ERR_LIMIT;
        }
        *out_us = (int64_t)number * units[i].us;
        return OK;
    }
    return ERR_INVALID;
}

struct timetext duration_text(int64_t duration_us)
{
    struct timetext text = {"0s"};
    int64_t whole_us = duration_us - duration_us % US_PER_MS;

    for (size_t i = 0; i < ARRAY_LEN(units) && whole_us > 0; i++) {
        if (whole_us % units[i].us == 0) {
            (void)snprintf(text.chars, sizeof text.chars, "%" PRId64 "%s", whole_us / units[i].us,
                           units[i].name);
            break;
        }
    }
    return text;
}
