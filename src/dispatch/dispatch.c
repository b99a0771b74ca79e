#include "dispatch/dispatch.h"

#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <assert.h>

struct worker *dispatch_worker_for(struct dispatch *dispatch, struct id channel)
{
    uint64_t hash = channel.value * UINT64_C(0x9E3779B97F4A7C15);
    return &dispatch->workers[(hash >> 32) % dispatch->workers_len];
}

static void worker_init(struct worker *worker, struct dispatch *dispatch, uint32_t index)
{
    worker->dispatch = dispatch;
    worker->env = dispatch->env;
    worker->index = index;
    worker->mailbox = mailbox_new();
    worker->sender = sender_new(dispatch->env, &dispatch->options.sender);
    chance_init(&worker->chance, env_random_u64(dispatch->env));
    map_init(&worker->lanes, env_random_u64(dispatch->env));
    map_init(&worker->turns, env_random_u64(dispatch->env));
    heap_init(&worker->wakes);
    list_init(&worker->ready);
    list_init(&worker->held_back);
    list_init(&worker->fresh);
    list_init(&worker->shots);
    list_init(&worker->probes);
    list_init(&worker->errands);
    list_init(&worker->records);
}

struct dispatch *dispatch_new(struct env *env, const struct dispatch_options *options)
{
    struct dispatch *dispatch = MEM_NEW(struct dispatch);

    assert(options->threads >= 1 && options->threads <= DISPATCH_THREADS_MAX);
    dispatch->env = env;
    dispatch->options = *options;
    dispatch->workers_len = options->threads;
    dispatch->workers = MEM_ARRAY(options->threads, struct worker);
    for (uint32_t i = 0; i < dispatch->workers_len; i++) {
        worker_init(&dispatch->workers[i], dispatch, i);
    }
    return dispatch;
}

/* The one request of starting, answered on the starting thread. */
struct start {
    struct store_lanes lanes;
    bool is_back;
};

static void lanes_came(struct store_request *request)
{
    struct start *start = CONTAINER_OF(request, struct start, lanes.request);
    start->is_back = true;
}

enum err dispatch_start(struct dispatch *dispatch, struct store *store, struct diag *diag)
{
    /* A worker's, whose thread does not run yet: whoever answers may still be waking a mailbox that
     * was made for this alone when it goes. */
    struct mailbox *mailbox = dispatch->workers[0].mailbox;
    struct start start = {0};

    dispatch->store = store;
    start.lanes.request.call = STORE_CALL_lanes;
    start.lanes.request.reply_to = mailbox;
    start.lanes.request.done = lanes_came;
    store_submit(store, &start.lanes.request);
    while (!start.is_back) {
        (void)mailbox_wait(mailbox, -1);
        (void)mailbox_run(mailbox);
    }
    enum err err = start.lanes.request.err;
    if (err != OK) {
        diag_set(diag, err, "%s", start.lanes.request.diag.text);
    }
    for (size_t i = 0; err == OK && i < start.lanes.lanes_len; i++) {
        const struct store_lane *found = &start.lanes.lanes[i];
        struct worker *worker = dispatch_worker_for(dispatch, found->channel);
        lane_spilled(worker_lane(worker, found->account, found->channel), found->next_due);
    }
    store_request_clear(&start.lanes.request);
    for (uint32_t i = 0; err == OK && i < dispatch->workers_len; i++) {
        worker_start(&dispatch->workers[i]);
    }
    return err;
}

/* ---- draining ---- */

struct drain {
    struct message message;
    struct worker *worker;
    int64_t timeout_us;
};

static void drain_run(struct message *message)
{
    struct drain *drain = CONTAINER_OF(message, struct drain, message);
    struct worker *worker = drain->worker;
    struct mono now = env_mono(worker->env);

    worker->is_draining = true;
    worker->drain_until = (struct mono){now.us + drain->timeout_us};
    worker->next_sweep = now; /* parks everything fresh */
    mem_free(drain);
}

void dispatch_drain(struct dispatch *dispatch, int64_t timeout_us)
{
    for (uint32_t i = 0; i < dispatch->workers_len; i++) {
        struct drain *drain = MEM_NEW(struct drain);
        drain->worker = &dispatch->workers[i];
        drain->timeout_us = timeout_us;
        drain->message.run = drain_run;
        mailbox_post(dispatch->workers[i].mailbox, &drain->message);
    }
    for (uint32_t i = 0; i < dispatch->workers_len; i++) {
        thread_join(&dispatch->workers[i].thread);
    }
    atomic_store(&dispatch->is_drained, true);
    for (uint32_t i = 0; i < dispatch->workers_len; i++) {
        (void)mailbox_run(dispatch->workers[i].mailbox); /* what came last gets an answer */
    }
}

static void lane_discard(struct lane *lane)
{
    struct list *lists[] = {&lane->queue, &lane->flying};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct list_link *link;
        while ((link = list_first(lists[i])) != NULL) {
            flight_free(LIST_ITEM(link, struct flight, in_lane));
        }
    }
    struct turn *turn = lane->turn;
    lane_free(lane);
    if (turn->lanes_count == 0) {
        mem_free(turn);
    }
}

static void worker_clear(struct worker *worker)
{
    struct lane *lane;
    size_t at = 0;

    (void)mailbox_run(worker->mailbox);
    sender_free(worker->sender);
    shot_free_all(worker);
    record_free_all(worker);
    while ((lane = map_each(&worker->lanes, &at)) != NULL) {
        lane_discard(lane);
    }
    map_clear(&worker->lanes);
    map_clear(&worker->turns);
    heap_clear(&worker->wakes);
    store_view_clear(&worker->view);
    mailbox_free(worker->mailbox);
}

void dispatch_free(struct dispatch *dispatch)
{
    if (dispatch == NULL) {
        return;
    }
    dispatch->store = NULL; /* closed by now */
    for (uint32_t i = 0; i < dispatch->workers_len; i++) {
        worker_clear(&dispatch->workers[i]);
    }
    mem_free(dispatch->workers);
    mem_free(dispatch);
}

void dispatch_figures(const struct dispatch *dispatch, struct dispatch_figures *out)
{
    *out = (struct dispatch_figures){0};
    for (uint32_t i = 0; i < dispatch->workers_len; i++) {
        const struct worker *worker = &dispatch->workers[i];
        out->attempts += atomic_load_explicit(&worker->attempts, memory_order_relaxed);
        out->delivered += atomic_load_explicit(&worker->delivered, memory_order_relaxed);
        out->failed_attempts +=
            atomic_load_explicit(&worker->failed_attempts, memory_order_relaxed);
        out->in_flight += atomic_load_explicit(&worker->in_flight_now, memory_order_relaxed);
        out->lanes += atomic_load_explicit(&worker->lanes_now, memory_order_relaxed);
        out->cpu_us += atomic_load_explicit(&worker->cpu_us, memory_order_relaxed);
    }
    int64_t memory = atomic_load_explicit(&dispatch->memory_bytes, memory_order_relaxed);
    int64_t count = atomic_load_explicit(&dispatch->in_memory, memory_order_relaxed);
    out->memory_bytes = memory > 0 ? (uint64_t)memory : 0;
    out->in_memory = count > 0 ? (uint64_t)count : 0;
}
