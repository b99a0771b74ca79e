/*
 * Text as mail carries it: header lines, quoted-printable, parameters.
 *
 * All input is UTF-8 without control characters (the text of quoted_printable may have any bytes).
 * No line that comes out is longer than 76 characters but for a parameter's, which has at most
 * MAIL_TEXT_PARAMETER_BYTES_MAX bytes before it is encoded.
 */
#ifndef SEND_MAIL_TEXT_H
#define SEND_MAIL_TEXT_H

#include "base/buf.h"
#include "base/slice.h"

/* Three characters a byte stay well under a line's 998. */
enum { MAIL_TEXT_PARAMETER_BYTES_MAX = 200 };

/* Whether all of text is printable ASCII or space. */
bool mail_text_is_plain(struct slice text);

/* A header of free text, such as "Subject: =?UTF-8?B?...?=" CRLF: as it is when it is short and
 * plain, else encoded words (RFC 2047), folded. */
void mail_text_header(struct buf *out, const char *name, struct slice text);

/* A header with one address, such as "From: Shop <news@shop.example>" CRLF. The display name may be
 * empty. */
void mail_text_address(struct buf *out, const char *name, struct slice display,
                       struct slice address);

/* A parameter such as `; filename="a.json"`, or in the form of RFC 2231 when it has more than plain
 * characters; a longer value is cut. */
void mail_text_parameter(struct buf *out, const char *name, struct slice value);

/* RFC 2045 section 6.7: each LF (or CRLF) becomes a line's end, other control characters are
 * encoded. Ends with CRLF. */
void mail_text_quoted_printable(struct buf *out, struct slice text);

#endif
