/*
 * One HTTP call after another to a Tidings server, for the commands.
 *
 * Not for the way of an event: it blocks. libcurl keeps the connection for the next call.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/profile.h"

struct client; /* opaque */

struct client_request {
    const char *method;
    const char *path;         /* "/v1/accounts?limit=5" */
    const char *content_type; /* of the body; NULL: there is none */
    struct slice body;
};

/* Initialise once, use for one call after another, clear at the end. */
struct client_answer {
    unsigned status;     /* 0: there was no answer */
    struct buf body;     /* as it came */
    struct json_doc doc; /* of the body; empty when that is no JSON */
};

struct client *client_new(const struct profile *profile); /* profile is borrowed */
void client_free(struct client *client);                  /* NULL is fine */

void client_answer_init(struct client_answer *answer);
void client_answer_clear(struct client_answer *answer);

/*
 * OK for a success (2xx). ERR_DENIED: the server answered a problem; its words and the field are in
 * the diag, all of it in the answer. ERR_IO: nothing answered, or not Tidings; the diag says what
 * to do.
 */
enum err client_call(struct client *client, const struct client_request *request,
                     struct client_answer *answer, struct diag *diag) MUST_CHECK;

#endif
