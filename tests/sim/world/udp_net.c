#include "sim/world/udp_net.h"

#include <stdlib.h>

#include "base/error.h"

#define SAME_HOST_US 20

const struct sim_link *sim_link_between(const struct sim_host *from, const struct sim_host *to)
{
    if (from->link != NULL)
        return from->link;
    return to != NULL && to->link != NULL ? to->link : &from->world->link;
}

uint64_t sim_delay_us(struct sim_world *world, const struct sim_host *from,
                      const struct sim_host *to)
{
    if (from == to)
        return SAME_HOST_US;
    const struct sim_link *link = sim_link_between(from, to);
    uint64_t delay = 1 + link->delay_us;
    if (link->jitter_us > 0)
        delay += random_below(&world->random, link->jitter_us + UINT64_C(1));
    if (sim_chance(world, link->late)) {
        delay += random_below(&world->random, link->late_us + UINT64_C(1));
        world->counts[SIM_LATE]++;
    }
    return delay;
}

int sim_bind_check(const struct sim_host *host, const struct address *local)
{
    if (address_is_wildcard(local))
        return 0;
    for (unsigned i = 0; i < host->address_count; i++) {
        if (address_equal_host(&host->addresses[i], local))
            return 0;
    }
    return ERR_NOT_FOUND;
}

int sim_source_address(const struct sim_host *host, const struct address *remote,
                       struct address *ret_local)
{
    if (sim_no_route(remote))
        return ERR_UNREACHABLE;
    for (unsigned i = 0; i < host->address_count; i++) {
        if (address_is_v6(&host->addresses[i]) == address_is_v6(remote)) {
            *ret_local = host->addresses[i];
            return 0;
        }
    }
    return ERR_UNREACHABLE;
}

/* ---- sockets ---- */

static bool taken(const struct sim_host *host, const struct address *local, const void *sharer)
{
    list_for_each(node, &host->udps)
    {
        const struct sim_udp *other = container_of(node, struct sim_udp, node);
        if (address_port(&other->local) == address_port(local) &&
            address_is_v6(&other->local) == address_is_v6(local) &&
            (sharer == NULL || other->sharer != sharer) &&
            (address_equal_host(&other->local, local) || address_is_wildcard(local) ||
             address_is_wildcard(&other->local)))
            return true;
    }
    return false;
}

int sim_udp_open(struct sim_udp *udp, struct sim_host *host, const struct address *local)
{
    udp->host = host;
    udp->local = *local;
    list_init(&udp->node);
    int status = sim_bind_check(host, local);
    if (status < 0)
        return status;
    if (address_port(local) == 0)
        address_set_port(&udp->local, host->next_port++);
    if (taken(host, &udp->local, udp->sharer))
        return ERR_EXISTS;
    list_append(&host->udps, &udp->node);
    return 0;
}

void sim_udp_close(struct sim_udp *udp)
{
    if (udp->host != NULL)
        list_remove(&udp->node);
}

static bool fits(const struct sim_udp *udp, const struct address *to)
{
    return address_port(&udp->local) == address_port(to) &&
           address_is_v6(&udp->local) == address_is_v6(to) &&
           (address_is_wildcard(&udp->local) || address_equal_host(&udp->local, to));
}

/* Of several sockets that share an address the system takes one by the sender's address. */
static struct sim_udp *receiver(struct sim_host *host, const struct sim_packet *packet)
{
    struct sim_world *world = host->world;
    unsigned count = 0;
    list_for_each(node, &host->udps) count +=
        fits(container_of(node, struct sim_udp, node), &packet->to);
    if (count == 0)
        return NULL;
    uint64_t pick = world->spray && count > 1 ? random_below(&world->random, count)
                                              : address_hash(world->seed, &packet->from) % count;
    list_for_each(node, &host->udps)
    {
        struct sim_udp *udp = container_of(node, struct sim_udp, node);
        if (fits(udp, &packet->to) && pick-- == 0)
            return udp;
    }
    return NULL;
}

/* ---- packets ---- */

static void on_arrival(struct sim_event *event)
{
    struct sim_packet *packet = container_of(event, struct sim_packet, event);
    struct sim_world *world = packet->world;
    struct sim_host *host = sim_host_find(world, &packet->to);
    list_remove(&packet->node);
    bool passes = host != NULL;
    if (passes && host->behind != NULL && host != packet->sender) {
        /* Who is behind a box is reached through it, or not at all. */
        const struct sim_middlebox *box = sim_box_outermost(host->behind);
        passes = address_equal_host(&box->outside, &packet->to) && sim_boxes_inbound(box, packet);
    }
    struct sim_udp *udp = NULL;
    if (passes && sim_reachable(packet->sender, host))
        udp = receiver(host, packet);
    if (udp != NULL)
        udp->on_datagram(udp->user, &packet->to, &packet->from,
                         slice_of(packet->bytes, packet->len));
    else
        world->counts[SIM_UNREACHABLE]++;
    free(packet);
}

static void launch(struct sim_host *sender, const struct sim_packet *model, struct slice bytes)
{
    struct sim_world *world = sender->world;
    /* Exactly as long as the datagram: the sanitizer sees who reads past its end. */
    struct sim_packet *packet = malloc(sizeof(*packet) + bytes.len);
    if (packet == NULL)
        abort();
    *packet = *model;
    packet->len = bytes.len;
    if (bytes.len > 0)
        memcpy(packet->bytes, bytes.ptr, bytes.len);
    sim_event_init(&packet->event, on_arrival);
    list_append(&world->flying, &packet->node);
    sim_event_after(&world->events, &packet->event,
                    sim_delay_us(world, sender, sim_host_find(world, &packet->to)));
}

static unsigned copies(struct sim_host *sender, const struct address *to)
{
    struct sim_world *world = sender->world;
    const struct sim_host *host = sim_host_find(world, to);
    const struct sim_link *link = sim_link_between(sender, host);
    world->counts[SIM_DATAGRAMS]++;
    if (host == NULL) {
        world->counts[SIM_UNREACHABLE]++;
        return 0;
    }
    if (host == sender)
        return 1;
    if (sim_chance(world, link->loss)) {
        world->counts[SIM_LOST]++;
        return 0;
    }
    if (!sim_chance(world, link->duplicate))
        return 1;
    world->counts[SIM_DUPLICATED]++;
    return 2;
}

int sim_udp_send(struct sim_udp *udp, const struct address *from, const struct address *to,
                 struct slice bytes)
{
    struct sim_host *host = udp->host;
    struct sim_packet model = {
        .world = host->world, .sender = host, .from = *from, .to = *to, .len = bytes.len};
    if (!host->up)
        return 0;
    if (sim_no_route(to))
        return ERR_UNREACHABLE;
    if (!sim_boxes_outbound(host->behind, &model))
        return 0;
    for (unsigned n = copies(host, &model.to); n > 0; n--)
        launch(host, &model, bytes);
    return 0;
}
