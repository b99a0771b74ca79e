#include "send/policy.h"

#include "base/buf.h"
#include "base/encode.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum {
    ADDRESS_BYTES = sizeof(((struct policy_range *)0)->bytes),
    ADDRESS_BITS = ADDRESS_BYTES * 8,
    IPV4_BYTES = 4,
    IPV4_BITS = IPV4_BYTES * 8,
    MAPPED_BITS = ADDRESS_BITS - IPV4_BITS, /* length of the prefix ::ffff: */
    HOST_SIZE = 256,                        /* a host name has at most 253 bytes (RFC 1035) */
};

/* An address as the policy compares it; IPv4 as ::ffff:a.b.c.d. */
struct address {
    uint8_t bytes[ADDRESS_BYTES];
};

#define IPV4(a, b, c, d)                                                                           \
    {                                                                                              \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b), (c), (d)                               \
    }
#define IPV4_RANGE(a, b, c, d, prefix)                                                             \
    {                                                                                              \
        IPV4(a, b, c, d), MAPPED_BITS + (prefix)                                                   \
    }

/*
 * Where cloud machines are told their secrets. Refused even inside an allowed range: whoever allows
 * 169.254.0.0/16 means a device on the link, not this.
 */
static const struct address metadata_addresses[] = {
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
static const struct policy_range refused_ranges[] = {
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
static const struct policy_range global_ipv6 = {{0x20}, 3};
static const struct policy_range mapped_ipv4 = {IPV4(0, 0, 0, 0), MAPPED_BITS};

/* IPv6 ranges whose addresses lead to an IPv4 one, and at which byte that stands. */
static const struct embedding {
    struct policy_range range;
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
const struct policy policy_trusting = {.allowed = {{.bits = 0}}, .allowed_len = 1};

static bool range_holds(const struct policy_range *range, const struct address *address)
{
    size_t whole = range->bits / 8;
    unsigned rest = range->bits % 8;

    if (memcmp(range->bytes, address->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || ((range->bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

static bool any_range_holds(const struct policy_range *ranges, size_t ranges_len,
                            const struct address *address)
{
    for (size_t i = 0; i < ranges_len; i++) {
        if (range_holds(&ranges[i], address)) {
            return true;
        }
    }
    return false;
}

static bool is_metadata(const struct address *address)
{
    for (size_t i = 0; i < ARRAY_LEN(metadata_addresses); i++) {
        if (memcmp(&metadata_addresses[i], address, sizeof *address) == 0) {
            return true;
        }
    }
    return false;
}

static struct address embedded_address(const struct embedding *embedding,
                                       const struct address *address)
{
    struct address inner = {IPV4(0, 0, 0, 0)};

    for (size_t i = 0; i < IPV4_BYTES; i++) {
        inner.bytes[ADDRESS_BYTES - IPV4_BYTES + i] =
            (uint8_t)(address->bytes[embedding->at + i] ^ embedding->mask);
    }
    return inner;
}

/* An address that has no other inside. */
static bool allows_plain(const struct policy *policy, const struct address *address)
{
    if (is_metadata(address)) {
        return false;
    }
    if (any_range_holds(policy->allowed, policy->allowed_len, address)) {
        return true;
    }
    if (!range_holds(&global_ipv6, address) && !range_holds(&mapped_ipv4, address)) {
        return false;
    }
    return !any_range_holds(refused_ranges, ARRAY_LEN(refused_ranges), address);
}

static bool allows(const struct policy *policy, const struct address *address)
{
    bool is_embedding = false;
    bool is_named = any_range_holds(policy->allowed, policy->allowed_len, address);

    for (size_t i = 0; i < ARRAY_LEN(embeddings); i++) {
        if (!range_holds(&embeddings[i].range, address)) {
            continue;
        }
        struct address inner = embedded_address(&embeddings[i], address);
        /* An allowed outer range is a decision about the tunnel, but not one about metadata behind
         * it. */
        if (is_named ? is_metadata(&inner) : !allows_plain(policy, &inner)) {
            return false;
        }
        is_embedding = true;
    }
    return is_embedding || allows_plain(policy, address);
}

static struct address address_from_ipv4(const struct in_addr *ipv4)
{
    struct address address = {IPV4(0, 0, 0, 0)};

    memcpy(address.bytes + ADDRESS_BYTES - IPV4_BYTES, ipv4, IPV4_BYTES);
    return address;
}

static struct address address_from_ipv6(const struct in6_addr *ipv6)
{
    struct address address;

    memcpy(address.bytes, ipv6, ADDRESS_BYTES);
    return address;
}

bool policy_allows(const struct policy *policy, const struct sockaddr *address)
{
    struct address plain;

    /* Copied out: what a caller hands in as a sockaddr need not be aligned as the larger struct
     * wants. */
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4);
        plain = address_from_ipv4(&ipv4.sin_addr);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        plain = address_from_ipv6(&ipv6.sin6_addr);
    } else {
        return false;
    }
    return allows(policy, &plain);
}

void policy_address_text(const struct sockaddr *address, char out[INET6_ADDRSTRLEN])
{
    size_t at = address->sa_family == AF_INET ? offsetof(struct sockaddr_in, sin_addr)
                                              : offsetof(struct sockaddr_in6, sin6_addr);

    if (inet_ntop(address->sa_family, (const char *)address + at, out, INET6_ADDRSTRLEN) == NULL) {
        memcpy(out, "?", sizeof "?");
    }
}

/* A C string of a slice that is to become an address; false when it is longer than any host is. */
static bool copy_text(struct slice text, char out[HOST_SIZE])
{
    if (text.len == 0 || text.len >= HOST_SIZE || memchr(text.ptr, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

/* The strict forms: four decimal numbers, or IPv6. */
static bool parse_address(struct slice text, struct policy_range *out)
{
    char chars[HOST_SIZE];
    struct in_addr ipv4;
    struct in6_addr ipv6;
    struct address address;

    if (!copy_text(text, chars)) {
        return false;
    }
    if (inet_pton(AF_INET, chars, &ipv4) == 1) {
        address = address_from_ipv4(&ipv4);
        out->bits = MAPPED_BITS;
    } else if (inet_pton(AF_INET6, chars, &ipv6) == 1) {
        address = address_from_ipv6(&ipv6);
        out->bits = 0;
    } else {
        return false;
    }
    memcpy(out->bytes, address.bytes, ADDRESS_BYTES);
    return true;
}

/* "10.0.0.0/8"; without a length the one address. */
static enum err parse_range(struct slice part, struct policy_range *out, struct diag *diag)
{
    struct slice rest = part, address;
    uint64_t bits = 0;

    (void)slice_cut(&rest, '/', &address); /* there is always a first part */
    bool has_bits = address.len < part.len;
    if (!parse_address(address, out) || (has_bits && slice_to_u64(rest, &bits) != OK) ||
        bits > (uint64_t)(ADDRESS_BITS - out->bits)) {
        return diag_set(diag, ERR_INVALID, "\"%.*s\" is no range such as 10.0.0.0/8 or fd00::/8",
                        SLICE_ARGS(part));
    }
    out->bits = has_bits ? (uint8_t)(out->bits + bits) : ADDRESS_BITS;
    return OK;
}

/* The next part between commas and spaces; false at the end. */
static bool next_part(struct slice *rest, struct slice *part)
{
    static const char between[] = ", \t\r\n";
    size_t from = 0;

    while (from < rest->len && memchr(between, rest->ptr[from], sizeof between - 1) != NULL) {
        from++;
    }
    size_t to = from;
    while (to < rest->len && memchr(between, rest->ptr[to], sizeof between - 1) == NULL) {
        to++;
    }
    *part = slice_sub(*rest, from, to - from);
    *rest = slice_sub(*rest, to, rest->len);
    return part->len > 0;
}

enum err policy_parse(struct slice text, struct policy *out, struct diag *diag)
{
    struct policy policy = {.allowed_len = 0};
    struct slice part;

    while (next_part(&text, &part)) {
        if (policy.allowed_len == POLICY_RANGES_MAX) {
            return diag_set(diag, ERR_INVALID, "more than %d ranges: \"%.*s\" is too many",
                            POLICY_RANGES_MAX, SLICE_ARGS(part));
        }
        enum err err = parse_range(part, &policy.allowed[policy.allowed_len], diag);
        if (err != OK) {
            return err;
        }
        policy.allowed_len++;
    }
    *out = policy;
    return OK;
}

static struct slice without_brackets(struct slice host)
{
    if (slice_starts(host, SLICE("[")) && slice_ends(host, SLICE("]"))) {
        return slice_sub(host, 1, host.len - 2);
    }
    /* One dot at the end of a name says that it is whole; libcurl drops it. */
    return slice_ends(host, SLICE(".")) ? slice_sub(host, 0, host.len - 1) : host;
}

/* Reads host as a resolver would: also 2130706433, 0x7f.1 and 0177.0.0.1. */
static bool parse_host(struct slice host, struct address *out)
{
    char chars[HOST_SIZE];
    struct in_addr ipv4;
    struct in6_addr ipv6;

    host = without_brackets(host);
    /* The zone says through which interface, not to which address. */
    struct slice rest = host;
    if (memchr(host.ptr, ':', host.len) != NULL) {
        (void)slice_cut(&rest, '%', &host);
    }
    if (!copy_text(host, chars)) {
        return false;
    }
    if (inet_aton(chars, &ipv4) != 0) {
        *out = address_from_ipv4(&ipv4);
        return true;
    }
    if (inet_pton(AF_INET6, chars, &ipv6) == 1) {
        *out = address_from_ipv6(&ipv6);
        return true;
    }
    return false;
}

bool policy_refuses_host(const struct policy *policy, struct slice host)
{
    struct address address;
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
