/* table file */
#include "app/command/command.h"

#define CLIENT (OPTION_CONFIG | OPTION_JSON)

const struct command commands[] = {
    {"config", "check|print|docs [-c FILE] [--set KEY=VALUE]... [--defaults]",
     "check or print a configuration",
     "check  says everything that is wrong with a configuration, with file, line and key\n"
     "print  writes the configuration as the server would use it: every key, as commented YAML\n"
     "docs   writes the reference of all keys as Markdown",
     OPTION_CONFIG | OPTION_DEFAULTS, command_config},
    {"help", "[COMMAND]", "this list, or one command", "Lists the commands, or describes one.", 0,
     command_help},
    {"version", "[--json]", "the version", "Prints the version.", OPTION_JSON, command_version},
};

const unsigned command_count = sizeof commands / sizeof *commands;
