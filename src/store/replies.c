#include "store/replies.h"

#include "base/macro.h"
#include "base/mem.h"

static void run_done(struct message *message)
{
    struct store_request *request = CONTAINER_OF(message, struct store_request, message);

    request->done(request);
}

void replies_clear(struct replies *replies)
{
    mem_free(replies->chains);
    *replies = (struct replies){0};
}

/* Callers are threads, so the chains are few and a search from the start is short. */
static struct reply_chain *chain_to(struct replies *replies, struct mailbox *to)
{
    for (size_t i = 0; i < replies->len; i++) {
        if (replies->chains[i].to == to) {
            return &replies->chains[i];
        }
    }
    if (replies->len == replies->room) {
        replies->room = replies->room == 0 ? 8 : 2 * replies->room;
        replies->chains = mem_resize(replies->chains, replies->room, sizeof *replies->chains);
    }
    replies->chains[replies->len] = (struct reply_chain){.to = to};
    return &replies->chains[replies->len++];
}

void replies_add(struct replies *replies, struct store_request *request)
{
    struct reply_chain *chain = chain_to(replies, request->reply_to);
    struct message *message = &request->message;

    message->run = run_done;
    message->next = NULL;
    if (chain->first == NULL) {
        chain->first = message;
    } else {
        chain->last->next = message;
    }
    chain->last = message;
}

void replies_post(struct replies *replies)
{
    for (size_t i = 0; i < replies->len; i++) {
        mailbox_post_chain(replies->chains[i].to, replies->chains[i].first,
                           replies->chains[i].last);
    }
    /* Forgotten, not only emptied: a caller may free its mailbox once its last request came
     * back. */
    replies->len = 0;
}

void reply_post(struct store_request *request)
{
    request->message.run = run_done;
    mailbox_post(request->reply_to, &request->message);
}
