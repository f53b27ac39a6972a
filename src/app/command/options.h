/* Options of the command line. */
#ifndef APP_COMMAND_OPTIONS_H
#define APP_COMMAND_OPTIONS_H

#include "app/config/config.h"

enum {
    OPTION_CONFIG = 1, /* -c FILE, --config FILE, --set KEY=VALUE */
    OPTION_JSON = 2,
    OPTION_DEFAULTS = 4,
    OPTION_PASSWORD_STDIN = 8,
    OPTION_INVITE = 16,
    OPTION_LIFETIME = 32
};

struct options {
    const char *command;
    struct config_source source;
    char *sets[CONFIG_SETS_MAX];
    bool json;
    bool defaults;
    bool password_stdin;
    const char *invite;   /* a file, or NULL */
    const char *lifetime; /* as written, or NULL */
    bool help;
    bool quiet;   /* what is wrong with the configuration is said by the server */
    char **words; /* what is no option, NULL at the end */
    unsigned word_count;
};

/* Reads argv (the command's name first, as getopt wants it); allowed is a sum of OPTION_...
 * Complaints go to stderr. ERR_SYNTAX. */
int options_parse(int argc, char **argv, unsigned allowed, struct options *ret_options);

/* The configuration that the options name; problems go to stderr. lenient: see struct
 * config_source; *ret_problems (may be NULL) says how many there are. Errors as config_read. */
int options_config(const struct options *options, bool lenient, struct app_config **ret_config,
                   unsigned *ret_problems);

#endif
