/*
 * What a reading call found before it is cut to what the caller wants: things lent from a snapshot.
 */
#ifndef STORE_MEMORY_FOUND_H
#define STORE_MEMORY_FOUND_H

#include <stddef.h>

struct found {
    const void **things; /* owned array */
    size_t len, room;
};

void found_add(struct found *found, const void *thing);
void found_reverse(struct found *found);
void found_clear(struct found *found);

#endif
