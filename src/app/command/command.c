#include "app/command/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "app/text/nearest.h"
#include "base/error.h"

const struct command *command_find(const char *name)
{
    for (unsigned i = 0; i < command_count; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

int command_usage(const struct options *options, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "trapezoid %s: ", options->command);
    (void)vfprintf(stderr, format, args);
    fprintf(stderr, " (see: trapezoid help %s)\n", options->command);
    va_end(args);
    return EXIT_USAGE;
}

int command_unknown(const char *name)
{
    struct nearest nearest;
    nearest_init(&nearest, slice_from_string(name));
    for (unsigned i = 0; i < command_count; i++)
        nearest_try(&nearest, slice_from_string(commands[i].name));
    fprintf(stderr, "trapezoid: no command \"%s\"", name);
    if (nearest.best[0] != '\0')
        fprintf(stderr, "; did you mean %s?", nearest.best);
    fputs(" (see: trapezoid help)\n", stderr);
    return EXIT_USAGE;
}

int command_main(int argc, char **argv)
{
    struct options options = {.command = "help"};
    argc--;
    argv++;
    if (argc == 0) {
        (void)command_help(&options);
        return EXIT_USAGE;
    }
    const char *name = argv[0];
    if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
        name = "help";
    else if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0)
        name = "version";
    const struct command *command = command_find(name);
    if (command == NULL)
        return command_unknown(argv[0]);
    if (options_parse(argc, argv, command->options, &options) < 0)
        return EXIT_USAGE;
    options.command = command->name;
    if (options.help) {
        char *words[] = {argv[0], NULL};
        struct options about = {.command = "help", .words = words, .word_count = 1};
        return command_help(&about);
    }
    int code = command->run(&options);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "trapezoid %s: standard output cannot be written\n", command->name);
        return code == EXIT_GOOD ? EXIT_FAILED : code;
    }
    return code;
}
