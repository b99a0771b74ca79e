/*
 * `tidings deliveries`: what became of events on their way to the channels.
 */
#include "cli/deliveries.h"

#include "cli/command.h"
#include "cli/verb.h"

static const struct flag options[] = {
    {.name = "state",
     .value = "STATE",
     .help = "pending, delivered, failed, refused, canceled or expired."},
    {.name = "channel", .value = "CHANNEL", .help = "Only those to this channel."},
    {.name = "from", .value = "TIME", .help = "Of events not before this, 2026-02-03T10:20:30Z."},
    {.name = "to", .value = "TIME", .help = "Of events before this."},
    VERB_LIMIT,
    VERB_CURSOR,
    {.name = "retry", .help = "Try the one again now, from whatever state."},
    {.name = "cancel", .help = "Give the one up."},
};

static const char *const filters[] = {"state", "channel", "from", "to"};

static const struct show_column columns[] = {
    {"DELIVERY", "id", SHOW_PLAIN},
    {"TYPE", "event_type", SHOW_PLAIN},
    {"CHANNEL", "channel", SHOW_PLAIN},
    {"STATE", "state", SHOW_PLAIN},
    {"ATTEMPTS", "attempt_count", SHOW_PLAIN},
    {"NEXT (UTC)", "next_attempt_at", SHOW_TIME},
    {"WHY", "why.text", SHOW_PLAIN},
};

static const struct show_column attempt_columns[] = {
    {"ATTEMPT", "number", SHOW_PLAIN},  {"BEGAN (UTC)", "began_at", SHOW_TIME},
    {"TOOK MS", "took_ms", SHOW_PLAIN}, {"OUTCOME", "outcome", SHOW_PLAIN},
    {"STATUS", "status", SHOW_PLAIN},   {"DETAIL", "detail", SHOW_PLAIN},
    {"ANSWER", "answer", SHOW_PLAIN},
};

void deliveries_show(struct session *session, struct json items, const char *none)
{
    show_list(session, items, columns, ARRAY_LEN(columns), none);
}

static int list(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), "deliveries", NULL);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        session_query(session, filters[i]);
    }
    return verb_list(session, columns, ARRAY_LEN(columns), "No such deliveries.");
}

static void address(struct session *session, const char *part)
{
    session_path(session, "accounts", session_argument(session, 0), "deliveries",
                 session_argument(session, 1), part, NULL);
}

static int show(struct session *session)
{
    address(session, NULL);
    if (verb_show(session, "GET") != EXIT_OK) {
        return EXIT_FAILED;
    }
    show_line(session, "%s", "");
    show_list(session, json_member(session_answer(session), "attempts"), attempt_columns,
              ARRAY_LEN(attempt_columns), "It was not attempted yet.");
    return EXIT_OK;
}

static int steer(struct session *session, const char *part)
{
    address(session, part);
    return verb_show(session, "POST");
}

static int run(struct session *session)
{
    bool is_retry = flags_has(&session->options, "retry");
    bool is_cancel = flags_has(&session->options, "cancel");

    if (is_retry && is_cancel) {
        return session_usage(session, "--retry and --cancel exclude each other");
    }
    if (session_argument(session, 1) == NULL) {
        return is_retry || is_cancel ? session_usage(session, "say which DELIVERY") : list(session);
    }
    if (is_retry || is_cancel) {
        return steer(session, is_retry ? "retry" : "cancel");
    }
    return show(session);
}

static const struct verb verbs[] = {
    {NULL, "ACCOUNT [DELIVERY]",
     "List an account's deliveries; show one with its attempts, retry or cancel it.",
     VERB_FLAGS(options), run},
};

int command_deliveries(int argc, char **argv)
{
    return verb_run(verbs, ARRAY_LEN(verbs), argc, argv);
}
