/*
 * Deliveries for a person: the table that `tidings deliveries` and `tidings events` show.
 */
#ifndef CLI_DELIVERIES_H
#define CLI_DELIVERIES_H

#include "cli/session.h"

/* items is an array of deliveries; `none` is said when it is empty. */
void deliveries_show(struct session *session, struct json items, const char *none);

#endif
