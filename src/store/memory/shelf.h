/*
 * A shelf: what the process keeps of a store between closing it and opening it again by the same
 * path, as a disk would. There is one for each path, until the process ends.
 */
#ifndef STORE_MEMORY_SHELF_H
#define STORE_MEMORY_SHELF_H

#include "model/receipt.h"
#include "os/env.h"
#include "store/memory/snapshot.h"

#include <pthread.h>

struct shelf {
    struct shelf *next; /* private */
    char *path;         /* owned */
    bool is_open;
    uint8_t receipt_key[RECEIPT_KEY_BYTES];
    /*
     * Guards `newest` between the moment its pointer is read and the moment its reference is
     * counted. A mailbox would not do: a read that begins after a write came back must see it.
     */
    pthread_mutex_t lock;
    struct snapshot *newest; /* held: as the newest commit left it */
};

/* The path's shelf, made when there is none. ERR_BUSY: it is open already. */
enum err shelf_open(struct env *env, const char *path, struct shelf **out,
                    struct diag *diag) MUST_CHECK;
void shelf_close(struct shelf *shelf);

/* Any thread: the newest snapshot, held for the caller. */
struct snapshot *shelf_snapshot(struct shelf *shelf);

/* Makes it the newest one and takes over the reference. */
void shelf_put(struct shelf *shelf, struct snapshot *snapshot);

#endif
