/*
 * `tidings key`: API keys.
 */
#include "cli/command.h"
#include "cli/input.h"
#include "cli/verb.h"

static const struct flag settings[] = {
    {.name = "scope", .value = "SCOPE", .help = "admin, publish or account."},
    {.name = "account", .value = "ACCOUNT", .help = "With the scope account: whose."},
    {.name = "label", .value = "TEXT", .help = "What a person should know about it."},
};

static const struct input_member members[] = {
    {"scope", "scope", INPUT_TEXT},
    {"account", "account", INPUT_TEXT},
    {"label", "label", INPUT_TEXT},
};

static const struct flag paging[] = {VERB_LIMIT, VERB_CURSOR};

static const struct show_column columns[] = {
    {"KEY", "id", SHOW_PLAIN},
    {"SCOPE", "scope", SHOW_PLAIN},
    {"ACCOUNT", "account", SHOW_PLAIN},
    {"LABEL", "label", SHOW_PLAIN},
    {"CREATED (UTC)", "created_at", SHOW_TIME},
};

static int create(struct session *session)
{
    if (!flags_has(&session->options, "scope")) {
        return session_usage(session, "say what it may do: --scope admin, publish or account");
    }
    session_path(session, "keys", NULL);
    if (!input_put_settings(session, members, ARRAY_LEN(members)) ||
        verb_show(session, "POST") != EXIT_OK) {
        return EXIT_FAILED;
    }
    show_line(session, "\nKeep the key: it is not shown again.");
    return EXIT_OK;
}

static int list(struct session *session)
{
    session_path(session, "keys", NULL);
    return verb_list(session, columns, ARRAY_LEN(columns), "No keys but the one of the settings.");
}

static int revoke(struct session *session)
{
    session_path(session, "keys", session_argument(session, 0), NULL);
    if (!session_call(session, "DELETE")) {
        return EXIT_FAILED;
    }
    show_line(session, "%s: revoked", session_argument(session, 0));
    return EXIT_OK;
}

static const struct verb verbs[] = {
    {"create", "", "Make a key, which is shown this once.", VERB_FLAGS(settings), create},
    {"list", "", "List the keys, never the secrets themselves.", VERB_FLAGS(paging), list},
    {"revoke", "KEY", "End a key at once.", {NULL, 0}, revoke},
};

int command_key(int argc, char **argv)
{
    return verb_run(verbs, ARRAY_LEN(verbs), argc, argv);
}
