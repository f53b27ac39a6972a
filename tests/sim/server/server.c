#include "sim/server/server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/mesh.h"
#include "service/domains/domains.h"
#include "sim/world/sim_loop.h"
#include "stack/endpoint_private.h"
#include "stack/prober.h"

#define SWEEP_MS     1000
#define SWEEP_BUDGET 100

struct commit_mail {
    int64_t ticket;
    int64_t status;
};

struct sim_server_config sim_server_config_default(void)
{
    return (struct sim_server_config){
        .workers = 1,
        .port = 5060,
        .auth_register = true,
        .auth_call = true,
        .durable = true,
        .proxy = {.record_route = true,
                  .timer_c_s = 180,
                  .max_forwards = 70,
                  .max_breadth = 60,
                  .ring_s = 20,
                  .failover_ms = 4000,
                  .failover_targets = 8},
        .times = {500, 4000, 5000},
        .nonce_lifetime_s = 300,
        .expires_min_s = 60,
        .keepalive = {.pace = {LOCATION_KEEP_OFF, 25, 10, 110}, .rate = 1000},
    };
}

/* UDP and TCP; a wildcard once for each family. */
static void add_listeners(struct endpoint_config *e, const struct address *address,
                          const struct sim_server_config *config)
{
    struct address local = *address;
    if (config->wildcard) {
        memset(&local, 0, sizeof(local));
        local.sa.sa_family = address->sa.sa_family;
    }
    address_set_port(&local, config->port);
    for (unsigned i = 0; i < e->listener_count; i++) {
        if (address_equal(&e->listeners[i].local, &local))
            return;
    }
    for (unsigned t = 0; t < 2; t++)
        e->listeners[e->listener_count++] = (struct endpoint_listener){
            .transport = t == 0 ? TRANSPORT_UDP : TRANSPORT_TCP, .local = local};
}

void sim_server_init(struct sim_server *server, struct sim_host *host,
                     const struct sim_server_config *config, struct accounts *accounts)
{
    struct random random;
    memset(server, 0, sizeof(*server));
    server->world = host->world;
    server->host = host;
    server->config = *config;
    server->accounts = accounts;
    server->address = host->addresses[0];
    address_set_port(&server->address, config->port);
    log_init(&server->log, STDERR_FILENO, false, host->world->trace ? LOG_DEBUG : LOG_ERROR);
    journal_init(&server->journal, host->world);
    random_seed(&random, host->world->seed ^ 0x6b657973);
    for (size_t i = 0; i < sizeof(server->nonce_key); i++)
        server->nonce_key[i] = (uint8_t)random_u64(&random);
    server->token_key = random_hash_key(&random);
    for (size_t i = 0; i < sizeof(server->gruu_key); i++)
        server->gruu_key[i] = (uint8_t)random_u64(&random);
    struct endpoint_config *e = &server->endpoint;
    e->times = config->times;
    e->stream = config->stream;
    e->udp_request_max = 1300;
    e->via_maddr = config->via_maddr;
    e->overload_control = true;
    e->retry_after_s = 5;
    for (unsigned i = 0; i < host->address_count; i++)
        add_listeners(e, &host->addresses[i], config);
}

void sim_server_done(struct sim_server *server)
{
    if (server->running)
        sim_server_stop(server);
    journal_done(&server->journal);
}

/* ---- commits ---- */

static void on_store_mail(void *user, unsigned from, struct slice data)
{
    struct sim_worker *worker = user;
    struct commit_mail mail;
    (void)from;
    memcpy(&mail, data.ptr, sizeof(mail));
    registrar_on_commit(worker->registrar, mail.ticket, (int)mail.status);
}

static void on_commit(void *user, int64_t ticket, int status)
{
    struct sim_server *server = user;
    struct commit_mail mail = {ticket, status};
    struct slice part = slice_of((const char *)&mail, sizeof(mail));
    unsigned self = server->config.workers; /* the store's place in the mesh */
    for (unsigned i = 0; i < server->config.workers; i++)
        (void)mesh_post(server->mesh, self, i, MAIL_STORE, &part, 1);
    mesh_flush(server->mesh, self);
}

static void on_sweep(struct timer *timer)
{
    struct sim_worker *worker = container_of(timer, struct sim_worker, sweep);
    (void)location_sweep(worker->server->location, loop_wall_ms(worker->loop), SWEEP_BUDGET);
    wheel_start(loop_wheel(worker->loop), &worker->sweep, SWEEP_MS);
}

/* ---- starting ---- */

static void check(int status, const char *what)
{
    if (status >= 0)
        return;
    (void)fprintf(stderr, "simulated server: %s: %s\n", what, error_text(status));
    abort();
}

static void start_shared(struct sim_server *server)
{
    struct address addresses[ENDPOINT_LISTENERS_MAX];
    const struct slice names[] = {SLICE(SIM_DOMAIN), SLICE(SIM_DOMAIN_2)};
    struct location_config location = {
        .journal = {journal_write, &server->journal},
        .flow_timer_s = server->config.flow_timer_s,
        .pace = server->config.keepalive.pace,
        .key = random_hash_key(&server->world->random),
    };
    for (unsigned i = 0; i < server->host->address_count; i++) {
        addresses[i] = server->host->addresses[i];
        address_set_port(&addresses[i], server->config.port);
    }
    check(domains_new(names, 2, addresses, server->host->address_count, &server->domains),
          "domains");
    check(location_new(&location, &server->location), "location");
    journal_load(&server->journal, server->location, sim_wall_ms(server->world));
    check(sip_replay_new(1024, (uint64_t)sim_wall_ms(server->world), &server->replay), "replay");
    check(health_new(&server->token_key, &server->health), "health");
    server->mesh = sim_mesh_new(server->host, server->config.workers, 1);
}

static void start_services(struct sim_worker *worker)
{
    struct sim_server *server = worker->server;
    struct authenticator_config auth = {
        .realm = SIM_DOMAIN,
        .md5 = true,
        .sha256 = true,
        .nonce_lifetime_s = server->config.nonce_lifetime_s,
    };
    struct authenticator_parts auth_parts = {
        .endpoint = worker->endpoint,
        .accounts = server->accounts,
        .domains = server->domains,
        .replay = server->replay,
    };
    memcpy(auth_parts.nonce_key, server->nonce_key, sizeof(auth_parts.nonce_key));
    check(authenticator_new(&auth, &auth_parts, &worker->authenticator), "authenticator");
    struct registrar_config registrar = {
        .auth = server->config.auth_register,
        .durable = server->config.durable,
        .expires_default_s = 3600,
        .expires_min_s = server->config.expires_min_s,
        .expires_max_s = 86400,
        .flow_timer_s = server->config.flow_timer_s,
        .service_route = server->config.service_route,
        .waiting_max = 1000,
    };
    struct registrar_parts registrar_parts = {worker->endpoint, worker->authenticator,
                                              server->location, server->domains, server->gruu_key};
    check(registrar_new(&registrar, &registrar_parts, &worker->registrar), "registrar");
    struct proxy_config proxy = server->config.proxy;
    proxy.auth = server->config.auth_call;
    struct proxy_parts proxy_parts = {
        .endpoint = worker->endpoint,
        .authenticator = worker->authenticator,
        .location = server->location,
        .accounts = server->accounts,
        .domains = server->domains,
        .health = server->health,
        .token_key = server->token_key,
        .gruu_key = server->gruu_key,
        .run = server->run,
    };
    check(proxy_new(&proxy, &proxy_parts, &worker->proxy), "proxy");
    struct keepalive_parts keepalive = {worker->endpoint, server->location, server->config.workers};
    check(keepalive_new(&server->config.keepalive, &keepalive, &worker->keepalive), "keepalive");
    struct dispatch_parts dispatch = {worker->endpoint, worker->registrar, worker->proxy,
                                      server->location, server->domains,   worker->keepalive};
    check(dispatch_new(&dispatch, &worker->dispatch), "dispatch");
}

static void start_worker(struct sim_server *server, unsigned i)
{
    struct sim_worker *worker = &server->workers[i];
    struct loop_config config = {.worker = i, .mesh = server->mesh, .log = &server->log};
    unsigned failed;
    *worker = (struct sim_worker){.server = server};
    check(loop_new(&config, &worker->loop), "loop");
    check(endpoint_new(worker->loop, &server->endpoint, server->config.workers, server->mesh,
                       &failed, &worker->endpoint),
          "endpoint");
    start_services(worker);
    mesh_on_mail(worker->loop, MAIL_STORE, on_store_mail, worker);
    timer_init(&worker->sweep, on_sweep);
    if (i == 0) {
        wheel_start(loop_wheel(worker->loop), &worker->sweep, SWEEP_MS);
        check(prober_new(worker->endpoint, server->health, &worker->prober), "prober");
        prober_start(worker->prober);
    }
    worker->idle_timers = loop_wheel(worker->loop)->count;
}

void sim_server_start(struct sim_server *server)
{
    assert(!server->running);
    if (!server->host->up)
        sim_host_up(server->host);
    start_shared(server);
    server->run++;
    for (unsigned i = 0; i < server->config.workers; i++)
        start_worker(server, i);
    server->journal.on_commit = on_commit;
    server->journal.user = server;
    server->running = true;
}

/* ---- ending ---- */

static void free_process(struct sim_server *server)
{
    for (unsigned i = 0; i < server->config.workers; i++) {
        struct sim_worker *worker = &server->workers[i];
        prober_free(worker->prober);
        dispatch_free(worker->dispatch);
        keepalive_free(worker->keepalive);
        proxy_free(worker->proxy);
        registrar_free(worker->registrar);
        authenticator_free(worker->authenticator);
        wheel_stop(loop_wheel(worker->loop), &worker->sweep);
        endpoint_free(worker->endpoint);
        loop_free(worker->loop);
    }
    location_free(server->location);
    domains_free(server->domains);
    sip_replay_free(server->replay);
    health_free(server->health);
    mesh_free(server->mesh);
    server->running = false;
}

void sim_server_stop(struct sim_server *server)
{
    journal_flush(&server->journal);
    free_process(server);
}

bool sim_server_drain(struct sim_server *server)
{
    bool drained = true;
    for (unsigned i = 0; i < server->config.workers; i++)
        drained &= endpoint_drain(server->workers[i].endpoint);
    return drained;
}

void sim_server_flood(struct sim_server *server)
{
    for (unsigned i = 0; i < server->config.workers; i++) {
        struct endpoint *endpoint = server->workers[i].endpoint;
        endpoint->overload.shares[OVERLOAD_CALLS].let_in = 1;
        endpoint->overload.shares[OVERLOAD_CALLS].refused = OVERLOAD_ALL;
        endpoint_shed_update(endpoint);
    }
}

void sim_server_crash(struct sim_server *server, bool power_cut)
{
    sim_host_down(server->host, power_cut);
    journal_crash(&server->journal);
    free_process(server);
}
