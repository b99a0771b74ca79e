/*
 * A transfer: one libcurl easy handle and the HTTP request it carries.
 *
 * Invariants:
 * 1. Each connection is opened by on_open, which asks the address policy; libcurl has no other way
 *    to open one. One that was opened for a trusted request is kept where no other request finds it
 *    (sender_http.c).
 * 2. An easy handle carries nothing from one receiver to the next: what differs is set for each
 *    request (request.c), cookies are off, and a handle whose request failed or was tried again on
 *    another connection is not used again: libcurl never forgets its error number, and counts such
 *    retries, of which it allows five, over a handle's whole life.
 * 3. Nothing that a receiver sends makes memory grow past the limit of the work's text.
 */
#ifndef SEND_TRANSFER_H
#define SEND_TRANSFER_H

#include "send/sender_internal.h"

enum { TRANSFER_HEADERS_EXTRA = 3 }; /* ours, beside the outbound's */

/* Where an answer's header stands in the work's text. */
struct header_place {
    uint32_t name_at, name_len, value_at, value_len;
};

/* What libcurl knows of a transfer that has ended. */
struct transfer_facts {
    long status, os_errno, request_bytes, connects;
    curl_off_t sent_bytes;
};

struct transfer {
    struct list_link link;
    struct sender *sender;
    struct work *work; /* NULL when it is spare */
    CURL *easy;
    CURLM *multi; /* NULL when it is in none */

    /* request.c */
    struct buf request; /* URL, method, header lines, each ending in zero */
    struct curl_slist headers[OUTBOUND_HEADERS_MAX + TRANSFER_HEADERS_EXTRA];
    size_t headers_len;
    bool has_tls; /* tls_use was given something */

    /* the answer, in the work's text */
    struct header_place answer_headers[OUTBOUND_ANSWER_HEADERS_MAX];
    uint32_t answer_headers_len;
    size_t body_at; /* once has_body */
    bool has_body, was_cut;

    /* how it went */
    bool is_looking_up;       /* counted in the sender's lookups */
    bool was_not_looked_up;   /* too many were */
    bool is_second;           /* a kept connection failed it; this is a fresh one */
    uint32_t tries;           /* on a connection; libcurl tries again when a kept one has died */
    uint32_t opened, refused; /* addresses */
    char refused_address[INET6_ADDRSTRLEN];
    char words[CURL_ERROR_SIZE];
};

struct transfer *transfer_new(struct sender *sender);
void transfer_free(struct transfer *transfer); /* must be in no multi handle */

/* Gives it work, with nothing left of what it carried before. */
void transfer_begin(struct transfer *transfer, struct work *work);

/* Puts it into a multi handle; false when libcurl has no memory. Takes it out again. */
bool transfer_enter(struct transfer *transfer, CURLM *multi);
void transfer_leave(struct transfer *transfer);

/* How libcurl's end of it is called, to be asked before it leaves. */
struct transfer_facts transfer_facts(const struct transfer *transfer);
struct outcome transfer_outcome(const struct transfer *transfer, CURLcode code,
                                const struct transfer_facts *facts);

/* Fills in what of the work's result the answer tells, whatever the outcome. */
void transfer_set_answer(const struct transfer *transfer, const struct transfer_facts *facts);

/* Whether the body and all before it were sent. */
bool transfer_was_sent(const struct transfer *transfer, const struct transfer_facts *facts);

#endif
