/*
 * A lane: one channel's work in memory, and what waits for it in the store.
 */
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

struct lane *lane_new(struct worker *worker, struct turn *turn, struct id account,
                      struct id channel)
{
    struct lane *lane = MEM_NEW(struct lane);

    lane->worker = worker;
    lane->turn = turn;
    lane->account = account;
    lane->id = channel;
    lane->next_due = WALL_NEVER;
    list_init(&lane->queue);
    list_init(&lane->flying);
    turn->lanes_count++;
    return lane;
}

void lane_free(struct lane *lane)
{
    if (lane == NULL) {
        return;
    }
    if (list_link_is_in(&lane->ready)) {
        list_remove(&lane->turn->lanes, &lane->ready);
    }
    heap_remove(&lane->worker->wakes, &lane->wake);
    lane->turn->lanes_count--;
    channel_release(lane->channel);
    account_release(lane->owner);
    mem_free(lane->taking_held);
    mem_free(lane);
}

void lane_refresh(struct lane *lane)
{
    struct worker *worker = lane->worker;
    struct directory *directory = store_view(worker->dispatch->store, &worker->view);

    if (lane->version == worker->view.version && lane->version != 0) {
        return;
    }
    struct account *owner = directory_account_by_id(directory, lane->account);
    struct channel *channel = owner == NULL ? NULL : account_channel(owner, lane->id);

    account_release(lane->owner);
    lane->owner = owner == NULL ? NULL : account_hold(owner);
    lane->version = worker->view.version;
    if (channel == lane->channel && channel != NULL) {
        return;
    }
    /* By its owner, not only in its health: what its receiver said or did may no longer hold. */
    if (lane->channel != NULL && channel != NULL &&
        channel->updated.us != lane->channel->updated.us) {
        lane->paused_until = (struct mono){0};
        lane->failures = 0;
    }
    channel_release(lane->channel);
    lane->channel = channel == NULL ? NULL : channel_hold(channel);
    lane->dialect = channel == NULL
                        ? NULL
                        : dialect_find(&worker->dispatch->options.dialects, channel->dialect);
    if (channel != NULL) {
        lane->health = channel->health;
    }
}

static bool is_active(const struct lane *lane)
{
    return lane->channel != NULL && lane->dialect != NULL && channel_is_active(lane->channel);
}

/* It fails again and again: one at a time, to see whether it is back. */
static bool is_in_trouble(const struct lane *lane)
{
    return lane->failures >= LANE_TROUBLE_AFTER;
}

bool lane_is_idle(const struct lane *lane)
{
    return list_is_empty(&lane->queue) && list_is_empty(&lane->flying) && !lane->is_taking &&
           lane->next_due.us == WALL_NEVER.us && lane->failures == 0 &&
           !list_link_is_in(&lane->ready) && !heap_link_is_in(&lane->wake);
}

static uint32_t in_flight_cap(const struct lane *lane)
{
    return lane->channel->is_ordered || is_in_trouble(lane) ? 1 : lane->channel->max_in_flight;
}

/* An ordered lane whose store has, or is about to have, what must go before anything new. */
static bool is_behind(const struct lane *lane)
{
    return lane->channel != NULL && lane->channel->is_ordered &&
           (lane->next_due.us != WALL_NEVER.us || lane->is_taking || lane->leaving > 0);
}

/* Everything new goes behind what waits: by order, or because nothing gets through anyway. */
static void update_gate(struct lane *lane)
{
    if (lane->channel == NULL) {
        return;
    }
    bool is_closed = !is_active(lane) || is_in_trouble(lane) || is_behind(lane);
    atomic_store_explicit(&lane->channel->gate->is_closed, is_closed, memory_order_relaxed);
}

/* ---- flights in and out ---- */

static struct flight *flight_new(struct lane *lane, struct event *event, struct id delivery)
{
    struct flight *flight = MEM_NEW(struct flight);

    flight->lane = lane;
    flight->event = event;
    flight->delivery = delivery;
    flight->came = env_mono(lane->worker->env);
    flight->state = FLIGHT_QUEUED;
    return flight;
}

static void give_back_room(struct flight *flight)
{
    struct dispatch *dispatch = flight->lane->worker->dispatch;

    if (flight->is_charged) {
        atomic_fetch_sub_explicit(&dispatch->memory_bytes, (int64_t)event_bytes(flight->event),
                                  memory_order_relaxed);
        atomic_fetch_sub_explicit(&dispatch->in_memory, 1, memory_order_relaxed);
    }
    if (flight->took_room && flight->lane->channel != NULL) {
        atomic_fetch_add_explicit(&flight->lane->channel->gate->room, 1, memory_order_relaxed);
    }
}

void flight_free(struct flight *flight)
{
    struct lane *lane = flight->lane;

    if (list_link_is_in(&flight->in_lane)) {
        list_remove(flight->state == FLIGHT_QUEUED ? &lane->queue : &lane->flying,
                    &flight->in_lane);
    }
    if (list_link_is_in(&flight->in_fresh)) {
        list_remove(&lane->worker->fresh, &flight->in_fresh);
    }
    give_back_room(flight);
    event_release(flight->event);
    mem_free(flight);
}

void flight_requeue(struct flight *flight, struct wall due)
{
    struct lane *lane = flight->lane;

    list_remove(&lane->flying, &flight->in_lane);
    flight->state = FLIGHT_QUEUED;
    flight->due = due;
    list_push_front(&lane->queue, &flight->in_lane);
}

/* When the store is to give it back: at once, unless it waits for its time. */
static struct wall due_in_store(const struct flight *flight)
{
    struct wall now = env_wall(flight->lane->worker->env);
    return flight->due.us > now.us ? flight->due : now;
}

/* Out of memory and into the store. */
static void leave_to_store(struct flight *flight, enum store_next next)
{
    struct outcome outcome = {
        .next = next,
        .state = DELIVERY_CANCELED,
        .due = due_in_store(flight),
    };
    record_add(flight, &outcome, /* is_leaving= */ true);
}

void lane_add_fresh(struct lane *lane, struct event *event, struct id delivery)
{
    struct flight *flight = flight_new(lane, event, delivery);

    lane_refresh(lane);
    flight->is_fresh = true;
    flight->is_charged = true;
    flight->took_room = true;
    list_push_back(&lane->queue, &flight->in_lane);
    list_push_back(&lane->worker->fresh, &flight->in_fresh);
    /* It was let in before the gate closed; the order holds all the same. */
    if (is_behind(lane)) {
        leave_to_store(flight, STORE_PARK);
    }
    worker_make_ready(lane->worker, lane);
}

void lane_spilled(struct lane *lane, struct wall due)
{
    lane->has_spilled = true;
    if (due.us < lane->next_due.us) {
        lane->next_due = due;
    }
    worker_make_ready(lane->worker, lane);
}

/* One being tried has left the store's hands by hand: it is not to be tried again from here. */
static void drop_flying(struct lane *lane, struct id delivery)
{
    for (struct list_link *link = list_first(&lane->flying); link != NULL;
         link = list_after(&lane->flying, link)) {
        struct flight *flight = LIST_ITEM(link, struct flight, in_lane);
        if (flight->delivery.value == delivery.value) {
            flight->is_dropped = true;
        }
    }
}

void lane_drop(struct lane *lane, struct id delivery)
{
    struct list_link *link = list_first(&lane->queue);
    bool drops_all = lane->channel != NULL && lane->channel->is_ordered; /* to fetch in order */

    drop_flying(lane, delivery);
    while (link != NULL) {
        struct flight *flight = LIST_ITEM(link, struct flight, in_lane);
        link = list_after(&lane->queue, link);
        if (!drops_all && flight->delivery.value != delivery.value) {
            continue;
        }
        if (!flight->is_fresh) {
            flight_free(flight);
        } else if (drops_all) {
            leave_to_store(flight, STORE_PARK);
        } /* else it has no row that could have been changed by hand */
    }
}

bool lane_holds(const struct lane *lane, struct id delivery)
{
    const struct list *lists[] = {&lane->queue, &lane->flying};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (struct list_link *link = list_first(lists[i]); link != NULL;
             link = list_after(lists[i], link)) {
            if (LIST_ITEM(link, struct flight, in_lane)->delivery.value == delivery.value) {
                return true;
            }
        }
    }
    return false;
}

/*
 * The channel takes nothing now: what is queued goes back to the store, or ends when the channel is
 * gone.
 */
static void empty_queue(struct lane *lane)
{
    struct list_link *link;

    while ((link = list_first(&lane->queue)) != NULL) {
        struct flight *flight = LIST_ITEM(link, struct flight, in_lane);
        if (flight->is_fresh) {
            leave_to_store(flight, lane->channel == NULL ? STORE_FINAL : STORE_PARK);
        } else {
            lane->next_due = (struct wall){0};
            flight_free(flight);
        }
    }
}

/*
 * A fresh delivery that takes long gets a row. One in the queue leaves memory for it, but for the
 * first of an ordered lane; there all behind it leave too, or they would overtake it.
 */
static void park(struct flight *flight)
{
    struct lane *lane = flight->lane;
    struct outcome outcome = {.next = STORE_PARK, .due = due_in_store(flight)};
    bool is_ordered = lane->channel != NULL && lane->channel->is_ordered;
    bool is_first = list_first(&lane->queue) == &flight->in_lane;

    if (flight->state == FLIGHT_FLYING || (is_ordered && is_first)) {
        record_add(flight, &outcome, /* is_leaving= */ false);
        return;
    }
    struct list_link *link = is_ordered ? list_after(&lane->queue, &flight->in_lane) : NULL;
    record_add(flight, &outcome, /* is_leaving= */ true);
    while (link != NULL) {
        struct flight *behind = LIST_ITEM(link, struct flight, in_lane);
        link = list_after(&lane->queue, link);
        leave_to_store(behind, STORE_PARK);
    }
}

void lane_sweep(struct worker *worker, struct mono now)
{
    struct list_link *link;

    /* Parking takes a flight out of the list, and perhaps others. */
    while ((link = list_first(&worker->fresh)) != NULL) {
        struct flight *flight = LIST_ITEM(link, struct flight, in_fresh);
        if (now.us - flight->came.us < PARK_AFTER_US && !worker->is_draining) {
            return;
        }
        park(flight);
    }
}

/* ---- fetching from the store ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct id *left = a, *right = b;
    return left->value < right->value ? -1 : left->value > right->value;
}

static size_t list_held(const struct lane *lane, struct id *out)
{
    const struct list *lists[] = {&lane->queue, &lane->flying};
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (struct list_link *link = list_first(lists[i]); link != NULL;
             link = list_after(lists[i], link)) {
            out[len++] = LIST_ITEM(link, struct flight, in_lane)->delivery;
        }
    }
    qsort(out, len, sizeof(*out), compare_ids);
    return len;
}

/* What was fetched counts against the memory budget as what came fresh does. */
static void charge(struct flight *flight)
{
    struct dispatch *dispatch = flight->lane->worker->dispatch;

    flight->is_charged = true;
    atomic_fetch_add_explicit(&dispatch->memory_bytes, (int64_t)event_bytes(flight->event),
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&dispatch->in_memory, 1, memory_order_relaxed);
}

/* Takes over what came, each with a reference of its own to its event. */
static void add_fetched(struct lane *lane)
{
    for (size_t i = 0; i < lane->take.items_len; i++) {
        struct store_due *item = &lane->take.items[i];
        struct flight *flight = flight_new(lane, event_hold(item->event), item->delivery);
        flight->attempts = item->attempts;
        flight->due = item->due;
        charge(flight);
        list_push_back(&lane->queue, &flight->in_lane);
    }
}

static void taken(struct store_request *request)
{
    struct lane *lane = CONTAINER_OF(request, struct lane, take.request);
    struct wall now = env_wall(lane->worker->env);

    lane->is_taking = false;
    if (request->err == OK) {
        bool has_spilled = lane->has_spilled && lane->next_due.us < lane->take.next_due.us;
        lane->next_due = has_spilled ? lane->next_due : lane->take.next_due;
        add_fetched(lane);
    } else {
        lane->fetch_not_before = (struct mono){env_mono(lane->worker->env).us + FETCH_AGAIN_US};
        lane->next_due = now;
    }
    store_request_clear(request);
    mem_free(lane->taking_held);
    lane->taking_held = NULL;
    worker_make_ready(lane->worker, lane);
}

static void fetch(struct lane *lane, struct wall now, uint32_t max)
{
    size_t held_max = lane->queue.count + lane->flying.count;

    lane->taking_held = MEM_ARRAY(held_max + 1, struct id);
    lane->is_taking = true;
    lane->has_spilled = false;
    lane->next_due = WALL_NEVER; /* until the answer says when; what spills meanwhile counts too */
    lane->take = (struct store_take){
        .request = {.call = STORE_CALL_take, .reply_to = lane->worker->mailbox, .done = taken},
        .channel = lane->id,
        .is_ordered = lane->channel->is_ordered,
        .now = now,
        .held = lane->taking_held,
        .held_len = list_held(lane, lane->taking_held),
        .max = max,
        .bytes_max = LANE_TAKE_BYTES_MAX,
    };
    store_submit(lane->worker->dispatch->store, &lane->take.request);
}

static bool has_memory(const struct lane *lane)
{
    const struct dispatch *dispatch = lane->worker->dispatch;
    return atomic_load_explicit(&dispatch->memory_bytes, memory_order_relaxed) <
           (int64_t)dispatch->options.memory_bytes;
}

/* How many to fetch now. With the budget spent a lane that holds nothing still gets one. */
static uint32_t room_for_fetched(const struct lane *lane)
{
    size_t held = lane->queue.count + lane->flying.count;
    size_t low = lane->channel->is_ordered ? 0 : in_flight_cap(lane);

    if (lane->is_taking || lane->worker->is_draining || lane->queue.count > low ||
        held >= LANE_HELD_MAX) {
        return 0;
    }
    /* An ordered lane fetches only what comes after all that it holds. */
    if (lane->channel->is_ordered && !list_is_empty(&lane->flying)) {
        return 0;
    }
    if (!has_memory(lane)) {
        return held == 0 ? 1 : 0;
    }
    return LANE_TAKE_MAX;
}

/* Fetches in good time, before the queue runs dry. */
static void fetch_if_due(struct lane *lane, struct wall now)
{
    uint32_t room = room_for_fetched(lane);

    if (room > 0 && lane->next_due.us <= now.us &&
        lane->fetch_not_before.us <= env_mono(lane->worker->env).us) {
        fetch(lane, now, room);
    }
}

/* ---- turns ---- */

static void wake_in(struct lane *lane, int64_t us)
{
    int64_t at = env_mono(lane->worker->env).us + (us < LOOK_AGAIN_US ? us : LOOK_AGAIN_US);

    if (!heap_link_is_in(&lane->wake) || at < lane->wake.key) {
        heap_move(&lane->worker->wakes, &lane->wake, at);
    }
}

/* Whether the head may go now; otherwise the lane wakes when it may. */
static bool head_may_go(struct lane *lane, struct wall now)
{
    struct flight *head = LIST_ITEM(list_first(&lane->queue), struct flight, in_lane);
    struct mono mono = env_mono(lane->worker->env);
    int64_t wait_us = 0;

    if (lane->channel->is_ordered && head->due.us > now.us &&
        head->due.us - now.us < STORE_DUE_US_MAX) {
        wake_in(lane, head->due.us - now.us);
        return false;
    }
    if (lane->paused_until.us > mono.us) {
        wake_in(lane, lane->paused_until.us - mono.us);
        return false;
    }
    if (!pacing_take(&lane->pacing, lane->channel->rate_limit, mono, &wait_us)) {
        lane->paused_until = (struct mono){mono.us + wait_us};
        wake_in(lane, wait_us);
        return false;
    }
    return true;
}

/* What is due and could not be fetched is tried again soon, or when an attempt has landed. */
static void wake_for_next(struct lane *lane, struct wall now)
{
    if (lane->next_due.us == WALL_NEVER.us || lane->is_taking) {
        return;
    }
    if (lane->next_due.us > now.us) {
        wake_in(lane, lane->next_due.us - now.us);
    } else if (list_is_empty(&lane->flying)) {
        wake_in(lane, FETCH_AGAIN_US);
    }
}

bool lane_turn(struct lane *lane)
{
    struct wall now = env_wall(lane->worker->env);

    lane_refresh(lane);
    if (!is_active(lane)) {
        empty_queue(lane);
        update_gate(lane);
        if (lane->channel == NULL) {
            lane->next_due = WALL_NEVER; /* the store clears up after it */
            lane->failures = 0;
        }
        return false;
    }
    fetch_if_due(lane, now);
    update_gate(lane);
    if (list_is_empty(&lane->queue)) {
        wake_for_next(lane, now);
        return false;
    }
    if (lane->in_flight >= in_flight_cap(lane) || !head_may_go(lane, now)) {
        return false;
    }
    struct flight *flight = LIST_ITEM(list_pop_front(&lane->queue), struct flight, in_lane);
    flight->state = FLIGHT_FLYING;
    list_push_back(&lane->flying, &flight->in_lane);
    lane->in_flight++;
    lane->turn->in_flight++;
    lane->worker->in_flight++;
    shot_fire(flight);
    return true;
}

void lane_landed(struct lane *lane)
{
    lane->in_flight--;
    lane->turn->in_flight--;
    lane->worker->in_flight--;
    worker_make_ready(lane->worker, lane);
}
