#include "http/forwarded.h"

#include <string.h>

enum { PORT_MAX = 65535 };

/* What a look at the list has come to. */
enum look { LOOK_GOES_ON, LOOK_FOUND, LOOK_BROKEN };

static bool is_port(struct slice text)
{
    uint64_t port = 0;

    return slice_to_u64(text, &port) == OK && port <= PORT_MAX;
}

/* Some proxies add the port: 192.0.2.7:4711, [2001:db8::1]:4711; some only the brackets. */
static bool parse_with_port(struct slice element, struct ip *out)
{
    bool has_brackets = slice_starts(element, SLICE("["));
    struct slice rest = slice_sub(element, has_brackets, element.len), address;

    (void)slice_cut(&rest, has_brackets ? ']' : ':', &address); /* there is always a first part */
    if (rest.ptr == NULL || !ip_parse(address, out)) {
        return false;
    }
    if (!has_brackets) {
        return is_port(rest);
    }
    return rest.len == 0 ||
           (slice_starts(rest, SLICE(":")) && is_port(slice_sub(rest, 1, rest.len)));
}

static enum look look_at(struct slice element, const struct ip_ranges *trusted, struct ip *ip)
{
    if (element.len == 0) { /* RFC 9110 section 5.6.1: means nothing */
        return LOOK_GOES_ON;
    }
    if (!ip_parse(element, ip) && !parse_with_port(element, ip)) {
        return LOOK_BROKEN;
    }
    return ip_ranges_hold(trusted, ip) ? LOOK_GOES_ON : LOOK_FOUND;
}

/* Cuts off what is behind the last comma. */
static struct slice cut_last(struct slice *rest)
{
    size_t at = rest->len;

    while (at > 0 && rest->ptr[at - 1] != ',') {
        at--;
    }
    struct slice last = slice_sub(*rest, at, rest->len);
    *rest = slice_sub(*rest, 0, at > 0 ? at - 1 : 0);
    return slice_trim(last);
}

static enum look look_through(struct slice line, const struct ip_ranges *trusted, struct ip *ip)
{
    enum look look = LOOK_GOES_ON;

    while (look == LOOK_GOES_ON && line.len > 0) {
        look = look_at(cut_last(&line), trusted, ip);
    }
    return look;
}

void forwarded_find(const struct exchange *exchange, const struct ip_ranges *trusted,
                    struct origin *origin)
{
    enum look look = LOOK_GOES_ON;
    struct slice name, value;
    struct ip ip;
    size_t lines = 0;

    while (exchange_header_at(exchange, lines, &name, &value)) {
        lines++;
    }
    while (look == LOOK_GOES_ON && lines-- > 0) {
        if (exchange_header_at(exchange, lines, &name, &value) &&
            slice_equal_nocase(name, SLICE("X-Forwarded-For"))) {
            look = look_through(value, trusted, &ip);
        }
    }
    if (look == LOOK_FOUND) {
        origin_from_ip(&ip, origin);
    }
}
