/*
 * A mail that a person can read about any event: what happened, when, which references, and the
 * data line by line; the data itself is attached in its own content type.
 */
#ifndef WIRE_MAIL_TEXT_H
#define WIRE_MAIL_TEXT_H

#include "dispatch/dialect.h"

/* A dialect's encode_mail that does just that. */
enum err mail_text_encode(const struct dialect_attempt *attempt, struct dialect_draft *draft,
                          struct diag *diag);

#endif
