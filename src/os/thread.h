/*
 * Threads with a name (seen in top and gdb) and signals blocked: only the main thread receives
 * signals.
 */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <pthread.h>

typedef void thread_main_fn(void *ctx);

struct thread {
    pthread_t handle;
    int is_started;
};

/* Starts run(ctx); ends the process when the system gives no thread. name: at most 15 bytes. */
void thread_start(struct thread *thread, const char *name, thread_main_fn *run, void *ctx);
void thread_join(struct thread *thread); /* nothing happens when it was never started */

/* CPU time of the calling thread in microseconds: for the figures of each role. */
long long thread_cpu_us(void);

#endif
