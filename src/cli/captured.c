#include "cli/captured.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The next line without its end. False: there is no whole line any more. */
static bool take_line(struct slice *rest, struct slice *line)
{
    if (rest->len == 0 || memchr(rest->ptr, '\n', rest->len) == NULL) {
        return false;
    }
    (void)slice_cut(rest, '\n', line); /* there is one */
    if (slice_ends(*line, SLICE("\r"))) {
        line->len--;
    }
    return true;
}

/* "POST /path HTTP/1.1": a header's name has no space. */
static bool is_request_line(struct slice line)
{
    struct slice rest = line, word;

    (void)slice_cut(&rest, ' ', &word);
    return word.len < line.len && memchr(word.ptr, ':', word.len) == NULL;
}

enum err captured_add(struct captured *captured, struct slice line, struct diag *diag)
{
    struct slice value = line, name;

    (void)slice_cut(&value, ':', &name);
    if (name.len == 0 || name.len == line.len || slice_trim(name).len != name.len) {
        return diag_set(diag, ERR_INVALID, "a header is 'Name: value', not '%.*s'",
                        SLICE_ARGS(slice_sub(line, 0, 100)));
    }
    if (captured->headers_len == CAPTURED_HEADERS_MAX) {
        return diag_set(diag, ERR_LIMIT, "at most %d headers", CAPTURED_HEADERS_MAX);
    }
    captured->headers[captured->headers_len++] = (struct captured_header){name, slice_trim(value)};
    return OK;
}

/* Cuts the body to what Content-Length says. */
static enum err cut_body(struct captured *captured, struct diag *diag)
{
    struct slice value = SLICE("");
    uint64_t len = 0;

    if (captured_header(captured, "Transfer-Encoding", &value, NULL) != ERR_NOT_FOUND) {
        return diag_set(diag, ERR_INVALID,
                        "the body is in chunks: give it alone, and the headers with --header");
    }
    enum err err = captured_header(captured, "Content-Length", &value, diag);
    if (err == ERR_NOT_FOUND) {
        return OK;
    }
    if (err != OK || slice_to_u64(value, &len) != OK || len > captured->body.len) {
        return diag_set(diag, ERR_INVALID,
                        "the body has %zu bytes, which Content-Length does not fit",
                        captured->body.len);
    }
    captured->body.len = (size_t)len;
    return OK;
}

enum err captured_parse(struct slice text, struct captured *out, struct diag *diag)
{
    struct slice rest = text, line = SLICE("");
    bool has_line = take_line(&rest, &line);
    enum err err = OK;

    *out = (struct captured){.headers_len = 0};
    if (has_line && is_request_line(line)) {
        has_line = take_line(&rest, &line);
    }
    while (err == OK && has_line && line.len > 0) {
        err = captured_add(out, line, diag);
        has_line = take_line(&rest, &line);
    }
    if (err != OK) {
        return err;
    }
    if (!has_line || out->headers_len == 0) {
        return diag_set(diag, ERR_INVALID,
                        "a request is headers, an empty line and the body; a body alone needs its "
                        "headers from --header");
    }
    out->body = rest.len > 0 ? rest : SLICE("");
    return cut_body(out, diag);
}

enum err captured_header(const struct captured *captured, const char *name, struct slice *out,
                         struct diag *diag)
{
    bool is_found = false;

    for (size_t i = 0; i < captured->headers_len; i++) {
        if (!slice_equal_nocase(captured->headers[i].name, slice_of(name))) {
            continue;
        }
        if (is_found) {
            return diag_set(diag, ERR_CONFLICT, "the header %s is there twice", name);
        }
        *out = captured->headers[i].value;
        is_found = true;
    }
    return is_found ? OK : diag_set(diag, ERR_NOT_FOUND, "the header %s is missing", name);
}
