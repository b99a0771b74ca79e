/*
 * Data as the command API writes it in JSON: every scalar is a string, as it would be in XML. A
 * number is its raw token, true and false are "1" and "0", null is "".
 */
#ifndef WIRE_WAPI_DATA_TEXTS_H
#define WIRE_WAPI_DATA_TEXTS_H

#include "base/json.h"

/* Writes one value of any type; objects and arrays stay what they are. */
void data_texts_put(struct json value, struct json_writer *out);

#endif
