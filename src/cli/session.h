/*
 * One run of a client command: what was asked for, the request in the making, and the server's
 * answer.
 *
 *     session_path(session, "accounts", account, NULL);
 *     if (!session_call(session, "GET")) {
 *         return EXIT_FAILED;
 *     }
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "base/buf.h"
#include "base/json.h"
#include "cli/client.h"
#include "cli/flags.h"

struct session {
    const char *command; /* "tidings channel create" */
    struct flags options;
    struct profile profile;
    struct client *client;
    struct buf path;
    struct buf body;           /* sent when it is not empty */
    struct json_writer writer; /* writes into body */
    const char *content_type;  /* of the body; application/json */
    struct client_answer answer;
    struct buf out; /* for standard output; printed when the verb has returned */
    bool wants_json;
};

/* Takes over options. ERR_INVALID: the server's address or the person's file. */
enum err session_begin(struct session *session, const char *command, struct flags *options,
                       struct diag *diag) MUST_CHECK;
void session_end(struct session *session);

/* Prints what is in out and empties it. False: it could not be written, which was told. */
bool session_print(struct session *session);

/* The arguments of the command, in their order; NULL: left out. */
const char *session_argument(const struct session *session, size_t index);

/*
 * Begins a request: path /v1/<part>/<part>..., parts encoded, up to NULL. The body is empty again.
 */
void session_path(struct session *session, ...) __attribute__((sentinel));

/* Adds the parameter `name` to the path when the option of that name was given. */
void session_query(struct session *session, const char *name);
void session_query_text(struct session *session, const char *name, const char *value);

/* False: it failed and that was told. With --json the answer goes to standard output as it is. */
bool session_call(struct session *session, const char *method);

/* The same in silence, for questions on the way: the caller looks at the status and the diag. */
enum err session_ask(struct session *session, const char *method, struct diag *diag) MUST_CHECK;
void session_complain(const struct diag *diag);

/* The newest answer's document; JSON_NONE when it had none. */
struct json session_answer(const struct session *session);

/* Tells what is wrong with what was asked and gives EXIT_USAGE. */
int session_usage(const struct session *session, const char *words);

#endif
