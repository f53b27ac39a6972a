#include <stdio.h>

#include "app/command/command.h"

static void overview(void)
{
    fputs("trapezoid: a SIP registrar and proxy, STUN and TURN server\n\n", stdout);
    for (unsigned i = 0; i < command_count; i++)
        printf("  trapezoid %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\ntrapezoid help COMMAND tells more of each.\n"
          "Exit codes: 0 good, 1 failed or not found, 2 wrong usage, 3 no server is running.\n",
          stdout);
}

static void describe(const struct command *command)
{
    printf("trapezoid %s%s%s\n\n%s\n", command->name, command->synopsis[0] != '\0' ? " " : "",
           command->synopsis, command->help);
    if (command->options != 0)
        fputs("\nOptions:\n", stdout);
    if ((command->options & OPTION_CONFIG) != 0)
        fputs("  -c, --config FILE   the server's configuration file (YAML; - is standard input)\n"
              "      --set KEY=VALUE a key of the configuration, over the file; may be repeated\n",
              stdout);
    if ((command->options & OPTION_JSON) != 0)
        fputs("      --json          the answer as JSON\n", stdout);
    if ((command->options & OPTION_INVITE) != 0)
        fputs("      --invite FILE   a request to follow instead of a URI (- is standard input)\n",
              stdout);
    if ((command->options & OPTION_DEFAULTS) != 0)
        fputs("      --defaults      the built-in defaults instead\n", stdout);
    if ((command->options & OPTION_PASSWORD_STDIN) != 0)
        fputs("      --password-stdin  the password is the first line of standard input\n", stdout);
}

int command_help(const struct options *options)
{
    if (options->word_count > 1)
        return command_usage(options, "takes one command");
    if (options->word_count == 0) {
        overview();
        return EXIT_GOOD;
    }
    const struct command *command = command_find(options->words[0]);
    if (command == NULL)
        return command_unknown(options->words[0]);
    describe(command);
    return EXIT_GOOD;
}
