#include "model/field.h"

#include "base/timetext.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct field_name field_item(const char *field, uint32_t index)
{
    struct field_name name;

    (void)snprintf(name.chars, sizeof name.chars, "%s[%" PRIu32 "]", field, index); /* may be cut */
    return name;
}

struct field_name field_member(const char *field, struct slice member)
{
    struct field_name name;
    struct slice shown = utf8_cut(member, sizeof name.chars - 1);

    (void)snprintf(name.chars, sizeof name.chars, "%s%s%.*s", field, *field != '\0' ? "." : "",
                   SLICE_ARGS(shown)); /* may be cut */
    return name;
}

enum err field_expected(struct json value, const char *field, const char *what, struct diag *diag)
{
    return diag_field(diag, ERR_INVALID, field, "expected %s, not %s", what,
                      json_type_name(json_type(value)));
}

void field_scratch(struct json object, size_t more, struct buf *scratch)
{
    size_t bytes = more;

    for (struct json at = json_first(object); json_exists(at); at = json_next(at)) {
        struct slice raw = json_raw(at);

        if (json_type(at) == JSON_STRING && memchr(raw.ptr, '\\', raw.len) != NULL) {
            bytes += raw.len;
        }
    }
    buf_init(scratch, bytes);
    buf_reserve(scratch, bytes);
}

enum err field_text(struct json value, const char *field, size_t bytes_max, struct buf *scratch,
                    struct slice *out, struct diag *diag)
{
    if (json_type(value) != JSON_STRING) {
        return field_expected(value, field, "a string", diag);
    }
    struct slice text = json_string(value, scratch);
    if (text.len > bytes_max) {
        return diag_field(diag, ERR_INVALID, field, "expected at most %zu bytes, not %zu",
                          bytes_max, text.len);
    }
    *out = text;
    return OK;
}

enum err field_line(struct json value, const char *field, size_t bytes_max, struct buf *scratch,
                    struct slice *out, struct diag *diag)
{
    struct slice text = SLICE("");
    enum err err = field_text(value, field, bytes_max, scratch, &text, diag);

    if (err != OK) {
        return err;
    }
    if (utf8_has_control(text)) {
        return diag_field(diag, ERR_INVALID, field, "expected a text without control characters");
    }
    *out = text;
    return OK;
}

enum err field_number(struct json value, const char *field, int64_t min, int64_t max, int64_t *out,
                      struct diag *diag)
{
    int64_t number = 0;

    if (json_to_i64(value, &number) != OK || number < min || number > max) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected a whole number from %" PRId64 " to %" PRId64, min, max);
    }
    *out = number;
    return OK;
}

enum err field_flag(struct json value, const char *field, bool *out, struct diag *diag)
{
    enum json_type type = json_type(value);

    if (type != JSON_TRUE && type != JSON_FALSE) {
        return field_expected(value, field, "true or false", diag);
    }
    *out = type == JSON_TRUE;
    return OK;
}

/* A duration is digits and a unit: escapes and what is longer than this are none. */
enum { DURATION_BYTES_MAX = 24 };

enum err field_duration(struct json value, const char *field, int64_t min_us, int64_t max_us,
                        int64_t *out_us, struct diag *diag)
{
    struct slice raw = json_raw(value);
    int64_t us = 0;

    if (json_type(value) != JSON_STRING || raw.len > DURATION_BYTES_MAX ||
        duration_parse(slice_sub(raw, 1, raw.len - 2), &us) != OK || us < min_us || us > max_us) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected a duration from \"%s\" to \"%s\", such as \"5m\"",
                          duration_text(min_us).chars, duration_text(max_us).chars);
    }
    *out_us = us;
    return OK;
}

enum { DECIMALS = 3, WHOLE_BYTES_MAX = 6 };

/* "1.5" is 1500. False for signs, exponents, more decimals. */
static bool parse_permille(struct slice raw, uint64_t *out)
{
    struct slice whole;
    struct slice decimals = SLICE("");
    uint64_t number = 0;
    uint64_t rest = 0;

    (void)slice_cut(&raw, '.', &whole); /* an empty number has one empty part */
    if (raw.ptr != NULL) {
        decimals = raw;
    }
    if (whole.len > WHOLE_BYTES_MAX || slice_to_u64(whole, &number) != OK ||
        decimals.len > DECIMALS || (decimals.len > 0 && slice_to_u64(decimals, &rest) != OK)) {
        return false;
    }
    for (size_t i = decimals.len; i < DECIMALS; i++) {
        rest *= 10;
    }
    *out = number * 1000 + rest;
    return true;
}

/* The shortest text: 1500 is "1.5". */
static struct field_name permille_text(uint32_t permille)
{
    struct field_name text;
    int len = snprintf(text.chars, sizeof text.chars, "%" PRIu32 ".%03" PRIu32, permille / 1000,
                       permille % 1000);

    while (text.chars[len - 1] == '0') {
        len--;
    }
    if (text.chars[len - 1] == '.') {
        len--;
    }
    text.chars[len] = '\0';
    return text;
}

enum err field_permille(struct json value, const char *field, uint32_t min, uint32_t max,
                        uint32_t *out, struct diag *diag)
{
    uint64_t permille = 0;

    if (json_type(value) != JSON_NUMBER || !parse_permille(json_raw(value), &permille) ||
        permille < min || permille > max) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected a number from %s to %s with at most %d decimals",
                          permille_text(min).chars, permille_text(max).chars, DECIMALS);
    }
    *out = (uint32_t)permille;
    return OK;
}

void field_put_permille(uint32_t permille, struct json_writer *out)
{
    json_put_raw(out, slice_of(permille_text(permille).chars));
}

enum err field_raw_object(struct json value, const char *field, size_t bytes_max, struct slice *out,
                          struct diag *diag)
{
    struct slice raw = json_raw(value);

    if (json_type(value) != JSON_OBJECT) {
        return field_expected(value, field, "an object", diag);
    }
    if (raw.len > bytes_max) {
        return diag_field(diag, ERR_INVALID, field, "expected at most %zu bytes, not %zu",
                          bytes_max, raw.len);
    }
    *out = json_count(value) > 0 ? raw : SLICE("");
    return OK;
}

void field_put_raw_object(struct slice object, struct json_writer *out)
{
    json_put_raw(out, slice_is_empty(object) ? SLICE("{}") : object);
}

static bool is_named(struct json member, const char *const *names, size_t names_len)
{
    for (size_t i = 0; i < names_len; i++) {
        if (json_name_is(member, names[i])) {
            return true;
        }
    }
    return false;
}

enum err field_members(struct json value, const char *field, const char *const *names,
                       size_t names_len, struct diag *diag)
{
    if (json_type(value) != JSON_OBJECT) {
        return field_expected(value, field, "an object", diag);
    }
    for (struct json at = json_first(value); json_exists(at); at = json_next(at)) {
        if (!is_named(at, names, names_len)) {
            return diag_field(diag, ERR_INVALID, field_member(field, json_name(at)).chars,
                              "there is no such member here");
        }
    }
    return OK;
}

enum err field_array(struct json value, const char *field, uint32_t min, uint32_t max,
                     const char *what, struct diag *diag)
{
    if (json_type(value) != JSON_ARRAY) {
        return field_expected(value, field, "an array", diag);
    }
    if (json_count(value) < min || json_count(value) > max) {
        return diag_field(diag, ERR_INVALID, field,
                          "expected %" PRIu32 " to %" PRIu32 " %s, not %" PRIu32, min, max, what,
                          json_count(value));
    }
    return OK;
}
