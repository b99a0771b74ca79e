/*
 * Memory that is always there: an allocation that fails ends the process with a line on stderr.
 *
 * The store is made for crashes, so nobody above handles out of memory; everything a peer can grow
 * has a limit instead.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/*
 * count * size zeroed bytes (overflow of the product ends the process). Never NULL. Free with
 * mem_free.
 */
void *mem_new(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Room for count * size bytes holding what ptr (may be NULL) held; what is new is not zeroed. */
void *mem_resize(void *ptr, size_t count, size_t size) __attribute__((returns_nonnull));

/* A copy of len bytes with a zero byte behind them. */
char *mem_text(const char *ptr, size_t len) __attribute__((malloc, returns_nonnull));

/* Frees what the functions above gave; NULL is fine. */
void mem_free(void *ptr);

/* Overwrites secrets in a way the compiler may not leave out. */
void mem_wipe(void *ptr, size_t len);

/* Zeroed memory for one or count of a type: struct lane *lane = MEM_NEW(struct lane); */
#define MEM_NEW(type) ((type *)mem_new(1, sizeof(type)))
#define MEM_ARRAY(count, type) ((type *)mem_new((count), sizeof(type)))

#endif
