/*
 * A mail session: one connection to the mail server, which carries one mail after the other.
 *
 *   CONNECTING --> BUSY <--> IDLE
 *        |          |          |
 *        +----------+----------+--> closed
 *
 * libcurl connects, greets, starts TLS and logs in (CURLOPT_CONNECT_ONLY); the dialogue of each
 * mail is ours (smtp.h), over curl_easy_send and curl_easy_recv. libcurl's own would block this
 * thread, with all webhooks on it, while the server thinks about the mail after its last dot, which
 * with scanners takes seconds.
 *
 * Invariants:
 * 1. A mail waits in the sender_mail's list, or belongs to one session, or has ended.
 * 2. The deadline of a mail is in the heap while it waits or its session is busy; while it
 *    connects, libcurl watches the time.
 * 3. A reply to connecting or logging in says nothing about a mail: it ends as ATTEMPT_CONNECT, to
 *    be tried again.
 * 4. A mail that fails on a kept connection before the first reply to it is tried once more on a
 *    fresh one: the server had just grown tired of waiting.
 */
#ifndef SEND_MAIL_SESSION_H
#define SEND_MAIL_SESSION_H

#include "send/sender_internal.h"
#include "send/smtp.h"

enum mail_session_state { SESSION_CONNECTING, SESSION_BUSY, SESSION_IDLE };

struct mail_session {
    struct list_link link; /* in the idle or the engaged list */
    enum mail_session_state state;
    struct sender_mail *mail;
    CURL *easy;
    curl_socket_t socket;
    struct work *work; /* NULL when idle */
    struct smtp smtp;
    struct smtp_reply greeting; /* the newest reply before the first mail */
    struct heap_link idle_until;
    uint32_t mails; /* begun on it */
    bool needs_reset;
    bool takes_utf8; /* SMTPUTF8 */
    char words[CURL_ERROR_SIZE];
};

/* All mail of a sender: sender_mail.c. */
struct sender_mail {
    struct sender *sender;
    CURLM *multi;
    struct list waiting; /* of work */
    struct list engaged; /* sessions connecting or busy */
    struct list idle;    /* sessions, the one used last first */
    struct heap deadlines;
    struct heap idle_until;
};

/* Starts to connect for work, which it then carries. It is in the engaged list; the caller puts its
 * handle into the multi handle. */
struct mail_session *mail_session_new(struct sender_mail *mail, struct work *work);

/* Closes the connection without a word, in any state. Its mail, if any, is the caller's. */
void mail_session_close(struct mail_session *session);

/* The same for an idle one, with QUIT. */
void mail_session_say_goodbye(struct mail_session *session);

/* What libcurl made of connecting: carries the mail, or ends it. */
void mail_session_connected(struct mail_session *session, CURLcode code);

/* Carries session->work over the connection that stands. The session is engaged; it may be gone or
 * idle when this returns. */
void mail_session_carry(struct mail_session *session);

/* Ends its mail, with the reply that decided if one did, and then the session. */
void mail_session_fail(struct mail_session *session, const struct outcome *outcome,
                       const struct smtp_reply *reply);

/* Sets the deadline of a mail (invariant 2). */
void sender_mail_start_deadline(struct sender_mail *mail, struct work *work);

/* Ends a mail that has left the waiting list or its session. */
void sender_mail_end(struct sender_mail *mail, struct work *work, const struct outcome *outcome,
                     const struct smtp_reply *reply);

#endif
