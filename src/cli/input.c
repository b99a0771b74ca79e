#include "cli/input.h"

#include "base/time.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 64 * 1024 * 1024 }; /* what the server takes at most is its own affair */

static bool read_standard_input(struct buf *out)
{
    char part[16 * 1024];
    size_t len = 0;

    while ((len = fread(part, 1, sizeof(part), stdin)) > 0) {
        buf_add(out, part, len);
    }
    if (ferror(stdin) || buf_check(out) != OK) {
        fprintf(stderr, "tidings: cannot read standard input, or it is longer than %zu bytes\n",
                out->bytes_max);
        return false;
    }
    return true;
}

bool input_read(const char *path, struct buf *out)
{
    struct diag diag = {0};

    if (strcmp(path, "-") == 0) {
        return read_standard_input(out);
    }
    if (file_read(path, out, &diag) != OK) {
        session_complain(&diag);
        return false;
    }
    return true;
}

/* ---- options as members ---- */

static void put_texts(const struct session *session, const char *option, struct json_writer *out)
{
    const char *text = NULL;
    size_t at = 0;

    json_begin_array(out);
    while ((text = flags_next(&session->options, option, &at)) != NULL) {
        json_put_text(out, text);
    }
    json_end_array(out);
}

static bool put_headers(const struct session *session, const char *option, struct json_writer *out)
{
    const char *text = NULL;
    size_t at = 0;
    char name[256]; /* what a header's name may be at most */

    json_begin_object(out);
    while ((text = flags_next(&session->options, option, &at)) != NULL) {
        size_t len = strcspn(text, ":");
        if (text[len] == '\0' || len == 0 || len >= sizeof(name)) {
            fprintf(stderr, "tidings: --%s must be 'Name: value', not '%s'\n", option, text);
            return false;
        }
        memcpy(name, text, len);
        name[len] = '\0';
        json_key(out, name);
        json_put_string(out, slice_trim(slice_of(text + len + 1)));
    }
    json_end_object(out);
    return true;
}

static bool put_member(struct session *session, const struct input_member *member)
{
    const struct flags *options = &session->options;
    struct json_writer *out = &session->writer;

    json_key(out, member->member);
    switch (member->form) {
    case INPUT_TEXT:
        json_put_text(out, flags_text(options, member->option));
        return true;
    case INPUT_NUMBER:
        json_put_i64(out, flags_number(options, member->option, 0));
        return true;
    case INPUT_MILLISECONDS:
        json_put_i64(out, flags_number(options, member->option, 0) / US_PER_MS);
        return true;
    case INPUT_TRUE:
    case INPUT_FALSE:
        json_put_bool(out, member->form == INPUT_TRUE);
        return true;
    case INPUT_JSON:
        json_put_raw(out, slice_of(flags_text(options, member->option)));
        return true;
    case INPUT_TEXTS:
        put_texts(session, member->option, out);
        return true;
    case INPUT_HEADERS:
        return put_headers(session, member->option, out);
    }
    return false;
}

bool input_put_members(struct session *session, const struct input_member *members,
                       size_t members_len)
{
    bool is_right = true;

    for (size_t i = 0; i < members_len && is_right; i++) {
        if (flags_has(&session->options, members[i].option)) {
            is_right = put_member(session, &members[i]);
        }
    }
    return is_right;
}

/* ---- a file with settings ---- */

static bool is_given(const struct session *session, const struct input_member *members,
                     size_t members_len, struct json member)
{
    for (size_t i = 0; i < members_len; i++) {
        if (json_name_is(member, members[i].member) &&
            flags_has(&session->options, members[i].option)) {
            return true;
        }
    }
    return false;
}

/*
 * The file's members but for those that options give; the raw name may have escapes, which is why
 * no json_key.
 */
static void put_others(struct session *session, const struct input_member *members,
                       size_t members_len, struct json settings)
{
    struct json_writer *out = &session->writer;

    for (struct json at = json_first(settings); json_exists(at); at = json_next(at)) {
        if (!is_given(session, members, members_len, at)) {
            buf_printf(out->out, "%s\"%.*s\":", out->needs_comma ? "," : "",
                       SLICE_ARGS(json_name(at)));
            buf_slice(out->out, json_raw(at));
            out->needs_comma = true;
        }
    }
}

static bool put_file(struct session *session, const struct input_member *members,
                     size_t members_len, const char *path)
{
    struct diag diag = {0};
    struct json_doc doc;
    struct buf text;
    bool is_right = false;

    json_doc_init(&doc);
    buf_init(&text, INPUT_BYTES_MAX);
    if (input_read(path, &text)) {
        enum err err = json_parse(&doc, buf_view(&text), &diag);
        is_right = err == OK && json_type(json_root(&doc)) == JSON_OBJECT;
        if (is_right) {
            put_others(session, members, members_len, json_root(&doc));
        } else {
            fprintf(stderr, "tidings: %s: expected one JSON object%s%s\n", path,
                    err == OK ? "" : ": ", diag.text);
        }
    }
    json_doc_clear(&doc);
    buf_clear(&text);
    return is_right;
}

bool input_put_settings(struct session *session, const struct input_member *members,
                        size_t members_len)
{
    const char *path = flags_text(&session->options, "file");

    json_begin_object(&session->writer);
    if (path != NULL && !put_file(session, members, members_len, path)) {
        return false;
    }
    if (!input_put_members(session, members, members_len)) {
        return false;
    }
    json_end_object(&session->writer);
    return true;
}
