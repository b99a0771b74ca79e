#include "wire/native/why.h"

#include "base/timetext.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- what may be the case ---- */

static bool is_channel_deleted(const struct why_facts *facts)
{
    return facts->channel == NULL;
}

/* A queue's consumers still get what is in it. */
static bool is_channel_disabled(const struct why_facts *facts)
{
    return !facts->delivery->is_queue && !channel_is_active(facts->channel);
}

static bool is_due_later(const struct why_facts *facts)
{
    return facts->delivery->due.us > facts->now.us;
}

static bool is_leased(const struct why_facts *facts)
{
    return facts->delivery->is_queue && facts->delivery->attempts > 0 && is_due_later(facts);
}

static bool is_in_queue(const struct why_facts *facts)
{
    return facts->delivery->is_queue;
}

static bool is_fresh(const struct why_facts *facts)
{
    return facts->delivery->is_fresh;
}

static bool is_always(const struct why_facts *facts)
{
    (void)facts;
    return true;
}

/* ---- how it is put ---- */

static void say_deleted(const struct why_facts *facts, char *out, size_t out_size)
{
    (void)facts;
    (void)snprintf(out, out_size, "The channel was deleted; this will be canceled.");
}

static void say_disabled(const struct why_facts *facts, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "The channel is disabled %s.",
                   facts->channel->is_enabled ? "because nothing but failures came from it"
                                              : "by its settings");
}

static void say_leased(const struct why_facts *facts, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "A consumer has received it and holds it until %s.",
                   timetext_seconds(facts->delivery->due).chars);
}

static void say_in_queue(const struct why_facts *facts, char *out, size_t out_size)
{
    uint32_t received = facts->delivery->attempts;

    if (received == 0) {
        (void)snprintf(out, out_size, "No consumer has received it yet.");
    } else {
        (void)snprintf(out, out_size,
                       "It was received %" PRIu32 " %s and not acknowledged; it is offered again.",
                       received, received == 1 ? "time" : "times");
    }
}

static void say_fresh(const struct why_facts *facts, char *out, size_t out_size)
{
    (void)facts;
    (void)snprintf(out, out_size, "The first attempt is under way.");
}

static void say_retry(const struct why_facts *facts, char *out, size_t out_size)
{
    const struct attempt *last = facts->last;
    struct timetext due = timetext_seconds(facts->delivery->due);

    if (facts->delivery->attempts == 0) {
        (void)snprintf(out, out_size, "The first attempt is due at %s.", due.chars);
    } else if (last == NULL) {
        (void)snprintf(out, out_size, "Attempt %" PRIu32 " failed; the next is due at %s.",
                       facts->delivery->attempts, due.chars);
    } else {
        (void)snprintf(out, out_size, "Attempt %" PRIu32 " failed: %.*s. The next is due at %s.",
                       last->number, SLICE_ARGS(last->detail), due.chars);
    }
}

static void say_turn(const struct why_facts *facts, char *out, size_t out_size)
{
    const struct channel *channel = facts->channel;

    if (channel->is_ordered) {
        (void)snprintf(out, out_size,
                       "It is being tried, or waits until the events before it are "
                       "done, because the channel is ordered.");
    } else if (channel->rate_limit.per_second > 0) {
        (void)snprintf(out, out_size,
                       "It is being tried, or waits for its turn: the channel takes at most "
                       "%" PRIu32 " a second.",
                       channel->rate_limit.per_second);
    } else {
        (void)snprintf(out, out_size, "It is being tried, or waits for its turn.");
    }
}

struct reason {
    const char *code;
    bool (*is_it)(const struct why_facts *facts);
    void (*say)(const struct why_facts *facts, char *out, size_t out_size);
};

/* The first that is the case counts; each may rely on those above it not being the case. */
static const struct reason reasons[] = {
    {"waiting_for_channel", is_channel_deleted, say_deleted},
    {"waiting_for_channel", is_channel_disabled, say_disabled},
    {"leased", is_leased, say_leased},
    {"waiting_for_acknowledgement", is_in_queue, say_in_queue},
    {"being_tried", is_fresh, say_fresh},
    {"waiting_for_retry", is_due_later, say_retry},
    {"waiting_for_turn", is_always, say_turn},
};

struct why why_pending(const struct why_facts *facts)
{
    struct why why = {0};
    const struct reason *reason = reasons;

    if (delivery_is_final(facts->delivery->state)) {
        return why;
    }
    while (!reason->is_it(facts)) {
        reason++;
    }
    why.code = reason->code;
    reason->say(facts, why.text, sizeof why.text);
    return why;
}
