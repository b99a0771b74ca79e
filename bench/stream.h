/*
 * Reading from a socket that does not wait, as both ends of the benchmarks do it.
 */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include "base/buf.h"

/*
 * Adds all that has arrived to into. False when that was the last: the peer has closed, the
 * connection failed, or into is full. For one thread.
 */
bool stream_read(int fd, struct buf *into);

#endif
