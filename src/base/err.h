/*
 * What can go wrong, as a short closed list, and the words for a person beside it.
 *
 * A function that can fail returns enum err. A code exists because some caller acts on it; what a
 * person needs to know beyond that goes into a struct diag. Nothing below dispatch, wire and main
 * logs a failure: it returns it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/macro.h"

/* X(code, stable word for logs) */
#define ERR_CODES(X)                                                                               \
    X(OK, "ok")                                                                                    \
    X(ERR_INVALID, "invalid")     /* input breaks a rule; the diag names the field */              \
    X(ERR_LIMIT, "limit")         /* a documented limit would be passed */                         \
    X(ERR_NOT_FOUND, "not_found") /* no such thing, or not for this account */                     \
    X(ERR_EXISTS, "exists")       /* such a thing is there already */                              \
    X(ERR_CONFLICT, "conflict")   /* the thing's state does not allow it */                        \
    X(ERR_STALE, "stale")         /* the receipt or version is not the newest any more */          \
    X(ERR_DENIED, "denied")       /* not allowed: key, scope, address policy */                    \
    X(ERR_BUSY, "busy")           /* overloaded or locked by another; try again */                 \
    X(ERR_FULL, "full")           /* no space left to store; reading still works */                \
    X(ERR_TIMEOUT, "timeout")     /* a deadline passed */                                          \
    X(ERR_IO, "io")               /* the world failed: file, socket, library */                    \
    X(ERR_CORRUPT, "corrupt")     /* stored data is not what we wrote */                           \
    X(ERR_VERSION, "version")     /* made by a newer program */                                    \
    X(ERR_CLOSED, "closed")       /* shutting down */

enum err {
#define ERR_ENUM(code, word) code,
    ERR_CODES(ERR_ENUM)
#undef ERR_ENUM
};

/* The stable word of err, such as "not_found". Static storage. */
const char *err_word(enum err err);

enum { DIAG_FIELD_SIZE = 96, DIAG_TEXT_SIZE = 400 };

/*
 * Words for a person about the newest failure. Both texts are cut at their size, never overrun;
 * empty when unset.
 */
struct diag {
    /* Which input, as its sender spells it: "retry[2]", "data"; "" when none. */
    char field[DIAG_FIELD_SIZE];
    /* What was expected or what happened; no secrets, no payloads. */
    char text[DIAG_TEXT_SIZE];
};

/*
 * Writes the words and returns err, so that a failing line reads
 * `return diag_set(diag, ERR_IO, "open %s: %s", path, strerror(errno));`. diag may be NULL; its old
 * words may be among the arguments. Control characters in the result are replaced by '?'.
 */
enum err diag_set(struct diag *diag, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same with the name of the offending input. */
enum err diag_field(struct diag *diag, enum err err, const char *field, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
