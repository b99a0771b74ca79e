/*
 * Which function carries out a command.
 */
#ifndef WIRE_WAPI_COMMANDS_H
#define WIRE_WAPI_COMMANDS_H

#include "wire/wapi/call.h"

/* The commands that are built in, one file each. */
wapi_command_fn wapi_ping, wapi_ping_async, wapi_poll_req, wapi_poll_ack;

/* handler.c: a command that a program of the provider carries out. */
wapi_command_fn wapi_handler;

/*
 * The function for the call's command, and call->handler if it is the provider's. The settings come
 * first where they name it in full, so that a built-in command can be disabled; then what is built
 * in; then prefixes in the settings. WAPI_UNKNOWN_COMMAND, WAPI_DISABLED_COMMAND.
 */
enum wapi_code commands_find(struct wapi_call *call, wapi_command_fn **out) MUST_CHECK;

#endif
