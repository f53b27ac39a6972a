#include "app/text/version.h"

#include <stdio.h>

#include "app/command/command.h"

int command_version(const struct options *options)
{
    if (options->word_count > 0)
        return command_usage(options, "takes no words");
    if (options->json)
        printf("{\"name\": \"trapezoid\", \"version\": \"%s\"}\n", TRAPEZOID_VERSION);
    else
        printf("trapezoid %s\n", TRAPEZOID_VERSION);
    return EXIT_GOOD;
}
