/*
 * A client for tests of the server: a plain socket, the bytes of a request as the test wrote them,
 * and answers taken apart. Everything has a deadline, after which the test fails.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/buf.h"

#include <stdbool.h>

/* Far above what any answer takes, on a machine however slow or busy. */
enum { CLIENT_DEADLINE_MS = 60000 };

struct client {
    int fd;
    struct buf in; /* received and not yet taken */
};

struct client_answer {
    unsigned status;
    struct buf head; /* with the line ends */
    struct buf body;
};

/* address as server_address gives it. */
void client_open(struct client *client, const char *address);
/* The same from another address of this machine, "127.0.0.2". */
void client_open_from(struct client *client, const char *address, const char *source);
/* False when nobody listens there. */
bool client_try_open(struct client *client, const char *address);
void client_close(struct client *client);
/* Closes with a reset, which leaves nothing behind in the system. */
void client_abort(struct client *client);

void client_send(struct client *client, const char *text);
void client_send_bytes(struct client *client, const void *ptr, size_t len);

/* Whether that much could be sent before the server closed: for what it may refuse midway. */
bool client_try_send(struct client *client, const void *ptr, size_t len);

/* Takes the next answer; the test fails when none comes. Clear it afterwards. */
void client_take(struct client *client, struct client_answer *answer);
/* The same for the answer to a HEAD request. */
void client_take_head(struct client *client, struct client_answer *answer);
void client_answer_clear(struct client_answer *answer);

/* Takes an answer and checks its status and, when not NULL, a part of its body. */
void client_expect(struct client *client, unsigned status, const char *body_part);

/* Waits until the server closes, whatever else it sends. */
void client_drop_rest(struct client *client);

/* Waits until the server closes; fails if it sends anything more. */
void client_expect_end(struct client *client);

/* The value of a header in an answer, empty when there is none. */
struct slice client_header(const struct client_answer *answer, const char *name);

/* One whole conversation: connect, send, check the answer, close. */
void client_ask(const char *address, const char *request, unsigned status, const char *body_part);

#endif
