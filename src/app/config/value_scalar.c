#include "app/config/value_private.h"

#include "app/config/number.h"
#include "app/text/nearest.h"
#include "base/error.h"

/* ---- Switches and numbers ---- */

static int set_bool(struct app_config *config, const struct config_key *key,
                    const struct config_value *value, struct writer *why)
{
    static const char *const words[2][3] = {{"off", "false", "no"}, {"on", "true", "yes"}};
    for (int on = 0; on < 2; on++) {
        for (int i = 0; i < 3; i++) {
            if (slice_equal_nocase(slice_from_string(words[on][i]), value->items[0])) {
                *(bool *)config_field(config, key) = on != 0;
                return 0;
            }
        }
    }
    return config_complain_scalar(key, value->items[0], why);
}

static void write_bool(const void *field, const struct config_key *key, unsigned indent,
                       struct writer *w)
{
    (void)key, (void)indent;
    writer_string(w, *(const bool *)field ? " on" : " off");
}

static uint64_t load_number(const void *field, const struct config_key *key)
{
    return key->width == sizeof(uint64_t) ? *(const uint64_t *)field : *(const uint32_t *)field;
}

static void store_number(void *field, const struct config_key *key, uint64_t number)
{
    if (key->width == sizeof(uint64_t))
        *(uint64_t *)field = number;
    else
        *(uint32_t *)field = (uint32_t)number;
}

static int set_number(struct app_config *config, const struct config_key *key,
                      const struct config_value *value, struct writer *why)
{
    uint64_t number;
    int status = config_number_parse(key->type, value->items[0], &number);
    if (status == ERR_SYNTAX)
        return config_complain_scalar(key, value->items[0], why);
    if (status < 0 || number < key->min || number > key->max) {
        writer_format(why, "%.*s is out of range; write ", SLICE_ARG(value->items[0]));
        config_value_describe(key, why);
        return ERR_RANGE;
    }
    store_number(config_field(config, key), key, number);
    return 0;
}

static void write_number(const void *field, const struct config_key *key, unsigned indent,
                         struct writer *w)
{
    (void)indent;
    writer_char(w, ' ');
    config_number_write(key->type, load_number(field, key), w);
}

/* ---- Words ---- */

/* ERR_NOT_FOUND, with the complaint. */
static int find_word(const struct config_key *key, struct slice text, struct writer *why)
{
    struct nearest nearest;
    nearest_init(&nearest, text);
    for (int i = 0; key->words[i] != NULL; i++) {
        struct slice word = slice_from_string(key->words[i]);
        if (slice_equal_nocase(word, text))
            return i;
        nearest_try(&nearest, word);
    }
    config_complain_scalar(key, text, why);
    if (nearest.best[0] != '\0')
        writer_format(why, "; did you mean %s?", nearest.best);
    return ERR_NOT_FOUND;
}

static int set_enum(struct app_config *config, const struct config_key *key,
                    const struct config_value *value, struct writer *why)
{
    int word = find_word(key, value->items[0], why);
    if (word < 0)
        return ERR_SYNTAX;
    store_number(config_field(config, key), key, (uint64_t)word);
    return 0;
}

static void write_enum(const void *field, const struct config_key *key, unsigned indent,
                       struct writer *w)
{
    (void)indent;
    writer_char(w, ' ');
    writer_string(w, key->words[load_number(field, key)]);
}

static int check_word(const struct config_key *key, struct slice item, struct writer *why)
{
    return find_word(key, item, why) < 0 ? ERR_SYNTAX : 0;
}

static int set_flags(struct app_config *config, const struct config_key *key,
                     const struct config_value *value, struct writer *why)
{
    uint64_t flags = 0;
    for (unsigned i = 0; i < value->count; i++) {
        int word = find_word(key, value->items[i], why);
        if (word < 0)
            return ERR_SYNTAX;
        flags |= UINT64_C(1) << word;
    }
    store_number(config_field(config, key), key, flags);
    return 0;
}

static void write_flags(const void *field, const struct config_key *key, unsigned indent,
                        struct writer *w)
{
    (void)indent;
    uint64_t flags = load_number(field, key);
    const char *before = " [";
    for (int i = 0; key->words[i] != NULL; i++) {
        if ((flags >> i & 1) == 0)
            continue;
        writer_string(w, before);
        writer_string(w, key->words[i]);
        before = ", ";
    }
    writer_char(w, ']');
}

const struct config_value_type config_value_bool = {set_bool, write_bool, NULL};
const struct config_value_type config_value_number = {set_number, write_number, NULL};
const struct config_value_type config_value_enum = {set_enum, write_enum, NULL};
const struct config_value_type config_value_flags = {set_flags, write_flags, check_word};
