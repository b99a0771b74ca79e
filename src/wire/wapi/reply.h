/*
 * Replies of the command API: code, result, timestamp, clTRID, svTRID, command, test, data, in this
 * order, clTRID and command as they were sent and only if they were.
 */
#ifndef WIRE_WAPI_REPLY_H
#define WIRE_WAPI_REPLY_H

#include "wire/wapi/call.h"

/* A code with its own text, and nothing else. */
void wapi_reply_code(struct wapi_call *call, enum wapi_code code);

/* A code and text, and data if it exists. */
void wapi_reply_result(struct wapi_call *call, int32_t code, struct slice result, struct json data);

/* A reply whose data is written between the two calls. */
void wapi_reply_begin(struct wapi_call *call, enum wapi_code code, struct document *document);
void wapi_reply_end(struct wapi_call *call, struct document *document);

#endif
