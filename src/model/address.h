/*
 * E-mail addresses that something will be sent to: one plain addr-spec, local@domain.
 *
 * No display name, no quotes, no comments, no route, no literal domain: whatever could end the
 * address early in an SMTP command or a header is refused. The local part may be UTF-8 (RFC 6531).
 */
#ifndef MODEL_ADDRESS_H
#define MODEL_ADDRESS_H

#include "base/err.h"
#include "base/slice.h"

enum {
    ADDRESS_BYTES_MAX = 254, /* RFC 5321 section 4.5.3.1.3, without the angle brackets */
    ADDRESS_LOCAL_BYTES_MAX = 64,
};

/* ERR_INVALID says what is wrong; field names where the address stands. */
enum err address_check(struct slice address, const char *field, struct diag *diag) MUST_CHECK;

#endif
