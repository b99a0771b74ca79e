/*
 * Headers that a channel's owner adds to each webhook: which names and values they may have.
 */
#ifndef MODEL_HEADER_H
#define MODEL_HEADER_H

#include "base/err.h"
#include "base/slice.h"

enum { HEADER_NAME_BYTES_MAX = 128, HEADER_VALUE_BYTES_MAX = 4096 };

/* ERR_INVALID for what is no token (RFC 9110 section 5.6.2) and for names that we set ourselves. */
enum err header_name_check(struct slice name, const char *field, struct diag *diag) MUST_CHECK;

/* ERR_INVALID when empty, too long, with control characters or with spaces around it. */
enum err header_value_check(struct slice value, const char *field, struct diag *diag) MUST_CHECK;

#endif
