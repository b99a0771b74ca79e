/*
 * Composing a mail message (RFC 5322, MIME): a text part that a person can read and the event as an
 * attachment in its own content type.
 *
 * Subjects and names beyond ASCII become encoded words (RFC 2047), the text part is UTF-8 in
 * quoted-printable, the attachment base64, so no line is longer than 998 bytes, there is no bare CR
 * or LF, and nothing in an event can add a header or end the message early.
 */
#ifndef SEND_MAIL_H
#define SEND_MAIL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "send/outbound.h"

struct mail {
    struct slice from;    /* "Shop <news@shop.example>" or an addr-spec, from the settings */
    struct slice to;      /* addr-spec */
    struct slice subject; /* UTF-8 */
    /* Without angle brackets: stable over retries, so that a possible duplicate is told as one. */
    struct slice message_id;
    struct wall date;
    struct slice text; /* UTF-8, lines end in LF */
    /* No attachment when the type is empty. */
    struct slice attachment, attachment_type, attachment_name;
    const struct outbound_header *headers; /* further ones, ASCII, ours */
    size_t headers_len;
};

/* ERR_INVALID when from or to is no address or any header would hold a control character; nothing
 * is appended then. Adds Auto-Submitted: auto-generated. */
enum err mail_compose(const struct mail *mail, struct buf *out, struct diag *diag) MUST_CHECK;

/* The addr-spec inside "Name <a@b>" or "a@b". */
enum err mail_address(struct slice text, struct slice *out, struct diag *diag) MUST_CHECK;

#endif
