/*
 * A dialect's outbound half: how a delivery becomes a request or a mail, and what the receiver's
 * answer means.
 *
 * Written by src/wire, one folder a dialect, and handed in as a table; nothing here or below knows
 * a dialect by name. All functions are called on sender threads, or on server threads for check;
 * they keep no state.
 */
#ifndef DISPATCH_DIALECT_H
#define DISPATCH_DIALECT_H

#include "base/buf.h"
#include "base/err.h"
#include "model/account.h"
#include "model/channel.h"
#include "model/dialect_rules.h"
#include "model/event.h"
#include "os/env.h"
#include "send/mail.h"
#include "send/outbound.h"

/* One attempt to be made. Everything is lent for the call. */
struct dialect_attempt {
    const struct channel *channel;
    const struct event *event;
    const struct account *account;
    struct id delivery;
    uint32_t number; /* of this attempt, from 1 */
    struct wall now;
    const void *settings; /* what main set for the dialects: dispatch_options.dialect_settings */
};

/*
 * What encode fills. Texts that must last until the attempt ends are written to `text` (reserved,
 * it never moves; header values, URLs) or `body`; what lies in the event or channel may be pointed
 * to as it is.
 */
struct dialect_draft {
    /* Webhook: method, url, timeout and the channel's own headers are set already. */
    struct outbound *request;
    /* Webhook: becomes the body unless request->body is set. E-mail: the text part. */
    struct buf *body;
    struct buf *text;
    /* E-mail: subject, text and attachment are to be filled; dispatch sets the rest. */
    struct mail *mail;
};

/*
 * All attributes of a CloudEvent percent-encoded as headers (three times EVENT_ATTRIBUTES_BYTES_MAX)
 * with their names, and signatures.
 */
enum { DIALECT_TEXT_BYTES_MAX = 32 * 1024 };

/* Adds a header to a webhook's request; both texts last until the attempt ends. */
void dialect_add_header(struct dialect_draft *draft, struct slice name, struct slice value);

enum dialect_verdict { VERDICT_DELIVERED, VERDICT_RETRY, VERDICT_REFUSED, VERDICT_GONE };

/* What an answer means. */
struct dialect_judgement {
    enum dialect_verdict verdict;
    int64_t not_before_us; /* VERDICT_RETRY: the receiver asked to wait so long; 0: it did not */
};

struct dialect {
    const char *name;
    unsigned kinds;             /* bits 1 << enum channel_kind that it serves */
    struct dialect_rules rules; /* what the model has to know; its name may be left out */
    /*
     * Whether an event of this account has another name by which it is found later (an order's
     * number), appended to out. settings as in struct dialect_attempt. Called for each event that
     * is published, on any thread; NULL: never.
     */
    bool (*name_event)(const struct account *account, const struct event *event,
                       const void *settings, struct buf *out);
    /*
     * Queues: whether an event can be told in this dialect, or why not. One that cannot does not go
     * into the queue. Called on any thread, diag may be NULL; NULL: any can.
     */
    bool (*carries)(const struct event *event, struct diag *diag);
    /*
     * Whether a channel's settings suit the dialect (its options, above all). NULL: no options are
     * taken.
     */
    enum err (*check)(const struct channel *channel, struct diag *diag);
    /*
     * ERR_INVALID: this event cannot travel in this dialect: final, with the diag as the attempt's
     * detail.
     */
    enum err (*encode)(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                       struct diag *diag);
    enum err (*encode_mail)(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                            struct diag *diag);
    /*
     * For an HTTP answer (outcome ATTEMPT_ANSWER). May write words for the attempt into detail.
     * Without an answer it is always a retry.
     */
    struct dialect_judgement (*judge)(const struct dialect_attempt *attempt,
                                      const struct outbound_result *result, struct buf *detail);
};

struct dialect_table {
    const struct dialect *const *dialects;
    size_t len;
};

/* NULL when there is none of the name. */
const struct dialect *dialect_find(const struct dialect_table *table, struct slice name);

/*
 * The usual reading of an HTTP status: 2xx delivered, 410 gone, everything else retry with
 * Retry-After (seconds or date; negative and past: none).
 */
struct dialect_judgement dialect_judge_status(const struct outbound_result *result,
                                              struct wall now);

#endif
