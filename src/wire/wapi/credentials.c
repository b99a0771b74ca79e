#include "wire/wapi/credentials.h"

#include "base/ip.h"
#include "model/credentials.h"

#include <arpa/inet.h>

static bool is_login(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x7f) { /* a line has no other control characters */
            return false;
        }
    }
    return true;
}

/* "198.51.100.": what zeros make an address of, one to three for the parts that are missing. */
static bool is_prefix(struct slice entry)
{
    static const char *const ends[] = {"0", "0.0", "0.0.0"};
    char text[INET_ADDRSTRLEN + 6];
    struct in_addr space;

    if (!slice_ends(entry, SLICE(".")) || entry.len >= INET_ADDRSTRLEN) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        (void)snprintf(text, sizeof text, "%.*s%s", SLICE_ARGS(entry), ends[i]);
        if (inet_pton(AF_INET, text, &space) == 1) {
            return true;
        }
    }
    return false;
}

static bool is_allow_list(struct slice rest)
{
    struct slice entry;
    struct ip ip;

    while (slice_cut(&rest, ' ', &entry)) {
        if (entry.len > 0 && !ip_parse(entry, &ip) && !is_prefix(entry)) {
            return false;
        }
    }
    return true;
}

static bool is_protocol(struct slice text)
{
    return slice_is(text, "xml") || slice_is(text, "json");
}

enum err wapi_credentials_check(struct json credentials, struct diag *diag)
{
    static const struct credential_member members[] = {
        {"login", 1, WAPI_LOGIN_BYTES_MAX, false, is_login, "1 to 64 printable ASCII characters"},
        {"password", WAPI_PASSWORD_BYTES_MIN, WAPI_PASSWORD_BYTES_MAX, false, NULL,
         "8 to 256 bytes without control characters"},
        {"allow", 0, WAPI_ALLOW_BYTES_MAX, true, is_allow_list,
         "IPv4 and IPv6 addresses, and prefixes such as \"198.51.100.\", with spaces between"},
        {"protocol", 0, 4, true, is_protocol, "\"xml\" or \"json\""},
    };

    return credentials_check(credentials, members, ARRAY_LEN(members), diag);
}
