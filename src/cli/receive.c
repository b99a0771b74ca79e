/*
 * `tidings receive` and `tidings ack`: a queue's consumer by hand.
 */
#include "base/time.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/verb.h"

enum { TEXT_BYTES_MAX = 4 * 1024 * 1024, MESSAGES_MAX = 100 };

static const struct flag options[] = {
    {.name = "max",
     .value = "N",
     .help = "At most so many messages (10).",
     .type = FLAG_NUMBER,
     .min = 1,
     .max = MESSAGES_MAX},
    {.name = "wait",
     .value = "TIME",
     .help = "How long to wait for the first (0s).",
     .type = FLAG_DURATION,
     .max = 20 * US_PER_SECOND},
    {.name = "lease",
     .value = "TIME",
     .help = "How long they are held back from others.",
     .type = FLAG_DURATION,
     .min = US_PER_MS,
     .max = 12 * US_PER_HOUR},
    {.name = "ack", .help = "Acknowledge them once they are printed."},
};

static const struct input_member members[] = {
    {"max", "max", INPUT_NUMBER},
    {"wait", "wait_ms", INPUT_MILLISECONDS},
    {"lease", "lease_ms", INPUT_MILLISECONDS},
};

static const struct show_column columns[] = {
    {"RECEIPT", "receipt", SHOW_PLAIN},
    {"STATUS", "status", SHOW_PLAIN},
};

/* ---- acknowledging ---- */

static bool is_all_ok(struct json results)
{
    for (struct json at = json_first(results); json_exists(at); at = json_next(at)) {
        if (!slice_is(json_raw(json_member(at, "status")), "\"ok\"")) {
            return false;
        }
    }
    return true;
}

static void begin_ack(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), "channels",
                 session_argument(session, 1), "ack", NULL);
    json_begin_object(&session->writer);
    json_key(&session->writer, "receipts");
    json_begin_array(&session->writer);
}

static void end_ack(struct session *session)
{
    json_end_array(&session->writer);
    json_end_object(&session->writer);
}

static int ack(struct session *session)
{
    begin_ack(session);
    for (size_t i = 2; session_argument(session, i) != NULL; i++) {
        json_put_text(&session->writer, session_argument(session, i));
    }
    end_ack(session);
    if (!session_call(session, "POST")) {
        return EXIT_FAILED;
    }
    struct json results = json_member(session_answer(session), "results");
    show_list(session, results, columns, ARRAY_LEN(columns), "");
    return is_all_ok(results) ? EXIT_OK : EXIT_FAILED;
}

/*
 * Acknowledges the messages of the newest answer, which was printed already: one that is lost here
 * comes again.
 */
static int ack_received(struct session *session)
{
    struct json messages = json_member(session_answer(session), "messages");
    struct diag diag = {0};
    uint32_t count = json_count(messages);

    if (count == 0) {
        return EXIT_OK;
    }
    begin_ack(session);
    for (struct json at = json_first(messages); json_exists(at); at = json_next(at)) {
        json_put_raw(&session->writer, json_raw(json_member(at, "receipt")));
    }
    end_ack(session);
    if (session_ask(session, "POST", &diag) != OK) {
        session_complain(&diag);
        return EXIT_FAILED;
    }
    bool is_done = is_all_ok(json_member(session_answer(session), "results"));
    show_line(session, "acknowledged: %s", is_done ? "all" : "not all, the others come again");
    return is_done ? EXIT_OK : EXIT_FAILED;
}

/* ---- receiving ---- */

static void show_message(struct session *session, struct json message)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    show_line(session, "%s", show_text(message, "event.id", &text));
    show_line(session, "  type     %s", show_text(message, "event.type", &text));
    show_line(session, "  attempt  %s", show_text(message, "attempt", &text));
    show_line(session, "  receipt  %s", show_text(message, "receipt", &text));
    (void)show_text(message, "event.data|event.data_base64", &text);
    if (!session->wants_json) {
        buf_text(&session->out, "  data     ");
        buf_slice(&session->out, buf_view(&text)); /* of any length, so not by show_line */
        buf_byte(&session->out, '\n');
    }
    buf_clear(&text);
}

static int receive(struct session *session)
{
    session_path(session, "accounts", session_argument(session, 0), "channels",
                 session_argument(session, 1), "receive", NULL);
    if (!input_put_settings(session, members, ARRAY_LEN(members)) ||
        !session_call(session, "POST")) {
        return EXIT_FAILED;
    }
    struct json messages = json_member(session_answer(session), "messages");
    for (struct json at = json_first(messages); json_exists(at); at = json_next(at)) {
        show_message(session, at);
    }
    if (json_count(messages) == 0) {
        show_line(session, "Nothing is waiting.");
    }
    if (!session_print(session)) {
        return EXIT_FAILED; /* nobody has seen them */
    }
    return flags_has(&session->options, "ack") ? ack_received(session) : EXIT_OK;
}

static const struct verb receive_verbs[] = {
    {NULL, "ACCOUNT CHANNEL", "Receive messages of a queue channel.", VERB_FLAGS(options), receive},
};

static const struct verb ack_verbs[] = {
    {NULL,
     "ACCOUNT CHANNEL RECEIPT...",
     "Acknowledge messages: they do not come again.",
     {NULL, 0},
     ack},
};

int command_receive(int argc, char **argv)
{
    return verb_run(receive_verbs, ARRAY_LEN(receive_verbs), argc, argv);
}

int command_ack(int argc, char **argv)
{
    return verb_run(ack_verbs, ARRAY_LEN(ack_verbs), argc, argv);
}
