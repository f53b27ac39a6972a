/* What is wrong with a configuration: every complaint, not only the first. */
#ifndef APP_CONFIG_PROBLEM_H
#define APP_CONFIG_PROBLEM_H

#include "base/writer.h"

#define CONFIG_PROBLEMS_MAX      50 /* complaints kept; more are only counted */
#define CONFIG_PROBLEM_TEXT_MAX  600
#define CONFIG_PROBLEM_BYTES_MAX (CONFIG_PROBLEMS_MAX * CONFIG_PROBLEM_TEXT_MAX)

/* Where a value comes from. All zero: it is the default. */
struct config_origin {
    const char *file; /* as given on the command line, or "--set"; borrowed */
    unsigned line;    /* from 1; 0: the source has no lines */
    bool bad;         /* the value was refused: the field still holds what it held before */
};

struct config_problems {
    unsigned count;
    bool ended; /* the text has been asked for */
    struct writer w;
    char text[CONFIG_PROBLEM_BYTES_MAX + 1]; /* lines "FILE:LINE: KEY: what is wrong" */
};

void config_problems_init(struct config_problems *problems);
/* One complaint; key may be empty. Bytes that are not printable are shown as '?'. */
void config_problem(struct config_problems *problems, const struct config_origin *origin,
                    struct slice key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The lines, the last one ended too; with a count of those that were not kept. */
const char *config_problems_text(struct config_problems *problems);

#endif
