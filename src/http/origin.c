#include "http/origin.h"

#include <arpa/inet.h>
#include <string.h>

/* What no IPv6 network begins with: an IPv4 address behind it cannot be taken for one. */
static const uint8_t v4_prefix[ORIGIN_BYTES - IP_V4_BYTES] = {0xff, 0xff, 0xff, 0xff};

void origin_from_ip(const struct ip *ip, struct origin *out)
{
    *out = (struct origin){0};
    if (ip_is_v4(ip)) {
        const uint8_t *address = ip->bytes + IP_BYTES - IP_V4_BYTES;

        memcpy(out->bytes, v4_prefix, sizeof v4_prefix);
        memcpy(out->bytes + sizeof v4_prefix, address, IP_V4_BYTES);
        (void)inet_ntop(AF_INET, address, out->text, sizeof out->text); /* there is room for any */
    } else {
        memcpy(out->bytes, ip->bytes, sizeof out->bytes);
        (void)inet_ntop(AF_INET6, ip->bytes, out->text, sizeof out->text);
    }
}

void origin_from(const struct sockaddr *address, struct origin *out)
{
    struct ip ip;

    *out = (struct origin){0};
    if (ip_from(address, &ip)) {
        origin_from_ip(&ip, out);
    }
}

struct slice origin_key(const struct origin *origin)
{
    return slice_from(origin->bytes, sizeof origin->bytes);
}
