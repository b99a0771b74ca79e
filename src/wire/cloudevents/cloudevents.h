/*
 * The dialect `cloudevents`: CloudEvents 1.0 over HTTP, signed like Standard Webhooks.
 *
 * Options: "mode": "structured" (default; one JSON document, application/cloudevents+json) or
 * "binary" (attributes in ce- headers, the body is the data as published); "signature" as in
 * `standard`. An event that was published as a CloudEvent goes out with the attributes it came
 * with. Any other gets its id as `id`, "/accounts/{account}" as `source` and its creation as
 * `time`.
 */
#ifndef WIRE_CLOUDEVENTS_CLOUDEVENTS_H
#define WIRE_CLOUDEVENTS_CLOUDEVENTS_H

#include "dispatch/dialect.h"

extern const struct dialect dialect_cloudevents;

#endif
