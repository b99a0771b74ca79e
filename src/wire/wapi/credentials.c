#include "wire/wapi/credentials.h"

#include "base/mem.h"
#include "model/field.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static enum err check_login(struct json value, struct buf *scratch, struct diag *diag)
{
    struct slice login = SLICE("");
    enum err err = field_line(value, "login", WAPI_LOGIN_BYTES_MAX, scratch, &login, diag);

    if (err != OK) {
        return err;
    }
    bool is_ascii = login.len > 0;
    for (size_t i = 0; i < login.len; i++) {
        is_ascii = is_ascii && (unsigned char)login.ptr[i] < 0x7f;
    }
    return is_ascii
               ? OK
               : diag_field(diag, ERR_INVALID, "login",
                            "expected 1 to %d printable ASCII characters", WAPI_LOGIN_BYTES_MAX);
}

static enum err check_password(struct json value, struct buf *scratch, struct diag *diag)
{
    struct slice password = SLICE("");
    enum err err = field_text(value, "password", WAPI_PASSWORD_BYTES_MAX, scratch, &password, diag);

    if (err == OK && password.len < WAPI_PASSWORD_BYTES_MIN) {
        err = diag_field(diag, ERR_INVALID, "password", "expected at least %d bytes",
                         WAPI_PASSWORD_BYTES_MIN);
    }
    return err;
}

static bool is_address(struct slice entry)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr space; /* either kind fits */

    if (entry.len >= sizeof text) {
        return false;
    }
    memcpy(text, entry.ptr, entry.len);
    text[entry.len] = '\0';
    return strlen(text) == entry.len &&
           (inet_pton(AF_INET, text, &space) == 1 || inet_pton(AF_INET6, text, &space) == 1);
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

static enum err check_allow(struct json value, struct buf *scratch, struct diag *diag)
{
    struct slice rest = SLICE("");
    struct slice entry;

    if (json_is_null(value)) {
        return OK;
    }
    enum err err = field_line(value, "allow", WAPI_ALLOW_BYTES_MAX, scratch, &rest, diag);
    while (err == OK && slice_cut(&rest, ' ', &entry)) {
        if (entry.len > 0 && !is_address(entry) && !is_prefix(entry)) {
            err = diag_field(diag, ERR_INVALID, "allow",
                             "expected IPv4 and IPv6 addresses, and prefixes such as "
                             "\"198.51.100.\", with spaces between");
        }
    }
    return err;
}

static enum err check_protocol(struct json value, struct diag *diag)
{
    struct slice raw = json_raw(value);

    if (json_is_null(value) || slice_is(raw, "\"xml\"") || slice_is(raw, "\"json\"")) {
        return OK;
    }
    return diag_field(diag, ERR_INVALID, "protocol", "must be \"xml\" or \"json\"");
}

enum err wapi_credentials_check(struct json credentials, struct diag *diag)
{
    static const char *const names[] = {"login", "password", "allow", "protocol"};
    struct buf scratch;
    enum err err = field_members(credentials, "", names, ARRAY_LEN(names), diag);

    field_scratch(credentials, 0, &scratch);
    if (err == OK) {
        err = check_login(json_member(credentials, "login"), &scratch, diag);
    }
    if (err == OK) {
        err = check_password(json_member(credentials, "password"), &scratch, diag);
    }
    if (err == OK) {
        err = check_allow(json_member(credentials, "allow"), &scratch, diag);
    }
    if (err == OK) {
        err = check_protocol(json_member(credentials, "protocol"), diag);
    }
    mem_wipe(scratch.ptr, scratch.len);
    buf_clear(&scratch);
    return err;
}
