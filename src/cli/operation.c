/*
 * `tidings operation`: requests whose outcome comes later.
 */
#include "cli/command.h"
#include "cli/input.h"
#include "cli/verb.h"

enum { TEXT_BYTES_MAX = 4096 };

static const struct flag opening[] = {
    {.name = "data", .value = "JSON", .help = "What was asked for.", .type = FLAG_JSON},
    {.name = "client-ref", .value = "REF", .help = "The customer's reference."},
    {.name = "server-ref", .value = "REF", .help = "Your own reference; made if not given."},
    {.name = "notify-url",
     .value = "URL",
     .help = "Where its events go, in dialects that let them choose."},
    {.name = "deadline", .value = "TIME", .help = "When it should have ended."},
    {.name = "deadline-in", .value = "DURATION", .help = "The same counted from now: 15m."},
    {.name = "on-deadline",
     .value = "WORD",
     .help = "delay: tell that it takes longer; expire: end it."},
};

static const struct input_member opening_members[] = {
    {"data", "data", INPUT_JSON},
    {"client-ref", "client_ref", INPUT_TEXT},
    {"server-ref", "server_ref", INPUT_TEXT},
    {"notify-url", "notify_url", INPUT_TEXT},
    {"deadline", "deadline", INPUT_TEXT},
    {"deadline-in", "deadline_in", INPUT_TEXT},
    {"on-deadline", "on_deadline", INPUT_TEXT},
};

static const struct flag reporting[] = {
    {.name = "code",
     .value = "N",
     .help = "1000 to 9999; below 2000 it went well (a step: 1001, the end: 1000).",
     .type = FLAG_NUMBER,
     .min = 1000,
     .max = 9999},
    {.name = "result", .value = "TEXT", .help = "The same for people (Request pending, OK)."},
    {.name = "data", .value = "JSON", .help = "What else there is to tell.", .type = FLAG_JSON},
};

static const struct input_member reporting_members[] = {
    {"code", "code", INPUT_NUMBER},
    {"result", "result", INPUT_TEXT},
    {"data", "data", INPUT_JSON},
};

static const struct flag listing[] = {
    {.name = "state", .value = "STATE", .help = "pending, completed, failed or expired."},
    {.name = "from", .value = "TIME", .help = "Not opened before this, 2026-02-03T10:20:30Z."},
    {.name = "to", .value = "TIME", .help = "Opened before this."},
    VERB_LIMIT,
    VERB_CURSOR,
};

static const char *const filters[] = {"state", "from", "to"};

static const struct show_column columns[] = {
    {"OPERATION", "id", SHOW_PLAIN},           {"OPENED (UTC)", "created_at", SHOW_TIME},
    {"COMMAND", "command", SHOW_PLAIN},        {"STATE", "state", SHOW_PLAIN},
    {"CLIENT REF", "client_ref", SHOW_PLAIN},  {"SERVER REF", "server_ref", SHOW_PLAIN},
    {"DEADLINE (UTC)", "deadline", SHOW_TIME}, {"CODE", "code", SHOW_PLAIN},
    {"RESULT", "result", SHOW_PLAIN},
};

static int open_one(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), "operations", NULL);
    json_begin_object(&session->writer);
    json_key(&session->writer, "command");
    json_put_text(&session->writer, session_argument(session, 1));
    if (!input_put_members(session, opening_members, ARRAY_LEN(opening_members))) {
        return EXIT_FAILED;
    }
    json_end_object(&session->writer);
    return verb_show(session, "POST");
}

static int list(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), "operations", NULL);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        session_query(session, filters[i]);
    }
    return verb_list(session, columns, ARRAY_LEN(columns), "No such operations.");
}

/* part may be NULL. */
static void address(struct session *session, const char *part)
{
    session_path(session, "accounts", session_argument(session, 0), "operations",
                 session_argument(session, 1), part, NULL);
}

static int show(struct session *session)
{
    address(session, NULL);
    return verb_show(session, "GET");
}

static void show_report(struct session *session)
{
    struct json answer = session_answer(session);
    struct buf event, count;

    buf_init(&event, TEXT_BYTES_MAX);
    buf_init(&count, TEXT_BYTES_MAX);
    show_object(session, json_member(answer, "operation"));
    if (json_type(json_member(answer, "duplicate")) == JSON_TRUE) {
        show_line(session, "\nIt had ended like this before: nothing was told again.");
    } else {
        show_line(session, "\nTold by %s, deliveries: %s", show_text(answer, "event", &event),
                  show_text(answer, "deliveries", &count));
    }
    buf_clear(&event);
    buf_clear(&count);
}

static int report(struct session *session, const char *part)
{
    address(session, part);
    json_begin_object(&session->writer);
    if (!input_put_members(session, reporting_members, ARRAY_LEN(reporting_members))) {
        return EXIT_FAILED;
    }
    json_end_object(&session->writer);
    if (!session_call(session, "POST")) {
        return EXIT_FAILED;
    }
    show_report(session);
    return EXIT_OK;
}

static int step(struct session *session)
{
    return report(session, "step");
}

static int complete(struct session *session)
{
    return report(session, "complete");
}

static const struct verb verbs[] = {
    {"open", "ACCOUNT COMMAND", "Open an operation, whose outcome comes later.",
     VERB_FLAGS(opening), open_one},
    {"list", "ACCOUNT", "List an account's operations, newest first.", VERB_FLAGS(listing), list},
    {"show", "ACCOUNT OPERATION", "Show one.", {NULL, 0}, show},
    {"step", "ACCOUNT OPERATION", "Report a step of one.", VERB_FLAGS(reporting), step},
    {"complete", "ACCOUNT OPERATION", "End one with its outcome.", VERB_FLAGS(reporting), complete},
};

int command_operation(int argc, char **argv)
{
    return verb_run(verbs, ARRAY_LEN(verbs), argc, argv);
}
