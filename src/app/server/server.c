#include "app/server/server.h"

#include "app/server/listen.h"
#include "app/server/secure.h"
#include "app/server/server_private.h"
#include "app/server/turn.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define LINGER_MS 1000 /* of location.durability async */

/* Places in the mesh after the workers. */
enum { SENDER_STORE, SENDER_CONTROL, SENDERS };

static int open_mesh(struct server *server, const struct app_config *config)
{
    int status = mesh_new(config->workers, SENDERS, 0, &server->mesh);
    if (status < 0)
        return status;
    status = commits_init(&server->commits, server->mesh, config->workers + SENDER_STORE);
    if (status < 0)
        return status;
    struct worker_shared *shared = &server->shared;
    shared->mesh = server->mesh;
    shared->commits = &server->commits;
    shared->count = config->workers;
    shared->sender = config->workers + SENDER_CONTROL;
    shared->location = server->location;
    shared->accounts = server->accounts;
    shared->replay = server->replay;
    shared->health = server->health;
    shared->turn_quota = server->turn_quota;
    shared->turn_ports = server->turn_ports;
    return 0;
}

/* The first worker finds out what port 0 stands for, the others take the same. */
static int open_workers(struct server *server, struct app_config *config)
{
    for (unsigned i = 0; i < config->workers; i++) {
        unsigned failed = 0;
        int status =
            worker_new(&server->shared, i, &config->endpoint, &failed, &server->workers[i]);
        if (status < 0) {
            char text[ADDRESS_TEXT_MAX];
            const struct endpoint_listener *listener = &config->endpoint.listeners[failed];
            log_error(server->log, LOG_APP, "worker %u cannot listen on %s:%s: %s", i,
                      transport_uri_name((enum transport)listener->transport).ptr,
                      address_text(&listener->local, text), error_text(status));
            return status;
        }
        server->worker_count++;
        for (unsigned k = 0; i == 0 && k < config->listen.count; k++)
            config->endpoint.listeners[k].local = worker_listener_address(server->workers[0], k);
    }
    return 0;
}

/* As open_workers does. */
static int open_stun(struct server *server, struct app_config *config)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        struct address failed = {0};
        int status = worker_open_stun(server->workers[i], &config->stun, &failed);
        if (status < 0) {
            char text[ADDRESS_TEXT_MAX];
            log_error(server->log, LOG_APP, "stun: worker %u cannot listen on %s: %s", i,
                      address_text(&failed, text), error_text(status));
            return status;
        }
        for (unsigned k = 0; i == 0 && k < config->stun.listener_count; k++)
            config->stun.listeners[k].local = worker_stun_address(server->workers[0], k);
    }
    return 0;
}

static int equip_workers(struct server *server)
{
    int status = 0;
    for (unsigned i = 0; status == 0 && i < server->worker_count; i++)
        status = worker_equip(server->workers[i], server->settings);
    return status;
}

/* config stays the caller's when this fails. */
static int open_all(struct server *server, struct app_config *config)
{
    listen_prepare(config, server->log);
    listen_corners(config);
    int status = listen_check(config, server->log);
    if (status == 0)
        status = server_open_data(server, config);
    if (status == 0)
        status = turn_open(server, config);
    if (status == 0) {
        server_outside_find(server, config);
        status = secure_open(config, server->outside.found.hosts, server->log, &server->tls,
                             &server->new_certificate);
    }
    config->endpoint.tls = server->tls;
    config->stun.tls = server->tls;
    config->endpoint.tls_domain = secure_domain(config, server->tls);
    if (status == 0)
        server_warn_of_names(server, config);
    if (status == 0)
        status = open_mesh(server, config);
    if (status == 0)
        status = open_workers(server, config);
    if (status == 0)
        status = open_stun(server, config);
    return status;
}

int server_new(const struct server_options *options, struct app_config *config,
               struct server **ret_server)
{
    struct server *server = memory_zalloc(1, sizeof *server);
    if (server == NULL) {
        config_free(config);
        return ERR_NO_MEMORY;
    }
    server->log = options->log;
    server->source = options->source;
    server->started_us = clock_monotonic_us();
    server->started_ms = (int64_t)clock_wall_ms();
    server->shared.log = options->log;
    server->shared.on_end = options->on_worker_end;
    server->shared.user = options->user;
    server->outside.on_found = options->on_outside;
    server->outside.user = options->user;
    int status = open_all(server, config);
    if (status < 0) {
        server_free(server);
        config_free(config);
        return status;
    }
    status = server_make_settings(server, config, &server->outside.found, &server->settings);
    if (status == 0)
        status = equip_workers(server);
    if (status < 0) {
        log_error(server->log, LOG_APP, "the services cannot be made: %s", error_text(status));
        server_free(server);
        return status;
    }
    *ret_server = server;
    return 0;
}

int server_start(struct server *server)
{
    const struct app_config *config = server->settings->config;
    struct store_writer_options writer = {
        .linger_ms = config->durability == CONFIG_DURABLE_ASYNC ? LINGER_MS : 0,
        .on_commit = commits_announce,
        .user = &server->commits,
    };
    int status = store_writer_start(server->store, &writer);
    for (unsigned i = 0; status == 0 && i < server->worker_count; i++)
        status = worker_start(server->workers[i]);
    if (status == 0)
        status = server_outside_watch(server);
    if (status < 0)
        log_error(server->log, LOG_APP, "the threads cannot be started: %s", error_text(status));
    server->served = status == 0;
    server_addresses_note(server);
    return status;
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    outside_watch_free(server->outside.watch);
    server_stop(server);
    for (unsigned i = 0; i < server->worker_count; i++)
        worker_free(server->workers[i]);
    tls_free(server->tls);
    server_close_data(server);
    /* The writer has announced its last commits. */
    commits_done(&server->commits);
    mesh_free(server->mesh);
    turn_ports_free(server->turn_ports);
    server_free_settings(server);
    memory_free(server);
}

/* ---- The end ---- */

void server_drain(struct server *server)
{
    atomic_store(&server->draining, true);
    for (unsigned i = 0; i < server->worker_count; i++) {
        if (worker_drain(server->workers[i]) < 0)
            log_error(server->log, LOG_APP, "worker %u cannot be told to drain", i);
    }
}

bool server_drained(const struct server *server)
{
    bool drained = true;
    for (unsigned i = 0; i < server->worker_count; i++)
        drained = drained && worker_drained(server->workers[i]);
    return drained;
}

void server_stop(struct server *server)
{
    for (unsigned i = 0; i < server->worker_count; i++)
        worker_stop(server->workers[i]);
}

/* ---- What others ask ---- */

struct address server_listener_address(const struct server *server, unsigned listener)
{
    return worker_listener_address(server->workers[0], listener);
}

int64_t server_metric(const struct server *server, enum worker_metrics table, unsigned which)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < server->worker_count; i++)
        sum += metric_get(&worker_metric_set(server->workers[i], table)[which]);
    return sum;
}
