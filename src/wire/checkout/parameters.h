/*
 * Query parameters of the checkout dialect, one function a kind of value.
 *
 * Each leaves *out as it is when the parameter is not there. Given twice, or not of its form, is
 * ERR_INVALID, and the diag names it.
 */
#ifndef WIRE_CHECKOUT_PARAMETERS_H
#define WIRE_CHECKOUT_PARAMETERS_H

#include "base/time.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

/* A whole number of at least min. There is no largest one: those that an int32 cannot hold count as
 * INT32_MAX, since every parameter has a cap of its own below it. */
enum err parameter_number(const struct exchange *exchange, const char *name, int32_t min,
                          int32_t *out, struct diag *diag) MUST_CHECK;

/* true, false, 1, 0; letters in either case. */
enum err parameter_flag(const struct exchange *exchange, const char *name, bool *out,
                        struct diag *diag) MUST_CHECK;

/* A text; lent by the exchange. Empty counts as not given. */
enum err parameter_text(const struct exchange *exchange, const char *name, struct slice *out,
                        struct diag *diag) MUST_CHECK;

/* The first millisecond that is not before an instant, which may be given in nanoseconds. */
enum err parameter_time(const struct exchange *exchange, const char *name, struct wall *out,
                        struct diag *diag) MUST_CHECK;

/* That there are no others than names, where the operator's settings want that. */
enum err parameters_are_known(const struct exchange *exchange, const char *const *names,
                              size_t names_len, struct diag *diag) MUST_CHECK;

#endif
