#include "app/config/config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "app/config/assign.h"
#include "app/config/complete.h"
#include "app/config/whole.h"
#include "app/config/yaml.h"
#include "base/error.h"
#include "base/memory.h"

#define ARENA_CHUNK 8192
#define ARENA_MAX   (16 * 1024 * 1024)
#define WHY_MAX     480

void config_free(struct app_config *config)
{
    if (config == NULL || config->shared-- > 0)
        return;
    arena_done(&config->arena);
    memory_free(config);
}

struct app_config *config_ref(struct app_config *config)
{
    config->shared++;
    return config;
}

int config_defaults(struct app_config **ret_config)
{
    struct app_config *config = memory_zalloc(1, sizeof *config);
    if (config == NULL)
        return ERR_NO_MEMORY;
    arena_init(&config->arena, ARENA_CHUNK, ARENA_MAX);
    int status = 0;
    const struct config_key *key;
    for (unsigned i = 0; status == 0 && (key = config_key_at(i)) != NULL; i++) {
        struct slice items[CONFIG_ITEMS_MAX + 1];
        char text[WHY_MAX];
        struct writer why;
        writer_init(&why, text, sizeof text);
        struct config_value value = {.items = items};
        value.count = config_value_split(key, slice_from_string(key->standard), items);
        status = config_value_set(config, key, &value, &why);
    }
    if (status < 0) {
        config_free(config);
        return status;
    }
    *ret_config = config;
    return 0;
}

/* ERR_NO_MEMORY, or ERR_INVALID (said). */
static int read_whole(const char *name, struct config_problems *problems, char **ret_text,
                      size_t *ret_len)
{
    bool is_stdin = strcmp(name, "-") == 0;
    struct config_origin origin = {.file = name};
    char *text = memory_alloc(CONFIG_FILE_MAX + 1);
    if (text == NULL)
        return ERR_NO_MEMORY;
    FILE *file = is_stdin ? stdin : fopen(name, "re");
    size_t len = file == NULL ? 0 : fread(text, 1, CONFIG_FILE_MAX + 1, file);
    char reason[128] = "";
    if (file == NULL || ferror(file) != 0)
        config_problem(problems, &origin, SLICE_NULL, "cannot be read: %s",
                       strerror_r(errno, reason, sizeof reason));
    else if (len > CONFIG_FILE_MAX)
        config_problem(problems, &origin, SLICE_NULL, "is larger than %d bytes", CONFIG_FILE_MAX);
    bool bad = file == NULL || ferror(file) != 0 || len > CONFIG_FILE_MAX;
    if (file != NULL && !is_stdin)
        (void)fclose(file);
    if (bad) {
        memory_free(text);
        return ERR_INVALID;
    }
    *ret_text = text;
    *ret_len = len;
    return 0;
}

static int load_file(struct app_config *config, const char *name, struct config_problems *problems)
{
    char *text;
    size_t len;
    int status = read_whole(name, problems, &text, &len);
    if (status < 0)
        return status;
    config_yaml_load(config, name, slice_of(text, len), problems);
    memory_free(text);
    return 0;
}

static void apply_set(struct app_config *config, const char *assignment,
                      struct config_problems *problems)
{
    static const struct config_origin origin = {.file = "--set"};
    char text[WHY_MAX];
    struct writer why;
    writer_init(&why, text, sizeof text);
    struct slice value = slice_from_string(assignment);
    bool has_value = slice_index(value, '=') < value.len;
    struct slice name = slice_trim(slice_cut(&value, '='));
    int index = config_key_find(name);
    if (!has_value) {
        config_problem(problems, &origin, name, "write --set KEY=VALUE");
    } else if (index < 0 && config_key_is_section(name)) {
        config_problem(problems, &origin, name,
                       "is a group of keys; write --set %.*s.KEY=VALUE (trapezoid config print "
                       "shows them)",
                       SLICE_ARG(name));
    } else if (index < 0) {
        config_key_hint(name, false, &why);
        config_problem(problems, &origin, name, "no such key%.*s", SLICE_ARG(writer_slice(&why)));
    } else {
        config_assign_text(config, index, value, &origin, problems);
    }
}

int config_read(const struct config_source *source, struct config_problems *problems,
                struct app_config **ret_config)
{
    struct app_config *config;
    int status = config_defaults(&config);
    if (status < 0)
        return status;
    if (source->file != NULL)
        status = load_file(config, source->file, problems);
    for (unsigned i = 0; i < source->set_count; i++)
        apply_set(config, source->sets[i], problems);
    if (status == 0)
        status = config_complete(config, problems);
    if (status == 0)
        config_check_whole(config, problems);
    if (status == 0 && problems->count > 0 && !source->lenient)
        status = ERR_INVALID;
    if (status < 0) {
        config_free(config);
        return status;
    }
    *ret_config = config;
    return 0;
}

const struct config_origin *config_origin_of(const struct app_config *config, const char *name)
{
    int index = config_key_find(slice_from_string(name));
    assert(index >= 0);
    return &config->origins[index];
}

bool config_given(const struct app_config *config, const char *name)
{
    return config_origin_of(config, name)->file != NULL;
}
