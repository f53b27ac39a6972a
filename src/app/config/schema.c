#include "app/config/schema.h"

#include <assert.h>

#include "app/text/nearest.h"
#include "base/error.h"

static const struct config_section *const sections[] = {
#define SECTION_ADDRESS(name) &config_section_##name,
    CONFIG_SECTION_LIST(SECTION_ADDRESS) NULL,
#undef SECTION_ADDRESS
};

const struct config_key *config_key_at(unsigned index)
{
    unsigned before = 0;
    for (size_t i = 0; sections[i] != NULL; i++) {
        if (index - before < sections[i]->count) {
            assert(index < CONFIG_KEYS_MAX);
            return &sections[i]->keys[index - before];
        }
        before += sections[i]->count;
    }
    return NULL;
}

int config_key_find(struct slice name)
{
    const struct config_key *key;
    for (unsigned i = 0; (key = config_key_at(i)) != NULL; i++) {
        if (slice_equal(slice_from_string(key->name), name))
            return (int)i;
    }
    return ERR_NOT_FOUND;
}

static bool key_is_below(const char *key, struct slice section)
{
    struct slice name = slice_from_string(key);
    return slice_starts_with(name, section) && name.len > section.len &&
           name.ptr[section.len] == '.';
}

bool config_key_is_section(struct slice name)
{
    const struct config_key *key;
    for (unsigned i = 0; (key = config_key_at(i)) != NULL; i++) {
        if (!slice_empty(name) && key_is_below(key->name, name))
            return true;
    }
    return false;
}

void config_key_hint(struct slice name, bool sections_only, struct writer *w)
{
    struct nearest nearest;
    const struct config_key *key;
    nearest_init(&nearest, name);
    for (unsigned i = 0; (key = config_key_at(i)) != NULL; i++) {
        struct slice rest = slice_from_string(key->name);
        nearest_try(&nearest, sections_only ? slice_cut(&rest, '.') : rest);
    }
    if (nearest.best[0] != '\0')
        writer_format(w, "; did you mean %s?", nearest.best);
}
