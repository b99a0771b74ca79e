/*
 * What a provider's program answers when it was asked to carry out a command.
 *
 *   200 {"code", "result"?, "data"?}   it is done; the customer gets this
 *   202 {"deadline_in"?, "on_deadline"?} or nothing
 *                                      it is accepted: the operation is pending
 *
 * code is a number of four digits but not 1001, which 202 stands for. result may be left out where
 * the code has a text of its own (codes.h). data is an object. Other members are left to whoever
 * may want them later.
 */
#ifndef WIRE_WAPI_HANDLER_ANSWER_H
#define WIRE_WAPI_HANDLER_ANSWER_H

#include "base/buf.h"
#include "base/json.h"

struct handler_answer {
    bool is_pending;
    int32_t code;        /* the next three are of what is done */
    struct slice result; /* lent from below, or static */
    struct json data;    /* JSON_NONE when there is none */
    int64_t deadline_us; /* of what is pending, from now; 0: none */
    bool expires;        /* what is pending, at its deadline */

    struct json_doc doc; /* private */
    struct buf scratch;  /* private */
};

void handler_answer_init(struct handler_answer *answer);
void handler_answer_clear(struct handler_answer *answer);

/* body is lent as long as the answer is used. ERR_INVALID: it is no such answer; the diag says why,
 * without what is in it. */
enum err handler_answer_read(struct handler_answer *answer, int32_t status, struct slice body,
                             struct diag *diag) MUST_CHECK;

#endif
