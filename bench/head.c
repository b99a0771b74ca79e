#include "head.h"

#include <string.h>

/* Whether line is the header name (lower or upper case), and what stands behind its colon. */
static bool is_header(struct slice line, struct slice name, struct slice *value)
{
    if (line.len <= name.len || line.ptr[name.len] != ':' ||
        !slice_equal_nocase(slice_sub(line, 0, name.len), name)) {
        return false;
    }
    *value = slice_trim(slice_sub(line, name.len + 1, line.len));
    return true;
}

static struct slice without_cr(struct slice line)
{
    return slice_ends(line, SLICE("\r")) ? slice_sub(line, 0, line.len - 1) : line;
}

enum head_state head_read(struct slice text, struct head *out)
{
    const char *end = text.len == 0 ? NULL : memmem(text.ptr, text.len, "\r\n\r\n", 4);
    struct slice rest, line, value;
    uint64_t body_bytes = 0;

    if (end == NULL) {
        return HEAD_PARTIAL;
    }
    rest = slice_sub(text, 0, (size_t)(end - text.ptr) + 1);
    (void)slice_cut(&rest, '\n', &line); /* there is a first one */
    struct slice first = without_cr(line);
    while (slice_cut(&rest, '\n', &line)) {
        line = without_cr(line);
        if (is_header(line, SLICE("Content-Length"), &value) &&
            slice_to_u64(value, &body_bytes) != OK) {
            return HEAD_BROKEN;
        }
        if (is_header(line, SLICE("Transfer-Encoding"), &value)) {
            return HEAD_BROKEN;
        }
    }
    *out = (struct head){first, (size_t)(end - text.ptr) + 4, (size_t)body_bytes};
    return HEAD_WHOLE;
}
