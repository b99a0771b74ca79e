/*
 * A time that is read can be written, and what was written is read as the same instant; so can a
 * duration.
 */
#include "base/timetext.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_instant(struct wall at)
{
    struct wall whole = {at.us - at.us % US_PER_SECOND};
    struct civil civil = civil_from_wall(at);
    struct wall back;

    assert(civil.year >= 1970 && civil.year <= 9999);
    assert(civil_to_wall(&civil, &back) == OK && back.us == at.us);
    assert(timetext_parse(slice_of(timetext_rfc3339(at).chars), &back) == OK && back.us == at.us);
    assert(timetext_parse(slice_of(timetext_seconds(at).chars), &back) == OK);
    assert(back.us == whole.us);
    assert(timetext_parse_http(slice_of(timetext_http(at).chars), &back) == OK);
    assert(back.us == whole.us);
}

static void check_duration(int64_t us)
{
    int64_t back;

    assert(us >= 0 && us <= 3660 * US_PER_DAY);
    assert(duration_parse(slice_of(duration_text(us).chars), &back) == OK && back == us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice text = slice_from(data, len);
    struct wall at;
    int64_t us;

    if (timetext_parse(text, &at) == OK) {
        check_instant(at);
    }
    if (timetext_parse_http(text, &at) == OK) {
        check_instant(at);
        assert(at.us % US_PER_SECOND == 0 || at.us % US_PER_SECOND == US_PER_SECOND - 1);
    }
    if (duration_parse(text, &us) == OK) {
        check_duration(us);
    }
    return 0;
}
