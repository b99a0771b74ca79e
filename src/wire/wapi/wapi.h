/*
 * The command API of a domain registrar: POST /wapi/xml and /wapi/json.
 *
 * A request names its account, shows its auth and asks for a command; the HTTP status of an answer
 * is always 200 and its outcome is in `code`. Built in are the commands of the notification queue
 * and ping; every other command is carried out by a program of the provider (handler.c).
 */
#ifndef WIRE_WAPI_WAPI_H
#define WIRE_WAPI_WAPI_H

#include "http/router.h"
#include "os/env.h"
#include "wire/settings.h"

/* The highest that wapi_settings.request_bytes_max may be. */
enum { WAPI_REQUEST_BYTES_MAX = 256 * 1024 };

extern const struct route_table wapi_routes;

/* What the door remembers of its callers, see limits.h. settings are lent for ever. */
struct wapi;
struct wapi *wapi_new(struct env *env, const struct wapi_settings *settings);
void wapi_free(struct wapi *wapi); /* NULL is fine */

#endif
