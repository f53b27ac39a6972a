#include <unistd.h>

#include "app/server/listen.h"
#include "app/server/secure.h"
#include "app/server/server_private.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define RELOAD_WAIT_US  1000000
#define RELOAD_CHECK_US 500

/* Settings that a worker may still use. */
struct retired {
    struct settings *settings;
    struct retired *next;
};

int server_make_settings(struct server *server, struct app_config *config,
                         const struct outside_found *found, struct settings **ret_settings)
{
    struct address bound[ENDPOINT_LISTENERS_MAX];
    for (unsigned i = 0; i < config->listen.count; i++)
        bound[i] = worker_listener_address(server->workers[0], i);
    return settings_new(config, bound, found->hosts, server->log, ret_settings);
}

void server_warn_of_names(const struct server *server, const struct app_config *config)
{
    char note[SECURE_NOTE_MAX];
    secure_note(config, server->tls, note);
    if (note[0] != '\0')
        log_warn(server->log, LOG_CONFIG, "%s", note);
}

static bool is_used(const struct server *server, const struct settings *settings)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        if (worker_settings(server->workers[i]) == settings)
            return true;
    }
    return false;
}

/* Frees what no worker uses any more. Returns whether nothing is left. */
static bool clear_retired(struct server *server)
{
    struct retired **at = &server->retired;
    while (*at != NULL) {
        struct retired *retired = *at;
        if (is_used(server, retired->settings)) {
            at = &retired->next;
            continue;
        }
        *at = retired->next;
        settings_free(retired->settings);
        memory_free(retired);
    }
    return server->retired == NULL;
}

static bool same_strings(const struct config_strings *a, const struct config_strings *b)
{
    bool same = a->count == b->count;
    for (unsigned i = 0; same && i < a->count; i++)
        same = slice_equal(a->items[i], b->items[i]);
    return same;
}

void server_set_log(struct log *log, const struct app_config *config)
{
    log_set(log, log_level_name((enum log_level)config->log_level));
    for (unsigned i = 0; i < config->log_levels.count; i++)
        log_set(log, config->log_levels.items[i].ptr); /* ends with NUL: it lies in the arena */
}

/* Levels that `trapezoid log` has set stay when the configuration's are as before. */
static void reload_log(struct server *server, const struct app_config *from,
                       const struct app_config *to)
{
    log_set_json(server->log, to->log_format == CONFIG_LOG_JSON);
    if (from->log_level != to->log_level || !same_strings(&from->log_levels, &to->log_levels))
        server_set_log(server->log, to);
}

int server_hand_over(struct server *server, struct settings *settings)
{
    struct retired *retired = memory_zalloc(1, sizeof *retired);
    if (retired == NULL)
        return ERR_NO_MEMORY;
    for (unsigned i = 0; i < server->worker_count; i++) {
        int status = worker_reload(server->workers[i], settings);
        if (status < 0 && i == 0) {
            memory_free(retired);
            return status;
        }
        /* The ring of the controlling thread holds thousands of such mails. */
        if (status < 0)
            log_error(server->log, LOG_APP, "worker %u does not take the configuration", i);
    }
    *retired = (struct retired){.settings = server->settings, .next = server->retired};
    server->retired = retired;
    server->settings = settings;
    turn_quota_reload(server->turn_quota, &settings->config->turn_quota);
    return 0;
}

static void wait_for_workers(struct server *server)
{
    uint64_t until = clock_monotonic_us() + RELOAD_WAIT_US;
    while (!clear_retired(server) && clock_monotonic_us() < until)
        (void)usleep(RELOAD_CHECK_US);
}

static int refuse_fixed(const struct server *server, const struct app_config *config,
                        struct config_problems *complaints)
{
    char text[512];
    struct writer names;
    writer_init(&names, text, sizeof text);
    if (config_fixed_changes(server->settings->config, config, &names) == 0)
        return 0;
    config_problem(complaints, &(struct config_origin){.file = server->source->file},
                   writer_slice(&names), "cannot be changed while the server runs; restart it");
    return ERR_DENIED;
}

int server_reload(struct server *server, struct config_problems *complaints)
{
    struct app_config *config;
    int status = config_read(server->source, complaints, &config);
    if (status < 0)
        return status;
    listen_prepare(config, server->log);
    config->endpoint.tls = server->tls;
    config->stun.tls = server->tls;
    status = refuse_fixed(server, config, complaints);
    if (status == 0 && server->tls != NULL)
        status = secure_reload(config, server->tls, complaints);
    config->endpoint.tls_domain = secure_domain(config, server->tls);
    if (status < 0) {
        config_free(config);
        return status;
    }
    struct settings *settings;
    struct outside_found found;
    server_outside_foresee(server, config, &found);
    status = server_make_settings(server, config, &found, &settings);
    if (status < 0)
        return status;
    const struct app_config *before = server->settings->config;
    status = server_hand_over(server, settings);
    if (status < 0) {
        settings_free(settings);
        return status;
    }
    location_reload(server->location, config->max_bindings, config->max_contacts);
    reload_log(server, before, config);
    server_warn_of_names(server, config);
    server_outside_reloaded(server, &found);
    wait_for_workers(server);
    return 0;
}

void server_free_settings(struct server *server)
{
    settings_free(server->settings);
    while (server->retired != NULL) {
        struct retired *retired = server->retired;
        server->retired = retired->next;
        settings_free(retired->settings);
        memory_free(retired);
    }
}
