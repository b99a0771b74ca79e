/*
 * What the calls that answer lists have in common: how many, from where on, and of which time.
 *
 * `limit` (50, at most 250), `cursor` (what the call before gave as next_cursor; to others it is
 * opaque, and one that was made up is refused by its form), `from` and `to` (RFC 3339; from is
 * included, to is not). Each given twice, or not of its form, is ERR_INVALID with the diag naming
 * it.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include "base/id.h"
#include "base/json.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

enum { PAGE_LIMIT_DEFAULT = 50, PAGE_LIMIT_MAX = 250, PAGE_CURSOR_BYTES_MAX = 128 };

/* A period as a range of ids, [from, to): all of time when the query says nothing. */
struct page_period {
    struct id from, to;
};

/* Which part of a list is asked for, of a list by ids in a period. */
struct page_range {
    uint32_t max;
    struct id after; /* the last one that the caller has seen; ID_NONE at the start */
    struct id from, to;
};

/* limit, cursor and period at once. */
enum err page_range(const struct exchange *exchange, enum id_kind kind, struct page_range *out,
                    struct diag *diag) MUST_CHECK;

enum err page_limit(const struct exchange *exchange, uint32_t *out, struct diag *diag) MUST_CHECK;

enum err page_period(const struct exchange *exchange, struct page_period *out,
                     struct diag *diag) MUST_CHECK;

/* The last id that the caller has seen; ID_NONE at the start. */
enum err page_cursor_id(const struct exchange *exchange, enum id_kind kind, struct id *out,
                        struct diag *diag) MUST_CHECK;

/* The last name that the caller has seen, empty at the start; lent by the exchange. The caller
 * checks that it is a name. */
enum err page_cursor_name(const struct exchange *exchange, struct slice *out,
                          struct diag *diag) MUST_CHECK;

/*
 * A page as the answer: begin, write each item as one value, end. next_cursor is null when there is
 * no more.
 */
void page_begin(struct exchange *exchange, struct json_writer *writer);
void page_end_id(struct exchange *exchange, struct json_writer *writer, bool has_more,
                 enum id_kind kind, struct id last);
void page_end_name(struct exchange *exchange, struct json_writer *writer, bool has_more,
                   struct slice last);

/* The member "next_cursor" on its own. */
void page_put_next_id(struct json_writer *writer, bool has_more, enum id_kind kind, struct id last);
void page_put_next_name(struct json_writer *writer, bool has_more, struct slice last);

#endif
