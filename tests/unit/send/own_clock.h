/*
 * A clock for durations that the test moves on: the machine's plus what the test has let pass. The
 * program's clock_gettime comes before the system's, so libcurl's times go by it too. So a call may
 * have much time, however slow the machine is, and yet run out of it at once, when all has happened
 * that was to happen before.
 *
 * To be included by one file of a program.
 */
#ifndef UNIT_SEND_OWN_CLOCK_H
#define UNIT_SEND_OWN_CLOCK_H

#include "call.h"
#include "peer.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Less than CALL_TIMEOUT_US: it is the call's whole time that runs out, not that for connecting. */
#define OWN_CLOCK_CALL_US (10 * US_PER_MINUTE)

static _Atomic int64_t own_clock_ahead_us;

static inline void own_clock_pass(int64_t us)
{
    (void)atomic_fetch_add(&own_clock_ahead_us, us);
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    if (syscall(SYS_clock_gettime, id, now) != 0) {
        return -1;
    }
    if (id == CLOCK_MONOTONIC) {
        int64_t us = (int64_t)now->tv_sec * US_PER_SECOND + now->tv_nsec / 1000 +
                     atomic_load(&own_clock_ahead_us);

        *now = (struct timespec){us / US_PER_SECOND, us % US_PER_SECOND * 1000};
    }
    return 0;
}

/* Runs the sender until it has read what the peer said over for the count-th time. */
static inline void own_clock_await(struct sender *sender, struct peer *peer, int count)
{
    int64_t end = env_mono(env_system()).us + CALL_DEADLINE_US;

    while (peer_said(peer) < count) {
        assert_true(env_mono(env_system()).us < end);
        sender_run(sender, NULL, US_PER_MS);
    }
    for (int i = 0; i < 3; i++) { /* a connection and what comes over it are not seen at once */
        sender_run(sender, NULL, US_PER_MS);
    }
}

/* Starts a call, whose time runs out when the peer has once said something over. */
static inline void own_clock_run_out(struct sender *sender, struct call *call, struct peer *peer)
{
    call->outbound.timeout_us = OWN_CLOCK_CALL_US;
    sender_start(sender, &call->outbound);
    own_clock_await(sender, peer, 1);
    assert_int_equal(call->done, 0);
    own_clock_pass(OWN_CLOCK_CALL_US);
    call_run(sender, call);
    assert_in_range(call->outbound.result.took_us, OWN_CLOCK_CALL_US,
                    OWN_CLOCK_CALL_US + CALL_DEADLINE_US);
}

#endif
