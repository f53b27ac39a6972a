/* What every file of the schema needs to write its rows. */
#ifndef APP_CONFIG_SCHEMA_SECTION_H
#define APP_CONFIG_SCHEMA_SECTION_H

#include "app/config/schema.h"

/* Where the value goes: a member of struct app_config. */
#define CONFIG_FIELD(member)                                                                       \
    .offset = offsetof(struct app_config, member),                                                 \
    .width = sizeof(((const struct app_config *)NULL)->member)

/* The rows of the array `keys`. */
#define CONFIG_SECTION(keys)                                                                       \
    {                                                                                              \
        (keys), sizeof(keys) / sizeof *(keys)                                                      \
    }

/* "SHA-256", "MD5": bit n of CONFIG_ALGORITHM_... is the n-th. */
extern const char *const config_algorithm_words[];

#define K(n)      ((uint64_t)(n)*1024)
#define M(n)      (K(n) * 1024)
#define G(n)      (M(n) * 1024)
#define MINUTE_MS UINT64_C(60000)
#define HOUR_S    3600
#define DAY_S     86400

#endif
