/*
 * Time and chance, handed in from outside so that a test can own them.
 *
 * Constructors that need a clock or random bytes take `struct env *` first. Only this folder asks
 * the system for them.
 */
#ifndef OS_ENV_H
#define OS_ENV_H

#include "base/time.h"

#include <stddef.h>

struct env {
    struct mono (*mono)(struct env *env);                       /* never steps back */
    struct wall (*wall)(struct env *env);                       /* may step either way */
    void (*random)(struct env *env, void *out, size_t out_len); /* fit for secrets */
};

/* The system's own. Static storage, usable from every thread. */
struct env *env_system(void);

/* Short forms. */
struct mono env_mono(struct env *env);
struct wall env_wall(struct env *env);
uint64_t env_random_u64(struct env *env);

/* A clock moved by hand and a seeded chance, for tests; any thread may read, one may move. */
struct env_manual {
    struct env env; /* first, so that &manual.env works */
    _Atomic int64_t mono_us;
    _Atomic int64_t wall_us;
    _Atomic uint64_t chance;
};
void env_manual_init(struct env_manual *manual, struct wall now, uint64_t seed);

/* Moves both clocks on. */
void env_manual_advance(struct env_manual *manual, int64_t us);

/* Moves only the wall clock, either way. */
void env_manual_step_wall(struct env_manual *manual, int64_t us);

#endif
