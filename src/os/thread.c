#include "os/thread.h"

#include "base/macro.h"
#include "base/mem.h"
#include "base/time.h"
#include "os/log.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { NAME_BYTES_MAX = 15 }; /* the kernel's limit */

struct start {
    thread_main_fn *run;
    void *ctx;
};

static void *thread_main(void *arg)
{
    struct start start = *(struct start *)arg;

    mem_free(arg);
    start.run(start.ctx);
    return NULL;
}

/* All but those that a fault raises on the very thread: were they blocked, the process would end
 * without the handler that explains them. */
static void fill_blocked_signals(sigset_t *set)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

    (void)sigfillset(set); /* neither this nor the removal of signals that exist can fail */
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        (void)sigdelset(set, faults[i]);
    }
}

/* A thread is born with its creator's mask, so there is no moment in which it could be given a
 * signal. */
static int create_blocked(pthread_t *handle, struct start *start)
{
    sigset_t blocked;
    sigset_t before;

    fill_blocked_signals(&blocked);
    (void)pthread_sigmask(SIG_SETMASK, &blocked,
                          &before); /* fails only for a wrong first argument */
    int rc = pthread_create(handle, NULL, thread_main, start);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

void thread_start(struct thread *thread, const char *name, thread_main_fn *run, void *ctx)
{
    struct start *start = MEM_NEW(struct start);

    assert(strlen(name) <= NAME_BYTES_MAX);
    *start = (struct start){.run = run, .ctx = ctx};
    int rc = create_blocked(&thread->handle, start);
    if (rc != 0) {
        log_fatal("pthread_create", rc);
    }
    (void)pthread_setname_np(thread->handle, name); /* only for those who look on */
    thread->is_started = 1;
}

void thread_join(struct thread *thread)
{
    if (!thread->is_started) {
        return;
    }
    int rc = pthread_join(thread->handle, NULL);
    assert(rc == 0); /* anything else is a thread that joins itself or was joined twice */
    thread->is_started = 0;
}

long long thread_cpu_us(void)
{
    struct timespec spent = {0};

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent) != 0) {
        return 0; /* a figure for show */
    }
    return (long long)spent.tv_sec * US_PER_SECOND + spent.tv_nsec / 1000;
}
