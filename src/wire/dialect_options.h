/*
 * A dialect's options: one JSON object in a channel, with members that only the dialect knows.
 */
#ifndef WIRE_DIALECT_OPTIONS_H
#define WIRE_DIALECT_OPTIONS_H

#include "base/json.h"
#include "model/channel.h"

/*
 * Parses a channel's options and refuses members that are not among names. doc is the caller's to
 * clear, also after an error.
 */
enum err dialect_options_parse(const struct channel *channel, const char *const *names,
                               size_t names_len, struct json_doc *doc,
                               struct diag *diag) MUST_CHECK;

#endif
