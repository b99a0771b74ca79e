/*
 * A channel in an answer, with or without its signing secret.
 */
#ifndef WIRE_NATIVE_CHANNEL_JSON_H
#define WIRE_NATIVE_CHANNEL_JSON_H

#include "http/exchange.h"

void channel_json_answer(struct exchange *exchange, const struct channel *channel, bool with_secret,
                         unsigned status);

/* Writes the members "secret" and, while older ones still sign, "previous". */
void channel_json_put_secrets(struct json_writer *writer, const struct channel *channel,
                              struct wall now);

#endif
