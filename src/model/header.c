#include "model/header.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/*
 * They frame the message, say where it goes or sign it: set twice, receivers disagree on which
 * counts.
 */
static const char *const own_names[] = {
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "expect",
    "te",
    "trailer",
    "upgrade",
    "gt-authentication",
};

/* Standard Webhooks, and CloudEvents in binary mode. */
static const struct slice own_prefixes[] = {SLICE("webhook-"), SLICE("ce-")};

static bool is_token_character(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool is_token(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_token_character(name.ptr[i])) {
            return false;
        }
    }
    return name.len > 0;
}

static bool is_own(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(own_names); i++) {
        if (slice_equal_nocase(name, slice_of(own_names[i]))) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(own_prefixes); i++) {
        struct slice start = slice_sub(name, 0, own_prefixes[i].len);

        if (slice_equal_nocase(start, own_prefixes[i])) {
            return true;
        }
    }
    return false;
}

enum err header_name_check(struct slice name, const char *field, struct diag *diag)
{
    if (!is_token(name) || name.len > HEADER_NAME_BYTES_MAX) {
        return diag_field(diag, ERR_INVALID, field,
                          "a header's name has 1 to %d letters, digits and characters of "
                          "!#$%%&'*+-.^_`|~",
                          HEADER_NAME_BYTES_MAX);
    }
    if (is_own(name)) {
        return diag_field(diag, ERR_INVALID, field, "this header is set by the server itself");
    }
    return OK;
}

enum err header_value_check(struct slice value, const char *field, struct diag *diag)
{
    if (value.len == 0 || value.len > HEADER_VALUE_BYTES_MAX) {
        return diag_field(diag, ERR_INVALID, field, "a header's value has 1 to %d bytes",
                          HEADER_VALUE_BYTES_MAX);
    }
    if (!utf8_is_valid(value) || utf8_has_control(value) || value.ptr[0] == ' ' ||
        value.ptr[value.len - 1] == ' ') {
        return diag_field(diag, ERR_INVALID, field,
                          "a header's value has no control characters (no line breaks, no tabs) "
                          "and no spaces around it");
    }
    return OK;
}
