/*
 * A world for dispatch: the real workers over the real store on its memory engine, receivers that a test makes up, and
 * time in the test's hand.
 *
 * The sender is ours (world.c defines sender_*, so the library's is not linked): where the real one sleeps on the wire
 * it moves the clock to whatever comes next, so weeks of retries take seconds, and the same seed makes the same world.
 *
 * Invariants:
 * 1. Time moves only when the worker has nothing to do: each request of its is answered before it
 *    goes on, and its mailbox is empty.
 * 2. It moves only inside world_run. Outside, the worker rests, so a test may look at what the receivers noted.
 */
#ifndef DISPATCH_WORLD_H
#define DISPATCH_WORLD_H

#include "base/chance.h"
#include "base/heap.h"
#include "base/map.h"
#include "dispatch/dispatch.h"
#include "support/store_driver.h"

#include <pthread.h>

enum { WORLD_CHANNELS_MAX = 32 };

/* One attempt as the receiver saw it. */
struct world_try {
    uint32_t channel; /* counts from 0 in the order of world_channel */
    struct id delivery;
    uint32_t number; /* of the attempt */
    struct wall began;
    char type[64]; /* the event's */
};

/* What the receiver makes of it. */
struct world_answer {
    enum attempt_outcome outcome; /* ATTEMPT_ANSWER, or what went wrong */
    int32_t status;
    int64_t takes_us;
    int64_t retry_after_us; /* whole seconds; 0: no such header */
};

/* Called on the worker's thread. */
typedef struct world_answer world_receive_fn(void *ctx, const struct world_try *attempt);

struct world {
    struct driver driver;
    struct dispatch *dispatch;
    struct dispatch_options options; /* to be changed before world_start */
    struct chance chance;
    struct id account;
    struct id channels[WORLD_CHANNELS_MAX];
    uint32_t channels_len;
    world_receive_fn *receive;
    void *ctx;
    struct world_try *tries; /* all there were, owned */
    size_t tries_len, tries_room;
    uint32_t in_flight[WORLD_CHANNELS_MAX], in_flight_peak[WORLD_CHANNELS_MAX];

    /* private */
    char path[32]; /* the memory engine keeps what is under a path as long as the process lives */
    struct mailbox *answers; /* of who asks for dispatch: its start, and then the worker */
    /* Guards the rest: the worker's thread waits for the test's, and back. */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct mono until;
    unsigned asked, rested; /* how often to go on; the worker rests when it is equal */
};

/* Prepares everything but dispatch. Prints the seed, so that a failure can be tried again. */
void world_init(struct world *world, uint64_t seed, world_receive_fn *receive, void *ctx);
void world_start(struct world *world);
void world_stop(struct world *world); /* as on SIGTERM; world_start goes on from the store */
void world_free(struct world *world);

/* TIDINGS_SIMULATION_SEED if there is one, else always the same: a run says something about what was changed, not about
 * its luck. To look for new worlds, give it seeds. */
uint64_t world_seed(void);

/* Makes a webhook channel; settings are members such as "\"ordered\":true", or "". Its number. */
uint32_t world_channel(struct world *world, const char *settings);

/* Changes it: members as above. */
void world_patch(struct world *world, uint32_t channel, const char *settings);

/* Publishes an event to every channel that wants it. item.targets tells which; free them with mem_free. */
struct store_publish_item world_publish(struct world *world, const char *type);

/* The error, or OK. */
enum err world_steer(struct world *world, struct id delivery, enum store_steer_kind kind);

/* Lets time pass; then the worker rests. */
void world_run(struct world *world, int64_t us);

struct wall world_now(struct world *world);
struct store_delivery world_delivery(struct world *world, struct id delivery);

/* Answers for receivers that do always the same. */
struct world_answer world_accept(void *ctx, const struct world_try *attempt);
struct world_answer world_refuse(void *ctx, const struct world_try *attempt); /* 503 */

#endif
