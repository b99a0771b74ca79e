#include "send/outbound.h"

struct slice outbound_answer_header(const struct outbound_result *result, const char *name)
{
    for (uint32_t i = 0; i < result->headers_len; i++) {
        if (slice_equal_nocase(result->headers[i].name, slice_of(name))) {
            return result->headers[i].value;
        }
    }
    return SLICE("");
}
