/*
 * References of the server's own: what customers know an operation or a reply by (svTRID).
 *
 * Text of the form <unix seconds>.<number>.<number>.<number>, such as 1760000000.4711.20931.1: the
 * time, a count within the process, chance drawn at its start, and the node. The count keeps those
 * of one process apart whatever its clock does, chance those of one start from those of another,
 * and the node those of several servers.
 */
#ifndef WIRE_REFERENCE_H
#define WIRE_REFERENCE_H

#include "base/time.h"
#include "os/env.h"

#include <stdint.h>

/* Two numbers of 64 bits with a sign, two of 32, three dots and the end. */
enum { REFERENCE_SIZE = 20 + 20 + 10 + 10 + 3 + 1 };

/* Made once a process; then any thread makes references of it. */
struct references {
    _Atomic uint64_t count;
    uint32_t chance, node;
};

void references_init(struct references *references, struct env *env, uint32_t node);

void reference_make(struct references *references, struct wall now, char out[REFERENCE_SIZE]);

#endif
