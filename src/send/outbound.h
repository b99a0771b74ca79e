/*
 * An outbound request: one attempt's HTTP request or mail, and what came of it.
 */
#ifndef SEND_OUTBOUND_H
#define SEND_OUTBOUND_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/time.h"
#include "model/delivery.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    OUTBOUND_HEADERS_MAX = 64,
    OUTBOUND_ANSWER_BYTES_MAX = 64 * 1024, /* read; a longer answer is cut off there */
    OUTBOUND_ANSWER_HEADERS_MAX = 32,
};

enum outbound_kind { OUTBOUND_HTTP, OUTBOUND_MAIL };

struct outbound_header {
    struct slice name, value;
};

struct outbound;
typedef void outbound_done_fn(struct outbound *outbound);

/* TLS of one receiver; empty slices: the system's CAs, no client certificate. */
struct outbound_tls {
    struct slice ca_pem, certificate_pem, key_pem;
};

/* What came of it. Slices are lent until done returns. */
struct outbound_result {
    enum attempt_outcome
        outcome; /* ATTEMPT_ANSWER when an answer came, whatever it says; else TIMEOUT, CONNECT, TLS, BLOCKED, INVALID */
    int32_t status;      /* HTTP status, or the SMTP reply code that ended it; 0: none */
    struct slice detail; /* words for a person */
    struct slice body;   /* start of the answer; SMTP: the reply's text */
    struct outbound_header headers[OUTBOUND_ANSWER_HEADERS_MAX]; /* of the answer */
    uint32_t headers_len;
    bool was_cut;          /* the answer was longer than is read */
    bool may_have_arrived; /* the request was sent whole before it failed */
    int64_t took_us;
};

/* Owned by the caller, which keeps it and everything it points to until done. */
struct outbound {
    enum outbound_kind kind;
    outbound_done_fn
        *done; /* on the sender's thread, from sender_run, never from inside sender_start */
    int64_t timeout_us; /* for all of it */

    /* OUTBOUND_HTTP */
    struct slice method; /* "POST" */
    struct slice url;    /* http or https */
    struct outbound_header headers
        [OUTBOUND_HEADERS_MAX]; /* content-type among them; checked for control characters again when sent */
    uint32_t headers_len;
    struct slice body;
    const struct outbound_tls *tls; /* NULL: defaults */

    /* OUTBOUND_MAIL */
    struct slice mail_from, mail_to; /* addr-specs of the envelope */
    /* body is the whole message, CRLF lines; no bare CR or LF (made by mail_compose) */

    struct outbound_result result; /* out */

    void *private_state; /* the sender's */
};

/* The value of an answer's header, empty when absent. */
struct slice outbound_answer_header(const struct outbound_result *result, const char *name);

#endif
