/*
 * Loaded before the C library into a program under test: its clocks are the machine's plus shifts that the test changes
 * while the program runs. Waits that have begun are the kernel's and are not shortened.
 *
 * The shifts are two int64 of microseconds, of the wall clock and of the one for durations, in the file named by
 * MOVABLE_CLOCK, which the test writes and we map.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WALL, DURATIONS, SHIFTS };

static const volatile int64_t *shifts_us;

__attribute__((constructor)) static void map_shift(void)
{
    const char *path = getenv("MOVABLE_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) {
        return;
    }
    void *mapped = mmap(NULL, SHIFTS * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    shifts_us = mapped == MAP_FAILED ? NULL : (const volatile int64_t *)mapped;
    (void)close(file);
}

static int64_t shift_of(clockid_t id)
{
    if (!shifts_us) {
        return 0;
    }
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) {
        return shifts_us[WALL];
    }
    bool is_for_durations = id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE ||
                            id == CLOCK_MONOTONIC_RAW || id == CLOCK_BOOTTIME;
    return is_for_durations ? shifts_us[DURATIONS] : 0;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, id, now);
    if (!failed) {
        int64_t us = (int64_t)now->tv_sec * 1000000 + now->tv_nsec / 1000 + shift_of(id);
        now->tv_sec = us / 1000000;
        now->tv_nsec = us % 1000000 * 1000;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec found;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *out)
{
    struct timespec found;
    (void)clock_gettime(CLOCK_REALTIME, &found);
    if (out) {
        *out = found.tv_sec;
    }
    return found.tv_sec;
}
