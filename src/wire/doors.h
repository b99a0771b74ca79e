/*
 * All doors of the server: the route tables of the native API and of the dialects that are called.
 */
#ifndef WIRE_DOORS_H
#define WIRE_DOORS_H

#include "http/router.h"

enum { DOORS = 4 };

/* The tables, one behind the other. */
void doors_tables(struct route_table out[DOORS]);

#endif
