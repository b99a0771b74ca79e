/*
 * Events, deliveries and attempts as the native API shows them.
 */
#ifndef WIRE_NATIVE_EVENT_JSON_H
#define WIRE_NATIVE_EVENT_JSON_H

#include "base/json.h"
#include "wire/native/why.h"

/*
 * The members of an event: id, type, created_at, external_id?, client_ref?, server_ref?,
 * notify_url?, attributes?, content_type, and data by payload_put. Data that retention has removed
 * is null.
 */
void event_json_members(const struct event *event, struct json_writer *out);

/*
 * The members of a delivery: id, event, event_type, channel, state, attempt_count, next_attempt_at,
 * why. why is null when it is final, next_attempt_at when no time is known.
 */
void event_json_delivery(const struct why_facts *facts, struct json_writer *out);

/* An attempt as an object of its own. */
void event_json_attempt(const struct attempt *attempt, struct json_writer *out);

#endif
