#include "http/origin.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* What no IPv6 network begins with: an IPv4 address behind it cannot be taken for one. */
static const uint8_t ipv4_prefix[4] = {0xff, 0xff, 0xff, 0xff};

static void from_ipv4(const void *address, struct origin *out)
{
    memcpy(out->bytes, ipv4_prefix, sizeof ipv4_prefix);
    memcpy(out->bytes + sizeof ipv4_prefix, address, sizeof(struct in_addr));
    (void)inet_ntop(AF_INET, address, out->text, sizeof out->text); /* there is room for any */
}

static void from_ipv6(const struct in6_addr *address, struct origin *out)
{
    if (memcmp(address->s6_addr, mapped_prefix, sizeof mapped_prefix) == 0) {
        from_ipv4(address->s6_addr + sizeof mapped_prefix, out);
        return;
    }
    memcpy(out->bytes, address->s6_addr, sizeof out->bytes);
    (void)inet_ntop(AF_INET6, address, out->text, sizeof out->text);
}

void origin_from(const struct sockaddr *address, struct origin *out)
{
    *out = (struct origin){0};
    if (address->sa_family == AF_INET6) {
        from_ipv6(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, out);
    } else if (address->sa_family == AF_INET) {
        from_ipv4(&((const struct sockaddr_in *)(const void *)address)->sin_addr, out);
    }
}

struct slice origin_key(const struct origin *origin)
{
    return slice_from(origin->bytes, sizeof origin->bytes);
}
