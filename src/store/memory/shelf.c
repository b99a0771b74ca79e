#include "store/memory/shelf.h"

#include "base/mem.h"

#include <string.h>

/* Guards the list and is_open of each: stores of one process may be opened on several threads. */
static pthread_mutex_t shelves_lock = PTHREAD_MUTEX_INITIALIZER;
static struct shelf *shelves;

static struct shelf *shelf_new(struct env *env, const char *path)
{
    struct shelf *shelf = MEM_NEW(struct shelf);

    shelf->path = mem_text(path, strlen(path));
    env->random(env, shelf->receipt_key, sizeof shelf->receipt_key);
    (void)pthread_mutex_init(&shelf->lock, NULL); /* a plain one: nothing can be lacking */
    shelf->newest = snapshot_new(env_random_u64(env));
    return shelf;
}

static struct shelf *find(const char *path)
{
    struct shelf *shelf = shelves;

    while (shelf != NULL && strcmp(shelf->path, path) != 0) {
        shelf = shelf->next;
    }
    return shelf;
}

enum err shelf_open(struct env *env, const char *path, struct shelf **out, struct diag *diag)
{
    enum err err = OK;

    (void)pthread_mutex_lock(&shelves_lock);
    struct shelf *shelf = find(path);
    if (shelf == NULL) {
        shelf = shelf_new(env, path);
        shelf->next = shelves;
        shelves = shelf;
    }
    if (shelf->is_open) {
        err = diag_set(diag, ERR_BUSY, "%s is open in this process already", path);
    } else {
        shelf->is_open = true;
        *out = shelf;
    }
    (void)pthread_mutex_unlock(&shelves_lock);
    return err;
}

void shelf_close(struct shelf *shelf)
{
    (void)pthread_mutex_lock(&shelves_lock);
    shelf->is_open = false;
    (void)pthread_mutex_unlock(&shelves_lock);
}

struct snapshot *shelf_snapshot(struct shelf *shelf)
{
    (void)pthread_mutex_lock(&shelf->lock);
    struct snapshot *snapshot = snapshot_hold(shelf->newest);
    (void)pthread_mutex_unlock(&shelf->lock);
    return snapshot;
}

void shelf_put(struct shelf *shelf, struct snapshot *snapshot)
{
    struct snapshot *before = shelf->newest;

    (void)pthread_mutex_lock(&shelf->lock);
    shelf->newest = snapshot;
    (void)pthread_mutex_unlock(&shelf->lock);
    snapshot_release(before);
}
