/*
 * Members of an answer's objects, one call each.
 */
#ifndef WIRE_NATIVE_MEMBER_H
#define WIRE_NATIVE_MEMBER_H

#include "base/id.h"
#include "base/json.h"
#include "base/time.h"

void member_put_id(const char *name, enum id_kind kind, struct id id, struct json_writer *out);
/* ID_NONE is null. */
void member_put_id_or_null(const char *name, enum id_kind kind, struct id id,
                           struct json_writer *out);
void member_put_time(const char *name, struct wall at, struct json_writer *out);
/* 0 is null. */
void member_put_time_or_null(const char *name, struct wall at, struct json_writer *out);
/* An empty text is left out. */
void member_put_if_any(const char *name, struct slice text, struct json_writer *out);
/* One JSON value as it is; an empty one is left out. */
void member_put_raw_if_any(const char *name, struct slice json, struct json_writer *out);

#endif
