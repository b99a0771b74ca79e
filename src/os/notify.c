/*
 * Failures are ignored: a service manager that does not listen must not stop the service.
 */
#include "os/notify.h"

#include "base/buf.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 512 }; /* a status is one line for a person */

/* The address in $NOTIFY_SOCKET and its length; 0 when there is none that can be used. */
static socklen_t find_address(struct sockaddr_un *address)
{
    struct slice path = slice_of(getenv("NOTIFY_SOCKET"));

    if (path.len < 2 || path.len >= sizeof address->sun_path ||
        (path.ptr[0] != '/' && path.ptr[0] != '@')) {
        return 0;
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path.ptr, path.len);
    if (path.ptr[0] == '@') {
        address->sun_path[0] = '\0'; /* an abstract name: no file, and as long as it is */
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len);
}

static void send_text(struct slice text)
{
    struct sockaddr_un address;
    socklen_t address_len = find_address(&address);

    if (address_len == 0) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return;
    }
    (void)sendto(fd, text.ptr, text.len, MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 address_len);
    (void)close(fd);
}

/* state is "READY=1\n" or such; a status with a line break would be more than one assignment, so it
 * ends there. */
static void send_state(const char *state, const char *status)
{
    struct slice rest = slice_of(status);
    struct slice line = {0};
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    buf_text(&text, state);
    if (status != NULL && slice_cut(&rest, '\n', &line)) {
        buf_printf(&text, "STATUS=%.*s\n", SLICE_ARGS(line));
    }
    send_text(buf_view(&text));
    buf_clear(&text);
}

void notify_ready(const char *status)
{
    send_state("READY=1\n", status);
}

void notify_status(const char *status)
{
    send_state("", status);
}

void notify_stopping(void)
{
    send_state("STOPPING=1\n", NULL);
}
