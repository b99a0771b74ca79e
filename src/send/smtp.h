/*
 * The SMTP dialogue of one mail after the connection stands (RFC 5321): bytes in, bytes out, no
 * I/O.
 *
 *   RESET --> FROM --> TO --> DATA --> CONTENT
 *     |        |       |       |          |
 *   broken     +-------+-------+----------+---> the reply that decided
 *
 * There is one recipient, so the first reply that refuses decides it all. Greeting, EHLO, STARTTLS
 * and AUTH came before and are libcurl's work.
 *
 * Invariants:
 * 1. Nothing but the content is sent while a reply may come, so a server that answers twice is
 *    noticed.
 * 2. A line of content that begins with a dot gets a second one; content has only CRLF line ends
 *    (smtp_content_is_safe), so nothing in it can end it.
 */
#ifndef SEND_SMTP_H
#define SEND_SMTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { SMTP_REPLY_BYTES_MAX = 8 * 1024, SMTP_LINE_BYTES_MAX = 2 * 1024 };

/* Reads replies: lines of "250-text" CRLF, of which the last is "250 text" CRLF. */
struct smtp_reply {
    struct buf text; /* of all lines, without the codes, joined by LF; cut off at its limit */
    struct buf line; /* the one that is not whole yet */
    int32_t code;    /* of the newest line; the reply's once it is whole */
    bool is_whole;
};

void smtp_reply_init(struct smtp_reply *reply);
void smtp_reply_clear(struct smtp_reply *reply);
void smtp_reply_reset(struct smtp_reply *reply); /* forgets all, keeps the memory */

/*
 * Cuts off *bytes what belongs to the reply: up to its end (is_whole) or to theirs. A reply that
 * was whole before is forgotten first. ERR_INVALID when it is none.
 */
enum err smtp_reply_read(struct smtp_reply *reply, struct slice *bytes) MUST_CHECK;

enum smtp_step { SMTP_RESET, SMTP_FROM, SMTP_TO, SMTP_DATA, SMTP_CONTENT };

enum smtp_progress {
    SMTP_GOES_ON,
    SMTP_DECIDED, /* by reply.code, at step */
    SMTP_BROKEN,  /* what came is no SMTP */
};

struct smtp {
    enum smtp_step step;
    struct slice from, to, content; /* borrowed */
    struct buf out;                 /* what is to be sent next */
    size_t out_sent;                /* of out */
    size_t content_at;              /* so much of content has gone through out */
    bool has_ended;                 /* the final dot is in out */
    bool is_spoiled; /* the server spoke out of turn: no further mail on this connection */
    struct smtp_reply reply;
};

void smtp_init(struct smtp *smtp);
void smtp_clear(struct smtp *smtp);

/* Begins with one mail: addr-specs and content, borrowed until it is decided; with RSET first when
 * the mail before on this connection was refused. */
void smtp_begin(struct smtp *smtp, struct slice from, struct slice to, struct slice content,
                bool needs_reset);

/* What is to be sent now; empty while a reply is awaited. Lent until smtp_sent says how much of it
 * was sent. */
struct slice smtp_output(struct smtp *smtp);
void smtp_sent(struct smtp *smtp, size_t len);

/* Takes what came in. */
enum smtp_progress smtp_input(struct smtp *smtp, struct slice bytes);

/* Whether the whole mail and its final dot were sent: it may have arrived. */
bool smtp_has_sent_all(const struct smtp *smtp);

/* The command of a step as a person knows it: "RCPT TO". */
const char *smtp_step_word(enum smtp_step step);

/* Whether an address goes beyond ASCII: only for a server that offers SMTPUTF8 (RFC 6531). */
bool smtp_needs_utf8(struct slice from, struct slice to);

/* Whether content is not empty, has CRLF as its only line end, and ends in one. */
bool smtp_content_is_safe(struct slice content);

#endif
