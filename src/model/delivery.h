/*
 * A delivery: one event on its way to one channel, and its attempts.
 *
 *   PENDING --> DELIVERED | FAILED (schedule ended) | REFUSED (never again) | CANCELED
 *      ^                  | EXPIRED (queue, past retention)        |
 *      '----------- retried by hand, from any final state ---------'
 *
 * A queue delivery is pending until it is acknowledged.
 */
#ifndef MODEL_DELIVERY_H
#define MODEL_DELIVERY_H

#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

/* X(name, word in the API, number in the store: never change one) */
#define DELIVERY_STATES(X)                                                                         \
    X(PENDING, "pending", 0)                                                                       \
    X(DELIVERED, "delivered", 1)                                                                   \
    X(FAILED, "failed", 2)                                                                         \
    X(REFUSED, "refused", 3)                                                                       \
    X(CANCELED, "canceled", 4)                                                                     \
    X(EXPIRED, "expired", 5)

enum delivery_state {
#define DELIVERY_ENUM(name, word, number) DELIVERY_##name = number,
    DELIVERY_STATES(DELIVERY_ENUM)
#undef DELIVERY_ENUM
};

const char *delivery_word(enum delivery_state state);
enum err delivery_state_parse(struct slice word, enum delivery_state *out) MUST_CHECK;
bool delivery_is_final(enum delivery_state state);

/* What came of one attempt. X(name, word, number in the store) */
#define ATTEMPT_OUTCOMES(X)                                                                        \
    X(DELIVERED, "delivered", 1)                                                                   \
    X(ANSWER, "answer", 2)   /* the receiver answered something that is no success */              \
    X(REFUSED, "refused", 3) /* it said never again */                                             \
    X(GONE, "gone", 4)       /* 410: nothing must be sent here any more */                         \
    X(TIMEOUT, "timeout", 5)                                                                       \
    X(CONNECT, "connect", 6) /* name resolution, connection, reset */                              \
    X(TLS, "tls", 7)                                                                               \
    X(BLOCKED, "blocked", 8) /* our own address policy forbids the address */                      \
    X(INVALID, "invalid", 9) /* could not be encoded or sent as it is */

enum attempt_outcome {
#define ATTEMPT_ENUM(name, word, number) ATTEMPT_##name = number,
    ATTEMPT_OUTCOMES(ATTEMPT_ENUM)
#undef ATTEMPT_ENUM
};

const char *attempt_word(enum attempt_outcome outcome);

enum {
    ATTEMPT_ANSWER_BYTES_MAX = 16 * 1024,
    ATTEMPT_DETAIL_BYTES_MAX =
        1100, /* 256 characters that a receiver wrote, and ours before them */
};

/* One try of a delivery, as it is stored and shown. */
struct attempt {
    struct id id;    /* given by the store */
    uint32_t number; /* from 1 */
    struct wall began;
    int64_t took_us;
    enum attempt_outcome outcome;
    int32_t status;      /* HTTP or SMTP status; 0 when there was no answer */
    struct slice detail; /* words for a person: "connection refused", "HTTP 503" */
    struct slice answer; /* start of the answer's body */
};

#endif
