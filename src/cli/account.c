/*
 * `tidings account`: the provider's customers.
 */
#include "cli/command.h"
#include "cli/input.h"
#include "cli/verb.h"

#include <stdio.h>

static const struct flag settings[] = {
    {.name = "description", .value = "TEXT", .help = "What a person should know about it."},
    {.name = "file", .value = "FILE", .help = "Settings as one JSON object; - is standard input."},
};

/* How the options above become members of the settings. */
static const struct input_member members[] = {{"description", "description", INPUT_TEXT}};

static const struct flag paging[] = {VERB_LIMIT, VERB_CURSOR};

static const struct show_column columns[] = {
    {"ACCOUNT", "id", SHOW_PLAIN},
    {"DESCRIPTION", "description", SHOW_PLAIN},
    {"CREDENTIALS", "credentials", SHOW_PLAIN},
    {"CREATED (UTC)", "created_at", SHOW_TIME},
};

static void address(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), NULL);
}

static int put(struct session *session, const char *method, const char *outcome)
{
    address(session);
    if (!input_put_settings(session, members, ARRAY_LEN(members)) ||
        !session_call(session, method)) {
        return EXIT_FAILED;
    }
    show_line(session, "%s: %s", session_argument(session, 0), outcome);
    return EXIT_OK;
}

/*
 * Asks first: the server's PUT would replace the settings of one that is there, credentials and
 * all.
 */
static int create(struct session *session)
{
    const char *name = session_argument(session, 0);
    struct diag diag = {0};

    address(session);
    enum err err = session_ask(session, "GET", &diag);
    if (err == OK) {
        fprintf(stderr,
                "tidings: there is an account '%s' already; `tidings account change` changes it\n",
                name);
        return EXIT_FAILED;
    }
    if (session->answer.status != 404) {
        session_complain(&diag);
        return EXIT_FAILED;
    }
    return put(session, "PUT", "created");
}

static int change(struct session *session)
{
    return put(session, "PATCH", "changed");
}

static int list(struct session *session)
{
    session_path(session, "accounts", NULL);
    return verb_list(session, columns, ARRAY_LEN(columns), "No accounts yet.");
}

static int show(struct session *session)
{
    address(session);
    return verb_show(session, "GET");
}

static int delete (struct session *session)
{
    address(session);
    if (!session_call(session, "DELETE")) {
        return EXIT_FAILED;
    }
    show_line(session, "%s: deleted, with its channels and keys", session_argument(session, 0));
    return EXIT_OK;
}

static const struct verb verbs[] = {
    {"create", "ACCOUNT", "Make an account.", VERB_FLAGS(settings), create},
    {"list", "", "List the accounts.", VERB_FLAGS(paging), list},
    {"show", "ACCOUNT", "Show one with its settings.", {NULL, 0}, show},
    {"change", "ACCOUNT", "Change those settings that are given.", VERB_FLAGS(settings), change},
    {"delete", "ACCOUNT", "Delete it with its channels and keys.", {NULL, 0}, delete},
};

int command_account(int argc, char **argv)
{
    return verb_run(verbs, ARRAY_LEN(verbs), argc, argv);
}
