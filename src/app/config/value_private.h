/* What the files value*.c share: how a value of each type is read, checked and written. */
#ifndef APP_CONFIG_VALUE_PRIVATE_H
#define APP_CONFIG_VALUE_PRIVATE_H

#include "app/config/value.h"

struct config_value_type {
    /* Reads one scalar, or all items: see config_value_set. */
    int (*set)(struct app_config *config, const struct config_key *key,
               const struct config_value *value, struct writer *why);
    /* Its inverse, as YAML: see config_value_write. */
    void (*write)(const void *field, const struct config_key *key, unsigned indent,
                  struct writer *w);
    /* Lists: one item alone: see config_value_check_item. */
    int (*check)(const struct config_key *key, struct slice item, struct writer *why);
};

/* value_scalar.c: switches, numbers, words. */
extern const struct config_value_type config_value_bool;
extern const struct config_value_type config_value_number;
extern const struct config_value_type config_value_enum;
extern const struct config_value_type config_value_flags;
/* value_text.c. */
extern const struct config_value_type config_value_string;
extern const struct config_value_type config_value_strings;
/* value_compound.c. */
extern const struct config_value_type config_value_listeners;
extern const struct config_value_type config_value_routes;
extern const struct config_value_type config_value_address;

/* Says that text is nothing of the key's type, and what would be right. ERR_SYNTAX. */
int config_complain_scalar(const struct config_key *key, struct slice text, struct writer *why);
/* Says so if status is ERR_NO_MEMORY; returns it. */
int config_complain_memory(int status, struct writer *why);
/* A YAML double-quoted scalar. */
void config_write_quoted(struct writer *w, struct slice s);

#endif
