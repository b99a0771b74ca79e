/*
 * Bytes as text: hex, base64, Crockford base32, percent-encoding, form bodies.
 *
 * Everything is appended to out. Decoders are strict: ERR_INVALID for any character that does not
 * belong, wrong length or padding, bits that should be zero; then out is as it was before.
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

/* The value of a hex digit in either case, -1 for any other character. */
int hex_digit(char digit);

/* Lower case; decoding takes either. */
void hex_encode(struct buf *out, const void *ptr, size_t len);
enum err hex_decode(struct buf *out, struct slice text) MUST_CHECK;

/* RFC 4648 section 4, the standard alphabet, padded. */
void base64_encode(struct buf *out, const void *ptr, size_t len);
enum err base64_decode(struct buf *out, struct slice text) MUST_CHECK;

/* The same for MIME: CRLF after each 76 characters and at the end; nothing for nothing. */
void base64_encode_lines(struct buf *out, const void *ptr, size_t len);

/* RFC 4648 section 5, the alphabet for URLs, without padding. */
void base64url_encode(struct buf *out, const void *ptr, size_t len);
enum err base64url_decode(struct buf *out, struct slice text) MUST_CHECK;

/*
 * Crockford base32, 13 characters for 64 bits, most significant first, upper case; out has room for
 * 13, no zero byte is written. Decoding takes either case, but not 'O' for 0 or 'I' and 'L' for 1.
 */
void base32_encode_u64(char *out, uint64_t value);
enum err base32_decode_u64(struct slice text, uint64_t *out) MUST_CHECK;

/* Lower-case Crockford base32 of any bytes, unpadded: keys and tokens that a person can copy. */
void base32_encode(struct buf *out, const void *ptr, size_t len);

/* RFC 3986: everything but unreserved characters becomes %XX. */
void percent_encode(struct buf *out, struct slice text);
/* %XX undone; with is_form '+' is a space too. ERR_INVALID on a broken escape. */
enum err percent_decode(struct buf *out, struct slice text, bool is_form) MUST_CHECK;

#endif
