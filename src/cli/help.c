#include "base/buf.h"
#include "cli/command.h"
#include "cli/config.h"

#include <stdio.h>
#include <string.h>

enum { HELP_BYTES_MAX = 256 * 1024 };

static int help_settings(bool as_markdown)
{
    struct buf out;

    buf_init(&out, HELP_BYTES_MAX);
    config_help(as_markdown, &out);
    (void)fputs(buf_cstr(&out), stdout);
    buf_clear(&out);
    return EXIT_OK;
}

/*
 * `tidings help`: all commands; `help COMMAND`: one; `help settings [--markdown]`: the table of
 * settings.
 */
int command_help(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "settings") == 0) {
        return help_settings(argc == 3 && strcmp(argv[2], "--markdown") == 0);
    }
    if (argc == 2) {
        const struct command *command = command_find(argv[1]);
        if (command == NULL) {
            fprintf(stderr, "tidings: there is no command '%s'; see `tidings help`\n", argv[1]);
            return EXIT_USAGE;
        }
        if (command->has_help) {
            char option[] = "--help";
            return command->run(2, (char *[]){argv[1], option, NULL});
        }
        printf("usage: tidings %s %s\n\n%s\n", command->name, command->usage, command->summary);
        return EXIT_OK;
    }
    printf("Tidings brings events to customers by webhook, e-mail and queue.\n\n"
           "usage: tidings COMMAND ...\n\n");
    for (size_t i = 0; i < commands_len; i++) {
        printf("  %-11s %s\n", commands[i].name, commands[i].summary);
    }
    printf("\n`tidings help COMMAND` tells more, `tidings help settings` lists the settings.\n");
    return EXIT_OK;
}

int command_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("tidings %s\n", TIDINGS_VERSION);
    return EXIT_OK;
}
