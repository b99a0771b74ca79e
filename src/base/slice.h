/*
 * A slice: bytes somewhere else, lent. It owns nothing and need not end in zero.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *ptr; /* may be NULL only when len is 0 */
    size_t len;
};

/* A slice of a string literal, usable as an initialiser. */
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})

/* For printf: printf("%.*s", SLICE_ARGS(slice)). */
#define SLICE_ARGS(slice) ((int)(slice).len), ((slice).ptr)

/* The bytes of a C string, or the empty slice for NULL. */
struct slice slice_of(const char *text);
struct slice slice_from(const void *ptr, size_t len);

bool slice_is_empty(struct slice slice);
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_nocase(struct slice a, struct slice b); /* ASCII letters only */
bool slice_is(struct slice slice, const char *text);     /* equal to a C string */
int slice_compare(struct slice a, struct slice b);       /* bytewise, as memcmp, shorter first */
bool slice_starts(struct slice slice, struct slice prefix);
bool slice_ends(struct slice slice, struct slice suffix);

/* From offset on, at most len bytes; what lies outside is cut. */
struct slice slice_sub(struct slice slice, size_t offset, size_t len);

/* Without ASCII spaces and tabs at both ends. */
struct slice slice_trim(struct slice slice);

/*
 * Cuts the first part off *rest: up to separator, which is dropped, or all that is left. False when
 * *rest had been used up before. "a,,b" gives "a", "", "b"; an empty text gives one empty part;
 * start with `.ptr` not NULL.
 */
bool slice_cut(struct slice *rest, char separator, struct slice *part);

/*
 * Whole decimal numbers: digits with at most one '-' for i64, nothing around them. ERR_INVALID
 * otherwise, ERR_LIMIT when too large.
 */
enum err slice_to_i64(struct slice slice, int64_t *out) MUST_CHECK;
enum err slice_to_u64(struct slice slice, uint64_t *out) MUST_CHECK;

/* A well-mixed hash for tables in memory; seed it from chance where a peer chooses the bytes. */
uint64_t slice_hash(struct slice slice, uint64_t seed);

#endif
