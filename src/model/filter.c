#include "model/filter.h"

#include "model/segment.h"

static const struct slice own_news = SLICE("tidings.");

static bool is_any_one(struct slice segment)
{
    return slice_is(segment, "*");
}

static bool is_any_more(struct slice segment)
{
    return slice_is(segment, "**");
}

static bool is_everything(struct slice pattern)
{
    return slice_is(pattern, "*");
}

enum err filter_check(struct slice pattern, struct diag *diag)
{
    struct slice rest = pattern;
    struct slice segment;

    if (pattern.len == 0 || pattern.len > FILTER_PATTERN_BYTES_MAX) {
        return diag_set(diag, ERR_INVALID, "expected a pattern of 1 to %d bytes such as order.*",
                        FILTER_PATTERN_BYTES_MAX);
    }
    while (slice_cut(&rest, '.', &segment)) {
        bool is_last = rest.ptr == NULL;

        if (is_any_more(segment) && !is_last) {
            return diag_set(diag, ERR_INVALID, "** may only be the last part of a pattern");
        }
        if (!segment_is_name(segment) && !is_any_one(segment) && !is_any_more(segment)) {
            return diag_set(diag, ERR_INVALID,
                            "a pattern is made of parts joined by single dots; a part is letters, "
                            "digits, '_' and '-', or *, or at the end **, such as order.*");
        }
    }
    return OK;
}

bool filter_matches(struct slice pattern, struct slice type)
{
    struct slice wanted;
    struct slice actual;

    if (slice_starts(type, own_news) && !slice_starts(pattern, own_news)) {
        return false;
    }
    if (is_everything(pattern)) {
        return true;
    }
    while (slice_cut(&pattern, '.', &wanted)) {
        if (!slice_cut(&type, '.', &actual)) {
            return false;
        }
        if (is_any_more(wanted)) {
            return true;
        }
        if (!is_any_one(wanted) && !slice_equal(wanted, actual)) {
            return false;
        }
    }
    return type.ptr == NULL;
}
