/* Allocations: made, found, ended (RFC 8656 section 6). */
#include "base/error.h"
#include "base/memory.h"
#include "service/turn/mobility.h"
#include "service/turn/tcp.h"
#include "service/turn/turn_private.h"

/* ---- By 5-tuple ---- */

bool turn_same_tuple(const struct flow *a, const struct flow *b)
{
    return address_equal(&a->remote, &b->remote) && a->transport == b->transport &&
           a->listener == b->listener && a->connection == b->connection &&
           a->generation == b->generation && address_equal(&a->local, &b->local);
}

static bool match(const struct table_node *node, const void *key)
{
    return turn_same_tuple(&container_of_const(node, struct turn_allocation, node)->flow, key);
}

static uint64_t hash_of(const struct turn *turn, const struct flow *flow)
{
    return address_hash(turn->seed, &flow->remote);
}

struct turn_allocation *turn_find(struct turn *turn, const struct flow *flow)
{
    struct table_node *node = table_find(&turn->table, hash_of(turn, flow), match, flow);
    return node == NULL ? NULL : container_of(node, struct turn_allocation, node);
}

/* Thousands of allocations do not stay in the caches. */
void turn_on_ahead(const struct turn *turn, const struct address *remote, unsigned ahead)
{
    uint64_t hash = address_hash(turn->seed, remote);
    if (ahead > 1)
        table_expect(&turn->table, hash);
    else
        table_expect_element(&turn->table, hash, TURN_HOT_BYTES);
}

void turn_allocation_move(struct turn_allocation *allocation, const struct flow *flow)
{
    struct turn *turn = allocation->turn;
    table_remove(&turn->table, &allocation->node);
    allocation->flow = *flow;
    table_add(&turn->table, &allocation->node, hash_of(turn, flow));
}

/* ---- Time ---- */

uint32_t turn_allocation_left(const struct turn_allocation *allocation, unsigned family)
{
    uint64_t now_ms = loop_now_ms(allocation->turn->loop);
    const struct turn_relay *relay = &allocation->relays[family];
    if (relay->port == NULL || relay->until_ms <= now_ms)
        return 0;
    return (uint32_t)((relay->until_ms - now_ms + 999) / 1000);
}

static void start_timer(struct turn_allocation *allocation)
{
    struct wheel *wheel = loop_wheel(allocation->turn->loop);
    uint64_t now_ms = loop_now_ms(allocation->turn->loop);
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; i < TURN_FAMILIES; i++) {
        const struct turn_relay *relay = &allocation->relays[i];
        if (relay->port != NULL && relay->until_ms < first)
            first = relay->until_ms;
    }
    if (first == UINT64_MAX)
        wheel_stop(wheel, &allocation->timer);
    else
        wheel_start(wheel, &allocation->timer, first > now_ms ? first - now_ms : 0);
}

void turn_allocation_extend(struct turn_allocation *allocation, unsigned family,
                            uint32_t lifetime_s)
{
    struct turn_relay *relay = &allocation->relays[family];
    relay->until_ms = loop_now_ms(allocation->turn->loop) + lifetime_s * UINT64_C(1000);
    start_timer(allocation);
}

static void on_timer(struct timer *timer)
{
    struct turn_allocation *allocation = container_of(timer, struct turn_allocation, timer);
    uint64_t now_ms = loop_now_ms(allocation->turn->loop);
    for (unsigned i = 0; i < TURN_FAMILIES; i++) {
        if (allocation->relays[i].port != NULL && allocation->relays[i].until_ms <= now_ms)
            turn_allocation_close(allocation, i);
    }
    if (turn_allocation_relays(allocation) > 0) {
        start_timer(allocation);
        return;
    }
    turn_count(allocation->turn, TURN_EXPIRED, 1);
    turn_allocation_end(allocation, "it was not refreshed");
}

/* ---- Making and ending ---- */

struct turn_allocation *turn_allocation_new(struct turn *turn, const struct flow *flow)
{
    struct turn_allocation *allocation = memory_zalloc(1, sizeof *allocation);
    if (allocation == NULL)
        return NULL;
    allocation->turn = turn;
    allocation->flow = *flow;
    allocation->since_ms = loop_now_ms(turn->loop);
    allocation->number = ++turn->next_number;
    turn_peers_init(&allocation->peers);
    timer_init(&allocation->timer, on_timer);
    table_add(&turn->table, &allocation->node, hash_of(turn, flow));
    list_append(&turn->allocations, &allocation->link);
    turn_count(turn, TURN_ALLOCATIONS, 1);
    return allocation;
}

int turn_allocation_open(struct turn_allocation *allocation, struct turn_place *place,
                         uint32_t lifetime_s)
{
    struct turn *turn = allocation->turn;
    unsigned family = turn_family_of(&place->address);
    struct turn_relay *relay = &allocation->relays[family];
    int status = port_open(turn->loop, place->hold, &turn_port_handler, allocation, &relay->port);
    if (status < 0) {
        port_hold_release(place->hold);
        turn_ports_give(turn->parts.ports, &place->address);
        return status;
    }
    relay->address = place->address;
    turn_allocation_extend(allocation, family, lifetime_s);
    return 0;
}

static bool is_v4(void *user, struct turn_host host)
{
    (void)user;
    return turn_host_is_v4(host);
}

static bool is_v6(void *user, struct turn_host host)
{
    (void)user;
    return !turn_host_is_v4(host);
}

void turn_allocation_close(struct turn_allocation *allocation, unsigned family)
{
    struct turn_relay *relay = &allocation->relays[family];
    if (relay->port == NULL)
        return;
    if (allocation->tcp != NULL)
        turn_tcp_close(allocation->tcp, family);
    port_close(relay->port);
    relay->port = NULL;
    turn_ports_give(allocation->turn->parts.ports, &relay->address);
    turn_peers_drop(&allocation->peers, family == TURN_V4 ? is_v4 : is_v6, NULL);
}

unsigned turn_allocation_relays(const struct turn_allocation *allocation)
{
    unsigned count = 0;
    for (unsigned i = 0; i < TURN_FAMILIES; i++)
        count += allocation->relays[i].port != NULL;
    return count;
}

static void log_end(const struct turn_allocation *allocation, const char *why)
{
    const struct turn *turn = allocation->turn;
    char client[ADDRESS_TEXT_MAX];
    log_info(loop_log(turn->loop), LOG_TURN,
             "allocation %u.%llu of %s from %s:%s has ended: %s; %llu s, %llu datagrams (%llu "
             "bytes) to peers, %llu (%llu) from peers",
             loop_worker(turn->loop), (unsigned long long)allocation->number,
             allocation->identity.name,
             transport_uri_name((enum transport)allocation->flow.transport).ptr,
             address_text(&allocation->flow.remote, client), why,
             (unsigned long long)(loop_now_ms(turn->loop) - allocation->since_ms) / 1000,
             (unsigned long long)allocation->counts[TURN_TO_PEER],
             (unsigned long long)allocation->bytes[TURN_TO_PEER],
             (unsigned long long)allocation->counts[TURN_FROM_PEER],
             (unsigned long long)allocation->bytes[TURN_FROM_PEER]);
}

void turn_allocation_end(struct turn_allocation *allocation, const char *why)
{
    struct turn *turn = allocation->turn;
    if (why != NULL)
        log_end(allocation, why);
    for (unsigned i = 0; i < TURN_FAMILIES; i++)
        turn_allocation_close(allocation, i);
    turn_tcp_free(allocation->tcp);
    turn_mobility_free(allocation->mobility);
    wheel_stop(loop_wheel(turn->loop), &allocation->timer);
    table_remove(&turn->table, &allocation->node);
    list_remove(&allocation->link);
    turn_peers_done(&allocation->peers);
    turn_quota_close(turn->parts.quota, allocation->quota);
    turn_ports_leave(turn->parts.ports);
    turn_count(turn, TURN_ALLOCATIONS, -1);
    memory_free(allocation);
}
