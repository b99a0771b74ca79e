/*
 * The directory's versions: the newest snapshot that everybody may see, and the one that a
 * transaction is preparing.
 *
 * The committer's thread stages changes while it writes a transaction, makes them visible when it
 * is committed and before anybody is answered, or drops them. Any thread may ask for the newest.
 */
#ifndef STORE_SETTINGS_H
#define STORE_SETTINGS_H

#include "store/store.h"

#include <pthread.h>

struct settings {
    /*
     * Guards `visible` between the moment its pointer is read and the moment its reference is
     * counted. A mailbox would not do: whoever got the answer to a settings write must see its
     * effect in the next line, and the news would still be on its way. Taken only when the version
     * has moved.
     */
    pthread_mutex_t lock;
    struct directory *visible; /* held */
    _Atomic uint64_t version;  /* counts changes of visible, from 1 */
    /* held; the committer's own; NULL outside a transaction or when nothing was changed */
    struct directory *staged;
};

/* Fresh deliveries of one channel that may be in memory at once: its share, however fast it takes
 * them. */
enum { SETTINGS_GATE_ROOM = 1024 };

/* Gives each channel that was loaded its gate, which belongs to the process and is not stored.
 * Before the directory is shared. */
void settings_make_gates(const struct directory *directory);

/* Takes over the directory's reference. */
void settings_init(struct settings *settings, struct directory *directory);
void settings_clear(struct settings *settings);

/* Any thread: the newest, lent until this view's next call. */
struct directory *settings_view(struct settings *settings, struct store_view *view);

/* The committer: as the transaction will leave it; lent until the next change. */
struct directory *settings_staged(struct settings *settings);

/* Replaces what is staged and takes over the reference. */
void settings_stage(struct settings *settings, struct directory *directory);

/* Ends the transaction: makes visible what was staged, or forgets it. */
void settings_show(struct settings *settings);
void settings_drop(struct settings *settings);

#endif
