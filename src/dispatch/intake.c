/*
 * Intake: which channels an event goes to, decided on the server thread that took it.
 */
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <string.h>

/* A channel that takes its address from the event gets only events that name one. */
static bool has_destination(const struct dispatch *dispatch, const struct channel *channel,
                            const struct event *event)
{
    if (channel->kind != CHANNEL_WEBHOOK || channel->url.len > 0 || event->notify_url.len > 0) {
        return true;
    }
    const struct dialect *dialect = dialect_find(&dispatch->options.dialects, channel->dialect);
    return dialect == NULL || !dialect->rules.takes_url_from_event;
}

/* A queue gets only events that can be told in its dialect: nobody could fetch another one. */
static bool can_be_told(const struct dispatch *dispatch, const struct channel *channel,
                        const struct event *event)
{
    if (channel->kind != CHANNEL_QUEUE) {
        return true;
    }
    const struct dialect *dialect = dialect_find(&dispatch->options.dialects, channel->dialect);
    return dialect == NULL || dialect->carries == NULL || dialect->carries(event, NULL);
}

/* Reserves room in memory; without it the delivery goes by way of the store. */
static bool admit(struct dispatch *dispatch, struct channel_gate *gate, int64_t bytes)
{
    if (atomic_load_explicit(&gate->is_closed, memory_order_relaxed)) {
        return false;
    }
    if (atomic_fetch_sub_explicit(&gate->room, 1, memory_order_relaxed) <= 0) {
        atomic_fetch_add_explicit(&gate->room, 1, memory_order_relaxed);
        return false;
    }
    if (atomic_fetch_add_explicit(&dispatch->memory_bytes, bytes, memory_order_relaxed) + bytes >
        (int64_t)dispatch->options.memory_bytes) {
        atomic_fetch_sub_explicit(&dispatch->memory_bytes, bytes, memory_order_relaxed);
        atomic_fetch_add_explicit(&gate->room, 1, memory_order_relaxed);
        return false;
    }
    atomic_fetch_add_explicit(&dispatch->in_memory, 1, memory_order_relaxed);
    return true;
}

/* The wait of a schedule before its first attempt; most have none. */
static int64_t first_wait_us(struct dispatch *dispatch, const struct channel *channel)
{
    struct wall start = {0}, due = start;
    struct chance chance;

    if (schedule_least_us(&channel->retry, /* attempt= */ 1) == 0) {
        return 0;
    }
    chance_init(&chance, env_random_u64(dispatch->env));
    (void)schedule_next(&channel->retry, /* attempt= */ 1, start, start, /* retry_after_us= */ 0,
                        &chance, &due); /* every schedule has a first attempt */
    return due.us;
}

static struct store_target choose_target(struct dispatch *dispatch, const struct channel *channel,
                                         int64_t bytes)
{
    struct store_target target = {.channel = channel->id, .way = STORE_QUEUE};

    if (channel->kind == CHANNEL_QUEUE) {
        return target;
    }
    target.delay_us = first_wait_us(dispatch, channel);
    target.way =
        target.delay_us == 0 && admit(dispatch, channel->gate, bytes) ? STORE_FRESH : STORE_WAITING;
    return target;
}

/* The other name that a dialect finds the event by; the first that knows one gives it. */
static void find_name(const struct dispatch *dispatch, const struct account *account,
                      const struct event *event, struct buf *out)
{
    const struct dialect_table *table = &dispatch->options.dialects;

    for (size_t i = 0; i < table->len; i++) {
        const struct dialect *dialect = table->dialects[i];

        if (dialect->name_event != NULL &&
            dialect->name_event(account, event, dispatch->options.dialect_settings, out)) {
            return;
        }
        buf_reset(out);
    }
}

/* Makes room for targets, with the name behind them: both go when the caller frees the targets. */
static void make_room(struct dispatch *dispatch, const struct account *account,
                      struct store_publish_item *item)
{
    size_t targets_bytes = (account->channels_len + 1) * sizeof(struct store_target);
    struct buf name;

    buf_init(&name, EVENT_REFERENCE_BYTES_MAX);
    find_name(dispatch, account, item->event, &name);
    char *block = mem_new(1, targets_bytes + name.len);
    item->targets = (struct store_target *)(void *)block;
    item->targets_len = 0;
    item->name = slice_from(block + targets_bytes, name.len);
    if (name.len > 0) {
        memcpy(block + targets_bytes, name.ptr, name.len);
    }
    buf_clear(&name);
}

void intake_match(struct dispatch *dispatch, const struct account *account,
                  struct store_publish_item *item)
{
    int64_t bytes = (int64_t)event_bytes(item->event);

    make_room(dispatch, account, item);
    for (uint32_t i = 0; i < account->channels_len; i++) {
        const struct channel *channel = account->channels[i];
        if (!channel_wants(channel, item->event->type) ||
            !has_destination(dispatch, channel, item->event) ||
            !can_be_told(dispatch, channel, item->event)) {
            continue;
        }
        item->targets[item->targets_len++] = choose_target(dispatch, channel, bytes);
    }
}

/* account is the snapshot that intake_match saw, so the target's channel is in it. */
static void release(struct dispatch *dispatch, const struct account *account,
                    const struct store_target *target, int64_t bytes)
{
    if (target->way != STORE_FRESH) {
        return;
    }
    struct channel *channel = account_channel(account, target->channel);
    atomic_fetch_add_explicit(&channel->gate->room, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&dispatch->memory_bytes, bytes, memory_order_relaxed);
    atomic_fetch_sub_explicit(&dispatch->in_memory, 1, memory_order_relaxed);
}

void intake_end(struct dispatch *dispatch, const struct account *account,
                struct store_publish_item *item, bool is_stored)
{
    for (uint32_t i = 0; !is_stored && i < item->targets_len; i++) {
        release(dispatch, account, &item->targets[i], (int64_t)event_bytes(item->event));
    }
    mem_free(item->targets);
    event_release(item->event);
    item->targets = NULL;
    item->targets_len = 0;
    item->name = SLICE("");
    item->event = NULL;
}

void intake_leave_out(struct dispatch *dispatch, const struct account *account,
                      struct store_publish_item *item, struct id channel)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < item->targets_len; i++) {
        if (item->targets[i].channel.value == channel.value) {
            release(dispatch, account, &item->targets[i], (int64_t)event_bytes(item->event));
        } else {
            item->targets[kept++] = item->targets[i];
        }
    }
    item->targets_len = kept;
}
