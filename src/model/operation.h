/*
 * An operation: a request of an account whose outcome comes later.
 *
 *   PENDING --complete, code below 2000--> COMPLETED
 *      |  '---complete, code from 2000 on-> FAILED
 *      |  '---deadline, if it expires-----> EXPIRED
 *      '--step, deadline--> PENDING
 *
 * Each of these moves makes an event, in the same transaction. One block of memory, immutable once
 * made; the store makes a new one for each answer.
 */
#ifndef MODEL_OPERATION_H
#define MODEL_OPERATION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    OPERATION_COMMAND_BYTES_MAX = 128,
    OPERATION_REFERENCE_BYTES_MAX = 256, /* client_ref, server_ref: as an event's */
    OPERATION_RESULT_BYTES_MAX = 256,
    OPERATION_ORIGIN_BYTES_MAX = 32,
    OPERATION_DATA_BYTES_MAX = 256 * 1024,
    OPERATION_CODE_MIN = 1000,
    OPERATION_CODE_MAX = 9999,
    OPERATION_CODE_DONE = 1000,
    OPERATION_CODE_PENDING = 1001,     /* of steps, and of a deadline that ends nothing */
    OPERATION_CODE_FAILED_FROM = 2000, /* as in the classes of codes that wapi has */
    OPERATION_STEPS_MAX = 10000,
};

/* The words of OPERATION_CODE_PENDING. */
#define OPERATION_PENDING_RESULT "Request pending"

/* How far ahead a deadline may be that is given as a time from now. */
#define OPERATION_DEADLINE_US_MAX (366 * US_PER_DAY)

/* X(name, word in the API, number in the store: never change one) */
#define OPERATION_STATES(X)                                                                        \
    X(PENDING, "pending", 0)                                                                       \
    X(COMPLETED, "completed", 1)                                                                   \
    X(FAILED, "failed", 2)                                                                         \
    X(EXPIRED, "expired", 3)

enum operation_state {
#define OPERATION_ENUM(name, word, number) OPERATION_##name = number,
    OPERATION_STATES(OPERATION_ENUM)
#undef OPERATION_ENUM
};

const char *operation_word(enum operation_state state);
enum err operation_state_parse(struct slice word, enum operation_state *out) MUST_CHECK;

/* All slices lie behind it in the same block. Empty where absent. */
struct operation {
    struct id id;
    struct id account;
    enum operation_state state;
    struct slice command;
    struct slice client_ref; /* clTRID */
    struct slice server_ref; /* svTRID; never empty */
    struct slice notify_url; /* of its events */
    struct slice origin;     /* by which door it came, "wapi/xml"; empty: the native API */
    struct slice data;       /* one JSON value, exact bytes; empty: none */
    struct wall created;
    struct wall deadline; /* 0: none */
    bool expires;         /* at its deadline; otherwise it is only told as delayed */
    bool is_delayed;      /* the deadline passed and was told */
    uint32_t steps;       /* reported so far */
    /* once it ended */
    struct wall ended; /* 0 before */
    int32_t code;
    struct slice result;
    struct slice outcome; /* the data it ended with: one JSON value; empty: none */
    struct id event;      /* that told the end */
};

/* What happens at its deadline, as the API says it: "expire" or "delay". Static storage. */
const char *operation_on_deadline_word(bool expires);
/*
 * Reads the member "on_deadline" of a request, absent or null: "delay". scratch has room for it.
 * ERR_INVALID: it is neither word, or has_deadline is false.
 */
enum err operation_on_deadline_read(struct json value, bool has_deadline, struct buf *scratch,
                                    bool *expires, struct diag *diag) MUST_CHECK;

/* A copy of *from with all texts in its block; free with operation_free. */
struct operation *operation_new(const struct operation *from);
void operation_free(struct operation *operation); /* NULL is fine; wipes nothing */

/* What a code means for the state. */
enum operation_state operation_state_of(int32_t code);

/* What the news of an operation is; each has a type of event: "operation.step" and so on. */
enum operation_news {
    OPERATION_NEWS_STEP,
    OPERATION_NEWS_COMPLETED,
    OPERATION_NEWS_FAILED,
    OPERATION_NEWS_DELAYED,
    OPERATION_NEWS_EXPIRED,
};

/* Static storage: "operation.step". */
const char *operation_news_type(enum operation_news news);

/*
 * Appends the data of an event that tells news of an operation, one JSON object:
 *   {"code", "result", "command", "operation", "origin"?, "data"?}
 * code, result and data are of the news, not the operation's own (data empty: no member).
 */
void operation_news_json(const struct operation *operation, int32_t code, struct slice result,
                         struct slice data, struct buf *out);

#endif
