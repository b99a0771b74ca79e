/*
 * News of an operation on its way into the store: the move, and the event that tells it with the
 * channels it goes to.
 *
 *   news_begin(&news, dispatch, account, operation, &told);
 *   news.advance.request.done = ...;  submit it, and when it came back
 *   news_end(&news);
 */
#ifndef DISPATCH_NEWS_H
#define DISPATCH_NEWS_H

#include "dispatch/dispatch.h"

/* What is told. The texts must last until the store is done. */
struct news_told {
    enum operation_news news;
    int32_t code;
    struct slice result;
    struct slice data; /* one JSON value; empty: none */
};

/* Kept by the caller until news_end. */
struct news {
    /* Filled but for the head of the request, and what makes it the same when it is sent again:
     * body, and the item's idempotency. */
    struct store_advance advance;
    struct dispatch *dispatch;
    struct account *account; /* held */
};

/*
 * account NULL: it was deleted meanwhile, and the event goes to nobody. What an operation ends with
 * becomes its outcome; one that expired has none.
 */
void news_begin(struct news *news, struct dispatch *dispatch, struct account *account,
                const struct operation *operation, const struct news_told *told);

/* When it came back: whether the store knew it from before, and whether it has stored it now. */
bool news_is_duplicate(const struct news *news);
bool news_is_stored(const struct news *news);

/* Gives up what begin made, when the store is done; what it answered stays to be read. */
void news_end(struct news *news);

#endif
