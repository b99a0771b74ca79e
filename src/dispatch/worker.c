/*
 * A worker: the thread that owns some of the channels, their lanes and their connections.
 *
 * Each round: what came by mail, lanes whose time has come, one attempt each for whoever's turn it
 * is, outcomes to the store, then the wire.
 */
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

/* How long a round sleeps at most: figures and clocks are looked at again. */
#define ROUND_US US_PER_SECOND
/* How often lanes without work are given up. */
#define COLLECT_EVERY_US (30 * US_PER_SECOND)

static struct turn *turn_of(struct worker *worker, struct id account)
{
    struct turn *turn = map_get_u64(&worker->turns, account.value);

    if (turn == NULL) {
        turn = MEM_NEW(struct turn);
        turn->account = account;
        list_init(&turn->lanes);
        map_put_u64(&worker->turns, account.value, turn);
    }
    return turn;
}

struct lane *worker_lane(struct worker *worker, struct id account, struct id channel)
{
    struct lane *lane = map_get_u64(&worker->lanes, channel.value);

    if (lane == NULL) {
        lane = lane_new(worker, turn_of(worker, account), account, channel);
        map_put_u64(&worker->lanes, channel.value, lane);
        atomic_fetch_add_explicit(&worker->lanes_now, 1, memory_order_relaxed);
    }
    return lane;
}

void worker_make_ready(struct worker *worker, struct lane *lane)
{
    struct turn *turn = lane->turn;

    if (!list_link_is_in(&lane->ready)) {
        list_push_back(&turn->lanes, &lane->ready);
    }
    if (!list_link_is_in(&turn->ready)) {
        list_push_back(&worker->ready, &turn->ready);
    }
}

/* Invariant 5. */
static bool has_its_share(const struct worker *worker, const struct turn *turn)
{
    uint32_t free = worker->dispatch->options.in_flight_max - worker->in_flight;

    return turn->in_flight / TURN_SHARE >= free;
}

static void hold_back(struct worker *worker, struct turn *turn)
{
    turn->is_held_back = true;
    list_push_back(&worker->held_back, &turn->ready);
}

/* Attempts have ended: who was held back may have its turn again. */
static void let_go(struct worker *worker)
{
    struct list_link *link = list_first(&worker->held_back);

    while (link != NULL) {
        struct turn *turn = LIST_ITEM(link, struct turn, ready);
        link = list_after(&worker->held_back, link);
        if (!has_its_share(worker, turn)) {
            turn->is_held_back = false;
            list_remove(&worker->held_back, &turn->ready);
            list_push_back(&worker->ready, &turn->ready);
        }
    }
}

/*
 * Lets lanes make attempts, an account at a time and a lane of it at a time, until nobody can or
 * too many are under way.
 */
static void take_turns(struct worker *worker)
{
    let_go(worker);
    while (worker->in_flight < worker->dispatch->options.in_flight_max) {
        struct turn *turn = LIST_ITEM(list_pop_front(&worker->ready), struct turn, ready);
        if (turn == NULL) {
            return;
        }
        if (has_its_share(worker, turn)) {
            hold_back(worker, turn);
            continue;
        }
        struct lane *lane = LIST_ITEM(list_pop_front(&turn->lanes), struct lane, ready);
        if (lane != NULL && lane_turn(lane)) {
            worker_make_ready(worker, lane);
        }
        if (!list_is_empty(&turn->lanes) && !list_link_is_in(&turn->ready)) {
            list_push_back(&worker->ready, &turn->ready);
        }
    }
}

static void wake_lanes(struct worker *worker, struct mono now)
{
    struct heap_link *link;

    while ((link = heap_first(&worker->wakes)) != NULL && link->key <= now.us) {
        heap_remove(&worker->wakes, link);
        worker_make_ready(worker, CONTAINER_OF(link, struct lane, wake));
    }
}

static void give_up_lane(struct worker *worker, struct lane *lane)
{
    struct turn *turn = lane->turn;

    map_remove_u64(&worker->lanes, lane->id.value);
    lane_free(lane);
    atomic_fetch_sub_explicit(&worker->lanes_now, 1, memory_order_relaxed);
    if (turn->lanes_count == 0) {
        if (list_link_is_in(&turn->ready)) {
            list_remove(turn->is_held_back ? &worker->held_back : &worker->ready, &turn->ready);
        }
        map_remove_u64(&worker->turns, turn->account.value);
        mem_free(turn);
    }
}

/*
 * Gives up lanes that hold nothing and remember nothing: a channel that is quiet costs no memory
 * here.
 */
static void collect(struct worker *worker, struct mono now)
{
    struct lane **idle = MEM_ARRAY(worker->lanes.count + 1, struct lane *);
    size_t idle_len = 0, at = 0;
    struct lane *lane;

    while ((lane = map_each(&worker->lanes, &at)) != NULL) {
        lane_refresh(lane);
        if (lane->channel == NULL) {
            worker_make_ready(worker, lane); /* its turn forgets what it waits for */
        }
        if (lane_is_idle(lane) && lane->pacing.full_at.us <= now.us &&
            lane->paused_until.us <= now.us) {
            idle[idle_len++] = lane;
        }
    }
    for (size_t i = 0; i < idle_len; i++) {
        give_up_lane(worker, idle[i]);
    }
    mem_free(idle);
}

static int64_t sleep_us(const struct worker *worker, struct mono now)
{
    struct heap_link *wake = heap_first(&worker->wakes);
    int64_t until = now.us + ROUND_US;

    if (!list_is_empty(&worker->ready) &&
        worker->in_flight < worker->dispatch->options.in_flight_max && !worker->is_draining) {
        return 0;
    }
    if (wake != NULL && wake->key < until) {
        until = wake->key;
    }
    if (!list_is_empty(&worker->fresh) && worker->next_sweep.us < until) {
        until = worker->next_sweep.us;
    }
    return until > now.us ? until - now.us : 0;
}

static bool is_done(struct worker *worker, struct mono now)
{
    if (!worker->is_draining) {
        return false;
    }
    bool is_empty =
        worker->in_flight == 0 && list_is_empty(&worker->fresh) && !record_is_pending(worker);
    return is_empty || now.us >= worker->drain_until.us;
}

static void sweep(struct worker *worker, struct mono now)
{
    if (now.us >= worker->next_sweep.us) {
        lane_sweep(worker, now);
        worker->next_sweep = (struct mono){now.us + SWEEP_EVERY_US};
        atomic_store_explicit(&worker->cpu_us, thread_cpu_us(), memory_order_relaxed);
    }
    if (now.us >= worker->next_collect.us) {
        collect(worker, now);
        worker->next_collect = (struct mono){now.us + COLLECT_EVERY_US};
    }
    atomic_store_explicit(&worker->in_flight_now, worker->in_flight, memory_order_relaxed);
}

/* Everything of a round but the wire. */
static struct mono work(struct worker *worker)
{
    (void)mailbox_run(worker->mailbox);
    struct mono now = env_mono(worker->env);
    wake_lanes(worker, now);
    if (!worker->is_draining) {
        take_turns(worker);
    }
    sweep(worker, now);
    record_submit(worker);
    return now;
}

static void worker_main(void *ctx)
{
    struct worker *worker = ctx;
    struct mono now = work(worker);

    while (!is_done(worker, now)) {
        sender_run(worker->sender, worker->mailbox, sleep_us(worker, now));
        record_submit(worker);
        now = work(worker);
    }
    (void)mailbox_run(worker->mailbox);
    probe_end_all(worker);
    errand_end_all(worker);
}

void worker_start(struct worker *worker)
{
    thread_start(&worker->thread, "sender", worker_main, worker);
}
