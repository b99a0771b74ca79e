/*
 * An event's data inside a JSON document: the bytes as they were published when they are JSON,
 * otherwise as text.
 */
#ifndef WIRE_PAYLOAD_H
#define WIRE_PAYLOAD_H

#include "base/json.h"
#include "model/event.h"

/*
 * Whether a media type is JSON: application/json, or one with the suffix +json; parameters do not
 * matter.
 */
bool payload_is_json(struct slice content_type);

/*
 * What an event tells, when its data are JSON in doc: the data, or of an operation's event the
 * member `data` of it, which is the outcome or what the operation was about.
 */
struct json payload_news(const struct event *event, const struct json_doc *doc);

/*
 * Writes one member: "data" with the exact bytes when the content type is JSON; "data" as a string
 * when they are other UTF-8 text; else "data_base64". Nothing is lost in any of the three.
 */
void payload_put(struct json_writer *writer, const struct event *event);

#endif
