/*
 * The codes of the command API and their exact texts, misspellings included: they are part of the
 * wire, clients compare them.
 *
 * 1xxx success, 12xx news of the system, 2xxx bad request, 3xxx state of the target, 4xxx error
 * while executing, 5xxx the provider's own state. Codes of the provider's commands (22xx and so on)
 * come with a text of their own and are not in here.
 */
#ifndef WIRE_WAPI_CODES_H
#define WIRE_WAPI_CODES_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * X(name, code, text, counts): counts says whether whoever gets this answer has failed, see
 * limits.h. Those are requests that nobody could carry out for anybody, and wrong passwords; what
 * an authenticated account asks for in a wrong way is its own business.
 */
#define WAPI_CODES(X)                                                                              \
    X(OK, 1000, "OK", false)                                                                       \
    X(PENDING, 1001, "Request pending", false)                                                     \
    X(ACQUIRED, 1002, "Notification aquired", false)                                               \
    X(QUEUE_EMPTY, 1003, "Empty notifications queue", false)                                       \
    X(TRANSFERRED_OUT, 1200, "Domain transfered out", false)                                       \
    X(PARSE_ERROR, 2000, "Request parse error", true)                                              \
    X(NO_USER, 2001, "Invalid request - required parameter missing: user", true)                   \
    X(NO_AUTH, 2002, "Invalid request - required parameter missing: auth", true)                   \
    X(NO_COMMAND, 2003, "Invalid request - required parameter missing: command", true)             \
    X(SECOND_DATA, 2004, "Invalid request - only one data element is allowed", true)               \
    X(LONG_CLTRID, 2005, "Invalid request - clTRID parameter is too long", true)                   \
    X(RATE, 2006, "Requests limit exceeded", false)                                                \
    X(TOO_LARGE, 2007, "Invalid request - maximum request size exceeded", true)                    \
    X(TOO_COMPLEX, 2008, "Invalid request - request is too complex", true)                         \
    X(EMPTY, 2009, "Invalid request - request is empty", true)                                     \
    X(UNKNOWN_COMMAND, 2010, "Unknown command", false)                                             \
    X(DISABLED_COMMAND, 2011, "Command disabled", false)                                           \
    X(WRONG_AUTH, 2050, "Authentication failure", true)                                            \
    X(WRONG_ADDRESS, 2051, "Access not allowed from this IP address", true)                        \
    X(BLOCKED_ADDRESS, 2052, "IP adress temporarily blocked due to too many failed requests",      \
      false)                                                                                       \
    X(NO_PARAMETER, 2100, "Required parameter missing", false)                                     \
    X(WRONG_PARAMETER, 2101, "Parameters mismatch", false)                                         \
    X(WRONG_ENCODING, 2102, "Invalid request - input data encoding mismatch", true)                \
    X(NO_QUEUE, 2150, "Notification polling not allowed for this account", false)                  \
    X(NO_NOTIFICATION, 2151, "Notification does not exist", false)                                 \
    X(INTERNAL, 4000, "Internal error", false)                                                     \
    X(EXCEPTION, 4001, "Internal exception", false)                                                \
    X(FATAL, 5000, "Fatal error", false)                                                           \
    X(INTERNAL_AUTH, 5001, "Internal authentication error", false)                                 \
    X(INTERNAL_PRICING, 5002, "Internal pricing error", false)                                     \
    X(OUT_OF_ORDER, 5003, "Out of order", false)

enum wapi_code {
#define WAPI_ENUM(name, code, text, counts) WAPI_##name = (code),
    WAPI_CODES(WAPI_ENUM)
#undef WAPI_ENUM
};

/* The text of a code; empty for one that is none of these. */
struct slice wapi_code_text(int32_t code);

/* Whether an answer with this code counts as a failure of its sender. */
bool wapi_code_counts(int32_t code);

#endif
