#include <stdlib.h>

#include "sim/stun/finder.h"
#include "stun/binding.h"

static struct sim_udp *socket_at(struct stund *stund, const struct address *at)
{
    for (unsigned i = 0; i < STUND_SOCKETS; i++) {
        if (stund->sockets[i].host != NULL && address_equal(&stund->sockets[i].local, at))
            return &stund->sockets[i];
    }
    return NULL;
}

/* The corner across from one of the four. */
static struct address across(const struct stund *stund, const struct address *at)
{
    struct address a = address_equal_host(at, &stund->first) ? stund->other : stund->first;
    bool first_port = address_port(at) == address_port(&stund->first);
    address_set_port(&a, address_port(first_port ? &stund->other : &stund->first));
    return a;
}

static void on_request(void *user, const struct address *to, const struct address *from,
                       struct slice bytes)
{
    struct stund *stund = user;
    char buffer[STUN_PROBE_PADDING_MAX + 256];
    struct stun_place place = {.behaviour = !stund->one, .told = true, .origin = *to};
    struct stun_answer answer;
    if (!stund->one)
        place.other = across(stund, to);
    stun_binding_answer(&place, bytes, from, &answer, buffer, sizeof(buffer));
    struct address origin = stun_place_origin(&place, stund->ignores_change ? 0 : answer.change);
    struct sim_udp *udp = socket_at(stund, &origin);
    if (answer.bytes.len > 0 && udp != NULL)
        (void)sim_udp_send(udp, &udp->local, from, answer.bytes);
}

static void open_socket(struct stund *stund, unsigned number, struct address at)
{
    struct sim_udp *udp = &stund->sockets[number];
    udp->on_datagram = on_request;
    udp->user = stund;
    if (sim_udp_open(udp, stund->host, &at) < 0)
        abort();
}

void stund_open(struct stund *stund, struct sim_host *host, bool one)
{
    *stund = (struct stund){.host = host, .one = one, .first = host->addresses[0]};
    address_set_port(&stund->first, 3478);
    open_socket(stund, 0, stund->first);
    if (one)
        return;
    stund->other = host->addresses[1];
    address_set_port(&stund->other, 3479);
    struct stun_place place = {.origin = stund->first, .other = stund->other};
    for (unsigned i = 1; i < STUND_SOCKETS; i++)
        open_socket(stund, i, stun_place_origin(&place, i * STUN_CHANGE_PORT));
}

void stund_close(struct stund *stund)
{
    for (unsigned i = 0; i < STUND_SOCKETS; i++)
        sim_udp_close(&stund->sockets[i]);
}
