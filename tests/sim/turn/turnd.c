#include "sim/turn/turnd.h"

#include <stdlib.h>
#include <unistd.h>

#include "sim/world/sim_loop.h"

#define PORT_LOW  50000
#define PORT_HIGH 50999

static const struct slice users[] = {SLICE_LITERAL(TURND_USER ":" TURND_PASSWORD)};
static const struct turn_credential_config credentials = {.realm = "sim",
                                                          .account_realm = "other",
                                                          .md5 = true,
                                                          .sha256 = true,
                                                          .users = users,
                                                          .user_count = 1};
static const struct turn_credential_secret secret = {.nonce_key = {1, 2, 3}};

static void must(int status)
{
    if (status < 0)
        abort();
}

static int send_turn(void *user, const struct flow *flow, struct slice data)
{
    return stun_server_send(user, flow, data);
}

static void on_message(void *user, const struct flow *flow, struct slice data)
{
    turn_on_message(user, flow, data);
}

static void on_ahead(void *user, const struct address *remote, unsigned ahead)
{
    turn_on_ahead(user, remote, ahead);
}

static void on_close(void *user, const struct flow *flow)
{
    turn_on_close(user, flow);
}

static void start_worker(struct turnd *turnd, unsigned number)
{
    static const struct outside outside;
    struct turnd_worker *worker = &turnd->workers[number];
    struct loop_config loop = {.worker = number, .mesh = turnd->mesh, .log = &turnd->log};
    struct address failed;
    worker->turnd = turnd;
    must(loop_new(&loop, &worker->loop));
    must(stun_server_new(worker->loop, &turnd->stun, &failed, &worker->stun));
    stun_server_set_mesh(worker->stun, turnd->mesh);
    must(turn_credentials_new(&credentials, &secret, NULL, &turnd->log, &worker->credentials));
    struct turn_parts parts = {.outside = &outside,
                               .loop = worker->loop,
                               .ports = turnd->ports,
                               .credentials = worker->credentials,
                               .quota = turnd->quota,
                               .mesh = turnd->mesh,
                               .send = send_turn,
                               .send_user = worker->stun};
    must(turn_new(&turnd->config, &parts, &worker->turn));
    worker->hook = (struct stun_server_turn){
        .on_message = on_message, .on_ahead = on_ahead, .on_close = on_close, .user = worker->turn};
    stun_server_set_turn(worker->stun, &worker->hook);
}

void turnd_start(struct turnd *turnd, struct sim_host *host, unsigned workers)
{
    static const struct turn_quota_config quota = {.allocations = 100};
    *turnd = (struct turnd){.host = host, .address = host->addresses[0], .count = workers};
    address_set_port(&turnd->address, 3478);
    log_init(&turnd->log, STDERR_FILENO, false, host->world->trace ? LOG_DEBUG : LOG_ERROR);
    turnd->config = (struct turn_config){.enabled = true,
                                         .relays = {host->addresses[0]},
                                         .relay_count = 1,
                                         .port_low = PORT_LOW,
                                         .port_high = PORT_HIGH,
                                         .lifetime_s = TURN_LIFETIME_S,
                                         .lifetime_max_s = TURN_LIFETIME_MAX_S,
                                         .allocations = 1000,
                                         .mobility = true,
                                         .permissions = 16,
                                         .channels = 16,
                                         .software = "sim"};
    turnd->stun = (struct stun_server_config){
        .listeners = {{TRANSPORT_UDP, turnd->address}, {TRANSPORT_TCP, turnd->address}},
        .listener_count = 2,
        .software = "sim"};
    must(turn_ports_new(&turnd->config, &turnd->ports));
    must(turn_quota_new(&quota, &turnd->quota));
    turnd->mesh = sim_mesh_new(host, workers, 0);
    for (unsigned i = 0; i < workers; i++)
        start_worker(turnd, i);
}

void turnd_stop(struct turnd *turnd)
{
    for (unsigned i = 0; i < turnd->count; i++) {
        struct turnd_worker *worker = &turnd->workers[i];
        turn_free(worker->turn);
        turn_credentials_free(worker->credentials);
        stun_server_free(worker->stun);
        loop_free(worker->loop);
    }
    mesh_free(turnd->mesh);
    turn_quota_free(turnd->quota);
    turn_ports_free(turnd->ports);
}

int64_t turnd_metric(const struct turnd *turnd, enum turn_metric which)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < turnd->count; i++)
        sum += metric_get(&turn_metrics(turnd->workers[i].turn)[which]);
    return sum;
}

unsigned turnd_bound(const struct turnd *turnd)
{
    unsigned count = 0;
    list_for_each(node, &turnd->host->udps)
    {
        uint16_t port = address_port(&container_of(node, struct sim_udp, node)->local);
        count += port >= PORT_LOW && port <= PORT_HIGH;
    }
    return count;
}
