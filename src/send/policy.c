#include "send/policy.h"

#include "base/buf.h"
#include "base/encode.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { HOST_SIZE = 256 }; /* a host name has at most 253 bytes (RFC 1035) */

#define IPV4(a, b, c, d)                                                                           \
    {                                                                                              \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b), (c), (d)                               \
    }
#define IPV4_RANGE(a, b, c, d, prefix)                                                             \
    {                                                                                              \
        IPV4(a, b, c, d), IP_V4_PREFIX_BITS + (prefix)                                             \
    }

/*
 * Where cloud machines are told their secrets. Refused even inside an allowed range: whoever allows
 * 169.254.0.0/16 means a device on the link, not this.
 */
static const struct ip metadata_addresses[] = {
    {IPV4(169, 254, 169, 254)}, /* AWS, Google, Azure, OpenStack and most others */
    {IPV4(169, 254, 170, 2)},   /* credentials of AWS containers */
    {IPV4(169, 254, 170, 23)},
    {IPV4(169, 254, 0, 23)},                           /* Tencent */
    {IPV4(169, 254, 42, 42)},                          /* Scaleway */
    {IPV4(100, 100, 100, 200)},                        /* Alibaba */
    {IPV4(168, 63, 129, 16)},                          /* Azure's host, at a public address */
    {IPV4(192, 0, 0, 192)},                            /* Oracle */
    {{0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}}, /* AWS: fd00:ec2::254 */
    {{0xfd, 0, 0x0e, 0xc2, [15] = 0x23}},              /* AWS: fd00:ec2::23 */
    {{0xfd, 0x20, 0, 0xce, [14] = 0x02, [15] = 0x54}}, /* Google: fd20:ce::254 */
};

/* The special-purpose registries of RFC 6890 and what became of them since. */
static const struct ip_range refused_ranges[] = {
    IPV4_RANGE(0, 0, 0, 0, 8),       /* this network, the unspecified address */
    IPV4_RANGE(10, 0, 0, 0, 8),      /* private */
    IPV4_RANGE(100, 64, 0, 0, 10),   /* shared, carriers' NAT */
    IPV4_RANGE(127, 0, 0, 0, 8),     /* loopback */
    IPV4_RANGE(169, 254, 0, 0, 16),  /* link-local */
    IPV4_RANGE(172, 16, 0, 0, 12),   /* private */
    IPV4_RANGE(192, 0, 0, 0, 24),    /* protocol assignments */
    IPV4_RANGE(192, 0, 2, 0, 24),    /* documentation */
    IPV4_RANGE(192, 88, 99, 0, 24),  /* 6to4 relays, withdrawn */
    IPV4_RANGE(192, 168, 0, 0, 16),  /* private */
    IPV4_RANGE(198, 18, 0, 0, 15),   /* benchmarking */
    IPV4_RANGE(198, 51, 100, 0, 24), /* documentation */
    IPV4_RANGE(203, 0, 113, 0, 24),  /* documentation */
    IPV4_RANGE(224, 0, 0, 0, 4),     /* multicast */
    IPV4_RANGE(240, 0, 0, 0, 4),     /* reserved, broadcast */
    {{0x20, 0x01}, 23},              /* protocol assignments, benchmarking, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  /* documentation */
    {{0x3f, 0xff}, 20},              /* documentation */
};

/* What is handed out as global unicast so far; all else is local, multicast or reserved. */
static const struct ip_range global_ipv6 = {{0x20}, 3};

/* IPv6 ranges whose addresses lead to an IPv4 one, and at which byte that stands. */
static const struct embedding {
    struct ip_range range;
    uint8_t at;
    uint8_t mask; /* each byte is stored xor this */
} embeddings[] = {
    {{{0}, 96}, 12, 0},                   /* IPv4-compatible: ::a.b.c.d */
    {{{0x20, 0x02}, 16}, 2, 0},           /* 6to4: 2002:aabb:ccdd:: */
    {{{0x20, 0x01, 0, 0}, 32}, 12, 0xff}, /* Teredo, the client */
    {{{0x20, 0x01, 0, 0}, 32}, 4, 0},     /* Teredo, the server */
    {{{0, 0x64, 0xff, 0x9b}, 96}, 12, 0}, /* NAT64: 64:ff9b::a.b.c.d */
};

/* One range without a fixed bit. */
const struct policy policy_trusting = {.allowed = {.items = {{.bits = 0}}, .len = 1}};

static bool is_special(const struct ip *address)
{
    for (size_t i = 0; i < ARRAY_LEN(refused_ranges); i++) {
        if (ip_range_holds(&refused_ranges[i], address)) {
            return true;
        }
    }
    return false;
}

static bool is_metadata(const struct ip *address)
{
    for (size_t i = 0; i < ARRAY_LEN(metadata_addresses); i++) {
        if (ip_equal(&metadata_addresses[i], address)) {
            return true;
        }
    }
    return false;
}

static struct ip embedded_address(const struct embedding *embedding, const struct ip *address)
{
    struct ip inner = {IPV4(0, 0, 0, 0)};

    for (size_t i = 0; i < IP_V4_BYTES; i++) {
        inner.bytes[IP_BYTES - IP_V4_BYTES + i] =
            (uint8_t)(address->bytes[embedding->at + i] ^ embedding->mask);
    }
    return inner;
}

/* An address that has no other inside. */
static bool allows_plain(const struct policy *policy, const struct ip *address)
{
    if (is_metadata(address)) {
        return false;
    }
    if (ip_ranges_hold(&policy->allowed, address)) {
        return true;
    }
    if (!ip_range_holds(&global_ipv6, address) && !ip_is_v4(address)) {
        return false;
    }
    return !is_special(address);
}

static bool allows(const struct policy *policy, const struct ip *address)
{
    bool is_embedding = false;
    bool is_named = ip_ranges_hold(&policy->allowed, address);

    for (size_t i = 0; i < ARRAY_LEN(embeddings); i++) {
        if (!ip_range_holds(&embeddings[i].range, address)) {
            continue;
        }
        struct ip inner = embedded_address(&embeddings[i], address);
        /* An allowed outer range is a decision about the tunnel, but not one about metadata behind
         * it. */
        if (is_named ? is_metadata(&inner) : !allows_plain(policy, &inner)) {
            return false;
        }
        is_embedding = true;
    }
    return is_embedding || allows_plain(policy, address);
}

bool policy_allows(const struct policy *policy, const struct sockaddr *address)
{
    struct ip ip;

    return ip_from(address, &ip) && allows(policy, &ip);
}

void policy_address_text(const struct sockaddr *address, char out[INET6_ADDRSTRLEN])
{
    size_t at = address->sa_family == AF_INET ? offsetof(struct sockaddr_in, sin_addr)
                                              : offsetof(struct sockaddr_in6, sin6_addr);

    if (inet_ntop(address->sa_family, (const char *)address + at, out, INET6_ADDRSTRLEN) == NULL) {
        memcpy(out, "?", sizeof "?");
    }
}

enum err policy_parse(struct slice text, struct policy *out, struct diag *diag)
{
    return ip_ranges_parse(text, &out->allowed, diag);
}

static struct slice without_brackets(struct slice host)
{
    if (slice_starts(host, SLICE("[")) && slice_ends(host, SLICE("]"))) {
        return slice_sub(host, 1, host.len - 2);
    }
    /* One dot at the end of a name says that it is whole; libcurl drops it. */
    return slice_ends(host, SLICE(".")) ? slice_sub(host, 0, host.len - 1) : host;
}

/* Also 2130706433, 0x7f.1 and 0177.0.0.1. */
static bool parse_loose_ipv4(struct slice host, struct ip *out)
{
    char chars[HOST_SIZE];
    struct in_addr ipv4;

    if (host.len == 0 || host.len >= HOST_SIZE || memchr(host.ptr, '\0', host.len) != NULL) {
        return false;
    }
    memcpy(chars, host.ptr, host.len);
    chars[host.len] = '\0';
    if (inet_aton(chars, &ipv4) == 0) {
        return false;
    }
    *out = ip_from_v4(&ipv4);
    return true;
}

/* Reads host as a resolver would. */
static bool parse_host(struct slice host, struct ip *out)
{
    host = without_brackets(host);
    /* The zone says through which interface, not to which address. */
    struct slice rest = host;
    if (memchr(host.ptr, ':', host.len) != NULL) {
        (void)slice_cut(&rest, '%', &host);
    }
    return parse_loose_ipv4(host, out) || ip_parse(host, out);
}

bool policy_refuses_host(const struct policy *policy, struct slice host)
{
    struct ip address;
    struct buf decoded;
    bool is_refused = false;

    if (host.len == 0) {
        return false;
    }
    if (parse_host(host, &address)) {
        return !allows(policy, &address);
    }
    /* 127%2e0.0.1: libcurl undoes the escapes of a host. */
    buf_init(&decoded, host.len);
    if (percent_decode(&decoded, host, /* is_form= */ false) == OK && decoded.len > 0 &&
        parse_host(buf_view(&decoded), &address)) {
        is_refused = !allows(policy, &address);
    }
    buf_clear(&decoded);
    return is_refused;
}
