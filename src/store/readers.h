/*
 * The readers: a few threads that answer reading calls, each with its own view of the store.
 *
 * What dispatch asks (take, lanes) goes before what the API lists, and one thread is kept for it
 * alone: however many look at long lists, retries are sent in time.
 */
#ifndef STORE_READERS_H
#define STORE_READERS_H

#include "os/thread.h"
#include "store/engine.h"

#include <pthread.h>

/* Requests that wait, oldest first. */
struct readers_queue {
    struct message *first, *last;
};

struct readers {
    const struct engine_ops *ops;
    struct env *env;
    /*
     * Guards the queues below. A mailbox has one owner; here whichever thread is free takes the
     * next request, so that a long list holds up nobody who came after it.
     */
    pthread_mutex_t lock;
    pthread_cond_t wake;          /* something came */
    pthread_cond_t wake_dispatch; /* something came from dispatch; for the thread kept for that */
    struct readers_queue from_dispatch, others;
    bool is_closing;
    struct reader *threads; /* owned; the first is the one kept for dispatch */
    uint32_t len;
};

/* Opens a view for each of `len` threads and for dispatch's, and starts them. On failure nothing is
 * left open. */
enum err readers_start(struct readers *readers, const struct engine_ops *ops, struct engine *engine,
                       struct env *env, uint32_t len, struct diag *diag) MUST_CHECK;

/* Any thread, until readers_clear. After readers_stop began the request comes back with
 * ERR_CLOSED. */
void readers_submit(struct readers *readers, struct store_request *request);

/* Waits until everything submitted is done, ends the threads, closes the views. */
void readers_stop(struct readers *readers);
void readers_clear(struct readers *readers);

#endif
