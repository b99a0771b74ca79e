/*
 * The dialect `cashier`: a payment's or a session's whole state as signed JSON, posted to where the
 * event says, with the verdict in the answer's body. docs/cashier.md is for who receives it.
 *
 * An event is {"customer", "session", "transaction" or null, "conversion_rate"?}, see form.h. Its
 * notify_url is where it goes, else the channel's url. Everything but the timestamp and with it the
 * signature is the same in each attempt.
 *
 * The account's credentials: {"merchant_id", "application_key", "secret"}. Options of a channel:
 *   "rate": "string" (default) or "number"   how rates are written
 *   "text_status": true                      an answer's "0" is as good as 0
 *   "check_answer": true                     an answer counts only with the right signature
 */
#ifndef WIRE_CASHIER_CASHIER_H
#define WIRE_CASHIER_CASHIER_H

#include "dispatch/dialect.h"

extern const struct dialect dialect_cashier;

#endif
