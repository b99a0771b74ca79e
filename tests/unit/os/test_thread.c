#include "base/macro.h"
#include "os/thread.h"
#include "support/unit.h"

#include <signal.h>
#include <stdbool.h>

/* What a thread finds about itself. */
struct report {
    bool did_run;
    char name[16];
    sigset_t blocked;
};

static void write_report(void *ctx)
{
    struct report *report = ctx;

    report->did_run = true;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &report->blocked);
}

static struct report report_of_thread(const char *name)
{
    struct report report = {0};
    struct thread thread = {0};

    thread_start(&thread, name, write_report, &report);
    thread_join(&thread);
    return report;
}

static void a_thread_runs_with_its_context(UNUSED void **state)
{
    assert_true(report_of_thread("worker").did_run);
}

/* Holds a thread until the test has looked at it. */
static void wait_for_gate(void *ctx)
{
    pthread_mutex_t *gate = ctx;

    (void)pthread_mutex_lock(gate);
    (void)pthread_mutex_unlock(gate);
}

static void a_thread_has_its_name(UNUSED void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct thread thread = {0};
    char name[16] = "";

    (void)pthread_mutex_lock(&gate);
    thread_start(&thread, "fifteen-letters", wait_for_gate, &gate);
    assert_int_equal(pthread_getname_np(thread.handle, name, sizeof name), 0);
    (void)pthread_mutex_unlock(&gate);
    thread_join(&thread);
    assert_string_equal(name, "fifteen-letters");
}

static void signals_are_left_to_the_main_thread(UNUSED void **state)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE, SIGUSR1, SIGALRM};
    struct report report = report_of_thread("worker");
    sigset_t here;

    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &here), 0);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        assert_int_equal(sigismember(&report.blocked, signals[i]), 1);
        assert_int_equal(sigismember(&here, signals[i]), 0);
    }
}

static void faults_stay_with_the_thread_that_made_them(UNUSED void **state)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct report report = report_of_thread("worker");

    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        assert_int_equal(sigismember(&report.blocked, faults[i]), 0);
    }
}

static void joining_what_was_never_started_or_is_joined_does_nothing(UNUSED void **state)
{
    struct report report = {0};
    struct thread thread = {0};

    thread_join(&thread);
    thread_start(&thread, "worker", write_report, &report);
    thread_join(&thread);
    thread_join(&thread);
    assert_true(report.did_run);
}

static void read_cpu(void *ctx)
{
    *(long long *)ctx = thread_cpu_us();
}

/* One that begins has spent less than one that has been busy, which one clock for both could not
 * say. */
static void cpu_time_is_each_threads_own(UNUSED void **state)
{
    struct thread thread = {0};
    long long of_thread = -1;

    while (thread_cpu_us() < 100000) {
    }
    thread_start(&thread, "worker", read_cpu, &of_thread);
    thread_join(&thread);
    assert_in_range(of_thread, 0, 99999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_runs_with_its_context),
        cmocka_unit_test(a_thread_has_its_name),
        cmocka_unit_test(signals_are_left_to_the_main_thread),
        cmocka_unit_test(faults_stay_with_the_thread_that_made_them),
        cmocka_unit_test(joining_what_was_never_started_or_is_joined_does_nothing),
        cmocka_unit_test(cpu_time_is_each_threads_own),
    };

    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
