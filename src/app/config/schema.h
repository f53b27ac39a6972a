/* The schema: one row per configuration key. Loading, --set, checks, printing and the reference
 * page all work from this one table, which lies in pieces: a file of schema/ each. */
#ifndef APP_CONFIG_SCHEMA_H
#define APP_CONFIG_SCHEMA_H

#include "app/config/config.h"

enum config_type {
    CONFIG_BOOL,
    CONFIG_UINT,
    CONFIG_MILLISECONDS, /* a duration, kept in milliseconds */
    CONFIG_SECONDS,      /* a duration, kept in seconds */
    CONFIG_SIZE,         /* bytes */
    CONFIG_STRING,
    CONFIG_ENUM,  /* index of a word */
    CONFIG_FLAGS, /* list of words, bit n for the n-th */
    CONFIG_STRINGS,
    CONFIG_LISTENERS,
    CONFIG_ROUTES,
    CONFIG_ADDRESS,
    CONFIG_TYPES
};

struct config_key {
    const char *name; /* with dots */
    enum config_type type;
    bool live;                /* a reload may change it */
    bool secret;              /* CONFIG_STRINGS: never printed, nor shown in complaints */
    uint32_t offset;          /* of the field in struct app_config */
    uint32_t width;           /* of the field in bytes */
    uint64_t min, max;        /* numbers, durations, sizes; strings: length; lists: items */
    const char *unit;         /* of plain numbers, for people; NULL: none */
    const char *standard;     /* the default, as --set takes it */
    const char *automatic;    /* what the default stands for when it is worked out at start */
    const char *const *words; /* enum, flags; listeners: transports; NULL at the end */
    /* A check of one string or list item beyond the type: 0, or an error with *why written ("what
     * would be right"). NULL: none. */
    int (*check)(struct slice item, struct writer *why);
    const char *help; /* one sentence */
};

/* The rows of one file of schema/. */
struct config_section {
    const struct config_key *keys;
    unsigned count;
};

/* The files of schema/, in the order of the reference page. */
#define CONFIG_SECTION_LIST(X)                                                                     \
    X(server)                                                                                      \
    X(auth)                                                                                        \
    X(location)                                                                                    \
    X(nat)                                                                                         \
    X(sip)                                                                                         \
    X(dns)                                                                                         \
    X(outside)                                                                                     \
    X(stream)                                                                                      \
    X(sctp)                                                                                        \
    X(tls)                                                                                         \
    X(proxy)                                                                                       \
    X(limits)                                                                                      \
    X(ws)                                                                                          \
    X(stun)                                                                                        \
    X(turn)                                                                                        \
    X(turn_users)                                                                                  \
    X(operation)

#define CONFIG_SECTION_DECLARE(name) extern const struct config_section config_section_##name;
CONFIG_SECTION_LIST(CONFIG_SECTION_DECLARE)
#undef CONFIG_SECTION_DECLARE

/* The index-th key of all, in the order of the reference page; NULL beyond the last one. There are
 * CONFIG_KEYS_MAX at most. */
const struct config_key *config_key_at(unsigned index);
/* ERR_NOT_FOUND, or the index. */
int config_key_find(struct slice name);
/* Does name stand for a group of keys ("auth")? */
bool config_key_is_section(struct slice name);
/* "; did you mean X?" for a name that is no key, or nothing. */
void config_key_hint(struct slice name, bool sections, struct writer *w);

static inline bool config_type_is_list(enum config_type type)
{
    return type == CONFIG_FLAGS || type == CONFIG_STRINGS || type == CONFIG_LISTENERS ||
           type == CONFIG_ROUTES;
}

#endif
