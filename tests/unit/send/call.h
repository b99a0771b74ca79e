/*
 * A call: one outbound of a test, and a copy of what came of it.
 */
#ifndef UNIT_SEND_CALL_H
#define UNIT_SEND_CALL_H

#include "base/buf.h"
#include "base/macro.h"
#include "os/env.h"
#include "send/sender.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

/* No test waits longer than this for what must come. */
#define CALL_DEADLINE_US (2 * US_PER_MINUTE)

/* What nobody waits for to run out: longer than that. */
#define CALL_TIMEOUT_US US_PER_HOUR

struct call {
    struct outbound outbound;
    char url[256];
    int done; /* how often */
    char detail[ATTEMPT_DETAIL_BYTES_MAX];
    struct buf body;
    char retry_after[64]; /* a header of the answer */
};

static inline void call_done(struct outbound *outbound)
{
    struct call *call = CONTAINER_OF(outbound, struct call, outbound);
    struct slice header = outbound_answer_header(&outbound->result, "retry-after");

    call->done++;
    (void)snprintf(call->detail, sizeof call->detail, "%.*s", SLICE_ARGS(outbound->result.detail));
    (void)snprintf(call->retry_after, sizeof call->retry_after, "%.*s", (int)header.len,
                   header.len > 0 ? header.ptr : "");
    buf_reset(&call->body);
    buf_slice(&call->body, outbound->result.body);
}

/* A POST of {"a":1} to a path on this machine. */
static inline void call_init(struct call *call, uint16_t port, const char *path)
{
    *call = (struct call){
        .outbound =
            {
                .kind = OUTBOUND_HTTP,
                .done = call_done,
                .timeout_us = CALL_TIMEOUT_US,
                .method = SLICE("POST"),
                .headers = {{SLICE("Content-Type"), SLICE("application/json")}},
                .headers_len = 1,
                .body = SLICE("{\"a\":1}"),
            },
    };
    (void)snprintf(call->url, sizeof call->url, "http://127.0.0.1:%u%s", port, path);
    call->outbound.url = slice_of(call->url);
    buf_init(&call->body, OUTBOUND_ANSWER_BYTES_MAX);
}

static inline void call_clear(struct call *call)
{
    buf_clear(&call->body);
}

static inline void call_run(struct sender *sender, struct call *call)
{
    int64_t end = env_mono(env_system()).us + CALL_DEADLINE_US;

    while (call->done == 0) {
        assert_true(env_mono(env_system()).us < end);
        sender_run(sender, NULL, US_PER_SECOND);
    }
    assert_int_equal(call->done, 1);
}

/* Starts it and waits for its end. */
static inline void call_send(struct sender *sender, struct call *call)
{
    sender_start(sender, &call->outbound);
    assert_int_equal(call->done, 0); /* never from inside sender_start */
    call_run(sender, call);
}

/* A sender that may connect to allowed ranges. */
static inline struct sender *call_sender(const char *allowed)
{
    struct sender_options options = {
        .connections_max = 64,
        .connect_timeout_us = CALL_TIMEOUT_US,
        .user_agent = "tidings-test/1",
    };

    assert_int_equal(policy_parse(slice_of(allowed), &options.policy, NULL), OK);
    return sender_new(env_system(), &options);
}

#endif
