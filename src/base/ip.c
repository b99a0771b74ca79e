#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

static const struct ip_range v4_range = {{[10] = 0xff, [11] = 0xff}, IP_V4_PREFIX_BITS};

/* ---- Addresses ---- */

struct ip ip_from_v4(const struct in_addr *address)
{
    struct ip ip;

    memcpy(ip.bytes, v4_range.bytes, IP_BYTES);
    memcpy(ip.bytes + IP_BYTES - IP_V4_BYTES, address, IP_V4_BYTES);
    return ip;
}

bool ip_from(const struct sockaddr *address, struct ip *out)
{
    /* Copied out: what a caller hands in as a sockaddr need not be aligned as the larger struct
     * wants. */
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        *out = ip_from_v4(&v4.sin_addr);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        memcpy(out->bytes, &v6.sin6_addr, IP_BYTES);
        return true;
    }
    return false;
}

bool ip_parse(struct slice text, struct ip *out)
{
    char chars[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    if (text.len == 0 || text.len >= sizeof chars || memchr(text.ptr, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(chars, text.ptr, text.len);
    chars[text.len] = '\0';
    if (inet_pton(AF_INET, chars, &v4) == 1) {
        *out = ip_from_v4(&v4);
        return true;
    }
    if (inet_pton(AF_INET6, chars, &v6) == 1) {
        memcpy(out->bytes, &v6, IP_BYTES);
        return true;
    }
    return false;
}

bool ip_is_v4(const struct ip *ip)
{
    return ip_range_holds(&v4_range, ip);
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- Ranges ---- */

bool ip_range_holds(const struct ip_range *range, const struct ip *ip)
{
    size_t whole = range->bits / 8;
    unsigned rest = range->bits % 8;

    if (memcmp(range->bytes, ip->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || ((range->bytes[whole] ^ ip->bytes[whole]) >> (8 - rest)) == 0;
}

bool ip_ranges_hold(const struct ip_ranges *ranges, const struct ip *ip)
{
    for (uint32_t i = 0; i < ranges->len; i++) {
        if (ip_range_holds(&ranges->items[i], ip)) {
            return true;
        }
    }
    return false;
}

/* "10.0.0.0/8"; without a length the one address. */
static enum err parse_range(struct slice part, struct ip_range *out, struct diag *diag)
{
    struct slice rest = part, address;
    struct ip start;
    uint64_t bits = 0;

    (void)slice_cut(&rest, '/', &address); /* there is always a first part */
    bool has_bits = address.len < part.len;
    bool is_v6 = address.len > 0 && memchr(address.ptr, ':', address.len) != NULL;
    unsigned bits_before = is_v6 ? 0 : IP_V4_PREFIX_BITS;
    if (!ip_parse(address, &start) || (has_bits && slice_to_u64(rest, &bits) != OK) ||
        bits > IP_BITS - bits_before) {
        return diag_set(diag, ERR_INVALID, "\"%.*s\" is no range such as 10.0.0.0/8 or fd00::/8",
                        SLICE_ARGS(part));
    }
    memcpy(out->bytes, start.bytes, IP_BYTES);
    out->bits = has_bits ? (uint8_t)(bits_before + bits) : IP_BITS;
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

enum err ip_ranges_parse(struct slice text, struct ip_ranges *out, struct diag *diag)
{
    struct ip_ranges ranges = {.len = 0};
    struct slice part;

    while (next_part(&text, &part)) {
        if (ranges.len == IP_RANGES_MAX) {
            return diag_set(diag, ERR_INVALID, "more than %d ranges: \"%.*s\" is too many",
                            IP_RANGES_MAX, SLICE_ARGS(part));
        }
        enum err err = parse_range(part, &ranges.items[ranges.len], diag);
        if (err != OK) {
            return err;
        }
        ranges.len++;
    }
    *out = ranges;
    return OK;
}
