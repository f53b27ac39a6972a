#include "app/server/worker_private.h"
#include "base/error.h"

static int equip_services(struct worker *worker, const struct settings *settings)
{
    const struct worker_shared *shared = worker->shared;
    const struct app_config *config = settings->config;
    struct authenticator_parts authenticator = {.endpoint = worker->endpoint,
                                                .accounts = shared->accounts,
                                                .domains = settings->domains,
                                                .replay = shared->replay};
    memcpy(authenticator.nonce_key, shared->nonce_key, sizeof authenticator.nonce_key);
    int status = authenticator_new(&config->authenticator, &authenticator, &worker->authenticator);
    if (status < 0)
        return status;
    struct registrar_parts registrar = {.endpoint = worker->endpoint,
                                        .authenticator = worker->authenticator,
                                        .location = shared->location,
                                        .domains = settings->domains,
                                        .gruu_key = shared->gruu_key};
    status = registrar_new(&config->registrar, &registrar, &worker->registrar);
    if (status < 0)
        return status;
    struct proxy_parts proxy = {.endpoint = worker->endpoint,
                                .authenticator = worker->authenticator,
                                .location = shared->location,
                                .accounts = shared->accounts,
                                .domains = settings->domains,
                                .health = shared->health,
                                .token_key = shared->token_key,
                                .gruu_key = shared->gruu_key,
                                .run = shared->run};
    return proxy_new(&config->proxy, &proxy, &worker->proxy);
}

static int send_turn(void *user, const struct flow *flow, struct slice data)
{
    return stun_server_send(user, flow, data);
}

static void on_turn_message(void *user, const struct flow *flow, struct slice data)
{
    turn_on_message(user, flow, data);
}

static void on_turn_ahead(void *user, const struct address *remote, unsigned ahead)
{
    turn_on_ahead(user, remote, ahead);
}

static void on_turn_close(void *user, const struct flow *flow)
{
    turn_on_close(user, flow);
}

static int equip_turn(struct worker *worker, const struct settings *settings)
{
    const struct worker_shared *shared = worker->shared;
    int status = turn_credentials_new(&settings->config->turn_credential, &shared->turn_secret,
                                      shared->accounts, shared->log, &worker->turn_credentials);
    if (status < 0 || shared->turn_ports == NULL)
        return status;
    struct turn_parts parts = {.outside = &settings->outside,
                               .loop = worker->loop,
                               .ports = shared->turn_ports,
                               .credentials = worker->turn_credentials,
                               .quota = shared->turn_quota,
                               .mesh = shared->mesh,
                               .send = send_turn,
                               .send_user = worker->stun};
    status = turn_new(&settings->config->turn, &parts, &worker->turn);
    if (status < 0)
        return status;
    worker->turn_hook = (struct stun_server_turn){.on_message = on_turn_message,
                                                  .on_ahead = on_turn_ahead,
                                                  .on_close = on_turn_close,
                                                  .user = worker->turn};
    stun_server_set_turn(worker->stun, &worker->turn_hook);
    return 0;
}

int worker_equip(struct worker *worker, const struct settings *settings)
{
    int status = dns_configure(worker->loop, &settings->config->dns);
    if (status == 0)
        status = equip_services(worker, settings);
    if (status == 0)
        status = equip_turn(worker, settings);
    if (status == 0 && worker->index == 0)
        status = prober_new(worker->endpoint, worker->shared->health, &worker->prober);
    if (status < 0)
        return status;
    struct keepalive_parts keepalive = {.endpoint = worker->endpoint,
                                        .location = worker->shared->location,
                                        .workers = worker->shared->count};
    status = keepalive_new(&settings->config->keepalive, &keepalive, &worker->keepalive);
    if (status < 0)
        return status;
    struct dispatch_parts dispatch = {.endpoint = worker->endpoint,
                                      .registrar = worker->registrar,
                                      .proxy = worker->proxy,
                                      .location = worker->shared->location,
                                      .domains = settings->domains,
                                      .keepalive = worker->keepalive};
    status = dispatch_new(&dispatch, &worker->dispatch);
    if (status < 0)
        return status;
    endpoint_reload(worker->endpoint, &settings->config->endpoint);
    endpoint_set_outside(worker->endpoint, &settings->outside);
    stun_server_reload(worker->stun, &settings->config->stun);
    atomic_store(&worker->settings, settings);
    worker_listen_to_mail(worker);
    return 0;
}

void worker_take_over(struct worker *worker, const struct settings *settings)
{
    const struct app_config *config = settings->config;
    if (dns_configure(worker->loop, &config->dns) < 0)
        log_error(worker->shared->log, LOG_DNS, "worker %u keeps the old DNS settings: no memory",
                  worker->index);
    endpoint_reload(worker->endpoint, &config->endpoint);
    endpoint_set_outside(worker->endpoint, &settings->outside);
    authenticator_reload(worker->authenticator, &config->authenticator, settings->domains);
    registrar_reload(worker->registrar, &config->registrar, settings->domains);
    proxy_reload(worker->proxy, &config->proxy, settings->domains);
    dispatch_reload(worker->dispatch, settings->domains);
    stun_server_reload(worker->stun, &config->stun);
    if (turn_credentials_reload(worker->turn_credentials, &config->turn_credential) < 0)
        log_error(worker->shared->log, LOG_AUTH, "worker %u keeps the old TURN users: no memory",
                  worker->index);
    if (worker->turn != NULL)
        turn_reload(worker->turn, &config->turn, &settings->outside);
    keepalive_reload(worker->keepalive, &config->keepalive);
    atomic_store(&worker->settings, settings);
}
