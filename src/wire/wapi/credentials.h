/*
 * An account's credentials for the command API:
 *   {"login": 1 to 64 printable ASCII characters, "password": 8 to 256 bytes,
 *    "allow"?: from where it may come, "protocol"?: "xml" or "json", what it prefers}
 *
 * allow is a text of IPv4 and IPv6 addresses and of prefixes of IPv4 addresses that end in a dot
 * ("198.51.100."), with spaces between; absent or empty it allows all.
 */
#ifndef WIRE_WAPI_CREDENTIALS_H
#define WIRE_WAPI_CREDENTIALS_H

#include "base/json.h"

enum {
    WAPI_LOGIN_BYTES_MAX = 64,
    WAPI_PASSWORD_BYTES_MIN = 8,
    WAPI_PASSWORD_BYTES_MAX = 256,
    WAPI_ALLOW_BYTES_MAX = 4096,
};

/* See struct dialect_rules. */
enum err wapi_credentials_check(struct json credentials, struct diag *diag) MUST_CHECK;

#endif
