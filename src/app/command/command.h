/* The subcommands of `trapezoid`: one table, one file each. */
#ifndef APP_COMMAND_COMMAND_H
#define APP_COMMAND_COMMAND_H

#include "app/command/options.h"

/* Exit codes, the same for every command. */
enum {
    EXIT_GOOD = 0,
    EXIT_FAILED = 1,   /* refused, or what was asked for does not exist */
    EXIT_USAGE = 2,    /* the command line or the configuration is wrong */
    EXIT_NO_SERVER = 3 /* no server answers on the control socket */
};

struct command {
    const char *name;
    const char *synopsis; /* after "trapezoid NAME" */
    const char *summary;  /* one line of `trapezoid help` */
    const char *help;     /* paragraphs of `trapezoid help NAME` */
    unsigned options;     /* OPTION_... that it takes */
    int (*run)(const struct options *options);
};

extern const struct command commands[];
extern const unsigned command_count;

/* NULL when there is none. */
const struct command *command_find(const char *name);
/* The whole program but main: picks the command, reads its options, runs it. Returns an exit code.
 */
int command_main(int argc, char **argv);

int command_serve(const struct options *options);
int command_config(const struct options *options);
int command_status(const struct options *options);
int command_contacts(const struct options *options);
int command_route(const struct options *options);
int command_targets(const struct options *options);
int command_nat(const struct options *options);
int command_relays(const struct options *options);
int command_doctor(const struct options *options);
int command_user(const struct options *options);
int command_kick(const struct options *options);
int command_log(const struct options *options);
int command_reload(const struct options *options);
int command_help(const struct options *options);
int command_version(const struct options *options);

/* "trapezoid NAME: " and the text on stderr, with where to read more; returns EXIT_USAGE. */
int command_usage(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says that there is no such command, and which one may be meant; returns EXIT_USAGE. */
int command_unknown(const char *name);

#endif
