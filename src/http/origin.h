/*
 * Where a request comes from: the caller's address, as text and as what limits count by.
 *
 * An IPv4 address counts by itself, also when it comes mapped into IPv6. Of an IPv6 address the
 * first 64 bits count: whoever has one address of such a network has all of them.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "base/ip.h"
#include "base/slice.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ORIGIN_BYTES = 8 };

struct origin {
    uint8_t bytes[ORIGIN_BYTES]; /* what limits count by */
    char text[INET6_ADDRSTRLEN]; /* without port */
};

void origin_from_ip(const struct ip *ip, struct origin *out);
/* An address of another family has no text, and all such count as one. */
void origin_from(const struct sockaddr *address, struct origin *out);

/* The counted part as a key for a map; lent. */
struct slice origin_key(const struct origin *origin);

#endif
