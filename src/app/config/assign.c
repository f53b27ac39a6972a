#include "app/config/assign.h"

#include "base/error.h"

#define WHY_MAX 480

/* How many items are bad. */
static unsigned check_items(const struct config_key *key, const struct config_value *value,
                            const struct config_origin *origin, const unsigned *lines,
                            struct config_problems *problems)
{
    unsigned bad = 0;
    for (unsigned i = 0; i < value->count; i++) {
        char text[WHY_MAX];
        struct writer why;
        writer_init(&why, text, sizeof text);
        if (config_value_check_item(key, value->items[i], &why) == 0)
            continue;
        struct config_origin at = *origin;
        if (lines != NULL)
            at.line = lines[i];
        config_problem(problems, &at, slice_from_string(key->name), "%.*s",
                       SLICE_ARG(writer_slice(&why)));
        bad++;
    }
    return bad;
}

void config_assign(struct app_config *config, int index, const struct config_value *value,
                   const struct config_origin *origin, const unsigned *lines,
                   struct config_problems *problems)
{
    const struct config_key *key = config_key_at((unsigned)index);
    config->origins[index] = *origin;
    config->origins[index].bad = true;
    if (config_type_is_list(key->type) && value->count <= key->max &&
        check_items(key, value, origin, lines, problems) > 0)
        return;
    char text[WHY_MAX];
    struct writer why;
    writer_init(&why, text, sizeof text);
    if (config_value_set(config, key, value, &why) == 0)
        config->origins[index].bad = false;
    else
        config_problem(problems, origin, slice_from_string(key->name), "%.*s",
                       SLICE_ARG(writer_slice(&why)));
}

void config_assign_text(struct app_config *config, int index, struct slice text,
                        const struct config_origin *origin, struct config_problems *problems)
{
    struct slice items[CONFIG_ITEMS_MAX + 1];
    struct config_value value = {
        .items = items, .count = config_value_split(config_key_at((unsigned)index), text, items)};
    config_assign(config, index, &value, origin, NULL, problems);
}
