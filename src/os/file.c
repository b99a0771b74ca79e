#include "os/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 16 * 1024 }; /* at once: most files we read are smaller */

/* What the system's refusal means to our callers, with the words for a person. */
static enum err fail(struct diag *diag, const char *verb, const char *path, int error)
{
    enum err err = ERR_IO;

    if (error == ENOENT) {
        err = ERR_NOT_FOUND;
    } else if (error == ENOSPC || error == EDQUOT) {
        err = ERR_FULL;
    }
    return diag_set(diag, err, "%s %s: %s", verb, path, strerror(error));
}

/* Makes one folder; one that is there already is fine. */
static enum err make_one(const char *path, struct diag *diag)
{
    struct stat found;

    if (mkdir(path, 0700) == 0) {
        return OK;
    }
    int error = errno;
    if (error != EEXIST) {
        return fail(diag, "make folder", path, error);
    }
    if (stat(path, &found) == 0 && !S_ISDIR(found.st_mode)) {
        return diag_set(diag, ERR_EXISTS, "make folder %s: it is there but no folder", path);
    }
    return OK;
}

enum err folder_make(const char *path, struct diag *diag)
{
    char *part = mem_text(path, strlen(path));
    enum err err = OK;

    /* The first character is passed over: the root is there. */
    for (char *at = part; *at != '\0' && err == OK; at++) {
        if (*at == '/' && at > part) {
            *at = '\0';
            err = make_one(part, diag);
            *at = '/';
        }
    }
    if (err == OK) {
        err = make_one(part, diag);
    }
    mem_free(part);
    return err;
}

static enum err say_who_holds(int fd, const char *path, struct diag *diag)
{
    char holder[24] = {0};
    ssize_t len = pread(fd, holder, sizeof holder - 1, 0);

    /* Empty when the other has the lock but not yet written its number. */
    holder[len > 0 ? strcspn(holder, "\n") : 0] = '\0';
    return diag_set(diag, ERR_BUSY, "%s is locked by %s%s", path,
                    holder[0] != '\0' ? "process " : "another process", holder);
}

static enum err write_holder(int fd, const char *path, struct diag *diag)
{
    char holder[24];
    int len = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());

    if (pwrite(fd, holder, (size_t)len, 0) != len || ftruncate(fd, len) != 0) {
        return fail(diag, "write to", path, errno);
    }
    return OK;
}

enum err file_lock(const char *path, int *out_fd, struct diag *diag)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum err err = OK;

    if (fd < 0) {
        return fail(diag, "open", path, errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        err = write_holder(fd, path, diag);
    } else if (errno == EWOULDBLOCK) {
        err = say_who_holds(fd, path, diag);
    } else {
        err = fail(diag, "lock", path, errno);
    }
    if (err != OK) {
        (void)close(fd); /* nothing of ours is in it */
        return err;
    }
    *out_fd = fd;
    return OK;
}

/* Adds all that is left in fd. */
static enum err read_rest(int fd, const char *path, struct buf *out, struct diag *diag)
{
    char piece[READ_BYTES];

    for (;;) {
        ssize_t len = read(fd, piece, sizeof piece);

        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0) {
            return fail(diag, "read", path, errno);
        }
        if (len == 0) {
            return OK;
        }
        buf_add(out, piece, (size_t)len);
        if (buf_check(out) != OK) {
            return diag_set(diag, ERR_LIMIT, "%s is larger than %zu bytes", path, out->bytes_max);
        }
    }
}

enum err file_read(const char *path, struct buf *out, struct diag *diag)
{
    struct buf content;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return fail(diag, "open", path, errno);
    }
    buf_init(&content, out->bytes_max - out->len);
    enum err err = read_rest(fd, path, &content, diag);
    if (err == OK) {
        buf_slice(out, buf_view(&content));
    }
    buf_clear(&content);
    (void)close(fd); /* was only read from */
    return err;
}

static enum err write_all(int fd, const char *path, struct slice content, struct diag *diag)
{
    while (content.len > 0) {
        ssize_t len = write(fd, content.ptr, content.len);

        if (len < 0 && errno != EINTR) {
            return fail(diag, "write", path, errno);
        }
        if (len > 0) {
            content = slice_sub(content, (size_t)len, content.len);
        }
    }
    return OK;
}

/* Fills the temporary file and gives it the mode it will have, so that it never shows with another.
 * Closes fd. */
static enum err finish_temporary(int fd, const char *path, struct slice content, unsigned mode,
                                 struct diag *diag)
{
    enum err err = write_all(fd, path, content, diag);

    if (err == OK && fchmod(fd, (mode_t)mode) != 0) {
        err = fail(diag, "set mode of", path, errno);
    }
    if (err == OK && fsync(fd) != 0) {
        err = fail(diag, "flush", path, errno);
    }
    if (close(fd) != 0 && err == OK) {
        err = fail(diag, "close", path, errno);
    }
    return err;
}

/* Makes the new name last: until its folder is flushed a power cut could bring the old file
 * back. */
static enum err flush_folder_of(const char *path, struct diag *diag)
{
    const char *slash = strrchr(path, '/');
    size_t folder_len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    char *folder = folder_len > 0 ? mem_text(path, folder_len) : mem_text(".", 1);
    enum err err = OK;

    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        err = fail(diag, "open", folder, errno);
    } else {
        if (fsync(fd) != 0) {
            err = fail(diag, "flush", folder, errno);
        }
        (void)close(fd); /* was only flushed */
    }
    mem_free(folder);
    return err;
}

/* Brings the content under the temporary name, then both under the final one. */
static enum err replace(int fd, const char *temporary, const char *path, struct slice content,
                        unsigned mode, struct diag *diag)
{
    enum err err = finish_temporary(fd, temporary, content, mode, diag);

    if (err == OK && rename(temporary, path) != 0) {
        err = fail(diag, "rename to", path, errno);
    }
    if (err == OK) {
        return flush_folder_of(path, diag);
    }
    (void)unlink(temporary); /* if that fails too, a stray file is left that nobody reads */
    return err;
}

enum err file_write(const char *path, struct slice content, unsigned mode, struct diag *diag)
{
    static const char suffix[] = ".XXXXXX";
    enum err err = OK;
    struct buf temporary;

    buf_init(&temporary, strlen(path) + sizeof suffix);
    buf_text(&temporary, path);
    buf_text(&temporary, suffix);

    int fd = mkostemp(temporary.ptr, O_CLOEXEC);
    if (fd >= 0) {
        err = replace(fd, temporary.ptr, path, content, mode, diag);
    } else {
        err = fail(diag, "make a file beside", path, errno);
    }
    buf_clear(&temporary);
    return err;
}
