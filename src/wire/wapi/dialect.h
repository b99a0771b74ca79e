/*
 * The command API's outbound half: its notifications pushed or mailed, and queues that its door
 * reads (wapi.h).
 *
 * Pushed as a form with one parameter, request=<the document>, with root "notify". Only the answer
 * 200 is a delivery; everything else, other 2xx and 410 too, is tried again each five minutes for as
 * long as a schedule can run, in order: nothing overtakes what the receiver has not taken. The
 * answer's body does not matter.
 *
 * Mailed as a text that shows the document, and the document itself as attachment.
 */
#ifndef WIRE_WAPI_DIALECT_H
#define WIRE_WAPI_DIALECT_H

#include "dispatch/dialect.h"

extern const struct dialect dialect_wapi;

#endif
