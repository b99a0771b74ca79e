/*
 * Operations as the native API shows them, and what its calls that write them have in common.
 */
#ifndef WIRE_NATIVE_OPERATION_JSON_H
#define WIRE_NATIVE_OPERATION_JSON_H

#include "http/exchange.h"
#include "model/operation.h"

/*
 * The members of an operation: id, state, command, client_ref?, server_ref, notify_url?, origin?,
 * created_at, deadline, on_deadline, delayed, steps, data?, ended_at, code, result, outcome?,
 * event. Those of the end are null before it.
 */
void operation_json_members(const struct operation *operation, struct json_writer *out);

/* Room for the texts of a body that have escapes, see field_scratch; goes with the exchange. */
struct buf *operation_json_scratch(struct exchange *exchange, struct json body);

/*
 * Reads the member data of a body: any JSON value, its exact bytes; empty when it is not there.
 * ERR_LIMIT beyond what an operation and an event may have.
 */
enum err operation_json_data(const struct exchange *exchange, struct json body, struct slice *out,
                             struct diag *diag) MUST_CHECK;

/* Answers that the Idempotency-Key was used for something else. */
void operation_json_conflict(struct exchange *exchange);

#endif
