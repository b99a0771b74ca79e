#include "stream.h"

#include <errno.h>
#include <sys/socket.h>

bool stream_read(int fd, struct buf *into)
{
    static char arrived[64 * 1024];
    ssize_t got = 0;

    do {
        got = recv(fd, arrived, sizeof(arrived), MSG_DONTWAIT);
        if (got < 0) {
            return errno == EAGAIN;
        }
        buf_add(into, arrived, (size_t)got);
    } while (got == (ssize_t)sizeof(arrived)); /* a short read has emptied the socket */
    return got > 0 && buf_check(into) == OK;
}
