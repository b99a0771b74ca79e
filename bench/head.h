/*
 * The head of an HTTP/1.1 message, read as far as the benchmarks' own ends need it: they speak to
 * programs that state a length, and count everything else as broken.
 */
#ifndef BENCH_HEAD_H
#define BENCH_HEAD_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum head_state {
    HEAD_PARTIAL, /* more has to come */
    HEAD_WHOLE,
    HEAD_BROKEN, /* not HTTP/1.1, or a form that is not spoken here, such as chunked */
};

struct head {
    struct slice first; /* the request or status line; lent by the text */
    size_t bytes;       /* the empty line included */
    size_t body_bytes;  /* by Content-Length; 0 without one */
};

/* Reads the head at the start of text. *out is written when it is whole. */
enum head_state head_read(struct slice text, struct head *out) MUST_CHECK;

#endif
