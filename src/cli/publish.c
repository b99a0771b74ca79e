/*
 * `tidings publish`: hands in one event, or many from a file.
 */
#include "cli/command.h"
#include "cli/input.h"
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 4096 };

static const struct flag options[] = {
    {.name = "data", .value = "JSON", .help = "What it says.", .type = FLAG_JSON},
    {.name = "file", .value = "FILE", .help = "The same from a file."},
    {.name = "id",
     .value = "ID",
     .help = "Your own id: published again with it, it is stored once."},
    {.name = "client-ref", .value = "REF", .help = "The customer's reference."},
    {.name = "server-ref", .value = "REF", .help = "Your own reference."},
    {.name = "notify-url",
     .value = "URL",
     .help = "Where this event goes, in dialects that let it choose."},
    {.name = "batch",
     .value = "FILE",
     .help = "Many events, each with its \"account\": an array or a line each; - is standard "
             "input."},
};

static const struct input_member members[] = {
    {"data", "data", INPUT_JSON},
    {"id", "id", INPUT_TEXT},
    {"client-ref", "client_ref", INPUT_TEXT},
    {"server-ref", "server_ref", INPUT_TEXT},
    {"notify-url", "notify_url", INPUT_TEXT},
};

static const struct show_column columns[] = {
    {"EVENT", "id", SHOW_PLAIN},
    {"STATUS", "status", SHOW_PLAIN},
    {"DUPLICATE", "duplicate", SHOW_PLAIN},
    {"DELIVERIES", "deliveries", SHOW_PLAIN},
    {"FIELD", "field", SHOW_PLAIN},
    {"WHAT IS WRONG", "detail", SHOW_PLAIN},
};

/* ---- many ---- */

/* An array of the results has one that is no success. */
static bool has_failure(struct json results)
{
    for (struct json at = json_first(results); json_exists(at); at = json_next(at)) {
        if (!slice_starts(json_raw(json_member(at, "status")), SLICE("2"))) {
            return true;
        }
    }
    return false;
}

static int publish_batch(struct session *session, const char *path)
{
    if (session->options.arguments_len > 0) {
        return session_usage(session, "with --batch each event names its account itself");
    }
    session_path(session, "events", NULL);
    if (!input_read(path, &session->body)) {
        return EXIT_FAILED;
    }
    size_t space = strspn(buf_cstr(&session->body), " \t\r\n");
    bool is_array = buf_cstr(&session->body)[space] == '[';
    session->content_type = is_array ? "application/json" : "application/x-ndjson";
    if (!session_call(session, "POST")) {
        return EXIT_FAILED;
    }
    struct json results = json_member(session_answer(session), "results");
    show_list(session, results, columns, ARRAY_LEN(columns), "Nothing was published.");
    return has_failure(results) ? EXIT_FAILED : EXIT_OK;
}

/* ---- one ---- */

/* Adds the member "data" as it stands in the file, byte for byte. */
static bool put_data(struct session *session, const char *path)
{
    struct buf text;
    struct json_doc doc;
    struct diag diag = {0};

    buf_init(&text, session->body.bytes_max);
    json_doc_init(&doc);
    bool is_right = input_read(path, &text);
    if (is_right && json_parse(&doc, buf_view(&text), &diag) != OK) {
        fprintf(stderr, "tidings: %s must be JSON: %s\n", path, diag.text);
        is_right = false;
    }
    if (is_right) {
        json_key(&session->writer, "data");
        json_put_raw(&session->writer, json_raw(json_root(&doc)));
    }
    json_doc_clear(&doc);
    buf_clear(&text);
    return is_right;
}

static void show_published(struct session *session)
{
    struct json answer = session_answer(session);
    struct buf id, count;

    buf_init(&id, TEXT_BYTES_MAX);
    buf_init(&count, TEXT_BYTES_MAX);
    if (json_type(json_member(answer, "duplicate")) == JSON_TRUE) {
        show_line(session, "%s had been stored before; nothing was sent again",
                  show_text(answer, "id", &id));
    } else {
        show_line(session, "%s is stored, deliveries: %s", show_text(answer, "id", &id),
                  show_text(answer, "deliveries", &count));
    }
    buf_clear(&id);
    buf_clear(&count);
}

static int publish_one(struct session *session, const char *path)
{
    session_path(session, "accounts", session_argument(session, 0), "events", NULL);
    json_begin_object(&session->writer);
    json_key(&session->writer, "type");
    json_put_text(&session->writer, session_argument(session, 1));
    if (!input_put_members(session, members, ARRAY_LEN(members)) ||
        (path != NULL && !put_data(session, path))) {
        return EXIT_FAILED;
    }
    json_end_object(&session->writer);
    if (!session_call(session, "POST")) {
        return EXIT_FAILED;
    }
    show_published(session);
    return EXIT_OK;
}

static int publish(struct session *session)
{
    const char *batch = flags_text(&session->options, "batch");
    const char *file = flags_text(&session->options, "file");
    const char *dash = session_argument(session, 2);

    if (batch != NULL) {
        return publish_batch(session, batch);
    }
    if (session->options.arguments_len < 2) {
        return session_usage(session, "say for which ACCOUNT and of which TYPE");
    }
    if (dash != NULL && strcmp(dash, "-") != 0) {
        return session_usage(session, "the third argument can only be -, for standard input");
    }
    if ((file != NULL) + (dash != NULL) + flags_has(&session->options, "data") != 1) {
        return session_usage(session, "give the data once: --data JSON, --file FILE or -");
    }
    return publish_one(session, file != NULL ? file : dash);
}

static const struct verb verbs[] = {
    {NULL, "[ACCOUNT] [TYPE] [-]",
     "Publish an event with data from --data, --file or standard "
     "input (-), or with --batch many.",
     VERB_FLAGS(options), publish},
};

int command_publish(int argc, char **argv)
{
    return verb_run(verbs, ARRAY_LEN(verbs), argc, argv);
}
