#include "base/macro.h"
#include "cli/command.h"

#include <string.h>

const struct command commands[] = {
    {"serve", "[--config FILE]", "Run the server.", false, command_serve},
    {"account", "...", "Make, list, show, change and delete accounts.", true, command_account},
    {"channel", "...", "The same for channels; their secrets, tests.", true, command_channel},
    {"publish", "...", "Hand in one event, or many from a file.", true, command_publish},
    {"events", "...", "List events, or show one with its deliveries.", true, command_events},
    {"deliveries", "...", "List deliveries; show, retry or cancel one.", true, command_deliveries},
    {"operation", "...", "Open, list, show, step and complete operations.", true,
     command_operation},
    {"receive", "...", "Receive messages of a queue.", true, command_receive},
    {"ack", "...", "Acknowledge them.", true, command_ack},
    {"key", "...", "Make, list and revoke API keys.", true, command_key},
    {"listen", "...", "Receive webhooks, check their signatures, print them.", true,
     command_listen},
    {"verify", "...", "Check the signature of a captured request.", true, command_verify},
    {"help", "[COMMAND | settings [--markdown]]", "Tell about a command or the settings.", false,
     command_help},
    {"version", "", "Print the version.", false, command_version},
};

const size_t commands_len = ARRAY_LEN(commands);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < commands_len; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}
