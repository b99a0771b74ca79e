#include "wire/cashier/gt.h"

#include "base/encode.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct field {
    const char *parent; /* NULL: of the message itself */
    const char *name;
};

static const struct field notification_fields[] = {
    {NULL, "merchant_id"},
    {NULL, "application_key"},
    {NULL, "timestamp"},
    {"customer", "customer_token"},
    {"session", "order_id"},
    {"transaction", "tid"},
    {"transaction", "currency"},
    {"transaction", "amount"},
    {"transaction", "conversion_rate"},
    {"transaction", "processed_currency"},
    {"transaction", "processed_amount"},
};

static const struct field answer_fields[] = {{NULL, "status"}, {NULL, "timestamp"}};

/* ---- what is signed ---- */

static enum err put_value(struct json value, struct field field, struct buf *text,
                          struct diag *diag)
{
    switch (json_type(value)) {
    case JSON_NONE:
    case JSON_NULL:
        return OK;
    case JSON_STRING:
        json_unescape(value, text);
        return OK;
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        buf_slice(text, json_raw(value));
        return OK;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return diag_set(diag, ERR_INVALID, "%s%s%s is %s, which cannot be signed",
                    field.parent == NULL ? "" : field.parent, field.parent == NULL ? "" : ".",
                    field.name, json_type_name(json_type(value)));
}

static struct json find(struct json message, struct field field)
{
    return json_member(field.parent == NULL ? message : json_member(message, field.parent),
                       field.name);
}

static bool is_rate(struct field field)
{
    return strcmp(field.name, "conversion_rate") == 0;
}

enum err gt_put_notification(struct json notification, const struct slice *rate, struct buf *text,
                             struct diag *diag)
{
    enum err err = OK;

    for (size_t i = 0; i < ARRAY_LEN(notification_fields) && err == OK; i++) {
        struct field field = notification_fields[i];
        struct json value = find(notification, field);
        if (rate != NULL && is_rate(field) && !json_is_null(value)) {
            buf_slice(text, *rate);
        } else {
            err = put_value(value, field, text, diag);
        }
    }
    return err;
}

struct json gt_signed_rate(struct json notification)
{
    return find(notification, (struct field){"transaction", "conversion_rate"});
}

enum err gt_put_answer(struct json answer, struct buf *text, struct diag *diag)
{
    enum err err = OK;

    for (size_t i = 0; i < ARRAY_LEN(answer_fields) && err == OK; i++) {
        err = put_value(find(answer, answer_fields[i]), answer_fields[i], text, diag);
    }
    return err;
}

/* ---- versions 1.1 and 1.2 ---- */

struct member {
    struct buf name; /* escapes undone */
    struct json value;
};

static int compare_names(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    return slice_compare(buf_view(&left->name), buf_view(&right->name));
}

static size_t sorted_members(struct json message, struct member *members)
{
    size_t len = 0;

    for (struct json at = json_first(message); json_exists(at); at = json_next(at)) {
        if (!json_name_is(at, "signature")) {
            struct member *member = &members[len++];
            struct buf scratch;
            buf_init(&scratch, json_name(at).len);
            buf_init(&member->name, json_name(at).len);
            buf_slice(&member->name, json_name_text(at, &scratch));
            member->value = at;
            buf_clear(&scratch);
        }
    }
    qsort(members, len, sizeof(members[0]), compare_names);
    return len;
}

enum err gt_put_members(struct json message, struct buf *text, struct diag *diag)
{
    struct member *members = MEM_ARRAY(json_count(message) + 1, struct member);
    size_t len = sorted_members(message, members);
    enum err err = OK;

    for (size_t i = 0; i < len && err == OK; i++) {
        struct field field = {NULL, buf_cstr(&members[i].name)};
        err = put_value(members[i].value, field, text, diag);
    }
    for (size_t i = 0; i < len; i++) {
        buf_clear(&members[i].name);
    }
    mem_free(members);
    return err;
}

/* ---- signing ---- */

static void digest(struct slice text, struct slice secret, uint8_t out[SHA384_BYTES])
{
    struct buf all;

    buf_init(&all, text.len + secret.len);
    buf_reserve(&all, text.len + secret.len);
    buf_slice(&all, text);
    buf_slice(&all, secret);
    sha384(buf_view(&all), out);
    mem_wipe(all.ptr, all.len);
    buf_clear(&all);
}

struct gt_signature gt_sign(struct slice text, struct slice secret)
{
    struct gt_signature signature;
    uint8_t bytes[SHA384_BYTES];
    struct buf hex;

    digest(text, secret, bytes);
    buf_init(&hex, sizeof(signature.chars));
    hex_encode(&hex, bytes, sizeof(bytes));
    memcpy(signature.chars, buf_cstr(&hex), sizeof(signature.chars));
    buf_clear(&hex);
    return signature;
}

bool gt_is_right(struct slice text, struct slice secret, struct slice value)
{
    uint8_t wanted[SHA384_BYTES];
    struct buf given;

    digest(text, secret, wanted);
    buf_init(&given, SHA384_BYTES);
    bool is_right = hex_decode(&given, slice_trim(value)) == OK && buf_check(&given) == OK &&
                    secret_equal(buf_view(&given), slice_from(wanted, sizeof(wanted)));
    buf_clear(&given);
    return is_right;
}
