/*
 * A captured request: the headers and the body that a receiver got, from a file, to be looked at.
 *
 * Everything is lent from the texts it was made of.
 */
#ifndef CLI_CAPTURED_H
#define CLI_CAPTURED_H

#include "base/err.h"
#include "base/slice.h"

#include <stddef.h>

enum { CAPTURED_HEADERS_MAX = 128 };

struct captured {
    struct captured_header {
        struct slice name, value;
    } headers[CAPTURED_HEADERS_MAX];
    size_t headers_len;
    struct slice body;
};

/*
 * Takes a whole request as it came over the wire: the request line, which may be missing, headers,
 * an empty line, the body. Lines end with or without CR. What stands behind Content-Length bytes of
 * body, such as an editor's line end, is dropped. ERR_INVALID: it is none, or its body is in chunks
 * or too short; then *out may be half filled.
 */
enum err captured_parse(struct slice text, struct captured *out, struct diag *diag) MUST_CHECK;

/* Adds a header: "Name: value". ERR_INVALID, ERR_LIMIT. */
enum err captured_add(struct captured *captured, struct slice line, struct diag *diag) MUST_CHECK;

/*
 * The value of the header of that name, in any case of letters. ERR_NOT_FOUND; ERR_CONFLICT: it is
 * there twice, and nobody can say which one counts.
 */
enum err captured_header(const struct captured *captured, const char *name, struct slice *out,
                         struct diag *diag) MUST_CHECK;

#endif
