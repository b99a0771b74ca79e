/*
 * The head of a request, looked at once more and more strictly than libmicrohttpd does.
 *
 * Where two programs on one way read a head differently, a request can hide inside another one.
 * libmicrohttpd 0.9.75 forgives what a proxy before it may read differently: a bare LF as a line's
 * end, a value that ends at a NUL, folded lines, white space before the colon, several lengths, a
 * length beside chunks, an unknown transfer coding. All of these are refused here.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>

struct MHD_Connection;

struct head {
    struct slice method, uri, version; /* as they came; uri with its query */
    struct slice authorization;        /* empty when there is none */
    bool has_body;
    bool is_chunked;
    uint64_t body_bytes; /* announced; 0 when chunked */
};

/* Whether a URI, as it came, has only visible ASCII characters. Asked before libmicrohttpd takes it
 * apart, since it writes into it. */
bool head_uri_is_valid(struct slice uri);

/*
 * method, uri and version are in place; fills in the rest. ERR_LIMIT: it fills more of the
 * connection's memory than memory_max. ERR_INVALID: the diag says what is wrong.
 */
enum err head_check(struct MHD_Connection *handle, size_t memory_max, struct head *head,
                    struct diag *diag) MUST_CHECK;

#endif
