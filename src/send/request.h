/*
 * The HTTP request of an outbound: whether it can be sent, and how libcurl is told to.
 */
#ifndef SEND_REQUEST_H
#define SEND_REQUEST_H

#include "send/transfer.h"

/* URL, method and headers with their zero bytes; far above what headers of OUTBOUND_HEADERS_MAX
 * need. */
enum { REQUEST_BYTES_MAX = 512 * 1024 };

/* What is wrong with it, in words for a person; NULL when nothing is. Checked here again, however
 * it came to be stored. */
const char *request_fault(const struct outbound *outbound);

/* Sets all options that differ from one request to the next, but for times. The outbound must have
 * no fault. */
void request_set(struct transfer *transfer, const struct outbound *outbound);

bool request_is_https(const struct outbound *outbound);

#endif
