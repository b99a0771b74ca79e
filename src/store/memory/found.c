#include "store/memory/found.h"

#include "base/mem.h"

void found_add(struct found *found, const void *thing)
{
    if (found->len == found->room) {
        found->room = found->room == 0 ? 64 : 2 * found->room;
        found->things = mem_resize(found->things, found->room, sizeof *found->things);
    }
    found->things[found->len++] = thing;
}

void found_reverse(struct found *found)
{
    for (size_t i = 0; i < found->len / 2; i++) {
        const void *swapped = found->things[i];

        found->things[i] = found->things[found->len - 1 - i];
        found->things[found->len - 1 - i] = swapped;
    }
}

void found_clear(struct found *found)
{
    mem_free(found->things);
}
