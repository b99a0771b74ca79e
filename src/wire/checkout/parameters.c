#include "wire/checkout/parameters.h"

#include "base/timetext.h"
#include "model/field.h"
#include "wire/app.h"

static enum err find(const struct exchange *exchange, const char *name, struct slice *out,
                     bool *is_there, struct diag *diag)
{
    if (exchange_query_count(exchange, name) > 1) {
        return diag_field(diag, ERR_INVALID, name, "value is given more than once");
    }
    *is_there = exchange_query(exchange, name, out);
    return OK;
}

enum err parameter_number(const struct exchange *exchange, const char *name, int32_t min,
                          int32_t *out, struct diag *diag)
{
    struct slice text;
    bool is_there = false;
    int64_t number = 0;
    enum err err = find(exchange, name, &text, &is_there, diag);

    if (err != OK || !is_there) {
        return err;
    }
    err = slice_to_i64(text, &number);
    if (err == ERR_INVALID) {
        return diag_field(diag, ERR_INVALID, name, "value must be a number");
    }
    if (err == ERR_LIMIT) {
        number = text.ptr[0] == '-' ? INT64_MIN : INT64_MAX;
    }
    if (number < min) {
        return diag_field(diag, ERR_INVALID, name, "value must be at least %d", (int)min);
    }
    *out = number < INT32_MAX ? (int32_t)number : INT32_MAX;
    return OK;
}

enum err parameter_flag(const struct exchange *exchange, const char *name, bool *out,
                        struct diag *diag)
{
    static const struct {
        struct slice word;
        bool truth;
    } words[] = {
        {SLICE("true"), true},
        {SLICE("false"), false},
        {SLICE("1"), true},
        {SLICE("0"), false},
    };
    struct slice text;
    bool is_there = false;
    enum err err = find(exchange, name, &text, &is_there, diag);

    if (err != OK || !is_there) {
        return err;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_equal_nocase(text, words[i].word)) {
            *out = words[i].truth;
            return OK;
        }
    }
    return diag_field(diag, ERR_INVALID, name, "value must be true or false");
}

enum err parameter_text(const struct exchange *exchange, const char *name, struct slice *out,
                        struct diag *diag)
{
    struct slice text;
    bool is_there = false;
    enum err err = find(exchange, name, &text, &is_there, diag);

    if (err == OK && is_there && !slice_is_empty(text)) {
        *out = text;
    }
    return err;
}

enum err parameter_time(const struct exchange *exchange, const char *name, struct wall *out,
                        struct diag *diag)
{
    struct slice text;
    struct wall at;
    bool is_there = false;
    enum err err = find(exchange, name, &text, &is_there, diag);

    if (err != OK || !is_there) {
        return err;
    }
    if (timetext_parse_up(text, &at) != OK) {
        return diag_field(diag, ERR_INVALID, name,
                          "value must be a time such as 2026-02-03T10:20:30.000000000Z (a '+' is "
                          "written %%2B)");
    }
    out->us = (at.us + US_PER_MS - 1) / US_PER_MS * US_PER_MS; /* never before 1970 */
    return OK;
}

enum err parameters_are_known(const struct exchange *exchange, const char *const *names,
                              size_t names_len, struct diag *diag)
{
    struct slice name, value;

    if (!app_of(exchange)->settings.checkout.refuses_unknown_query) {
        return OK;
    }
    for (size_t i = 0; exchange_query_at(exchange, i, &name, &value); i++) {
        bool is_known = false;

        for (size_t known = 0; known < names_len && !is_known; known++) {
            is_known = slice_is(name, names[known]);
        }
        if (!is_known) {
            return diag_field(diag, ERR_INVALID, field_member("", name).chars,
                              "there is no such query parameter here");
        }
    }
    return OK;
}
