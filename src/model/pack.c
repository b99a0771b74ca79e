#include "model/pack.h"

#include <string.h>

size_t pack_text_bytes(struct slice text)
{
    return text.len + 1;
}

struct slice pack_text(char **at, struct slice text)
{
    struct slice copy = {*at, text.len};

    if (text.len > 0) {
        memcpy(*at, text.ptr, text.len);
    }
    (*at)[text.len] = '\0';
    *at += pack_text_bytes(text);
    return copy;
}

size_t pack_texts_bytes(const void *thing, const size_t *offsets, size_t offsets_len)
{
    size_t bytes = 0;

    for (size_t i = 0; i < offsets_len; i++) {
        const struct slice *text = (const void *)((const char *)thing + offsets[i]);

        bytes += pack_text_bytes(*text);
    }
    return bytes;
}

void pack_texts(char **at, void *thing, const size_t *offsets, size_t offsets_len)
{
    for (size_t i = 0; i < offsets_len; i++) {
        struct slice *text = (void *)((char *)thing + offsets[i]);

        *text = pack_text(at, *text);
    }
}
