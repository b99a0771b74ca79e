/*
 * How lines are looked at that are not ours to see: libmicrohttpd 0.9 leaves the head where it read
 * it and puts zero bytes over what ends a part: the spaces of the request line, the colons, CR and
 * LF. Names and values point there. So in a head of plain lines each part begins right behind the
 * one before and its two zero bytes, and after the last value the head ends with four of them. Any
 * bare LF, NUL or folded line breaks this row. Later versions refuse such heads by themselves.
 */
#include "http/head.h"

#include <microhttpd.h>
#include <string.h>

enum {
    RECORD_BYTES = 64, /* for each header, cookie and query parameter */
    LEAVES_LINES_IN_PLACE = MHD_VERSION < 0x01000000,
};

static const struct slice token_marks = SLICE("!#$%&'*+-.^_`|~");

struct look {
    struct head *head;
    struct diag *diag;
    const char *expected; /* where the next name begins in a head of plain lines */
    size_t copied_bytes;  /* of values that libmicrohttpd keeps twice */
    uint32_t hosts, lengths, codings, authorizations;
    enum err err;
};

static bool is_token_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') ||
           (byte != '\0' && memchr(token_marks.ptr, byte, token_marks.len) != NULL);
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_byte(text.ptr[i])) {
            return false;
        }
    }
    return text.len > 0;
}

/* RFC 9110 section 5.5: visible characters, spaces and tabs, and what is not ASCII. */
static bool is_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

bool head_uri_is_valid(struct slice uri)
{
    for (size_t i = 0; i < uri.len; i++) {
        if (uri.ptr[i] <= ' ' || uri.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return uri.len > 0;
}

/* ---- The headers that say where the request ends, and who sends it ---- */

static enum err see_host(struct look *look, UNUSED struct slice value)
{
    return ++look->hosts > 1 ? ERR_INVALID : OK;
}

static enum err see_length(struct look *look, struct slice value)
{
    struct head *head = look->head;

    if (++look->lengths > 1 || slice_to_u64(value, &head->body_bytes) != OK) {
        return ERR_INVALID;
    }
    head->has_body = head->body_bytes > 0;
    return OK;
}

static enum err see_coding(struct look *look, struct slice value)
{
    look->head->has_body = true;
    look->head->is_chunked = true;
    return ++look->codings > 1 || !slice_equal_nocase(value, SLICE("chunked")) ? ERR_INVALID : OK;
}

static enum err see_authorization(struct look *look, struct slice value)
{
    look->head->authorization = slice_trim(value);
    return ++look->authorizations > 1 ? ERR_INVALID : OK;
}

static enum err see_cookie(struct look *look, struct slice value)
{
    look->copied_bytes += value.len;
    return OK;
}

static const struct {
    struct slice name;
    enum err (*see)(struct look *look, struct slice value);
} special_headers[] = {
    {SLICE("host"), see_host},
    {SLICE("content-length"), see_length},
    {SLICE("transfer-encoding"), see_coding},
    {SLICE("authorization"), see_authorization},
    {SLICE("cookie"), see_cookie},
};

static enum err see_special(struct look *look, struct slice name, struct slice value)
{
    for (size_t i = 0; i < ARRAY_LEN(special_headers); i++) {
        if (slice_equal_nocase(name, special_headers[i].name)) {
            return special_headers[i].see(look, value);
        }
    }
    return OK;
}

/* ---- All headers ---- */

static enum MHD_Result see_header(void *cls, UNUSED enum MHD_ValueKind kind, const char *name_ptr,
                                  size_t name_len, const char *value_ptr, size_t value_len)
{
    struct look *look = cls;
    struct slice name = slice_from(name_ptr, name_len);
    struct slice value = slice_from(value_ptr, value_len);

    if (LEAVES_LINES_IN_PLACE && name.ptr != look->expected) {
        look->err =
            diag_set(look->diag, ERR_INVALID, "expected headers as plain lines that end in CR LF");
    } else if (!is_token(name)) {
        look->err = diag_set(look->diag, ERR_INVALID, "a header's name is not a token");
    } else if (!is_value(value)) {
        look->err = diag_field(look->diag, ERR_INVALID, name.ptr, "has control characters");
    } else if (see_special(look, name, value) != OK) {
        look->err = diag_field(look->diag, ERR_INVALID, name.ptr,
                               "is given more than once, or not understood here");
    }
    look->expected = value.ptr + value.len + 2;
    return look->err == OK ? MHD_YES : MHD_NO;
}

/* What only the whole head tells. */
static enum err check_together(const struct look *look, size_t head_bytes)
{
    const struct head *head = look->head;
    bool is_old = slice_is(head->version, "HTTP/1.0");

    if (LEAVES_LINES_IN_PLACE && look->expected + 2 != head->method.ptr + head_bytes) {
        return diag_set(look->diag, ERR_INVALID,
                        "expected headers as plain lines that end in CR LF");
    }
    if (look->lengths > 0 && look->codings > 0) {
        return diag_set(look->diag, ERR_INVALID,
                        "expected Content-Length or Transfer-Encoding, not both");
    }
    if (look->codings > 0 && is_old) {
        return diag_set(look->diag, ERR_INVALID, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (look->hosts == 0 && !is_old) {
        return diag_field(look->diag, ERR_INVALID, "Host", "is missing");
    }
    return OK;
}

/* What libmicrohttpd keeps of the request beside its text. */
static size_t record_bytes_of(struct MHD_Connection *handle, const struct look *look)
{
    int records = MHD_get_connection_values_n(
        handle, MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND, NULL, NULL);

    return (size_t)records * RECORD_BYTES + look->copied_bytes;
}

static size_t head_bytes_of(struct MHD_Connection *handle)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info != NULL ? info->header_size : 0;
}

enum err head_check(struct MHD_Connection *handle, size_t memory_max, struct head *head,
                    struct diag *diag)
{
    struct look look = {
        .head = head,
        .diag = diag,
        .expected = head->version.ptr + head->version.len + 2,
    };
    size_t head_bytes = head_bytes_of(handle);

    if (!is_token(head->method) ||
        (LEAVES_LINES_IN_PLACE && (head->uri.ptr != head->method.ptr + head->method.len + 1 ||
                                   head->version.ptr != head->uri.ptr + head->uri.len + 1))) {
        return diag_set(diag, ERR_INVALID, "the request line is malformed");
    }
    (void)MHD_get_connection_values_n(handle, MHD_HEADER_KIND, see_header, &look); /* how many */
    if (look.err == OK) {
        look.err = check_together(&look, head_bytes);
    }
    if (look.err == OK && head_bytes + record_bytes_of(handle, &look) > memory_max) {
        return diag_set(diag, ERR_LIMIT, "expected headers that fill at most %zu bytes",
                        memory_max);
    }
    return look.err;
}
