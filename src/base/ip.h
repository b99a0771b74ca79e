/*
 * IP addresses, and ranges of them as an operator writes them.
 *
 * An IPv4 address stands as ::ffff:a.b.c.d, so it is the same one when it comes mapped into IPv6.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/err.h"
#include "base/slice.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    IP_BYTES = 16,
    IP_BITS = IP_BYTES * 8,
    IP_V4_BYTES = 4,
    IP_V4_PREFIX_BITS = IP_BITS - IP_V4_BYTES * 8, /* length of ::ffff: */
    IP_RANGES_MAX = 64,                            /* in one list */
};

struct ip {
    uint8_t bytes[IP_BYTES];
};

struct ip_range {
    uint8_t bytes[IP_BYTES];
    uint8_t bits; /* so many of them count */
};

struct ip_ranges {
    struct ip_range items[IP_RANGES_MAX];
    uint32_t len;
};

struct ip ip_from_v4(const struct in_addr *address);
/* False: it is of another family, and *out is untouched. It need not be aligned. */
bool ip_from(const struct sockaddr *address, struct ip *out);
/* The strict forms only: four decimal numbers, or IPv6. False leaves *out untouched. */
bool ip_parse(struct slice text, struct ip *out);

bool ip_is_v4(const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);

bool ip_range_holds(const struct ip_range *range, const struct ip *ip);
bool ip_ranges_hold(const struct ip_ranges *ranges, const struct ip *ip);

/* "127.0.0.0/8, 10.1.0.7, ::1/128": commas or spaces between. ERR_INVALID names the bad part. */
enum err ip_ranges_parse(struct slice text, struct ip_ranges *out, struct diag *diag) MUST_CHECK;

#endif
