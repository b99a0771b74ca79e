/*
 * A buffer: bytes that grow up to a limit given at birth.
 *
 * Passing the limit drops the addition and everything after it and is remembered, so a writer adds
 * in peace and asks once at the end. The content is always followed by a zero byte that does not
 * count.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

#include <stdbool.h>

struct buf {
    char *ptr; /* owned; NULL until something was added */
    size_t len;
    size_t room;      /* allocated */
    size_t bytes_max; /* limit for len */
    bool is_over;     /* an addition did not fit */
};

void buf_init(struct buf *buf, size_t bytes_max);
void buf_clear(struct buf *buf);           /* frees; the limit stays, so it can be used again */
void buf_reset(struct buf *buf);           /* empties but keeps the memory */
void buf_cut(struct buf *buf, size_t len); /* takes back what was added past len */

void buf_add(struct buf *buf, const void *ptr, size_t len);
void buf_slice(struct buf *buf, struct slice slice);
void buf_text(struct buf *buf, const char *text);
void buf_byte(struct buf *buf, char byte);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Makes sure that len more bytes fit without another allocation; nothing happens past the limit. */
void buf_reserve(struct buf *buf, size_t len);

/* What is in it, lent until the next addition. */
struct slice buf_view(const struct buf *buf);

/* As a C string, never NULL; lent until the next addition. */
const char *buf_cstr(const struct buf *buf);

/* Hands the memory over (to be freed with mem_free; never NULL) and leaves the buffer as new. */
char *buf_take(struct buf *buf, size_t *len);

/* OK, or ERR_LIMIT when something did not fit. */
enum err buf_check(const struct buf *buf) MUST_CHECK;

#endif
