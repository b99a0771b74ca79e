/*
 * The notification: what the command API tells of an event, the same wherever it goes: as the
 * member "notify" of a poll's answer, pushed, or in a mail.
 *
 *   code       of the result
 *   result     its text
 *   timestamp  when the event came to be, Unix seconds; not when it is told
 *   clTRID     the customer's own id of the request; left out when there was none
 *   svTRID     the server's id of the request, as its first answer told it
 *   command    the request's; "system-notify" when the event follows no request
 *   id         the delivery's number in decimal: ascending, unique; what an acknowledgement names
 *   data       what belongs to the result, a value that is no object as the object's one member
 *              "value"; left out when there is nothing
 *
 * In this order, in XML and in JSON. In JSON code and timestamp are numbers. The id is a string: it
 * has up to 19 digits, more than a JSON number keeps in many programs. So are all scalars in data.
 *
 * An event can be told when its data is a JSON object
 *   {"code": 1000..9999, "result": "...", "command"?: "...", "origin"?: "...", "data"?: ...}
 * Other members, such as "operation", do not matter. The event of the test button (tidings.test) is
 * told as system news, with all its data as data. An event without a server_ref gets an svTRID
 * made of its id: <Unix seconds>.<milliseconds>.<node>.<counter>, always the same.
 */
#ifndef WIRE_WAPI_NOTIFY_H
#define WIRE_WAPI_NOTIFY_H

#include "model/account.h"
#include "model/event.h"
#include "wire/wapi/document.h"

/* What an event says, lent from it and from below. */
struct notify {
    const struct event *event;
    int64_t code;
    struct slice result;
    struct slice command; /* "system-notify" when the event names none */
    struct slice origin;  /* by which door the request came, "wapi/json"; empty: none */
    struct json data;     /* JSON_NONE when there is none, or an empty one */
    bool is_system;       /* it follows no request */

    struct json_doc doc; /* private */
    struct buf scratch;  /* private */
};

/* ERR_INVALID with the words for a person when the event cannot be told. To be cleared always. */
enum err notify_read(struct notify *notify, const struct event *event,
                     struct diag *diag) MUST_CHECK;
void notify_clear(struct notify *notify);

/*
 * In which format it goes out by push or mail: that of the request it follows, else what the
 * account prefers ("protocol" in its credentials), else XML.
 */
enum wapi_format notify_format(const struct notify *notify, const struct account *account);

/* Writes the members of the notification. */
void notify_put_members(struct document *document, const struct notify *notify, struct id delivery);

/*
 * Writes an event as the member "notify". ERR_INVALID when it cannot be told; then nothing is
 * written.
 */
enum err notify_put(struct document *document, const struct event *event, struct id delivery,
                    struct diag *diag) MUST_CHECK;

#endif
