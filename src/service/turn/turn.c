#include "service/turn/turn.h"

#include "base/error.h"
#include "base/memory.h"
#include "service/turn/indication.h"
#include "service/turn/mobility.h"
#include "service/turn/tcp.h"
#include "service/turn/turn_private.h"
#include "stun/bytes.h"
#include "stun/channel.h"

#define SWEEP_MS 5000

const struct metric_info turn_metric_infos[TURN_METRICS] = {TURN_METRIC_LIST(METRIC_ROW)};

/* ---- What this machine is ---- */

/* What a NAT before this machine sends on to it. A relay's is known by its mirror before that. */
static unsigned add_outside(const struct outside *outside, struct turn_host *hosts)
{
    unsigned count = 0;
    for (unsigned i = 0; i < OUTSIDE_FAMILIES && outside != NULL; i++) {
        if (outside->hosts[i].source != OUTSIDE_INTERFACES)
            hosts[count++] = turn_host_of(&outside->hosts[i].address);
    }
    return count;
}

/* Interfaces come and go. */
static void look_at_own(struct turn *turn)
{
    struct address addresses[TURN_OWN_MAX - OUTSIDE_FAMILIES];
    int count = port_local_addresses(turn->loop, addresses, TURN_OWN_MAX - OUTSIDE_FAMILIES);
    turn->own.relay_count = turn_ports_hosts(turn->parts.ports, turn->own.relays);
    if (count < 0)
        return;
    turn->own.count = add_outside(turn->parts.outside, turn->own.addresses);
    for (int i = 0; i < count; i++)
        turn->own.addresses[turn->own.count++] = turn_host_of(&addresses[i]);
}

static void on_sweep(struct timer *timer)
{
    struct turn *turn = container_of(timer, struct turn, sweep);
    look_at_own(turn);
    turn_ports_sweep(turn->parts.ports, loop_now_ms(turn->loop));
    wheel_start(loop_wheel(turn->loop), timer, SWEEP_MS);
}

/* ---- Making and freeing ---- */

int turn_new(const struct turn_config *config, const struct turn_parts *parts,
             struct turn **ret_turn)
{
    struct turn *turn = memory_zalloc(1, sizeof *turn);
    if (turn == NULL)
        return ERR_NO_MEMORY;
    turn->config = config;
    turn->parts = *parts;
    turn->loop = parts->loop;
    turn->seed = random_u64(loop_random(parts->loop));
    list_init(&turn->allocations);
    timer_init(&turn->sweep, on_sweep);
    int status = stun_integrity_init(&turn->integrity);
    if (status == 0)
        status = table_init(&turn->table, 0);
    if (status == 0)
        status = turn_tcp_worker_new(turn, &turn->tcp);
    if (status == 0)
        status = turn_mobility_worker_new(turn, &turn->mobility);
    if (status < 0) {
        turn_tcp_worker_free(turn->tcp);
        if (turn->table.buckets != NULL)
            table_done(&turn->table);
        stun_integrity_done(&turn->integrity);
        memory_free(turn);
        return status;
    }
    look_at_own(turn);
    turn_mirrors_set(turn);
    wheel_start(loop_wheel(turn->loop), &turn->sweep, SWEEP_MS);
    *ret_turn = turn;
    return 0;
}

void turn_free(struct turn *turn)
{
    if (turn == NULL)
        return;
    while (!list_empty(&turn->allocations))
        turn_allocation_end(container_of(turn->allocations.next, struct turn_allocation, link),
                            "the server ends");
    turn_tcp_worker_free(turn->tcp);
    turn_mobility_worker_free(turn->mobility);
    wheel_stop(loop_wheel(turn->loop), &turn->sweep);
    table_done(&turn->table);
    stun_integrity_done(&turn->integrity);
    memory_free(turn);
}

static bool is_denied(void *user, struct turn_host host)
{
    const struct turn *turn = user;
    struct address peer;
    turn_host_address(host, 0, &peer);
    return turn_policy_judge(&turn->config->policy, &turn->own, &peer) == TURN_REACH_NO;
}

void turn_reload(struct turn *turn, const struct turn_config *config, const struct outside *outside)
{
    turn->config = config;
    turn->parts.outside = outside;
    look_at_own(turn);
    turn_mirrors_set(turn);
    list_for_each(link, &turn->allocations)
    {
        turn_peers_drop(&container_of(link, struct turn_allocation, link)->peers, is_denied, turn);
    }
}

const metric *turn_metrics(const struct turn *turn)
{
    return turn->metrics;
}

/* ---- Messages ---- */

void turn_on_message(struct turn *turn, const struct flow *flow, struct slice data)
{
    if (channel_looks_like(data))
        turn_on_channel_data(turn, flow, data);
    else if (data.len >= STUN_HEADER_SIZE && bytes_get16(data.ptr) == TURN_SEND_TYPE)
        turn_on_send(turn, flow, data);
    else
        turn_on_request(turn, flow, data);
}

void turn_on_close(struct turn *turn, const struct flow *flow)
{
    struct turn_allocation *allocation = turn_find(turn, flow);
    if (!turn_mobility_on_close(turn, flow, allocation) && allocation != NULL)
        turn_allocation_end(allocation, "its client's connection has ended");
}

/* ---- Lists ---- */

static void describe(struct turn_allocation *allocation, uint64_t now_ms,
                     struct turn_relay_info *info)
{
    *info = (struct turn_relay_info){
        .number = allocation->number,
        .client = allocation->flow,
        .age_s = (uint32_t)((now_ms - allocation->since_ms) / 1000),
        .permissions = turn_peers_permissions(&allocation->peers, now_ms),
        .channels = turn_peers_channels(&allocation->peers, now_ms),
        .dropped = allocation->dropped,
    };
    memcpy(info->owner, allocation->identity.name, sizeof info->owner);
    memcpy(info->packets, allocation->counts, sizeof info->packets);
    memcpy(info->bytes, allocation->bytes, sizeof info->bytes);
    for (unsigned i = 0; i < TURN_FAMILIES; i++) {
        if (allocation->relays[i].port == NULL)
            continue;
        info->relays[info->relay_count] =
            turn_outside(allocation->turn, &allocation->relays[i].address);
        info->lifetime_s[info->relay_count++] = turn_allocation_left(allocation, i);
    }
}

unsigned turn_list(const struct turn *turn, uint64_t after, struct turn_relay_info *ret_infos,
                   unsigned max)
{
    unsigned count = 0;
    list_for_each(link, &turn->allocations)
    {
        struct turn_allocation *allocation = container_of(link, struct turn_allocation, link);
        if (allocation->number <= after)
            continue;
        if (count == max)
            break;
        describe(allocation, loop_now_ms(turn->loop), &ret_infos[count++]);
    }
    return count;
}
