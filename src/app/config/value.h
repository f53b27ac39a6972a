/* Values of the schema's types: from text into struct app_config and back. */
#ifndef APP_CONFIG_VALUE_H
#define APP_CONFIG_VALUE_H

#include "app/config/schema.h"

/* One scalar, or the items of a list. Borrowed. */
struct config_value {
    const struct slice *items;
    unsigned count;
};

#define CONFIG_ITEMS_MAX 1024 /* of a list; DOMAINS_MAX is the longest */

/* Sets the key's field; the first error is given. Errors: ERR_SYNTAX, ERR_RANGE, ERR_LIMIT,
 * ERR_NO_MEMORY, with what is wrong and what would be right in *why; the field is then as it was.
 */
int config_value_set(struct app_config *config, const struct config_key *key,
                     const struct config_value *value, struct writer *why);
/* One item of a list alone: 0, or an error with *why written. */
int config_value_check_item(const struct config_key *key, struct slice item, struct writer *why);
/* A list is cut at its commas, anything else is one item; items holds CONFIG_ITEMS_MAX + 1 (one
 * more than is allowed, so that it is noticed). Returns how many. */
unsigned config_value_split(const struct config_key *key, struct slice text, struct slice *items);

/* As YAML after "key:", with its leading blank; lists of several lines are indented. */
void config_value_write(const struct app_config *config, const struct config_key *key,
                        unsigned indent, struct writer *w);
/* "on or off", "10ms to 1m", for people. */
void config_value_describe(const struct config_key *key, struct writer *w);

static inline void *config_field(struct app_config *config, const struct config_key *key)
{
    return (char *)config + key->offset;
}

static inline const void *config_field_const(const struct app_config *config,
                                             const struct config_key *key)
{
    return (const char *)config + key->offset;
}

#endif
