#include "app/config/yaml_private.h"

#include "app/config/assign.h"
#include "base/error.h"

void loader_add_item(struct loader *l, const struct config_key *key, struct slice text,
                     unsigned line, struct loader_items *items)
{
    struct slice copy;
    if (items->count == CONFIG_ITEMS_MAX) {
        if (!items->bad)
            COMPLAIN(l, loader_line(l), slice_from_string(key->name), "more than %d items",
                     CONFIG_ITEMS_MAX);
        items->bad = true;
    } else if (arena_copy(&l->config->arena, text, &copy) < 0) {
        COMPLAIN(l, loader_line(l), slice_from_string(key->name), "out of memory");
        items->bad = true;
    } else {
        items->lines[items->count] = line;
        items->slices[items->count++] = copy;
    }
}

static void read_sequence(struct loader *l, int index, unsigned line)
{
    const struct config_key *key = config_key_at((unsigned)index);
    if (!config_type_is_list(key->type)) {
        COMPLAIN(l, loader_line(l), slice_from_string(key->name), "takes one value, not a list");
        loader_skip_node(l);
        return;
    }
    struct loader_items items = {.count = 0, .bad = false};
    yaml_event_type_t type;
    while ((type = loader_advance(l)) != YAML_SEQUENCE_END_EVENT) {
        if (type == YAML_NO_EVENT)
            return;
        if (type == YAML_SCALAR_EVENT) {
            loader_add_item(l, key, loader_scalar(l), loader_line(l), &items);
        } else if (type == YAML_MAPPING_START_EVENT && key->type == CONFIG_ROUTES) {
            loader_read_route(l, key, &items);
        } else {
            COMPLAIN(l, loader_line(l), slice_from_string(key->name), "an item is one text");
            items.bad = true;
            loader_skip_node(l);
        }
    }
    struct config_value value = {.items = items.slices, .count = items.count};
    config_assign(l->config, index, &value, &(struct config_origin){.file = l->file, .line = line},
                  items.lines, l->problems);
    l->config->origins[index].bad = l->config->origins[index].bad || items.bad;
}

static void read_scalar(struct loader *l, int index)
{
    const struct config_key *key = config_key_at((unsigned)index);
    struct config_origin origin = {.file = l->file, .line = loader_line(l)};
    if (!loader_scalar_is_null(l)) {
        config_assign_text(l->config, index, loader_scalar(l), &origin, l->problems);
        return;
    }
    char text[WHY_MAX];
    struct writer takes;
    writer_init(&takes, text, sizeof text);
    config_value_describe(key, &takes);
    COMPLAIN(l, origin.line, slice_from_string(key->name), "has no value; write %.*s",
             SLICE_ARG(writer_slice(&takes)));
}

void loader_read_value(struct loader *l, int index, unsigned line)
{
    struct config_origin *origin = &l->config->origins[index];
    struct slice name = slice_from_string(config_key_at((unsigned)index)->name);
    if (origin->file != NULL) {
        COMPLAIN(l, line, name, "given twice; the first is in line %u", origin->line);
        loader_skip_node(l);
        return;
    }
    *origin = (struct config_origin){.file = l->file, .line = line, .bad = true};
    switch (l->event.type) {
    case YAML_SCALAR_EVENT: read_scalar(l, index); break;
    case YAML_SEQUENCE_START_EVENT: read_sequence(l, index, line); break;
    case YAML_MAPPING_START_EVENT:
        COMPLAIN(l, line, name, "takes a value, nothing can stand below it");
        loader_skip_node(l);
        break;
    default: COMPLAIN(l, line, name, "aliases are not supported; write the value again");
    }
}
