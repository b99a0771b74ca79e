/*
 * A table of dialects for tests below src/wire, with rules like those of the real ones.
 */
#ifndef SUPPORT_TEST_DIALECTS_H
#define SUPPORT_TEST_DIALECTS_H

#include "base/macro.h"
#include "model/dialect_rules.h"

static const struct dialect_rules test_rules[] UNUSED = {
    {.name = "standard"},
    {.name = "wapi",
     .login = "login",
     .makes_queue = true,
     .is_exclusive = true,
     .waits_for_ever = true},
    {.name = "shopcart", .login = "merchant_id"},
    {.name = "cashier", .login = "merchant_id", .takes_url_from_event = true},
    {.name = "checkout", .login = "merchant_id", .makes_queue = true},
};

static const struct dialect_rules_table test_dialects UNUSED = {test_rules, ARRAY_LEN(test_rules)};

#endif
