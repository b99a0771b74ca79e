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
    OUTBOUND_HEADERS_MAX = 96,             /* a channel's 32, and what a dialect adds */
    OUTBOUND_ANSWER_BYTES_MAX = 64 * 1024, /* if answer_bytes_max says nothing else */
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
    /* ATTEMPT_ANSWER when an answer came, whatever it says; else TIMEOUT, CONNECT, TLS, BLOCKED or
     * INVALID. A mail server's reply to connecting or logging in is no answer to the mail, but
     * CONNECT with its code as status. */
    enum attempt_outcome outcome;
    int32_t status;      /* HTTP status, or the SMTP reply code that ended it; 0: none */
    struct slice detail; /* short, stable words for a person: "HTTP 503", "connection refused" */
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
    /* On the sender's thread, from sender_run, never from inside sender_start; the outbound may be
     * started again or freed in it. */
    outbound_done_fn *done;
    int64_t timeout_us; /* for all of it */

    /* OUTBOUND_HTTP */
    struct slice method; /* "POST" */
    struct slice url;    /* http or https, as url_check takes it */
    /* content-type among them; checked for control characters again when sent */
    struct outbound_header headers[OUTBOUND_HEADERS_MAX];
    uint32_t headers_len;
    struct slice body;
    const struct outbound_tls *tls; /* NULL: defaults */
    /* Read; a longer body is cut off there. 0: OUTBOUND_ANSWER_BYTES_MAX. */
    size_t answer_bytes_max;
    bool is_trusted; /* the operator named the URL: all addresses but metadata services' are fine */

    /* OUTBOUND_MAIL */
    struct slice mail_from, mail_to; /* addr-specs of the envelope, as address_check takes them */
    /* body is the whole message, CRLF lines; no bare CR or LF (made by mail_compose) */

    struct outbound_result result; /* out */

    void *private_state; /* the sender's */
};

/* The value of an answer's header, empty when absent. */
struct slice outbound_answer_header(const struct outbound_result *result, const char *name);

#endif
