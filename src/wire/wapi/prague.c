#include "wire/wapi/prague.h"

#include "base/timetext.h"

#include <stdbool.h>

enum { MARCH = 3, OCTOBER = 10, LONG_MONTH_DAYS = 31 /* both have as many */ };

/* Whether the last Sunday of the month has come, and 01:00 UTC on it. */
static bool is_past_change(const struct civil *civil)
{
    int last_days_weekday = (civil->weekday + LONG_MONTH_DAYS - civil->day) % 7;
    int last_sunday = LONG_MONTH_DAYS - last_days_weekday; /* weekday 0 is Sunday */

    return civil->day > last_sunday || (civil->day == last_sunday && civil->hour >= 1);
}

static bool is_summer(const struct civil *civil)
{
    if (civil->month == MARCH) {
        return is_past_change(civil);
    }
    if (civil->month == OCTOBER) {
        return !is_past_change(civil);
    }
    return civil->month > MARCH && civil->month < OCTOBER;
}

unsigned prague_hour(struct wall at)
{
    struct civil civil = civil_from_wall(at);

    return (unsigned)(civil.hour + (is_summer(&civil) ? 2 : 1)) % 24;
}
