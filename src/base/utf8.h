/*
 * UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

bool utf8_is_valid(struct slice text);

/*
 * Number of bytes of the valid sequence at the start of text, 0 when there is none; *code gets the
 * code point (code may be NULL).
 */
size_t utf8_next(struct slice text, uint32_t *code);

void utf8_put(struct buf *out, uint32_t code); /* code must be a scalar value */

/* Number of code points of valid text. */
size_t utf8_count(struct slice text);

/* The longest start of text of at most bytes_max bytes that does not cut a character. */
struct slice utf8_cut(struct slice text, size_t bytes_max);

/*
 * Whether text has control characters (below U+0020, U+007F, U+0080..U+009F): refused in names,
 * headers, URLs, addresses.
 */
bool utf8_has_control(struct slice text);

#endif
