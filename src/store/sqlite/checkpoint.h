/*
 * Checkpoints: when the write-ahead log is copied into the database file, and how it stays bounded.
 *
 * Only the committer's thread checkpoints, between transactions and after the replies, never inside
 * a commit. (This also keeps clear of a fault of SQLite before 3.51.3 when two connections
 * checkpoint or write at once.)
 *
 * A checkpoint cannot pass the oldest running reader, and the log begins anew only at a moment when
 * no reader is in it. Readers are short, so such a moment comes by itself; should the log grow to
 * its limit nevertheless, new readers are held at the gate until the running ones, whose time is
 * limited, have left.
 */
#ifndef STORE_SQLITE_CHECKPOINT_H
#define STORE_SQLITE_CHECKPOINT_H

#include "store/sqlite/database.h"

#include <pthread.h>

struct checkpoint {
    int frames; /* in the log after the last commit: the committer's */
    int tried;  /* frames at the last checkpoint since the log began: the committer's */

    /* Guards what follows. Readers are counted in and out on their threads, and whoever waits at
     * the gate must sleep. */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint32_t reading;
    bool is_shut;
};

void checkpoint_init(struct checkpoint *checkpoint);
void checkpoint_clear(struct checkpoint *checkpoint);

/* Follows the writing connection's commits, in place of SQLite's own checkpoints. */
void checkpoint_watch(struct checkpoint *checkpoint, struct database *db);

/* After a commit: a checkpoint when it is time for one. A failed flush is ERR_IO; a full disk is no
 * failure, it is tried again later. */
enum err checkpoint_run(struct checkpoint *checkpoint, struct database *db) MUST_CHECK;

/* Around every reader's snapshot, on its thread. */
void checkpoint_reader_enters(struct checkpoint *checkpoint);
void checkpoint_reader_leaves(struct checkpoint *checkpoint);

#endif
