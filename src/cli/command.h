/*
 * Commands: one file and one row in the table of commands.c each.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses, the same for all. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/*
 * argv[0] is the command's own name. Returns the exit status; has told the person what was wrong on
 * stderr.
 */
typedef int command_fn(int argc, char **argv);

struct command {
    const char *name;
    const char *usage;   /* behind the name: "--config FILE" */
    const char *summary; /* one line */
    bool has_help;       /* understands --help by itself */
    command_fn *run;
};

extern const struct command commands[];
extern const size_t commands_len;

const struct command *command_find(const char *name); /* NULL: none */

command_fn command_serve, command_help, command_version;
command_fn command_account, command_channel, command_publish, command_events, command_deliveries,
    command_operation, command_receive, command_ack, command_key, command_listen, command_verify;

#endif
