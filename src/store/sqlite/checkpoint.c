#include "store/sqlite/checkpoint.h"

/* Pages of 8 KiB. A longer log writes fewer pages in all, as hot ones are written once a
 * checkpoint, but makes each checkpoint take longer. */
enum {
    FRAMES_EACH = 512,
    FRAMES_MAX = 8192, /* 64 MiB: from here on readers wait at the gate */
};

void checkpoint_init(struct checkpoint *checkpoint)
{
    *checkpoint = (struct checkpoint){0};
    (void)pthread_mutex_init(&checkpoint->lock, NULL); /* plain ones: nothing can be lacking */
    (void)pthread_cond_init(&checkpoint->moved, NULL);
}

void checkpoint_clear(struct checkpoint *checkpoint)
{
    (void)pthread_cond_destroy(&checkpoint->moved); /* nobody waits any more */
    (void)pthread_mutex_destroy(&checkpoint->lock);
}

static int note_frames(void *ctx, sqlite3 *handle, const char *schema, int frames)
{
    struct checkpoint *checkpoint = ctx;

    (void)handle;
    (void)schema;
    if (frames < checkpoint->frames) {
        checkpoint->tried = 0; /* the log began anew */
    }
    checkpoint->frames = frames;
    return SQLITE_OK;
}

void checkpoint_watch(struct checkpoint *checkpoint, struct database *db)
{
    (void)sqlite3_wal_hook(db->handle, note_frames, checkpoint); /* returns the hook before */
}

static enum err copy_log(struct checkpoint *checkpoint, struct database *db)
{
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    checkpoint->tried = checkpoint->frames;
    if (code == SQLITE_OK || code == SQLITE_BUSY) {
        return OK;
    }
    enum err err = database_fail(db, code);
    return err == ERR_FULL ? OK : err;
}

static void shut_gate(struct checkpoint *checkpoint)
{
    (void)pthread_mutex_lock(&checkpoint->lock);
    checkpoint->is_shut = true;
    while (checkpoint->reading > 0) {
        (void)pthread_cond_wait(&checkpoint->moved, &checkpoint->lock);
    }
    (void)pthread_mutex_unlock(&checkpoint->lock);
}

static void open_gate(struct checkpoint *checkpoint)
{
    (void)pthread_mutex_lock(&checkpoint->lock);
    checkpoint->is_shut = false;
    (void)pthread_cond_broadcast(&checkpoint->moved);
    (void)pthread_mutex_unlock(&checkpoint->lock);
}

enum err checkpoint_run(struct checkpoint *checkpoint, struct database *db)
{
    if (checkpoint->frames - checkpoint->tried < FRAMES_EACH) {
        return OK;
    }
    if (checkpoint->frames < FRAMES_MAX) {
        return copy_log(checkpoint, db);
    }
    /* Readers that come after this copy read the database file alone and are not in the way of a
     * new log. */
    shut_gate(checkpoint);
    enum err err = copy_log(checkpoint, db);
    open_gate(checkpoint);
    return err;
}

void checkpoint_reader_enters(struct checkpoint *checkpoint)
{
    (void)pthread_mutex_lock(&checkpoint->lock);
    while (checkpoint->is_shut) {
        (void)pthread_cond_wait(&checkpoint->moved, &checkpoint->lock);
    }
    checkpoint->reading++;
    (void)pthread_mutex_unlock(&checkpoint->lock);
}

void checkpoint_reader_leaves(struct checkpoint *checkpoint)
{
    (void)pthread_mutex_lock(&checkpoint->lock);
    checkpoint->reading--;
    (void)pthread_cond_broadcast(&checkpoint->moved);
    (void)pthread_mutex_unlock(&checkpoint->lock);
}
