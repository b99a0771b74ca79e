/*
 * Removing: what accounts, channels and keys have in common when they are deleted.
 */
#ifndef WIRE_NATIVE_REMOVAL_H
#define WIRE_NATIVE_REMOVAL_H

#include "http/exchange.h"

/* Removes one thing (see struct store_remove for which) and answers 204. */
void removal_submit(struct exchange *exchange, struct id account, struct id channel, struct id key);

#endif
