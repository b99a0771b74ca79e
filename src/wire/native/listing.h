/*
 * The lists of the native API: a page of what an account has in a period, as the query asks for it
 * (http/page.h), with filters of the list's own. A list is a row that says what is its own; the
 * rest is the same for all.
 */
#ifndef WIRE_NATIVE_LISTING_H
#define WIRE_NATIVE_LISTING_H

#include "base/json.h"
#include "http/exchange.h"
#include "store/store.h"

/*
 * Of data in one page: a page of large items is shorter than its limit, and so takes bounded
 * memory.
 */
enum { LISTING_BYTES_MAX = 1024 * 1024 };

struct listing {
    struct exchange *exchange;       /* lent */
    const struct listing_kind *kind; /* lent */
    union {                          /* the request, by kind->call */
        struct store_page page;      /* the head of each */
        struct store_list_events events;
        struct store_list_operations operations;
        struct store_list_deliveries deliveries;
    };
};

struct listing_kind {
    enum store_call call;
    enum id_kind ids;              /* of what is listed, and so of the cursor */
    const char *const *parameters; /* all that the query may have */
    size_t parameters_len;
    /* Completes the request beyond its head; an error's diag names the parameter. */
    enum err (*read_filters)(struct listing *listing, struct diag *diag);
    /* Writes each thing that was found as one value. */
    void (*put_items)(const struct listing *listing, struct json_writer *writer);
};

/* Answers the list, now or when the store has read it. kind has to stay. */
void listing_start(struct exchange *exchange, const struct listing_kind *kind);

#endif
