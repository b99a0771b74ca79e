/*
 * An engine that fails on a plan, around another one: how the rest is tested against full and
 * broken disks.
 *
 * There is one plan at a time in a process, as an engine's calls have no place for a context.
 */
#ifndef STORE_FAULT_FAULT_H
#define STORE_FAULT_FAULT_H

#include "store/engine.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_ONCE,    /* call number fail_at fails; the next ones work */
    FAULT_LASTING, /* every call from fail_at on fails */
    /* from fail_at on what needs room fails (publish, settings, reserve); the rest works: a disk
     * that is full */
    FAULT_ROOM,
};

struct fault_plan {
    const struct engine_ops *inner;
    enum fault_kind kind;
    enum err err;           /* ERR_FULL or ERR_IO */
    uint64_t fail_at;       /* counting begin, commit and every writing call, from 1 */
    _Atomic uint64_t calls; /* so far */
    _Atomic bool is_mended; /* nothing fails any more */
};

/* The engine that follows the plan, which the caller keeps while it is used. */
const struct engine_ops *fault_engine(struct fault_plan *plan);

#endif
