#include "app/config/number.h"
#include "app/config/value_private.h"
#include "base/error.h"

static const struct {
    const char *noun; /* "a whole number" */
    const struct config_value_type *type;
} types[CONFIG_TYPES] = {
    [CONFIG_BOOL] = {"a switch", &config_value_bool},
    [CONFIG_UINT] = {"a whole number", &config_value_number},
    [CONFIG_MILLISECONDS] = {"a duration", &config_value_number},
    [CONFIG_SECONDS] = {"a duration", &config_value_number},
    [CONFIG_SIZE] = {"a size", &config_value_number},
    [CONFIG_STRING] = {"a text", &config_value_string},
    [CONFIG_ENUM] = {"known", &config_value_enum},
    [CONFIG_FLAGS] = {"known", &config_value_flags},
    [CONFIG_STRINGS] = {"a list", &config_value_strings},
    [CONFIG_LISTENERS] = {"a list of listeners", &config_value_listeners},
    [CONFIG_ROUTES] = {"a list of routes", &config_value_routes},
    [CONFIG_ADDRESS] = {"an address", &config_value_address},
};

static const struct config_value_type *type_of(const struct config_key *key)
{
    return types[key->type].type;
}

int config_complain_scalar(const struct config_key *key, struct slice text, struct writer *why)
{
    writer_format(why, "\"%.*s\" is not %s; write ", SLICE_ARG(text), types[key->type].noun);
    config_value_describe(key, why);
    return ERR_SYNTAX;
}

int config_complain_memory(int status, struct writer *why)
{
    if (status == ERR_NO_MEMORY)
        writer_string(why, error_text(status));
    return status;
}

int config_value_set(struct app_config *config, const struct config_key *key,
                     const struct config_value *value, struct writer *why)
{
    if (config_type_is_list(key->type) && (value->count < key->min || value->count > key->max)) {
        writer_format(why, "has %u items; write ", value->count);
        config_value_describe(key, why);
        return ERR_LIMIT;
    }
    return type_of(key)->set(config, key, value, why);
}

int config_value_check_item(const struct config_key *key, struct slice item, struct writer *why)
{
    return type_of(key)->check(key, item, why);
}

unsigned config_value_split(const struct config_key *key, struct slice text, struct slice *items)
{
    struct slice rest = slice_trim(text);
    if (!config_type_is_list(key->type)) {
        items[0] = rest;
        return 1;
    }
    unsigned count = 0;
    while (!slice_empty(rest) && count <= CONFIG_ITEMS_MAX)
        items[count++] = slice_trim(slice_cut(&rest, ','));
    return count;
}

void config_value_write(const struct app_config *config, const struct config_key *key,
                        unsigned indent, struct writer *w)
{
    type_of(key)->write(config_field_const(config, key), key, indent, w);
}

static void describe_words(const struct config_key *key, struct writer *w)
{
    for (int i = 0; key->words[i] != NULL; i++) {
        if (i > 0)
            writer_string(w, key->words[i + 1] == NULL ? " or " : ", ");
        writer_string(w, key->words[i]);
    }
}

void config_value_describe(const struct config_key *key, struct writer *w)
{
    const char *noun = types[key->type].noun;
    switch (key->type) {
    case CONFIG_BOOL: writer_literal(w, "on or off"); break;
    case CONFIG_ENUM: describe_words(key, w); break;
    case CONFIG_FLAGS:
        writer_literal(w, "a list of ");
        describe_words(key, w);
        break;
    case CONFIG_UINT:
    case CONFIG_MILLISECONDS:
    case CONFIG_SECONDS:
    case CONFIG_SIZE:
        writer_string(w, noun);
        writer_literal(w, " from ");
        config_number_write(key->type, key->min, w);
        writer_literal(w, " to ");
        config_number_write(key->type, key->max, w);
        if (key->unit != NULL)
            writer_format(w, " %s", key->unit);
        if (key->type == CONFIG_MILLISECONDS || key->type == CONFIG_SECONDS)
            writer_format(w, " (a plain number is %s)",
                          key->type == CONFIG_SECONDS ? "seconds" : "milliseconds");
        break;
    case CONFIG_STRINGS:
    case CONFIG_LISTENERS:
    case CONFIG_ROUTES:
        writer_string(w, noun);
        writer_format(w, ", %u to %u items", (unsigned)key->min, (unsigned)key->max);
        break;
    default: writer_string(w, noun);
    }
}
