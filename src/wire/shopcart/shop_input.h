/*
 * The parameters of a call: children of the element Request in the body of a POST, or the query.
 * Names count in any case. One that the body does not have is looked up in the query; one that is
 * empty counts as absent.
 */
#ifndef WIRE_SHOPCART_SHOP_INPUT_H
#define WIRE_SHOPCART_SHOP_INPUT_H

#include "base/xml.h"
#include "http/exchange.h"

enum { SHOP_INPUT_BYTES_MAX = 16 * 1024 }; /* some ten parameters, each a line */

struct shop_input {
    struct exchange *exchange;
    struct xml_doc *doc; /* NULL: there is no body */
};

/* Reads the body, whatever its content type. ERR_INVALID: it is there and no Request. Close it
 * whatever came of it. */
enum err shop_input_open(struct exchange *exchange, struct shop_input *out) MUST_CHECK;
void shop_input_close(struct shop_input *input);

/* A parameter without white space around it, lent by the exchange; empty when it is not there. */
struct slice shop_input_get(const struct shop_input *input, const char *name);

#endif
