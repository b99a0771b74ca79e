/*
 * The writing calls, one row each: what the generic half does around the engine's part.
 */
#ifndef STORE_WRITES_H
#define STORE_WRITES_H

#include "store/committer.h"

struct write_call {
    /* Checks and prepares, calls the engine, stages settings. A domain error goes into the request;
     * what is returned spoils the transaction. */
    enum err (*write)(struct committer *committer, struct store_request *request);
    /* The transaction is lost: what write() put into the request goes out again. May be NULL. */
    void (*undo)(struct store_request *request);
    /* The transaction is committed and the settings are visible: the window and the hooks. May be
     * NULL. Not called when the request failed. */
    void (*committed)(struct committer *committer, struct store_request *request);
    bool needs_room; /* refused while the disk is full */
};

const struct write_call *write_call(enum store_call call);

#endif
