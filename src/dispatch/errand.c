/*
 * Errands go to the worker that their URL falls to, so that its connections are found again.
 */
#include "dispatch/errand.h"

#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <assert.h>

struct errand_state {
    struct list_link link; /* worker->errands while it is under way */
    struct outbound request;
    struct errand *errand;
    struct worker *worker;
};

static void answer_run(struct message *message)
{
    struct errand *errand = CONTAINER_OF(message, struct errand, message);
    errand->done(errand);
}

static void finish(struct errand_state *state, struct slice detail)
{
    struct errand *errand = state->errand;
    struct slice cut = slice_sub(detail, 0, ATTEMPT_DETAIL_BYTES_MAX);

    memcpy(errand->detail, cut.len > 0 ? cut.ptr : "", cut.len);
    errand->detail[cut.len] = '\0';
    errand->private_state = NULL;
    mem_free(state);
    errand->message.run = answer_run;
    mailbox_post(errand->reply_to, &errand->message);
}

static void fail_stopping(struct errand_state *state)
{
    state->errand->outcome = ATTEMPT_CONNECT;
    finish(state, SLICE("the server is stopping"));
}

static void errand_ended(struct outbound *request)
{
    struct errand_state *state = CONTAINER_OF(request, struct errand_state, request);
    struct errand *errand = state->errand;
    const struct outbound_result *result = &request->result;

    list_remove(&state->worker->errands, &state->link);
    errand->outcome = result->outcome;
    errand->status = result->status;
    errand->was_cut = result->was_cut;
    buf_slice(&errand->answer, result->body);
    finish(state, result->detail);
}

static void errand_run(struct message *message)
{
    struct errand *errand = CONTAINER_OF(message, struct errand, message);
    struct errand_state *state = errand->private_state;

    if (atomic_load(&state->worker->dispatch->is_drained)) {
        fail_stopping(state);
        return;
    }
    list_push_back(&state->worker->errands, &state->link);
    sender_start(state->worker->sender, &state->request);
}

void errand_end_all(struct worker *worker)
{
    struct list_link *link;

    while ((link = list_pop_front(&worker->errands)) != NULL) {
        struct errand_state *state = LIST_ITEM(link, struct errand_state, link);
        sender_abort(worker->sender, &state->request);
        fail_stopping(state);
    }
}

static struct outbound request_of(const struct errand *errand)
{
    struct outbound request = {
        .kind = OUTBOUND_HTTP,
        .done = errand_ended,
        .timeout_us = errand->timeout_us,
        .method = errand->method,
        .url = errand->url,
        .body = errand->body,
        .headers_len = errand->headers_len,
        .answer_bytes_max = ERRAND_ANSWER_BYTES_MAX,
        .is_trusted = true,
    };

    assert(errand->headers_len <= ERRAND_HEADERS_MAX);
    for (uint32_t i = 0; i < errand->headers_len; i++) {
        request.headers[i] = errand->headers[i];
    }
    return request;
}

void errand_start(struct dispatch *dispatch, struct errand *errand)
{
    struct errand_state *state = MEM_NEW(struct errand_state);

    state->errand = errand;
    state->worker =
        dispatch_worker_for(dispatch, (struct id){slice_hash(errand->url, /* seed= */ 0)});
    state->request = request_of(errand);
    buf_init(&errand->answer, ERRAND_ANSWER_BYTES_MAX);
    errand->private_state = state;
    errand->message.run = errand_run;
    if (atomic_load(&dispatch->is_drained)) {
        errand_run(&errand->message); /* no thread runs the mailbox any more */
    } else {
        mailbox_post(state->worker->mailbox, &errand->message);
    }
}

void errand_clear(struct errand *errand)
{
    buf_clear(&errand->answer);
}
