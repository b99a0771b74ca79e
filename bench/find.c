#include "find.h"

#include <string.h>

bool find_past(struct slice *rest, struct slice before)
{
    const char *at = rest->len == 0 ? NULL : memmem(rest->ptr, rest->len, before.ptr, before.len);

    if (at == NULL) {
        return false;
    }
    *rest = slice_sub(*rest, (size_t)(at - rest->ptr) + before.len, rest->len);
    return true;
}

uint64_t find_count(struct slice text, struct slice what)
{
    uint64_t count = 0;

    while (find_past(&text, what)) {
        count++;
    }
    return count;
}
