#include "wire/checkout/notification.h"

#include "wire/payload.h"

static const struct {
    const char *member;
    const char *word;
} types[] = {
#define NOTIFICATION_ROW(name, member, word) [NOTIFICATION_##name] = {member, word},
    NOTIFICATION_TYPES(NOTIFICATION_ROW)
#undef NOTIFICATION_ROW
};

enum err notification_type_parse(struct slice word, enum notification_type *out)
{
    for (unsigned i = 0; i < NOTIFICATION_TYPE_COUNT; i++) {
        if (slice_is(word, types[i].word)) {
            *out = (enum notification_type)i;
            return OK;
        }
    }
    return ERR_INVALID;
}

/* null counts as absent, as everywhere in this form of JSON. */
static enum err find_body(struct json holder, struct notification *out, struct diag *diag)
{
    unsigned found = 0;

    for (unsigned i = 0; i < NOTIFICATION_TYPE_COUNT; i++) {
        struct json body = json_member(holder, types[i].member);

        if (json_is_null(body)) {
            continue;
        }
        if (json_type(body) != JSON_OBJECT) {
            return diag_field(diag, ERR_INVALID, "data", "%s is %s, not an object", types[i].member,
                              json_type_name(json_type(body)));
        }
        out->type = (enum notification_type)i;
        out->body = body;
        found++;
    }
    if (found != 1) {
        return diag_field(diag, ERR_INVALID, "data",
                          "expected exactly one of orderNotification, tokenNotification and "
                          "profileNotification, not %u",
                          found);
    }
    return OK;
}

/* What is no string has no place in the message. */
static struct json find_text(struct json holder, const char *name)
{
    struct json text = json_member(holder, name);

    return json_type(text) == JSON_STRING ? text : (struct json){0};
}

enum err notification_read(struct json_doc *doc, const struct event *event,
                           struct notification *out, struct diag *diag)
{
    if (!payload_is_json(event->content_type)) {
        return diag_field(diag, ERR_INVALID, "data", "a notification is JSON");
    }
    enum err err = json_parse(doc, event->data, diag);
    if (err != OK) {
        return err;
    }
    struct json holder = payload_news(event, doc);
    out->merchant_order_number = find_text(holder, "merchantOrderNumber");
    out->request_id = find_text(holder, "requestId");
    return find_body(holder, out, diag);
}

bool notification_is_in(const struct event *event, struct diag *diag)
{
    struct notification notification;
    struct json_doc doc;

    json_doc_init(&doc);
    enum err err = notification_read(&doc, event, &notification, diag);
    json_doc_clear(&doc);
    return err == OK;
}

static void put_if_there(const char *name, struct json value, struct json_writer *out)
{
    if (json_exists(value)) {
        json_key(out, name);
        json_put_raw(out, json_raw(value));
    }
}

void notification_put(const struct notification *notification, struct json_writer *out)
{
    put_if_there(types[notification->type].member, notification->body, out);
    put_if_there("merchantOrderNumber", notification->merchant_order_number, out);
    put_if_there("requestId", notification->request_id, out);
}

static bool says(struct json value, struct slice text)
{
    struct buf scratch;

    if (json_type(value) != JSON_STRING) {
        return false;
    }
    buf_init(&scratch, json_raw(value).len);
    bool is_equal = slice_equal(json_string(value, &scratch), text);
    buf_clear(&scratch);
    return is_equal;
}

bool notification_is_about(const struct notification *notification, struct slice order_number)
{
    return says(notification->merchant_order_number, order_number) ||
           says(json_member(notification->body, "merchantOrderNumber"), order_number);
}
