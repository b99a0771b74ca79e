#include "base/encode.h"
#include "base/utf8.h"
#include "http/exchange_internal.h"

#include <string.h>

/* Undoes the encoding. What has none is lent as is: a URI is ASCII without control characters. */
static enum err decode(struct exchange *exchange, struct slice text, bool is_form,
                       struct slice *out)
{
    struct buf decoded;

    if (memchr(text.ptr, '%', text.len) == NULL &&
        (!is_form || memchr(text.ptr, '+', text.len) == NULL)) {
        *out = text;
        return OK;
    }
    buf_init(&decoded, text.len);
    enum err err = percent_decode(&decoded, text, is_form);
    if (err == OK && (!utf8_is_valid(buf_view(&decoded)) || utf8_has_control(buf_view(&decoded)))) {
        err = ERR_INVALID;
    }
    if (err == OK) {
        *out = arena_copy(&exchange->arena, buf_view(&decoded));
    }
    buf_clear(&decoded);
    return err;
}

static enum err not_decodable(struct diag *diag, struct slice name)
{
    char field[DIAG_FIELD_SIZE];

    (void)snprintf(field, sizeof field, "%.*s", SLICE_ARGS(name));
    return diag_field(diag, ERR_INVALID, field,
                      "expected percent-encoded UTF-8 without control characters");
}

static size_t count_parts(struct slice text, char separator)
{
    struct slice part;
    size_t count = 0;

    while (slice_cut(&text, separator, &part)) {
        count++;
    }
    return count;
}

enum err query_decode(struct exchange *exchange, struct diag *diag)
{
    struct slice rest = exchange->query_text;
    struct slice value;
    size_t count = rest.len > 0 ? count_parts(rest, '&') : 0;

    if (count == 0) {
        return OK;
    }
    if (count > EXCHANGE_QUERY_MAX) {
        return diag_set(diag, ERR_INVALID, "expected at most %d query parameters",
                        EXCHANGE_QUERY_MAX);
    }
    exchange->query = arena_new(&exchange->arena, count * sizeof *exchange->query);
    while (slice_cut(&rest, '&', &value)) {
        struct exchange_pair *pair = &exchange->query[exchange->query_len];
        struct slice name;

        (void)slice_cut(&value, '=', &name); /* there is always one part */
        if (slice_is_empty(name)) {
            continue;
        }
        if (value.ptr == NULL) {
            value = SLICE("");
        }
        if (decode(exchange, name, /* is_form= */ true, &pair->name) != OK ||
            decode(exchange, value, /* is_form= */ true, &pair->value) != OK) {
            return not_decodable(diag, name);
        }
        exchange->query_len++;
    }
    return OK;
}

enum err params_decode(struct exchange *exchange, const struct route_match *match,
                       struct diag *diag)
{
    for (size_t i = 0; i < match->params_len; i++) {
        struct exchange_pair *pair = &exchange->params[i];

        pair->name = slice_from(match->params[i].name, match->params[i].name_len);
        if (decode(exchange, match->params[i].raw, /* is_form= */ false, &pair->value) != OK) {
            return not_decodable(diag, pair->name);
        }
    }
    exchange->params_len = match->params_len;
    return OK;
}
