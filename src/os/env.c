#include "os/env.h"

#include "base/chance.h"
#include "base/macro.h"
#include "os/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static int64_t clock_us(clockid_t clock)
{
    struct timespec now = {0};

    if (clock_gettime(clock, &now) != 0) {
        log_fatal("clock_gettime", errno);
    }
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static struct mono system_mono(UNUSED struct env *env)
{
    return (struct mono){clock_us(CLOCK_MONOTONIC)};
}

static struct wall system_wall(UNUSED struct env *env)
{
    return (struct wall){clock_us(CLOCK_REALTIME)};
}

static void system_random(UNUSED struct env *env, void *out, size_t out_len)
{
    char *to = out;

    while (out_len > 0) {
        ssize_t got = getrandom(to, out_len, 0);

        if (got < 0 && errno != EINTR) {
            log_fatal("getrandom", errno); /* a guessable secret would be worse than an end */
        }
        if (got > 0) {
            to += got;
            out_len -= (size_t)got;
        }
    }
}

struct env *env_system(void)
{
    static struct env env = {
        .mono = system_mono,
        .wall = system_wall,
        .random = system_random,
    };

    return &env;
}

struct mono env_mono(struct env *env)
{
    return env->mono(env);
}

struct wall env_wall(struct env *env)
{
    return env->wall(env);
}

uint64_t env_random_u64(struct env *env)
{
    uint64_t value = 0;

    env->random(env, &value, sizeof value);
    return value;
}

static struct env_manual *manual_of(struct env *env)
{
    return CONTAINER_OF(env, struct env_manual, env);
}

static struct mono manual_mono(struct env *env)
{
    return (struct mono){atomic_load(&manual_of(env)->mono_us)};
}

static struct wall manual_wall(struct env *env)
{
    return (struct wall){atomic_load(&manual_of(env)->wall_us)};
}

static void manual_random(struct env *env, void *out, size_t out_len)
{
    char *to = out;

    while (out_len > 0) {
        uint64_t value = chance_mix(atomic_fetch_add(&manual_of(env)->chance, 1));
        size_t len = out_len < sizeof value ? out_len : sizeof value;

        memcpy(to, &value, len);
        to += len;
        out_len -= len;
    }
}

void env_manual_init(struct env_manual *manual, struct wall now, uint64_t seed)
{
    manual->env = (struct env){
        .mono = manual_mono,
        .wall = manual_wall,
        .random = manual_random,
    };
    /* Not zero: code that takes a zero instant for "unset" shall be found out by no accident of the
     * start. */
    atomic_init(&manual->mono_us, US_PER_SECOND);
    atomic_init(&manual->wall_us, now.us);
    /* Mixed, or neighbouring seeds would give the same numbers one place apart. */
    atomic_init(&manual->chance, chance_mix(seed));
}

void env_manual_advance(struct env_manual *manual, int64_t us)
{
    (void)atomic_fetch_add(&manual->mono_us, us);
    (void)atomic_fetch_add(&manual->wall_us, us);
}

void env_manual_step_wall(struct env_manual *manual, int64_t us)
{
    (void)atomic_fetch_add(&manual->wall_us, us);
}
