#include "http/listener.h"

#include "http/origin.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PORT_MAX = 65535,
    BACKLOG = 4096,           /* connections that wait to be accepted; the kernel may take less */
    SPARE_DESCRIPTORS = 1024, /* for the store, the senders' connections and all else */
};

static bool copy_part(struct slice part, char *out, size_t out_size)
{
    if (part.len == 0 || part.len >= out_size || memchr(part.ptr, '\0', part.len) != NULL) {
        return false;
    }
    memcpy(out, part.ptr, part.len);
    out[part.len] = '\0';
    return true;
}

static bool is_port(struct slice text)
{
    uint64_t port = 0;

    return slice_to_u64(text, &port) == OK && port <= PORT_MAX;
}

enum err listener_parse(const char *text, struct listener_place *out, struct diag *diag)
{
    const char *colon = strrchr(text, ':');
    struct slice host = slice_from(text, colon != NULL ? (size_t)(colon - text) : 0);
    struct slice port = slice_of(colon != NULL ? colon + 1 : "");
    bool has_brackets = slice_starts(host, SLICE("[")) && slice_ends(host, SLICE("]"));

    if (has_brackets) {
        host = slice_sub(host, 1, host.len - 2);
    }
    /* Without brackets the last part of "::1" would be taken for a port. */
    bool is_split = has_brackets || memchr(text, ':', host.len) == NULL;
    if (!is_split || !is_port(port) || !copy_part(host, out->host, sizeof out->host) ||
        !copy_part(port, out->port, sizeof out->port)) {
        return diag_set(diag, ERR_INVALID,
                        "\"%s\" is no address to listen on: expected 127.0.0.1:8484 or [::1]:8484",
                        text);
    }
    return OK;
}

static int open_at(const struct addrinfo *info)
{
    const int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);

    if (fd < 0) {
        return -1;
    }
    /* A restarted server must not wait until the connections of the one before are forgotten. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;

        (void)close(fd); /* was never used */
        errno = error;
        return -1;
    }
    return fd;
}

enum err listener_open(const char *text, int *out_fd, struct diag *diag)
{
    struct listener_place place;
    struct addrinfo *info = NULL;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    enum err err = listener_parse(text, &place, diag);

    if (err != OK) {
        return err;
    }
    int rc = getaddrinfo(place.host, place.port, &hints, &info);
    if (rc != 0) {
        return diag_set(diag, ERR_INVALID, "cannot listen on %s: %s", text, gai_strerror(rc));
    }
    int fd = open_at(info);
    int error = errno;
    freeaddrinfo(info);
    if (fd < 0) {
        return diag_set(diag, ERR_IO, "cannot listen on %s: %s", text, strerror(error));
    }
    *out_fd = fd;
    return OK;
}

void listener_address(int fd, struct buf *out)
{
    struct sockaddr_in6 address = {0}; /* has room for IPv4 too */
    socklen_t address_len = sizeof address;
    struct origin origin;

    /* Fails only for what is no socket. sin_port and sin6_port are at the same place. */
    (void)getsockname(fd, (struct sockaddr *)(void *)&address, &address_len);
    origin_from((const struct sockaddr *)(const void *)&address, &origin);
    bool is_ipv6 = strchr(origin.text, ':') != NULL;
    buf_printf(out, is_ipv6 ? "[%s]:%u" : "%s:%u", origin.text, (unsigned)ntohs(address.sin6_port));
}

void listener_allow_connections(uint32_t connections_max)
{
    struct rlimit limit;
    rlim_t needed = (rlim_t)connections_max + SPARE_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) {
        return;
    }
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    (void)setrlimit(RLIMIT_NOFILE,
                    &limit); /* then there are fewer connections: they wait in line */
}
