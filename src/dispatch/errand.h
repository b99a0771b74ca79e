/*
 * An errand: one HTTP request that the server itself has to make to a place that the operator named
 * in the settings, answered to the thread that asked. Nothing of it is stored or tried again.
 *
 * The operator's own programs usually run on private addresses, so those are allowed here, unlike
 * for receivers that customers name; metadata services stay refused.
 */
#ifndef DISPATCH_ERRAND_H
#define DISPATCH_ERRAND_H

#include "base/buf.h"
#include "dispatch/dispatch.h"
#include "send/outbound.h"

enum {
    ERRAND_HEADERS_MAX = 8,
    ERRAND_ANSWER_BYTES_MAX = 1024 * 1024, /* long lists are asked for; beyond, it is cut off */
};

struct errand;
typedef void errand_done_fn(struct errand *errand);

/* Kept by the caller until done, with all that it points to. Zero it first. */
struct errand {
    struct message message; /* private */
    struct mailbox *reply_to;
    errand_done_fn *done; /* on the caller's thread, never from inside errand_start */
    struct slice method, url, body;
    struct outbound_header headers[ERRAND_HEADERS_MAX]; /* content-type among them */
    uint32_t headers_len;
    int64_t timeout_us;
    /* out; as in struct outbound_result */
    enum attempt_outcome outcome;
    int32_t status;
    char detail[ATTEMPT_DETAIL_BYTES_MAX + 1];
    bool was_cut;
    struct buf answer; /* the body; clear with errand_clear */
    void *private_state;
};

void errand_start(struct dispatch *dispatch, struct errand *errand);
void errand_clear(struct errand *errand);

#endif
