#include "wire/cashier/form.h"

#include "wire/cashier/gt.h"
#include "wire/cashier/rate.h"

#include <inttypes.h>

static const char rate_name[] = "conversion_rate";

/* ---- rates ---- */

static enum err put_rate(const struct form *form, struct json rate, const char *parent,
                         struct buf *out, struct diag *diag)
{
    const char *quote = form->has_number_rates ? "" : "\"";
    struct rate_text six = {0};
    struct buf scratch;

    if (json_is_null(rate)) {
        buf_text(out, "null");
        return OK;
    }
    buf_init(&scratch, json_raw(rate).len);
    struct slice text =
        json_type(rate) == JSON_STRING ? json_string(rate, &scratch) : json_raw(rate);
    enum err err = rate_six_decimals(text, &six);
    buf_clear(&scratch);
    if (err != OK) {
        return diag_set(diag, err,
                        "data: %s%s must be null or a decimal number that is not negative and has "
                        "at most %d digits before the point",
                        parent, rate_name, RATE_WHOLE_DIGITS_MAX);
    }
    buf_printf(out, "%s%s%s", quote, six.chars, quote);
    return OK;
}

/* A value as it stands, but for the rate in it, if it is an object that has one. */
static enum err put_with_rate(const struct form *form, struct json value, const char *parent,
                              struct buf *out, struct diag *diag)
{
    struct json rate = json_member(value, rate_name);
    struct slice all = json_raw(value), old = json_raw(rate);

    if (json_is_null(rate)) {
        buf_slice(out, all);
        return OK;
    }
    size_t before = (size_t)(old.ptr - all.ptr);
    buf_slice(out, slice_sub(all, 0, before));
    enum err err = put_rate(form, rate, parent, out, diag);
    buf_slice(out, slice_sub(all, before + old.len, all.len));
    return err;
}

/* ---- members ---- */

typedef enum err put_fn(const struct form *form, const char *name, struct buf *out,
                        struct diag *diag);

static enum err put_credential(const struct form *form, const char *name, struct buf *out,
                               struct diag *diag)
{
    (void)diag;
    buf_slice(out, json_raw(json_member(form->credentials, name)));
    return OK;
}

static enum err put_top_rate(const struct form *form, const char *name, struct buf *out,
                             struct diag *diag)
{
    return put_rate(form, json_member(form->data, name), /* parent= */ "", out, diag);
}

static enum err must_be_object(struct json value, const char *name, const char *what,
                               struct diag *diag)
{
    return json_type(value) == JSON_OBJECT
               ? OK
               : diag_set(diag, ERR_INVALID, "data: %s must be %s, not %s", name, what,
                          json_type_name(json_type(value)));
}

static enum err put_customer(const struct form *form, const char *name, struct buf *out,
                             struct diag *diag)
{
    struct json value = json_member(form->data, name);

    buf_slice(out, json_raw(value));
    return must_be_object(value, name, "an object", diag);
}

static enum err put_session(const struct form *form, const char *name, struct buf *out,
                            struct diag *diag)
{
    struct json value = json_member(form->data, name);
    enum err err = must_be_object(value, name, "an object", diag);

    return err == OK ? put_with_rate(form, value, "session.", out, diag) : err;
}

/* null tells that the session has expired. */
static enum err put_transaction(const struct form *form, const char *name, struct buf *out,
                                struct diag *diag)
{
    struct json value = json_member(form->data, name);

    if (json_is_null(value)) {
        buf_text(out, "null");
        return OK;
    }
    enum err err = must_be_object(value, name, "an object or null", diag);
    return err == OK ? put_with_rate(form, value, "transaction.", out, diag) : err;
}

static enum err put_version(const struct form *form, const char *name, struct buf *out,
                            struct diag *diag)
{
    (void)form, (void)name, (void)diag;
    buf_text(out, "\"" GT_VERSION "\"");
    return OK;
}

static enum err put_timestamp(const struct form *form, const char *name, struct buf *out,
                              struct diag *diag)
{
    (void)name, (void)diag;
    buf_printf(out, "%" PRId64, form->now.us / US_PER_SECOND);
    return OK;
}

static const struct {
    const char *name;
    put_fn *put;
} members[] = {
    {"merchant_id", put_credential}, {"application_key", put_credential},
    {rate_name, put_top_rate},       {"customer", put_customer},
    {"session", put_session},        {"transaction", put_transaction},
    {"version", put_version},        {"timestamp", put_timestamp},
};

static bool is_of_form(struct json member)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (json_name_is(member, members[i].name)) {
            return true;
        }
    }
    return false;
}

static void put_others(const struct form *form, struct buf *out)
{
    for (struct json at = json_first(form->data); json_exists(at); at = json_next(at)) {
        if (!is_of_form(at)) {
            buf_printf(out, ",\"%.*s\":", SLICE_ARGS(json_name(at)));
            buf_slice(out, json_raw(at));
        }
    }
}

enum err form_put(const struct form *form, struct buf *out, struct diag *diag)
{
    enum err err = OK;

    if (json_type(form->data) != JSON_OBJECT) {
        return diag_set(diag, ERR_INVALID, "data must be an object, not %s",
                        json_type_name(json_type(form->data)));
    }
    for (size_t i = 0; i < ARRAY_LEN(members) && err == OK; i++) {
        buf_printf(out, "%c\"%s\":", i == 0 ? '{' : ',', members[i].name);
        err = members[i].put(form, members[i].name, out, diag);
    }
    put_others(form, out);
    buf_byte(out, '}');
    return err;
}
