/*
 * A notification: what an event tells a merchant. Its data is a JSON object with exactly one of
 * orderNotification, tokenNotification and profileNotification, an object that passes through byte
 * for byte, whatever is in it. Beside it merchantOrderNumber and requestId may stand, as strings.
 * An event that tells what became of an operation has all this in its data's own member "data".
 */
#ifndef WIRE_CHECKOUT_NOTIFICATION_H
#define WIRE_CHECKOUT_NOTIFICATION_H

#include "base/json.h"
#include "model/event.h"

/* X(name, member, word in a filter) */
#define NOTIFICATION_TYPES(X)                                                                      \
    X(ORDER, "orderNotification", "NOTIFICATION_TYPE_ORDER")                                       \
    X(TOKEN, "tokenNotification", "NOTIFICATION_TYPE_TOKEN")                                       \
    X(PROFILE, "profileNotification", "NOTIFICATION_TYPE_PROFILE")

enum notification_type {
#define NOTIFICATION_ENUM(name, member, word) NOTIFICATION_##name,
    NOTIFICATION_TYPES(NOTIFICATION_ENUM)
#undef NOTIFICATION_ENUM
        NOTIFICATION_TYPE_COUNT
};

struct notification {
    enum notification_type type;
    struct json body;                  /* the object of the type */
    struct json merchant_order_number; /* strings, or absent */
    struct json request_id;
};

/* Takes the event's data apart; everything is lent from doc and event. ERR_INVALID: it is no
 * notification, and the diag says why. */
enum err notification_read(struct json_doc *doc, const struct event *event,
                           struct notification *out, struct diag *diag) MUST_CHECK;

/* The same question without an interest in the parts. */
bool notification_is_in(const struct event *event, struct diag *diag);

/* Writes the members that it has in a message: its body under the name of its type, and those
 * beside it. */
void notification_put(const struct notification *notification, struct json_writer *out);

/* The type by its word in a filter. ERR_INVALID when there is none of the name. */
enum err notification_type_parse(struct slice word, enum notification_type *out) MUST_CHECK;

/* Whether it is about a merchant's order: the number stands beside the body or in it. */
bool notification_is_about(const struct notification *notification, struct slice order_number);

#endif
