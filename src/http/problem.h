/*
 * Problem documents (RFC 9457) with a stable `code`:
 * {"type","title","status","code","detail","field"?}.
 *
 * Programs act on `code`; `detail` is for people and may change.
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/buf.h"
#include "base/err.h"

/* X(name, status, code, title) */
#define PROBLEMS(X)                                                                                \
    X(INVALID, 400, "invalid", "The request is not valid")                                         \
    X(INVALID_JSON, 400, "invalid_json", "The body is not valid JSON")                             \
    X(UNAUTHENTICATED, 401, "unauthenticated", "A valid API key is needed")                        \
    X(FORBIDDEN, 403, "forbidden", "This key may not do that")                                     \
    X(NOT_FOUND, 404, "not_found", "There is no such thing")                                       \
    X(METHOD, 405, "method_not_allowed", "This resource has no such method")                       \
    X(REQUEST_TIMEOUT, 408, "request_timeout", "The request took too long to arrive")              \
    X(EXISTS, 409, "exists", "It exists already")                                                  \
    X(CONFLICT, 409, "conflict", "The present state does not allow it")                            \
    X(IDEMPOTENCY, 409, "idempotency_conflict", "The idempotency key was used for something else") \
    X(STALE, 409, "stale", "A newer version or lease exists")                                      \
    X(TOO_LARGE, 413, "too_large", "The request is too large")                                     \
    X(URI_TOO_LONG, 414, "uri_too_long", "The address is too long")                                \
    X(MEDIA_TYPE, 415, "media_type", "This content type is not taken here")                        \
    X(RATE, 429, "too_many_requests", "Too many requests")                                         \
    X(HEADERS_TOO_LARGE, 431, "headers_too_large", "The headers are too large")                    \
    X(INTERNAL, 500, "internal", "Something is wrong inside")                                      \
    X(BUSY, 503, "busy", "Overloaded; try again shortly")                                          \
    X(STOPPING, 503, "stopping", "The server is stopping; try again shortly")                      \
    X(FULL, 507, "full", "There is no room to store this")

enum problem {
#define PROBLEM_ENUM(name, status, code, title) PROBLEM_##name,
    PROBLEMS(PROBLEM_ENUM)
#undef PROBLEM_ENUM
};

unsigned problem_status(enum problem problem);
const char *problem_code(enum problem problem);

/* Appends the document. diag may be NULL. */
void problem_write(enum problem problem, const struct diag *diag, struct buf *out);

/* Which problem an err of the store or the model is. */
enum problem problem_from_err(enum err err);

#endif
