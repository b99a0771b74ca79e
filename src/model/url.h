/*
 * URLs that something will be sent to: absolute http or https, as RFC 3986 writes them.
 *
 * Strict, because the text is read by several parsers on its way: what one of them could read in
 * another way (backslashes, spaces, user names, anything but ASCII) is refused here.
 */
#ifndef MODEL_URL_H
#define MODEL_URL_H

#include "base/err.h"
#include "base/slice.h"

enum { URL_BYTES_MAX = 2048 };

/* ERR_INVALID says what is wrong; field names where the URL stands. */
enum err url_check(struct slice url, const char *field, struct diag *diag) MUST_CHECK;

/* The host of a URL that url_check passed: without port, an IPv6 address without its brackets. */
struct slice url_host(struct slice url);

#endif
