/* Reads a configuration from a text and --set options, for tests. */
#ifndef TESTS_UNIT_APP_CONFIG_READING_H
#define TESTS_UNIT_APP_CONFIG_READING_H

#include "app/config/config.h"

struct reading {
    int status;
    struct app_config *config;       /* NULL when refused */
    struct config_problems problems; /* the file is named FILE in complaints */
    char path[64];
};

/* yaml may be NULL: no file. sets ends with NULL, or is NULL. */
void reading_start(struct reading *r, const char *yaml, const char *const *sets);
void reading_done(struct reading *r);
/* The complaints, with FILE in the place of the temporary name, in buf. */
const char *reading_complaints(struct reading *r, char *buf, size_t size);

#endif
