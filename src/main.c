#include "cli/command.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    const struct command *command = command_find(argc > 1 ? argv[1] : "help");

    if (command == NULL) {
        fprintf(stderr, "tidings: there is no command '%s'; see `tidings help`\n", argv[1]);
        return EXIT_USAGE;
    }
    return argc > 1 ? command->run(argc - 1, argv + 1) : command->run(argc, argv);
}
