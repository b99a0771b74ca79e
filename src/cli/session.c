#include "cli/session.h"

#include "base/encode.h"
#include "base/mem.h"
#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    PATH_BYTES_MAX = 32 * 1024,
    BODY_BYTES_MAX = 64 * 1024 * 1024, /* what the server takes at most is its own affair */
    OUT_BYTES_MAX = 256 * 1024 * 1024,
};

enum err session_begin(struct session *session, const char *command, struct flags *options,
                       struct diag *diag)
{
    *session = (struct session){.command = command, .options = *options};
    *options = (struct flags){0};
    session->wants_json = flags_has(&session->options, "json");
    buf_init(&session->path, PATH_BYTES_MAX);
    buf_init(&session->body, BODY_BYTES_MAX);
    buf_init(&session->out, OUT_BYTES_MAX);
    client_answer_init(&session->answer);
    enum err err = profile_load(&session->options, &session->profile, diag);
    if (err == OK) {
        session->client = client_new(&session->profile);
    }
    return err;
}

bool session_print(struct session *session)
{
    struct buf *out = &session->out;
    bool is_written = fwrite(buf_cstr(out), 1, out->len, stdout) == out->len && fflush(stdout) == 0;

    if (!is_written) {
        fprintf(stderr, "tidings: cannot write the output: %s\n", strerror(errno));
    }
    mem_wipe(out->ptr, out->len); /* it may hold a new key or secret */
    buf_reset(out);
    return is_written;
}

void session_end(struct session *session)
{
    buf_clear(&session->out);
    buf_clear(&session->path);
    buf_clear(&session->body);
    client_answer_clear(&session->answer);
    client_free(session->client);
    profile_clear(&session->profile);
    flags_clear(&session->options);
}

const char *session_argument(const struct session *session, size_t index)
{
    return flags_argument(&session->options, index);
}

void session_path(struct session *session, ...)
{
    va_list parts;
    const char *part = NULL;

    buf_reset(&session->path);
    buf_reset(&session->body);
    json_writer_init(&session->writer, &session->body);
    session->content_type = "application/json";
    buf_text(&session->path, "/v1");
    va_start(parts, session);
    while ((part = va_arg(parts, const char *)) != NULL) {
        buf_byte(&session->path, '/');
        percent_encode(&session->path, slice_of(part));
    }
    va_end(parts);
}

void session_query_text(struct session *session, const char *name, const char *value)
{
    bool is_first = memchr(buf_cstr(&session->path), '?', session->path.len) == NULL;

    if (value != NULL) {
        buf_printf(&session->path, "%c%s=", is_first ? '?' : '&', name);
        percent_encode(&session->path, slice_of(value));
    }
}

void session_query(struct session *session, const char *name)
{
    session_query_text(session, name, flags_text(&session->options, name));
}

static void put_answer(struct session *session)
{
    struct slice body = buf_view(&session->answer.body);

    buf_slice(&session->out, body);
    if (body.len > 0 && body.ptr[body.len - 1] != '\n') {
        buf_byte(&session->out, '\n');
    }
}

enum err session_ask(struct session *session, const char *method, struct diag *diag)
{
    struct client_request request = {
        .method = method,
        .path = buf_cstr(&session->path),
        .content_type = session->body.len > 0 ? session->content_type : NULL,
        .body = buf_view(&session->body),
    };

    return client_call(session->client, &request, &session->answer, diag);
}

void session_complain(const struct diag *diag)
{
    bool has_field = diag->field[0] != '\0';

    fprintf(stderr, "tidings: %s%s%s%s\n", diag->text, has_field ? " (field " : "", diag->field,
            has_field ? ")" : "");
}

bool session_call(struct session *session, const char *method)
{
    struct diag diag = {0};
    enum err err = session_ask(session, method, &diag);

    if (session->wants_json && session->answer.status != 0) {
        put_answer(session);
    }
    if (err != OK) {
        session_complain(&diag);
    }
    return err == OK;
}

struct json session_answer(const struct session *session)
{
    return json_root(&session->answer.doc);
}

int session_usage(const struct session *session, const char *words)
{
    fprintf(stderr, "tidings: %s; see `%s --help`\n", words, session->command);
    return EXIT_USAGE;
}
