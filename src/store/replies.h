/*
 * Replies: finished requests on their way back, gathered so that each caller's thread is woken once
 * a batch.
 */
#ifndef STORE_REPLIES_H
#define STORE_REPLIES_H

#include "store/store.h"

struct reply_chain {
    struct mailbox *to;
    struct message *first, *last;
};

struct replies {
    struct reply_chain *chains; /* owned; one for each mailbox of this batch */
    size_t len, room;
};

void replies_clear(struct replies *replies);

/* Adds a finished request, behind those added before for the same mailbox. */
void replies_add(struct replies *replies, struct store_request *request);

/* Sends all of them. From then on the requests are their callers'. */
void replies_post(struct replies *replies);

/* Sends one request back at once. */
void reply_post(struct store_request *request);

#endif
