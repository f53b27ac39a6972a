#include "sim/world/nat.h"

#include <assert.h>

static bool outbound(void *user, struct sim_packet *packet)
{
    const struct sim_nat *nat = user;
    uint16_t port = address_port(&packet->from);
    packet->from = nat->box.outside;
    address_set_port(&packet->from, port);
    return true;
}

static bool inbound(void *user, struct sim_packet *packet)
{
    const struct sim_nat *nat = user;
    uint16_t port = address_port(&packet->to);
    packet->to = nat->host->addresses[0];
    address_set_port(&packet->to, port);
    return true;
}

void sim_nat_init(struct sim_nat *nat, struct sim_host *host, const char *outside)
{
    nat->host = host;
    nat->box = (struct sim_middlebox){.outbound = outbound, .inbound = inbound, .user = nat};
    int status = address_parse_host(slice_from_string(outside), 0, &nat->box.outside);
    assert(status == 0);
    (void)status;
    host->behind = &nat->box;
}
