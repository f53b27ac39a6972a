/* Our outside address: found at start, watched, taken over when it changes. */
#include "app/server/server_private.h"
#include "base/error.h"

static const char *const family_names[OUTSIDE_FAMILIES] = {"IPv4", "IPv6"};

static const char *host_text(const struct outside_host *host, char buf[ADDRESS_TEXT_MAX])
{
    struct writer w;
    writer_init(&w, buf, ADDRESS_TEXT_MAX);
    if (host->source == OUTSIDE_INTERFACES)
        writer_literal(&w, "none");
    else
        address_write_host(&w, &host->address, false);
    writer_char(&w, '\0');
    return buf;
}

static bool same_host(const struct outside_host *a, const struct outside_host *b)
{
    bool known = a->source != OUTSIDE_INTERFACES;
    return a->source == b->source && (!known || address_equal_host(&a->address, &b->address));
}

static void complain(struct server *server, const struct outside_found *found)
{
    bool failed = false;
    for (int i = 0; i < OUTSIDE_FAMILIES; i++) {
        failed = failed || found->failed[i];
        if (found->failed[i] && !server->outside.complained)
            log_warn(server->log, LOG_APP,
                     "nobody says what our outside address (%s) is%s%s; it stays as it was known "
                     "(trapezoid doctor)",
                     family_names[i], found->by[i][0] != '\0' ? ": no answer about " : "",
                     found->by[i]);
    }
    server->outside.complained = failed;
    atomic_fetch_add(&server->outside.failures, failed ? 1 : 0);
}

static void tell(struct server *server, const struct outside_found *found,
                 const struct outside_found *before)
{
    for (int i = 0; i < OUTSIDE_FAMILIES; i++) {
        char now[ADDRESS_TEXT_MAX], then[ADDRESS_TEXT_MAX], by[340];
        if (same_host(&found->hosts[i], &before->hosts[i]))
            continue;
        log_info(server->log, LOG_APP, "outside address (%s): %s, %s; before: %s", family_names[i],
                 host_text(&found->hosts[i], now),
                 outside_source_text(found, (enum outside_family)i, by, sizeof by),
                 host_text(&before->hosts[i], then));
    }
}

static void note(struct server *server)
{
    const struct outside_host *hosts = server->outside.found.hosts;
    atomic_store(&server->outside.known, hosts[OUTSIDE_V4].source != OUTSIDE_INTERFACES ||
                                             hosts[OUTSIDE_V6].source != OUTSIDE_INTERFACES);
}

void server_outside_find(struct server *server, const struct app_config *config)
{
    struct outside_found found;
    outside_find(config, server->log, NULL, &found);
    if (outside_changes(config))
        atomic_fetch_add(&server->outside.checks, 1);
    complain(server, &found);
    tell(server, &found, &server->outside.found);
    server->outside.found = found;
    note(server);
}

int server_outside_watch(struct server *server)
{
    struct app_config *config = server->settings->config;
    struct outside_watch_options options = {
        .log = server->log, .on_found = server->outside.on_found, .user = server->outside.user};
    if (!outside_changes(config)) {
        outside_watch_free(server->outside.watch);
        server->outside.watch = NULL;
        return 0;
    }
    if (server->outside.watch == NULL)
        return outside_watch_new(&options, config, &server->outside.watch);
    outside_watch_set(server->outside.watch, config);
    return 0;
}

/* Whoever gave no answer leaves what was known. */
static void keep_failed(struct outside_found *found, const struct outside_found *before)
{
    for (int i = 0; i < OUTSIDE_FAMILIES; i++) {
        enum outside_source source = before->hosts[i].source;
        if (!found->failed[i] || (source != OUTSIDE_STUN && source != OUTSIDE_NAMED))
            continue;
        found->hosts[i] = before->hosts[i];
        memcpy(found->by[i], before->by[i], sizeof found->by[i]);
    }
}

void server_outside_foresee(const struct server *server, const struct app_config *config,
                            struct outside_found *ret_found)
{
    if (!outside_changes(config)) {
        outside_find(config, server->log, NULL, ret_found); /* asks nobody */
        return;
    }
    *ret_found = server->outside.found;
}

void server_on_outside(struct server *server)
{
    struct outside_found found;
    struct settings *settings;
    const struct outside_found *before = &server->outside.found;
    if (server->outside.watch == NULL || !outside_watch_take(server->outside.watch, &found))
        return;
    atomic_fetch_add(&server->outside.checks, 1);
    complain(server, &found);
    keep_failed(&found, before);
    if (same_host(&found.hosts[OUTSIDE_V4], &before->hosts[OUTSIDE_V4]) &&
        same_host(&found.hosts[OUTSIDE_V6], &before->hosts[OUTSIDE_V6]))
        return;
    int status = settings_renew(server->settings, found.hosts, server->log, &settings);
    if (status == 0) {
        status = server_hand_over(server, settings);
        if (status < 0)
            settings_free(settings);
    }
    if (status < 0) {
        log_error(server->log, LOG_APP, "the new outside address cannot be used: %s",
                  error_text(status));
        return;
    }
    tell(server, &found, before);
    server->outside.found = found;
    atomic_fetch_add(&server->outside.changes, 1);
    note(server);
}

void server_outside_reloaded(struct server *server, const struct outside_found *found)
{
    tell(server, found, &server->outside.found);
    if (!same_host(&found->hosts[OUTSIDE_V4], &server->outside.found.hosts[OUTSIDE_V4]) ||
        !same_host(&found->hosts[OUTSIDE_V6], &server->outside.found.hosts[OUTSIDE_V6]))
        atomic_fetch_add(&server->outside.changes, 1);
    server->outside.found = *found;
    note(server);
    if (server_outside_watch(server) < 0)
        log_error(server->log, LOG_APP, "our outside address is not watched: out of memory");
}

void server_watch_end(struct server *server)
{
    outside_watch_free(server->outside.watch);
    server->outside.watch = NULL;
}
