/*
 * TLS settings of a libcurl handle: whom we trust and who we say we are.
 *
 * A connection is used again only by a request with the same settings: libcurl compares
 * certificates and CAs byte for byte.
 */
#ifndef SEND_TLS_H
#define SEND_TLS_H

#include "send/outbound.h"

#include <curl/curl.h>

/* What never changes: TLS 1.2 or newer, certificate and host name checked, against the CAs in the
 * file ca_path (NULL: the system's). */
void tls_prepare(CURL *easy, const char *ca_path);

/* What one receiver wants instead; NULL takes it back. Borrows the texts until then. */
void tls_use(CURL *easy, const struct outbound_tls *tls);

#endif
