/*
 * Room for a full disk: a file that is deleted then, so that acknowledgements, outcomes and
 * checkpoints still have somewhere to go, and made again when there is space. Until it is there
 * again no new events are taken.
 */
#include "base/mem.h"
#include "store/sqlite/sqlite_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Some hundred thousand acknowledgements, and every page of a log that is copied back. */
enum { RESERVE_BYTES = 16 * 1024 * 1024, CHUNK_BYTES = 64 * 1024 };

void sqlite_relieve(struct engine *engine)
{
    char *path = engine_path(engine->folder, "reserve");

    (void)unlink(path); /* not there: it was given up before */
    mem_free(path);
}

static bool is_whole(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && found.st_size == RESERVE_BYTES &&
           found.st_blocks * 512 >= RESERVE_BYTES;
}

/* Really written: a hole would reserve nothing. Not zeros, which some file systems keep as
 * holes. */
static bool fill(int fd)
{
    char chunk[CHUNK_BYTES];

    memset(chunk, 0xff, sizeof chunk);
    for (size_t done = 0; done < RESERVE_BYTES; done += sizeof chunk) {
        if (write(fd, chunk, sizeof chunk) != (ssize_t)sizeof chunk) {
            return false;
        }
    }
    return fsync(fd) == 0;
}

enum err sqlite_reserve(struct engine *engine)
{
    char *path = engine_path(engine->folder, "reserve");
    bool is_there = is_whole(path);

    if (!is_there) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        is_there = fd >= 0 && fill(fd);
        if (fd >= 0 && close(fd) != 0) {
            is_there = false;
        }
    }
    if (!is_there) {
        (void)unlink(path); /* half a reserve would only fill the disk */
    }
    mem_free(path);
    return is_there ? OK : ERR_FULL;
}
