/*
 * What the settings file says of the dialects, in the form that src/wire works with: the operator's
 * settings of each (wire/settings.h), and the rules that the model keeps (model/dialect_rules.h).
 */
#ifndef CLI_DIALECT_SETTINGS_H
#define CLI_DIALECT_SETTINGS_H

#include "base/buf.h"
#include "cli/config.h"
#include "dispatch/dialect.h"
#include "wire/settings.h"

enum { DIALECT_SETTINGS_DIALECTS_MAX = 16 };

struct dialect_settings {
    struct wire_settings wire;
    struct dialect_rules rules[DIALECT_SETTINGS_DIALECTS_MAX];
    struct dialect_rules_table table;
    struct wapi_command *commands; /* owned */
    struct shopcart_type *types;   /* owned */
    struct buf secret;             /* of handlers */
};

/* Borrows the settings' texts for as long as it lives. ERR_INVALID names the setting; to be cleared
 * after an error too. */
enum err dialect_settings_make(const struct config *settings, const struct dialect_table *dialects,
                               struct dialect_settings *out, struct diag *diag) MUST_CHECK;
void dialect_settings_clear(struct dialect_settings *settings);

#endif
