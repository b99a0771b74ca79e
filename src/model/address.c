#include "model/address.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

enum { LABEL_BYTES_MAX = 63 }; /* RFC 1035 section 2.3.4 */

/* Characters that quote, comment, list or route in RFC 5322, beside the '@' itself. */
static const char special[] = " \"(),:;<>[\\]";

static bool is_label(struct slice label)
{
    for (size_t i = 0; i < label.len; i++) {
        char byte = label.ptr[i];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');

        if (!is_letter && !(byte >= '0' && byte <= '9') && byte != '-') {
            return false;
        }
    }
    return label.len > 0 && label.len <= LABEL_BYTES_MAX && label.ptr[0] != '-' &&
           label.ptr[label.len - 1] != '-';
}

/* A name in ASCII; one label is enough: "root@localhost". */
static bool is_domain(struct slice domain)
{
    struct slice label;

    while (slice_cut(&domain, '.', &label)) {
        if (!is_label(label)) {
            return false;
        }
    }
    return true;
}

/* Atoms joined by single dots, RFC 5322 section 3.2.3, and RFC 6531's UTF-8 in them. */
static bool is_local_part(struct slice local)
{
    struct slice atom;

    if (local.len > ADDRESS_LOCAL_BYTES_MAX || !utf8_is_valid(local) || utf8_has_control(local)) {
        return false;
    }
    for (size_t i = 0; i < local.len; i++) {
        if (strchr(special, local.ptr[i]) != NULL) {
            return false;
        }
    }
    while (slice_cut(&local, '.', &atom)) {
        if (atom.len == 0) {
            return false;
        }
    }
    return true;
}

enum err address_check(struct slice address, const char *field, struct diag *diag)
{
    const char *at = address.len > 0 ? memchr(address.ptr, '@', address.len) : NULL;

    if (address.len > ADDRESS_BYTES_MAX) {
        return diag_field(diag, ERR_INVALID, field, "an e-mail address has at most %d bytes",
                          ADDRESS_BYTES_MAX);
    }
    if (at == NULL) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected one e-mail address such as orders@example.com");
    }
    size_t local_len = (size_t)(at - address.ptr);
    if (!is_local_part(slice_sub(address, 0, local_len))) {
        return diag_field(
            diag, ERR_INVALID, field,
            "before the @ of an e-mail address stand 1 to %d bytes without spaces, "
            "quotes, brackets, commas or control characters, dots only between others",
            ADDRESS_LOCAL_BYTES_MAX);
    }
    if (!is_domain(slice_sub(address, local_len + 1, address.len))) {
        return diag_field(diag, ERR_INVALID, field,
                          "behind the @ of an e-mail address stands one domain in ASCII "
                          "(xn--... for others), such as example.com");
    }
    return OK;
}
