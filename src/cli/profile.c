#include "cli/profile.h"

#include "base/mem.h"
#include "model/url.h"
#include "os/file.h"

#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 64 * 1024 };

struct row {
    const char *option;
    const char *name; /* in the file */
    const char *variable;
    const char *fallback;
    size_t offset; /* of the char * in struct profile */
};

static const struct row rows[] = {
    {"server", "url", "TIDINGS_URL", "http://127.0.0.1:8484", offsetof(struct profile, url)},
    {"key", "key", "TIDINGS_KEY", "", offsetof(struct profile, key)},
    {"ca", "ca", "TIDINGS_CA", "", offsetof(struct profile, ca)},
};

static const struct flag option_rows[] = {
    {.name = "server", .value = "URL", .help = "Its address (TIDINGS_URL; http://127.0.0.1:8484)."},
    {.name = "key", .value = "KEY", .help = "API key; better in TIDINGS_KEY, where none see it."},
    {.name = "ca", .value = "FILE", .help = "Certificates to trust (TIDINGS_CA; the system's)."},
    {.name = "json", .help = "Print the server's answer as it is."},
};

const struct flag_table profile_flags = {option_rows, ARRAY_LEN(option_rows)};

static char **place(const struct row *row, struct profile *profile)
{
    return (char **)(void *)((char *)profile + row->offset);
}

/* The first that has it counts, so what is there stays. */
static void offer(const struct row *row, struct profile *profile, const char *value)
{
    char **text = place(row, profile);

    if (*text == NULL && value != NULL) {
        *text = mem_text(value, strlen(value));
    }
}

/* ---- the file ---- */

struct loading {
    struct profile *profile;
    const char *path;
    struct diag *diag;
    enum err err;
};

/* inih calls this for every line; 0 stops it. */
static int take_line(void *ctx, const char *section, const char *name, const char *value)
{
    struct loading *loading = ctx;

    for (size_t i = 0; section[0] == '\0' && i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            offer(&rows[i], loading->profile, value);
            return 1;
        }
    }
    loading->err = diag_set(loading->diag, ERR_INVALID, "%s: there is no setting '%s' here",
                            loading->path, name);
    return 0;
}

/* False: nobody knows where it would be. */
static bool file_path(char *path, size_t size)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    bool has_config = config != NULL && config[0] == '/';
    int len = 0;

    if (!has_config && home == NULL) {
        return false;
    }
    len = snprintf(path, size, "%s%s/tidings/config", has_config ? config : home,
                   has_config ? "" : "/.config");
    return len > 0 && (size_t)len < size;
}

static enum err load_file(struct profile *profile, struct diag *diag)
{
    char path[PATH_MAX];
    struct loading loading = {.profile = profile, .path = path, .diag = diag};
    struct buf text;

    if (!file_path(path, sizeof(path))) {
        return OK;
    }
    buf_init(&text, FILE_BYTES_MAX);
    enum err err = file_read(path, &text, diag);
    if (err == OK) {
        int line = ini_parse_string(buf_cstr(&text), take_line, &loading);
        err = loading.err;
        if (err == OK && line != 0) {
            err = diag_set(diag, ERR_INVALID, "%s, line %d: expected name = value", path, line);
        }
    } else if (err == ERR_NOT_FOUND) {
        err = OK; /* most people have none */
    }
    mem_wipe(text.ptr, text.len);
    buf_clear(&text);
    return err;
}

/* ---- all together ---- */

static enum err check_url(struct profile *profile, struct diag *diag)
{
    size_t len = strlen(profile->url);
    struct diag reason = {0};

    while (len > 0 && profile->url[len - 1] == '/') {
        profile->url[--len] = '\0';
    }
    if (url_check(slice_of(profile->url), "url", &reason) != OK) {
        return diag_set(diag, ERR_INVALID, "the server's URL '%s': %s", profile->url, reason.text);
    }
    return OK;
}

enum err profile_load(const struct flags *options, struct profile *out, struct diag *diag)
{
    *out = (struct profile){0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        offer(&rows[i], out, flags_text(options, rows[i].option));
        offer(&rows[i], out, getenv(rows[i].variable));
    }
    enum err err = load_file(out, diag);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        offer(&rows[i], out, rows[i].fallback);
    }
    if (err == OK) {
        err = check_url(out, diag);
    }
    if (err != OK) {
        profile_clear(out);
    }
    return err;
}

void profile_clear(struct profile *profile)
{
    if (profile->key != NULL) {
        mem_wipe(profile->key, strlen(profile->key));
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        mem_free(*place(&rows[i], profile));
    }
    *profile = (struct profile){0};
}
