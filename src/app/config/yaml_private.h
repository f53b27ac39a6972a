/* What the files yaml*.c share: a walk over libyaml's events, which know their lines. */
#ifndef APP_CONFIG_YAML_PRIVATE_H
#define APP_CONFIG_YAML_PRIVATE_H

#include "app/config/schema.h"
#include "app/config/value.h"

#include <yaml.h>

#define WHY_MAX 480

/* One event is held at a time. */
struct loader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool holds_event;
    bool failed; /* the text is no YAML; said once, nothing more is read */
    struct app_config *config;
    struct config_problems *problems;
    const char *file;
    struct slice text;
};

#define COMPLAIN(l, at, key, ...)                                                                  \
    config_problem((l)->problems, &(struct config_origin){.file = (l)->file, .line = (at)}, (key), \
                   __VA_ARGS__)

/* Moves to the next event; its type, or YAML_NO_EVENT when there is none. */
yaml_event_type_t loader_advance(struct loader *l);
/* The event held begins a node; moves to its last event. */
void loader_skip_node(struct loader *l);
/* Of the event held; lines count from 1. */
unsigned loader_line(const struct loader *l);
struct slice loader_scalar(const struct loader *l);
/* "key:" with nothing behind it, or one of YAML's words for that. */
bool loader_scalar_is_null(const struct loader *l);

/* The items of a list, copied into the configuration's arena. */
struct loader_items {
    unsigned count;
    bool bad; /* said already */
    struct slice slices[CONFIG_ITEMS_MAX];
    unsigned lines[CONFIG_ITEMS_MAX];
};

/* Beyond CONFIG_ITEMS_MAX items: a complaint, and the list is bad. */
void loader_add_item(struct loader *l, const struct config_key *key, struct slice text,
                     unsigned line, struct loader_items *items);
/* The event held begins a route written as a mapping: adds it in its text form, so that one parser
 * checks both. */
void loader_read_route(struct loader *l, const struct config_key *key, struct loader_items *items);
/* The event held begins the value of the key at `index`. */
void loader_read_value(struct loader *l, int index, unsigned line);

#endif
