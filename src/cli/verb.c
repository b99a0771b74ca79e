#include "cli/verb.h"

#include "cli/command.h"

#include <stdio.h>
#include <string.h>

enum { HELP_BYTES_MAX = 64 * 1024, NAME_SIZE = 64 };

static const struct verb *find(const struct verb *verbs, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++) {
        if (verbs[i].name == NULL || (name != NULL && strcmp(verbs[i].name, name) == 0)) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* All verbs, a line each. */
static void list_verbs(FILE *out, const char *command, const struct verb *verbs, size_t len)
{
    int width = 0;

    for (size_t i = 0; i < len; i++) {
        int used = (int)(strlen(verbs[i].name) + 1 + strlen(verbs[i].arguments));
        width = used > width ? used : width;
    }
    for (size_t i = 0; i < len; i++) {
        int used = fprintf(out, "  tidings %s %s %s", command, verbs[i].name, verbs[i].arguments);
        int fixed = (int)(strlen("  tidings ") + strlen(command) + 1);
        fprintf(out, "%*s  %s\n", width + fixed - used, "", verbs[i].summary);
    }
    fprintf(out, "\n`tidings %s %s --help` tells what that takes; so with the others.\n", command,
            verbs[0].name);
}

static int choose(const struct verb *verbs, size_t len, int argc, char **argv)
{
    bool wants_help = argc > 1 && strcmp(argv[1], "--help") == 0;

    if (argc > 1 && !wants_help) {
        fprintf(stderr, "tidings: there is no `tidings %s %s`; there are:\n", argv[0], argv[1]);
    }
    list_verbs(wants_help ? stdout : stderr, argv[0], verbs, len);
    return wants_help ? EXIT_OK : EXIT_USAGE;
}

static int show_help(const struct flag_rules *rules)
{
    struct buf text;

    buf_init(&text, HELP_BYTES_MAX);
    flags_help(rules, &text);
    (void)fputs(buf_cstr(&text), stdout);
    buf_clear(&text);
    return EXIT_OK;
}

static int run(const struct verb *verb, const struct flag_rules *rules, int words_len, char **words)
{
    struct session session;
    struct flags options;
    struct diag diag = {0};
    int status = EXIT_USAGE;

    if (flags_parse(rules, words_len, words, &options, &diag) != OK) {
        fprintf(stderr, "tidings: %s\n", diag.text);
        return EXIT_USAGE;
    }
    if (options.wants_help) {
        flags_clear(&options);
        return show_help(rules);
    }
    if (session_begin(&session, rules->command, &options, &diag) == OK) {
        status = verb->run(&session);
        status = session_print(&session) ? status : EXIT_FAILED;
    } else {
        fprintf(stderr, "tidings: %s\n", diag.text);
    }
    session_end(&session);
    return status;
}

int verb_run(const struct verb *verbs, size_t verbs_len, int argc, char **argv)
{
    const struct verb *verb = find(verbs, verbs_len, argc > 1 ? argv[1] : NULL);
    char command[NAME_SIZE];

    if (verb == NULL) {
        return choose(verbs, verbs_len, argc, argv);
    }
    bool is_named = verb->name != NULL;
    (void)snprintf(command, sizeof(command), "tidings %s%s%s", argv[0], is_named ? " " : "",
                   is_named ? verb->name : "");
    struct flag_rules rules = {.command = command,
                               .arguments = verb->arguments,
                               .summary = verb->summary,
                               .tables = {verb->options, profile_flags}};
    return run(verb, &rules, argc - 1 - is_named, argv + 1 + is_named);
}

int verb_show(struct session *session, const char *method)
{
    if (!session_call(session, method)) {
        return EXIT_FAILED;
    }
    show_object(session, session_answer(session));
    return EXIT_OK;
}

int verb_list(struct session *session, const struct show_column *columns, size_t columns_len,
              const char *none)
{
    session_query(session, "limit");
    session_query(session, "cursor");
    if (!session_call(session, "GET")) {
        return EXIT_FAILED;
    }
    show_page(session, columns, columns_len, none);
    return EXIT_OK;
}
