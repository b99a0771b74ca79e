/*
 * The hour in Prague, which is part of each request's auth: CET, UTC+1, and CEST, UTC+2, in summer.
 *
 * Summer time lasts from the last Sunday of March to the last Sunday of October, 01:00 UTC both
 * (Directive 2000/84/EC). Computed here, so that it does not hang on which time zone files a
 * machine has.
 */
#ifndef WIRE_WAPI_PRAGUE_H
#define WIRE_WAPI_PRAGUE_H

#include "base/time.h"

/* 0 to 23. */
unsigned prague_hour(struct wall at);

#endif
