/*
 * Loaded before the C library into a program under test, it gives it clocks of the test's own: the
 * machine's plus a shift, or a wall clock that stands still. Waits that have begun go by the
 * kernel's clocks.
 *
 * | in the environment   |                                                                    |
 * | -------------------- | ------------------------------------------------------------------ |
 * | OWN_TIME_STANDS_AT=S | the wall clock always says S seconds since 1970                    |
 * | OWN_TIME_AHEAD_BY=S  | it is S seconds ahead                                              |
 * | OWN_TIME_SHIFTS=FILE | both clocks are ahead by what FILE says, which the test may change |
 *
 * FILE holds two int64 of microseconds: of the wall clock, and of the one for durations.
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

static int64_t stands_at_s;
static int64_t fixed_us[SHIFTS];
static const volatile int64_t *shifts_us = fixed_us;

static int64_t seconds_of(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? atoll(text) : 0;
}

static void map_shifts(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *mapped = mmap(NULL, sizeof fixed_us, PROT_READ, MAP_SHARED, file, 0);

    if (file < 0 || mapped == MAP_FAILED) {
        abort(); /* a test with the wrong time proves nothing */
    }
    shifts_us = mapped;
    (void)close(file);
}

__attribute__((constructor)) static void read_environment(void)
{
    stands_at_s = seconds_of("OWN_TIME_STANDS_AT");
    fixed_us[WALL] = seconds_of("OWN_TIME_AHEAD_BY") * 1000000;
    if (getenv("OWN_TIME_SHIFTS") != NULL) {
        map_shifts(getenv("OWN_TIME_SHIFTS"));
    }
}

static bool is_wall(clockid_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
}

static bool is_for_durations(clockid_t id)
{
    return id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_MONOTONIC_RAW ||
           id == CLOCK_BOOTTIME;
}

static void shift(struct timespec *now, int64_t by_us)
{
    int64_t us = (int64_t)now->tv_sec * 1000000 + now->tv_nsec / 1000 + by_us;

    now->tv_sec = us / 1000000;
    now->tv_nsec = us % 1000000 * 1000;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    if (syscall(SYS_clock_gettime, id, now) != 0) {
        return -1;
    }
    if (is_wall(id) && stands_at_s != 0) {
        *now = (struct timespec){.tv_sec = stands_at_s};
    } else if (is_wall(id)) {
        shift(now, shifts_us[WALL]);
    } else if (is_for_durations(id)) {
        shift(now, shifts_us[DURATIONS]);
    }
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec found = {0};

    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *out)
{
    struct timespec found = {0};

    (void)clock_gettime(CLOCK_REALTIME, &found); /* this clock is always there */
    if (out != NULL) {
        *out = found.tv_sec;
    }
    return found.tv_sec;
}
