#include "wire/wapi/form.h"

#include "base/encode.h"

#include <string.h>

enum {
    BOUNDARY_BYTES_MAX = 70, /* RFC 2046 section 5.1.1 */
    NAME_BYTES_MAX = 64,     /* of a parameter, decoded; a longer one is not asked for */
};

/* What has been found so far. */
struct search {
    const char *name;
    struct buf decoded; /* a name at a time */
    struct slice value; /* of the first of the name, as it stands in the body */
    uint32_t count;
};

static void take(struct search *search, struct slice value)
{
    if (search->count == 0) {
        search->value = value;
    }
    search->count++;
}

/* ---- application/x-www-form-urlencoded ---- */

static enum err is_name(struct search *search, struct slice raw, bool *out)
{
    buf_reset(&search->decoded);
    enum err err = percent_decode(&search->decoded, raw, /* is_form= */ true);
    *out = buf_check(&search->decoded) == OK && slice_is(buf_view(&search->decoded), search->name);
    return err;
}

static enum err search_pairs(struct slice body, struct search *search)
{
    struct slice pair;

    while (slice_cut(&body, '&', &pair)) {
        struct slice value = pair, name;
        bool is_it = false;

        (void)slice_cut(&value, '=', &name); /* there is a first part */
        enum err err = is_name(search, name, &is_it);
        if (err != OK) {
            return err;
        }
        if (is_it) {
            take(search, value.ptr == NULL ? SLICE("") : value);
        }
    }
    return OK;
}

/* ---- multipart/form-data ---- */

/* Where what begins in text, or its end. */
static size_t position_of(struct slice text, struct slice what)
{
    const char *found = text.len > 0 ? memmem(text.ptr, text.len, what.ptr, what.len) : NULL;

    return found != NULL ? (size_t)(found - text.ptr) : text.len;
}

static struct slice after(struct slice text, size_t offset)
{
    return slice_sub(text, offset, text.len);
}

/* Up to the quote that ends it; a backslash keeps the character behind it from doing so. */
static size_t quoted_len(struct slice text)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] != '"') {
        len += text.ptr[len] == '\\' && len + 1 < text.len ? 2 : 1;
    }
    return len;
}

/* Cuts "; name=value" off, the value without quotes; what is left begins with the next ';'. */
static void cut_parameter(struct slice *rest, struct slice *name, struct slice *value)
{
    size_t name_len = 0, value_len = 0;

    *rest = after(*rest, 1);
    name_len = position_of(*rest, SLICE("="));
    *name = slice_trim(slice_sub(*rest, 0, name_len));
    *rest = after(*rest, name_len + 1);
    if (slice_starts(*rest, SLICE("\""))) {
        *rest = after(*rest, 1);
        value_len = quoted_len(*rest);
    } else {
        value_len = position_of(*rest, SLICE(";"));
    }
    *value = slice_sub(*rest, 0, value_len);
    *rest = after(*rest, value_len);
    *rest = after(*rest, position_of(*rest, SLICE(";")));
}

/* The value of a header's parameter: form-data; name="request". False when it has none such. */
static bool find_parameter(struct slice header, const char *wanted, struct slice *out)
{
    struct slice rest = after(header, position_of(header, SLICE(";")));
    struct slice name, value;

    while (rest.len > 0) {
        cut_parameter(&rest, &name, &value);
        if (slice_equal_nocase(name, slice_of(wanted))) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* The name of a part, from its headers; false when it has none. */
static bool find_part_name(struct slice headers, struct slice *out)
{
    static const struct slice disposition = SLICE("content-disposition:");
    struct slice line;

    while (slice_cut(&headers, '\n', &line)) {
        line = slice_ends(line, SLICE("\r")) ? slice_sub(line, 0, line.len - 1) : line;
        if (slice_equal_nocase(slice_sub(line, 0, disposition.len), disposition)) {
            return find_parameter(line, "name", out);
        }
    }
    return false;
}

/* Cuts one part off, behind its delimiter: its headers and its content. */
static enum err cut_part(struct slice *rest, struct slice delimiter, struct slice *headers,
                         struct slice *content)
{
    struct slice part = slice_sub(*rest, 0, position_of(*rest, delimiter));
    size_t head_len = position_of(part, SLICE("\r\n\r\n"));

    if (part.len == rest->len || head_len == part.len) {
        return ERR_INVALID; /* it does not end, or has no content */
    }
    *headers = slice_sub(part, 0, head_len);
    *content = after(part, head_len + strlen("\r\n\r\n"));
    *rest = after(*rest, part.len + delimiter.len);
    return OK;
}

static enum err search_parts(struct slice body, struct slice boundary, struct search *search)
{
    char chars[sizeof "\r\n--" + BOUNDARY_BYTES_MAX];
    struct slice headers, content, name;

    if (boundary.len == 0 || boundary.len > BOUNDARY_BYTES_MAX) {
        return ERR_INVALID;
    }
    int len = snprintf(chars, sizeof chars, "\r\n--%.*s", SLICE_ARGS(boundary));
    struct slice delimiter = slice_from(chars, (size_t)len);
    struct slice first = after(delimiter, strlen("\r\n"));
    struct slice rest = slice_starts(body, first)
                            ? after(body, first.len)
                            : after(body, position_of(body, delimiter) + delimiter.len);

    while (!slice_starts(rest, SLICE("--"))) {
        if (cut_part(&rest, delimiter, &headers, &content) != OK) {
            return ERR_INVALID;
        }
        if (find_part_name(headers, &name) && slice_is(name, search->name)) {
            take(search, content);
        }
    }
    return OK;
}

/* ---- both ---- */

static bool is_multipart(struct slice content_type)
{
    struct slice rest = content_type, media_type = SLICE("");

    if (content_type.len > 0) {
        (void)slice_cut(&rest, ';', &media_type); /* there is a first part */
    }
    return slice_equal_nocase(slice_trim(media_type), SLICE("multipart/form-data"));
}

static enum err search_body(struct slice content_type, struct slice body, struct search *search)
{
    struct slice boundary = SLICE("");
    enum err err = OK;

    if (is_multipart(content_type)) {
        (void)find_parameter(content_type, "boundary", &boundary); /* without one it is empty */
        return search_parts(body, boundary, search);
    }
    buf_init(&search->decoded, NAME_BYTES_MAX);
    err = search_pairs(body, search);
    buf_clear(&search->decoded);
    return err;
}

enum err wapi_form_find(struct slice content_type, struct slice body, const char *name,
                        struct buf *out)
{
    struct search search = {.name = name};

    if (body.len == 0) {
        return ERR_NOT_FOUND;
    }
    enum err err = search_body(content_type, body, &search);
    if (err != OK) {
        return err;
    }
    if (search.count != 1) {
        return search.count == 0 ? ERR_NOT_FOUND : ERR_CONFLICT;
    }
    if (is_multipart(content_type)) {
        buf_slice(out, search.value);
    } else {
        err = percent_decode(out, search.value, /* is_form= */ true);
    }
    return err == OK ? buf_check(out) : err;
}
