/*
 * The probe: one attempt at once on the worker that owns the channel, past its queue, recorded
 * nowhere.
 */
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

enum { PROBE_BODY_BYTES_MAX = 8 * 1024 * 1024 };

struct probe_state {
    struct list_link link; /* worker->probes while it is under way */
    struct shot_parts parts;
    struct dispatch_probe *probe;
    struct worker *worker;
    const struct dialect *dialect;
};

static const struct slice stopping = SLICE("the server is stopping");

static void answer_run(struct message *message)
{
    struct dispatch_probe *probe = CONTAINER_OF(message, struct dispatch_probe, message);
    probe->done(probe);
}

static void finish(struct probe_state *state, struct slice detail)
{
    struct dispatch_probe *probe = state->probe;
    struct slice cut = slice_sub(detail, 0, ATTEMPT_DETAIL_BYTES_MAX);

    memcpy(probe->detail, cut.len > 0 ? cut.ptr : "", cut.len);
    probe->detail[cut.len] = '\0';
    buf_clear(&state->parts.body);
    buf_clear(&state->parts.text);
    mem_free(state);
    probe->message.run = answer_run;
    mailbox_post(probe->reply_to, &probe->message);
}

static struct dialect_attempt attempt_of(const struct probe_state *state, struct wall now)
{
    const struct dispatch_probe *probe = state->probe;

    return (struct dialect_attempt){
        .channel = probe->channel,
        .event = probe->event,
        .account = probe->account,
        .delivery = probe->delivery,
        .number = 1,
        .now = now,
        .settings = state->worker->dispatch->options.dialect_settings,
    };
}

static void probe_done(struct outbound *request)
{
    struct probe_state *state = CONTAINER_OF(request, struct probe_state, parts.request);
    struct dispatch_probe *probe = state->probe;
    const struct outbound_result *result = &request->result;
    struct buf detail;

    list_remove(&state->worker->probes, &state->link);
    buf_init(&detail, ATTEMPT_DETAIL_BYTES_MAX);
    struct dialect_attempt attempt = attempt_of(state, env_wall(state->worker->env));
    probe->outcome =
        shot_outcome(shot_judge(state->dialect, &attempt, result, &detail).verdict, result);
    probe->status = result->status;
    probe->took_us = result->took_us;
    buf_slice(&probe->answer, slice_sub(result->body, 0, ATTEMPT_ANSWER_BYTES_MAX));
    if (detail.len == 0) {
        buf_slice(&detail, slice_sub(result->detail, 0, ATTEMPT_DETAIL_BYTES_MAX));
    }
    finish(state, buf_view(&detail));
    buf_clear(&detail);
}

static void probe_run(struct message *message)
{
    struct dispatch_probe *probe = CONTAINER_OF(message, struct dispatch_probe, message);
    struct probe_state *state = probe->private_state;
    struct dialect_attempt attempt = attempt_of(state, env_wall(state->worker->env));
    struct diag diag = {0};

    if (atomic_load(&state->worker->dispatch->is_drained)) {
        probe->outcome = ATTEMPT_CONNECT;
        finish(state, stopping);
        return;
    }
    if (shot_encode(&state->worker->dispatch->options, state->dialect, &attempt, &state->parts,
                    &diag) != OK) {
        probe->outcome = ATTEMPT_INVALID;
        finish(state, slice_of(diag.text));
        return;
    }
    state->parts.request.done = probe_done;
    list_push_back(&state->worker->probes, &state->link);
    sender_start(state->worker->sender, &state->parts.request);
}

void probe_end_all(struct worker *worker)
{
    struct list_link *link;

    while ((link = list_pop_front(&worker->probes)) != NULL) {
        struct probe_state *state = LIST_ITEM(link, struct probe_state, link);
        sender_abort(worker->sender, &state->parts.request);
        state->probe->outcome = ATTEMPT_CONNECT;
        finish(state, stopping);
    }
}

void dispatch_probe(struct dispatch *dispatch, struct dispatch_probe *probe)
{
    struct probe_state *state = MEM_NEW(struct probe_state);

    state->probe = probe;
    state->worker = dispatch_worker_for(dispatch, probe->channel->id);
    state->dialect = dialect_find(&dispatch->options.dialects, probe->channel->dialect);
    buf_init(&state->parts.body, PROBE_BODY_BYTES_MAX);
    buf_init(&state->parts.text, DIALECT_TEXT_BYTES_MAX);
    buf_init(&probe->answer, ATTEMPT_ANSWER_BYTES_MAX);
    probe->private_state = state;
    probe->message.run = probe_run;
    if (atomic_load(&dispatch->is_drained)) {
        probe_run(&probe->message); /* no thread runs the mailbox any more */
    } else {
        mailbox_post(state->worker->mailbox, &probe->message);
    }
}
