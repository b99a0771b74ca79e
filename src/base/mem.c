#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * _Exit and not abort: a core dump of a process that is out of memory fills the disk that the store
 * is on.
 */
__attribute__((noreturn)) static void die(size_t count, size_t size)
{
    (void)fprintf(stderr, "out of memory: %zu times %zu bytes\n", count, size);
    _Exit(EXIT_FAILURE);
}

/* The product, at least 1: what the allocator gives for no bytes may be NULL. */
static size_t bytes_of(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        die(count, size);
    }
    return bytes > 0 ? bytes : 1;
}

void *mem_new(size_t count, size_t size)
{
    void *ptr = calloc(1, bytes_of(count, size));

    if (ptr == NULL) {
        die(count, size);
    }
    return ptr;
}

void *mem_resize(void *ptr, size_t count, size_t size)
{
    void *moved = realloc(ptr, bytes_of(count, size));

    if (moved == NULL) {
        die(count, size);
    }
    return moved;
}

char *mem_text(const char *ptr, size_t len)
{
    size_t room;

    if (__builtin_add_overflow(len, 1, &room)) {
        die(len, 1);
    }
    char *text = mem_resize(NULL, room, 1);
    if (len > 0) {
        memcpy(text, ptr, len);
    }
    text[len] = '\0';
    return text;
}

void mem_free(void *ptr)
{
    free(ptr);
}

void mem_wipe(void *ptr, size_t len)
{
    if (len > 0) {
        explicit_bzero(ptr, len);
    }
}
