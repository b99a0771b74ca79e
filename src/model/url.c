#include "model/url.h"

#include <stdbool.h>
#include <string.h>

static bool is_one_of(char byte, const char *set)
{
    return byte != '\0' && strchr(set, byte) != NULL;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex_digit(char byte)
{
    return is_digit(byte) || is_one_of(byte, "abcdefABCDEF");
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* The characters of RFC 3986 section 2 but '#', which would begin a fragment. */
static bool is_url_character(char byte)
{
    return is_letter(byte) || is_digit(byte) || is_one_of(byte, "-._~:/?[]@!$&'()*+,;=%");
}

/* A name in ASCII or an IPv4 address. */
static bool is_host_name(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (!is_letter(host.ptr[i]) && !is_digit(host.ptr[i]) && !is_one_of(host.ptr[i], "-._")) {
            return false;
        }
    }
    return host.len > 0 && host.ptr[0] != '.';
}

/* Between the brackets. No zone ("%eth0"): it means something on this machine only. */
static bool is_ipv6_text(struct slice host)
{
    bool has_colon = false;

    for (size_t i = 0; i < host.len; i++) {
        has_colon = has_colon || host.ptr[i] == ':';
        if (!is_hex_digit(host.ptr[i]) && !is_one_of(host.ptr[i], ":.")) {
            return false;
        }
    }
    return has_colon;
}

/* What stands behind the host: nothing, or ":" and a number from 1 to 65535. */
static bool is_port(struct slice text)
{
    uint64_t port = 0;

    if (text.len == 0) {
        return true;
    }
    return text.ptr[0] == ':' && slice_to_u64(slice_sub(text, 1, text.len), &port) == OK &&
           port >= 1 && port <= 65535;
}

static size_t find_first(struct slice text, const char *set)
{
    size_t at = 0;

    while (at < text.len && !is_one_of(text.ptr[at], set)) {
        at++;
    }
    return at;
}

static bool is_authority(struct slice authority)
{
    if (slice_starts(authority, SLICE("["))) {
        size_t end = find_first(authority, "]");

        return end < authority.len && is_ipv6_text(slice_sub(authority, 1, end - 1)) &&
               is_port(slice_sub(authority, end + 1, authority.len));
    }
    size_t end = find_first(authority, ":");

    return is_host_name(slice_sub(authority, 0, end)) &&
           is_port(slice_sub(authority, end, authority.len));
}

static bool has_broken_escape(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' && (text.len - i < 3 || !is_hex_digit(text.ptr[i + 1]) ||
                                   !is_hex_digit(text.ptr[i + 2]))) {
            return true;
        }
    }
    return false;
}

/* Length of "http://" or "https://" at the start of url, 0 when there is neither. */
static size_t scheme_bytes(struct slice url)
{
    static const struct slice schemes[] = {SLICE("http://"), SLICE("https://")};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (slice_equal_nocase(slice_sub(url, 0, schemes[i].len), schemes[i])) {
            return schemes[i].len;
        }
    }
    return 0;
}

static enum err check_characters(struct slice url, const char *field, struct diag *diag)
{
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] == '#') {
            return diag_field(diag, ERR_INVALID, field, "a URL here has no fragment (#...)");
        }
        if (!is_url_character(url.ptr[i])) {
            return diag_field(diag, ERR_INVALID, field,
                              "byte %zu of the URL is a character that must be percent-encoded "
                              "(or, in a host name, written as xn--...)",
                              i + 1);
        }
    }
    if (has_broken_escape(url)) {
        return diag_field(diag, ERR_INVALID, field,
                          "%% in a URL must have two hex digits behind it");
    }
    return OK;
}

enum err url_check(struct slice url, const char *field, struct diag *diag)
{
    if (url.len > URL_BYTES_MAX) {
        return diag_field(diag, ERR_INVALID, field, "a URL has at most %d bytes", URL_BYTES_MAX);
    }
    size_t scheme = scheme_bytes(url);
    if (scheme == 0) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected an absolute URL with http:// or https://");
    }
    enum err err = check_characters(url, field, diag);
    if (err != OK) {
        return err;
    }
    struct slice rest = slice_sub(url, scheme, url.len);
    struct slice authority = slice_sub(rest, 0, find_first(rest, "/?"));
    if (find_first(authority, "@") < authority.len) {
        return diag_field(diag, ERR_INVALID, field, "a URL here has no user name or password");
    }
    if (!is_authority(authority)) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected a host, with or without a port from 1 to 65535, behind ://");
    }
    return OK;
}

struct slice url_host(struct slice url)
{
    const char *authority = memmem(url.ptr, url.len, "//", 2);
    size_t skipped = authority == NULL ? 0 : (size_t)(authority + 2 - url.ptr);
    struct slice host = slice_sub(url, skipped, url.len);
    bool is_bracketed = host.len > 0 && host.ptr[0] == '[';
    const char *ends = is_bracketed ? "]" : ":/?#";

    if (is_bracketed) {
        host = slice_sub(host, 1, host.len);
    }
    for (size_t i = 0; i < host.len; i++) {
        if (strchr(ends, host.ptr[i]) != NULL) {
            return slice_sub(host, 0, i);
        }
    }
    return host;
}
