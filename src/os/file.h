/*
 * Files and folders.
 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Makes a folder (mode 0700) and those above it. ERR_EXISTS when a file is in the way;
 * ERR_NOT_FOUND, ERR_FULL, ERR_IO. */
enum err folder_make(const char *path, struct diag *diag) MUST_CHECK;

/*
 * Takes an exclusive lock on the file (made when absent), which ends with the process or when
 * *out_fd, the caller's to keep, is closed. ERR_BUSY: the diag names the process that holds it.
 */
enum err file_lock(const char *path, int *out_fd, struct diag *diag) MUST_CHECK;

/* Adds a whole file to out, or nothing: ERR_LIMIT when it is larger than what out still takes,
 * ERR_NOT_FOUND, ERR_IO. */
enum err file_read(const char *path, struct buf *out, struct diag *diag) MUST_CHECK;

/* Writes a file so that the new content is there whole or the old one stays, flushed, with mode.
 * ERR_FULL, ERR_NOT_FOUND (its folder), ERR_IO. */
enum err file_write(const char *path, struct slice content, unsigned mode,
                    struct diag *diag) MUST_CHECK;

#endif
