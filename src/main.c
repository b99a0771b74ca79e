#include "cli/command.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    bool wants_help = argc < 2 || strcmp(argv[1], "--help") == 0;
    const struct command *command = command_find(wants_help ? "help" : argv[1]);

    if (command == NULL) {
        fprintf(stderr, "tidings: there is no command '%s'; see `tidings help`\n", argv[1]);
        return EXIT_USAGE;
    }
    return wants_help ? command->run(1, argv) : command->run(argc - 1, argv + 1);
}
