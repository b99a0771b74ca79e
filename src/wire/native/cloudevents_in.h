/*
 * CloudEvents 1.0 coming in: the JSON event format (structured), and the HTTP protocol binding's
 * binary mode.
 *
 * type, datacontenttype and data become the event's own; id is also its external id, and together
 * with source its idempotency key. All context attributes but specversion, type and datacontenttype
 * are kept as one JSON object, as they were given (struct event.attributes).
 *
 * An event without data is one whose data is null, because every dialect can carry that.
 */
#ifndef WIRE_NATIVE_CLOUDEVENTS_IN_H
#define WIRE_NATIVE_CLOUDEVENTS_IN_H

#include "wire/native/envelope.h"

/* OUTBOUND_HEADERS_MAX leaves room for as many in binary mode on the way out. */
enum { CLOUDEVENT_ATTRIBUTES_MAX = 40, CLOUDEVENT_NAME_BYTES_MAX = 40 };

struct cloudevent_header {
    struct slice name; /* as it came, "ce-" and all, in any case */
    struct slice value;
};

/*
 * Reads one event of the JSON format into an envelope that was just initialised. data is kept byte
 * for byte; data_base64, and data that is no JSON by its datacontenttype, are decoded. With
 * rules->has_account the extension attribute "account" names the account. ERR_INVALID and ERR_LIMIT
 * name the attribute.
 */
enum err cloudevent_parse(struct envelope *envelope, struct json value,
                          const struct envelope_rules *rules, struct diag *diag) MUST_CHECK;

/*
 * Reads one event of the binary mode: headers may hold others too, only those that begin with "ce-"
 * count. body is kept byte for byte.
 */
enum err cloudevent_parse_binary(struct envelope *envelope, const struct cloudevent_header *headers,
                                 size_t headers_len, struct slice content_type, struct slice body,
                                 const struct envelope_rules *rules, struct diag *diag) MUST_CHECK;

#endif
