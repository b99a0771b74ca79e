#include "dispatch/dialect.h"

#include "base/timetext.h"

#include <assert.h>

const struct dialect *dialect_find(const struct dialect_table *table, struct slice name)
{
    for (size_t i = 0; i < table->len; i++) {
        if (slice_is(name, table->dialects[i]->name)) {
            return table->dialects[i];
        }
    }
    return NULL;
}

void dialect_add_header(struct dialect_draft *draft, struct slice name, struct slice value)
{
    struct outbound *request = draft->request;

    /* A channel's and an event's are limited where they come in, so that all of them fit. */
    assert(request->headers_len < OUTBOUND_HEADERS_MAX);
    request->headers[request->headers_len++] =
        (struct outbound_header){.name = name, .value = value};
}

/*
 * RFC 9110 section 10.2.3: seconds, or a date. What cannot be read, or is past, asks for nothing.
 */
static int64_t retry_after_us(struct slice value, struct wall now)
{
    uint64_t seconds = 0;
    struct wall at;
    enum err err = slice_to_u64(value, &seconds);

    if (err == ERR_LIMIT) {
        return US_PER_DAY;
    }
    if (err == OK) {
        return seconds > 86400 ? US_PER_DAY : (int64_t)seconds * US_PER_SECOND;
    }
    if (timetext_parse_http(value, &at) != OK || at.us <= now.us) {
        return 0;
    }
    return at.us - now.us > US_PER_DAY ? US_PER_DAY : at.us - now.us;
}

struct dialect_judgement dialect_judge_status(const struct outbound_result *result, struct wall now)
{
    if (result->status >= 200 && result->status <= 299) {
        return (struct dialect_judgement){.verdict = VERDICT_DELIVERED};
    }
    if (result->status == 410) {
        return (struct dialect_judgement){.verdict = VERDICT_GONE};
    }
    struct slice wait = slice_trim(outbound_answer_header(result, "retry-after"));
    return (struct dialect_judgement){.verdict = VERDICT_RETRY,
                                      .not_before_us = retry_after_us(wait, now)};
}
