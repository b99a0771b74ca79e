/*
 * `tidings events`: what was published for an account.
 */
#include "cli/command.h"
#include "cli/deliveries.h"
#include "cli/verb.h"

static const struct flag options[] = {
    {.name = "type", .value = "GLOB", .help = "Only events of such a type."},
    {.name = "from", .value = "TIME", .help = "Not before this, 2026-02-03T10:20:30Z."},
    {.name = "to", .value = "TIME", .help = "Before this."},
    {.name = "order", .value = "ORDER", .help = "desc: newest first; asc: oldest first."},
    VERB_LIMIT,
    VERB_CURSOR,
};

static const char *const filters[] = {"type", "from", "to", "order"};

static const struct show_column columns[] = {
    {"EVENT", "id", SHOW_PLAIN},
    {"CREATED (UTC)", "created_at", SHOW_TIME},
    {"TYPE", "type", SHOW_PLAIN},
    {"YOUR ID", "external_id", SHOW_PLAIN},
    {"CLIENT REF", "client_ref", SHOW_PLAIN},
    {"DATA", "data|data_base64", SHOW_PLAIN},
};

static int list(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), "events", NULL);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        session_query(session, filters[i]);
    }
    return verb_list(session, columns, ARRAY_LEN(columns), "No such events.");
}

static int show(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), "events",
                 session_argument(session, 1), NULL);
    if (verb_show(session, "GET") != EXIT_OK) {
        return EXIT_FAILED;
    }
    show_line(session, "%s", "");
    deliveries_show(session, json_member(session_answer(session), "deliveries"),
                    "It goes to no channel.");
    return EXIT_OK;
}

static int run(struct session *session)
{
    return session_argument(session, 1) == NULL ? list(session) : show(session);
}

static const struct verb verbs[] = {
    {NULL, "ACCOUNT [EVENT]", "List an account's events, or show one with its deliveries.",
     VERB_FLAGS(options), run},
};

int command_events(int argc, char **argv)
{
    return verb_run(verbs, ARRAY_LEN(verbs), argc, argv);
}
