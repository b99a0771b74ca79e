/*
 * `tidings channel`: where an account wants its events.
 */
#include "base/time.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/verb.h"

#include <stdio.h>

enum { NUMBER_MAX = 1000000 }; /* the server knows the limits; this one keeps typing errors short */

static const struct flag settings[] = {
    {.name = "kind", .value = "KIND", .help = "webhook, email or queue."},
    {.name = "dialect",
     .value = "NAME",
     .help = "Form on the wire (standard), or cloudevents, ..."},
    {.name = "url", .value = "URL", .help = "Where a webhook goes."},
    {.name = "address", .value = "ADDRESS", .help = "Where mail goes."},
    {.name = "description", .value = "TEXT", .help = "What a person should know about it."},
    {.name = "events",
     .value = "GLOB",
     .help = "Only events of such a type: order.created, order.*, order.**, *.",
     .is_repeatable = true},
    {.name = "header",
     .value = "'NAME: VALUE'",
     .help = "Sent along with each webhook.",
     .is_repeatable = true},
    {.name = "timeout",
     .value = "TIME",
     .help = "How long an attempt may take (15s).",
     .type = FLAG_DURATION,
     .max = US_PER_HOUR},
    {.name = "retry",
     .value = "JSON",
     .help = "Waits before the attempts: '[\"0s\", \"5s\", \"5m\"]'.",
     .type = FLAG_JSON},
    {.name = "max-in-flight",
     .value = "N",
     .help = "Attempts at a time (8).",
     .type = FLAG_NUMBER,
     .max = NUMBER_MAX},
    {.name = "rate-limit",
     .value = "JSON",
     .help = "'{\"per_second\": 10, \"burst\": 20}'.",
     .type = FLAG_JSON},
    {.name = "ordered", .help = "Each event waits for the one before it."},
    {.name = "disabled", .help = "Takes no events for now."},
    {.name = "lease",
     .value = "TIME",
     .help = "Queue: how long a consumer holds a message (60s).",
     .type = FLAG_DURATION,
     .max = US_PER_DAY},
    {.name = "max-receives",
     .value = "N",
     .help = "Queue: a message fails after so many without ack.",
     .type = FLAG_NUMBER,
     .max = NUMBER_MAX},
    {.name = "options",
     .value = "JSON",
     .help = "The dialect's own: '{\"signature\": \"v1a\"}'.",
     .type = FLAG_JSON},
    {.name = "file", .value = "FILE", .help = "Settings as one JSON object; - is standard input."},
};

/* How the options above become members of the settings. */
static const struct input_member members[] = {
    {"kind", "kind", INPUT_TEXT},
    {"dialect", "dialect", INPUT_TEXT},
    {"url", "url", INPUT_TEXT},
    {"address", "address", INPUT_TEXT},
    {"description", "description", INPUT_TEXT},
    {"events", "events", INPUT_TEXTS},
    {"header", "headers", INPUT_HEADERS},
    {"timeout", "timeout_ms", INPUT_MILLISECONDS},
    {"retry", "retry", INPUT_JSON},
    {"max-in-flight", "max_in_flight", INPUT_NUMBER},
    {"rate-limit", "rate_limit", INPUT_JSON},
    {"ordered", "ordered", INPUT_TRUE},
    {"disabled", "enabled", INPUT_FALSE},
    {"lease", "lease_ms", INPUT_MILLISECONDS},
    {"max-receives", "max_receives", INPUT_NUMBER},
    {"options", "options", INPUT_JSON},
};

static const struct flag paging[] = {VERB_LIMIT, VERB_CURSOR};

static const struct flag rotation[] = {
    {.name = "overlap",
     .value = "TIME",
     .help = "How long the old one signs too (1d).",
     .type = FLAG_DURATION,
     .max = 30 * US_PER_DAY},
};

static const struct input_member rotation_members[] = {{"overlap", "overlap", INPUT_TEXT}};

static const struct flag testing[] = {
    {.name = "type", .value = "TYPE", .help = "Of the event (tidings.test)."},
    {.name = "data", .value = "JSON", .help = "Of the event.", .type = FLAG_JSON},
};

static const struct input_member testing_members[] = {
    {"type", "type", INPUT_TEXT},
    {"data", "data", INPUT_JSON},
};

static const struct show_column columns[] = {
    {"CHANNEL", "id", SHOW_PLAIN},          {"KIND", "kind", SHOW_PLAIN},
    {"DIALECT", "dialect", SHOW_PLAIN},     {"TO", "url|address", SHOW_PLAIN},
    {"EVENTS", "events", SHOW_PLAIN},       {"ENABLED", "enabled", SHOW_PLAIN},
    {"HEALTH", "health.state", SHOW_PLAIN}, {"DESCRIPTION", "description", SHOW_PLAIN},
};

static const struct show_column previous_columns[] = {
    {"OLDER SECRET", "secret", SHOW_PLAIN},
    {"SIGNS UNTIL (UTC)", "until", SHOW_TIME},
};

static void address(struct session *session, const char *part)
{
    session_path(session, "accounts", session_argument(session, 0), "channels",
                 session_argument(session, 1), part, NULL);
}

static int put(struct session *session, const char *method)
{
    bool is_right = input_put_settings(session, members, ARRAY_LEN(members));
    return is_right ? verb_show(session, method) : EXIT_FAILED;
}

static int create(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), "channels", NULL);
    return put(session, "POST");
}

static int change(struct session *session)
{
    address(session, NULL);
    return put(session, "PATCH");
}

static int list(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), "channels", NULL);
    return verb_list(session, columns, ARRAY_LEN(columns), "No channels yet.");
}

static int show(struct session *session)
{
    address(session, NULL);
    return verb_show(session, "GET");
}

static void show_secrets(struct session *session)
{
    struct json answer = session_answer(session), previous = json_member(answer, "previous");

    show_object(session, answer);
    if (json_count(previous) > 0) {
        show_list(session, previous, previous_columns, ARRAY_LEN(previous_columns), "");
    }
}

static int secret(struct session *session)
{
    address(session, "secret");
    if (!session_call(session, "GET")) {
        return EXIT_FAILED;
    }
    show_secrets(session);
    return EXIT_OK;
}

static int rotate(struct session *session)
{
    address(session, "rotate-secret");
    if (!input_put_settings(session, rotation_members, ARRAY_LEN(rotation_members)) ||
        !session_call(session, "POST")) {
        return EXIT_FAILED;
    }
    show_secrets(session);
    return EXIT_OK;
}

/* Fails when the event did not arrive, so that a script can rely on it. */
static int test(struct session *session)
{
    address(session, "test");
    if (!input_put_settings(session, testing_members, ARRAY_LEN(testing_members)) ||
        !session_call(session, "POST")) {
        return EXIT_FAILED;
    }
    struct json answer = session_answer(session);
    show_object(session, answer);
    return slice_is(json_raw(json_member(answer, "outcome")), "\"delivered\"") ? EXIT_OK
                                                                               : EXIT_FAILED;
}

static int put_enabled(struct session *session, bool is_enabled)
{
    address(session, NULL);
    json_begin_object(&session->writer);
    json_key(&session->writer, "enabled");
    json_put_bool(&session->writer, is_enabled);
    json_end_object(&session->writer);
    if (!session_call(session, "PATCH")) {
        return EXIT_FAILED;
    }
    show_line(session, "%s: %s", session_argument(session, 1), is_enabled ? "enabled" : "disabled");
    return EXIT_OK;
}

static int enable(struct session *session)
{
    return put_enabled(session, true);
}

static int disable(struct session *session)
{
    return put_enabled(session, false);
}

static int delete (struct session *session)
{
    address(session, NULL);
    if (!session_call(session, "DELETE")) {
        return EXIT_FAILED;
    }
    show_line(session, "%s: deleted; what waited for it is canceled", session_argument(session, 1));
    return EXIT_OK;
}

#define ONE "ACCOUNT CHANNEL"

static const struct verb verbs[] = {
    {"create", "ACCOUNT", "Make a channel.", VERB_FLAGS(settings), create},
    {"list", "ACCOUNT", "List an account's channels.", VERB_FLAGS(paging), list},
    {"show", ONE, "Show one with its settings.", {NULL, 0}, show},
    {"change", ONE, "Change those settings that are given.", VERB_FLAGS(settings), change},
    {"secret", ONE, "Show the secret that receivers verify with.", {NULL, 0}, secret},
    {"rotate", ONE, "Make a new secret; the old one signs too for a while.", VERB_FLAGS(rotation),
     rotate},
    {"test", ONE, "Send a test event at once and tell the outcome.", VERB_FLAGS(testing), test},
    {"enable", ONE, "Take events again, also after too many failures.", {NULL, 0}, enable},
    {"disable", ONE, "Take no more events.", {NULL, 0}, disable},
    {"delete", ONE, "Delete it; what waits for it is canceled.", {NULL, 0}, delete},
};

int command_channel(int argc, char **argv)
{
    return verb_run(verbs, ARRAY_LEN(verbs), argc, argv);
}
