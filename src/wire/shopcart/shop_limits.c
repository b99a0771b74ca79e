#include "wire/shopcart/shop_limits.h"

#include "base/timetext.h"
#include "base/xml.h"

#include <inttypes.h>
#include <stdio.h>

const char *const shop_parameter_names[SHOP_PARAMETER_END] = {
    [SHOP_LIMIT_COUNT] = "LimitCount",     [SHOP_LIMIT_OFFSET] = "LimitOffset",
    [SHOP_LIMIT_START] = "LimitStartDate", [SHOP_LIMIT_END] = "LimitEndDate",
    [SHOP_SORT_COLUMN] = "SortColumn",     [SHOP_SORT_ORDER] = "SortOrder",
};

/* ---- numbers ---- */

static enum shop_error read_count(struct shop_limits *limits)
{
    struct slice text = limits->given[SHOP_LIMIT_COUNT];
    uint64_t count = SHOP_LIMIT_COUNT_MAX;

    if (!slice_is_empty(text) &&
        (slice_to_u64(text, &count) != OK || count < 1 || count > SHOP_LIMIT_COUNT_MAX)) {
        return SHOP_ERROR_LIMIT_COUNT;
    }
    limits->count = (uint32_t)count;
    return SHOP_OK;
}

static enum shop_error read_offset(struct shop_limits *limits)
{
    struct slice text = limits->given[SHOP_LIMIT_OFFSET];

    limits->offset = 0;
    if (!slice_is_empty(text) &&
        (slice_to_u64(text, &limits->offset) != OK || limits->offset > INT64_MAX)) {
        return SHOP_ERROR_LIMIT_OFFSET;
    }
    return SHOP_OK;
}

/* ---- dates ---- */

/* A number of a date or time: so many digits, and the byte that must stand behind them. */
struct date_part {
    size_t digits;
    char end; /* '\0': any, or the end of the text */
};

static bool take_part(struct slice *rest, const struct date_part *part, int *out)
{
    uint64_t number = 0;

    if (rest->len < part->digits ||
        slice_to_u64(slice_sub(*rest, 0, part->digits), &number) != OK) {
        return false;
    }
    *out = (int)number;
    *rest = slice_sub(*rest, part->digits, rest->len);
    if (part->end == '\0') {
        return true;
    }
    bool has_end = rest->len > 0 && rest->ptr[0] == part->end;
    *rest = slice_sub(*rest, 1, rest->len);
    return has_end;
}

/* Three numbers off the start of *rest; false when it has another form. */
static bool take_parts(struct slice *rest, const struct date_part parts[3], int numbers[3])
{
    return take_part(rest, &parts[0], &numbers[0]) && take_part(rest, &parts[1], &numbers[1]) &&
           take_part(rest, &parts[2], &numbers[2]);
}

/* *whole_us: how long that lasts which the text names, a day or a second. */
static enum err read_date(struct slice text, struct wall *out, int64_t *whole_us)
{
    static const struct date_part date_parts[] = {{2, '/'}, {2, '/'}, {4, '\0'}};
    static const struct date_part time_parts[] = {{2, ':'}, {2, ':'}, {2, '\0'}};
    int date[3] = {0}, time[3] = {0};

    if (!take_parts(&text, date_parts, date)) {
        return ERR_INVALID;
    }
    bool has_time = slice_starts(text, SLICE(" "));
    if (has_time) {
        text = slice_sub(text, 1, text.len);
    }
    if ((has_time && !take_parts(&text, time_parts, time)) || text.len > 0) {
        return ERR_INVALID;
    }
    *whole_us = has_time ? US_PER_SECOND : US_PER_DAY;
    const struct civil civil = {.year = date[2],
                                .month = date[0],
                                .day = date[1],
                                .hour = time[0],
                                .minute = time[1],
                                .second = time[2]};
    return civil_to_wall(&civil, out);
}

static enum shop_error read_period(struct shop_limits *limits)
{
    struct wall start = {0}, end = WALL_NEVER;
    struct slice start_text = limits->given[SHOP_LIMIT_START];
    struct slice end_text = limits->given[SHOP_LIMIT_END];
    int64_t whole_us = 0;

    limits->from = ID_NONE;
    limits->to = (struct id){UINT64_MAX};
    if (!slice_is_empty(start_text)) {
        if (read_date(start_text, &start, &whole_us) != OK) {
            return SHOP_ERROR_LIMIT_DATE;
        }
        limits->from = id_floor(start);
    }
    if (!slice_is_empty(end_text)) {
        if (read_date(end_text, &end, &whole_us) != OK) {
            return SHOP_ERROR_LIMIT_DATE;
        }
        end.us += whole_us;
        limits->to = id_floor(end);
    }
    return end.us <= start.us ? SHOP_ERROR_PERIOD : SHOP_OK;
}

/* ---- order ---- */

static enum shop_error read_order(struct shop_limits *limits)
{
    struct slice column = limits->given[SHOP_SORT_COLUMN];
    struct slice order = limits->given[SHOP_SORT_ORDER];

    limits->is_by_total = !slice_is_empty(column);
    if (limits->is_by_total && !slice_equal_nocase(column, SLICE("GrandTotal"))) {
        return SHOP_ERROR_SORT_COLUMN;
    }
    limits->is_descending =
        slice_is_empty(order) ? !limits->is_by_total : slice_equal_nocase(order, SLICE("DESC"));
    if (!slice_is_empty(order) && !limits->is_descending &&
        !slice_equal_nocase(order, SLICE("ASC"))) {
        return SHOP_ERROR_SORT_ORDER;
    }
    return SHOP_OK;
}

enum shop_error shop_limits_read(struct shop_limits *limits)
{
    static enum shop_error (*const readers[])(struct shop_limits *) = {read_count, read_offset,
                                                                       read_period, read_order};
    enum shop_error error = SHOP_OK;

    for (size_t i = 0; i < ARRAY_LEN(readers) && error == SHOP_OK; i++) {
        error = readers[i](limits);
    }
    return error;
}

void shop_limits_put_next(const struct shop_limits *limits, struct buf *out)
{
    char count[16], offset[24];
    struct slice texts[SHOP_PARAMETER_END];

    (void)snprintf(count, sizeof count, "%" PRIu32, limits->count);
    (void)snprintf(offset, sizeof offset, "%" PRIu64, limits->offset + limits->count);
    for (size_t i = 0; i < SHOP_PARAMETER_END; i++) {
        texts[i] = limits->given[i];
    }
    texts[SHOP_LIMIT_COUNT] = slice_of(count);
    texts[SHOP_LIMIT_OFFSET] = slice_of(offset);
    xml_begin(out, SLICE("NextRecordSet"));
    for (size_t i = 0; i < SHOP_PARAMETER_END; i++) {
        if (!slice_is_empty(texts[i])) {
            xml_element(out, shop_parameter_names[i], texts[i]);
        }
    }
    xml_end(out, SLICE("NextRecordSet"));
}
