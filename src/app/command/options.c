#include "app/command/options.h"

#include <getopt.h>
#include <stdio.h>

#include "app/text/nearest.h"
#include "base/error.h"
#include "base/memory.h"

/* Values beyond any character: long options alone. */
enum { LONG_SET = 256, LONG_JSON, LONG_DEFAULTS, LONG_PASSWORD_STDIN, LONG_INVITE, LONG_LIFETIME };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"set", required_argument, NULL, LONG_SET},
    {"json", no_argument, NULL, LONG_JSON},
    {"defaults", no_argument, NULL, LONG_DEFAULTS},
    {"password-stdin", no_argument, NULL, LONG_PASSWORD_STDIN},
    {"invite", required_argument, NULL, LONG_INVITE},
    {"lifetime", required_argument, NULL, LONG_LIFETIME},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static unsigned kind_of(int option)
{
    switch (option) {
    case 'c':
    case LONG_SET: return OPTION_CONFIG;
    case LONG_JSON: return OPTION_JSON;
    case LONG_DEFAULTS: return OPTION_DEFAULTS;
    case LONG_PASSWORD_STDIN: return OPTION_PASSWORD_STDIN;
    case LONG_INVITE: return OPTION_INVITE;
    case LONG_LIFETIME: return OPTION_LIFETIME;
    default: return 0;
    }
}

static const char *name_of(int option)
{
    switch (option) {
    case LONG_SET: return "--set";
    case LONG_JSON: return "--json";
    case LONG_DEFAULTS: return "--defaults";
    case LONG_PASSWORD_STDIN: return "--password-stdin";
    case LONG_INVITE: return "--invite";
    case LONG_LIFETIME: return "--lifetime";
    default: return "--config";
    }
}

static int complain(const struct options *options, const char *word, const char *what)
{
    fprintf(stderr, "trapezoid %s: %s: %s (see: trapezoid help %s)\n", options->command, word, what,
            options->command);
    return ERR_SYNTAX;
}

static int complain_unknown(const struct options *options, const char *word)
{
    struct nearest nearest;
    char text[128];
    nearest_init(&nearest, slice_from_string(word[0] == '-' && word[1] == '-' ? word + 2 : word));
    for (const struct option *o = long_options; o->name != NULL; o++)
        nearest_try(&nearest, slice_from_string(o->name));
    (void)snprintf(text, sizeof text, "no such option%s%s%s",
                   nearest.best[0] != '\0' ? "; did you mean --" : "", nearest.best,
                   nearest.best[0] != '\0' ? "?" : "");
    return complain(options, word, text);
}

static int take(struct options *options, int option)
{
    switch (option) {
    case 'c': options->source.file = optarg; break;
    case LONG_SET:
        if (options->source.set_count == CONFIG_SETS_MAX)
            return complain(options, "--set", "given too often");
        options->sets[options->source.set_count++] = optarg;
        break;
    case LONG_JSON: options->json = true; break;
    case LONG_DEFAULTS: options->defaults = true; break;
    case LONG_PASSWORD_STDIN: options->password_stdin = true; break;
    case LONG_INVITE: options->invite = optarg; break;
    case LONG_LIFETIME: options->lifetime = optarg; break;
    default: options->help = true; break;
    }
    return 0;
}

int options_parse(int argc, char **argv, unsigned allowed, struct options *ret_options)
{
    struct options *options = ret_options;
    *options = (struct options){.command = argv[0]};
    options->source.sets = options->sets;
    optind = 0; /* glibc: start anew */
    opterr = 0;
    for (;;) {
        int at = optind > 0 ? optind : 1;
        int option = getopt_long(argc, argv, ":c:h", long_options, NULL);
        if (option == -1)
            break;
        if (option == ':')
            return complain(options, argv[optind - 1], "needs a value");
        if (option == '?')
            return complain_unknown(options, argv[optind > at ? optind - 1 : at]);
        if (kind_of(option) != 0 && (kind_of(option) & allowed) == 0)
            return complain(options, name_of(option), "this command does not take it");
        if (take(options, option) < 0)
            return ERR_SYNTAX;
    }
    options->words = argv + optind;
    options->word_count = (unsigned)(argc - optind);
    return 0;
}

int options_config(const struct options *options, bool lenient, struct app_config **ret_config,
                   unsigned *ret_problems)
{
    struct config_problems *problems = memory_alloc(sizeof *problems);
    if (problems == NULL)
        return ERR_NO_MEMORY;
    config_problems_init(problems);
    struct config_source source = options->source;
    source.lenient = lenient;
    int status = config_read(&source, problems, ret_config);
    if (problems->count > 0 && !(options->quiet && status == 0))
        fputs(config_problems_text(problems), stderr);
    else if (status < 0)
        fprintf(stderr, "trapezoid %s: %s\n", options->command, error_text(status));
    if (ret_problems != NULL)
        *ret_problems = problems->count;
    memory_free(problems);
    return status;
}
