/*
 * The listening socket: made by us, shared by all server threads.
 */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Splits "127.0.0.1:8484", "[::1]:0" or "example.org:80"; both texts are copied, host without
 * brackets. ERR_INVALID. */
struct listener_place {
    char host[256];
    char port[6];
};
enum err listener_parse(const char *text, struct listener_place *out, struct diag *diag) MUST_CHECK;

/* Opens a socket that listens there. ERR_INVALID: no such address; ERR_IO: the diag says why. */
enum err listener_open(const char *text, int *out_fd, struct diag *diag) MUST_CHECK;

/* Adds the address that is really bound: "127.0.0.1:43121". */
void listener_address(int fd, struct buf *out);

/* Lets the process have descriptors for so many connections, as far as the system allows. */
void listener_allow_connections(uint32_t connections_max);

#endif
