#include "sim/world/nat.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PORT 20000

static bool expired(const struct sim_nat *nat, const struct sim_nat_mapping *mapping,
                    uint64_t now_us)
{
    return nat->lifetime_us > 0 && now_us - mapping->used_us > nat->lifetime_us;
}

static bool talks_to(const struct sim_nat_mapping *mapping, const struct address *peer,
                     bool with_port)
{
    for (unsigned i = 0; i < mapping->peer_count; i++) {
        if (with_port ? address_equal(&mapping->peers[i], peer)
                      : address_equal_host(&mapping->peers[i], peer))
            return true;
    }
    return false;
}

static struct sim_nat_mapping *find_outbound(struct sim_nat *nat, const struct sim_packet *packet,
                                             uint64_t now_us)
{
    for (unsigned i = 0; i < SIM_NAT_MAPPINGS; i++) {
        struct sim_nat_mapping *m = &nat->mappings[i];
        if (m->inside == address_port(&packet->from) && !expired(nat, m, now_us) &&
            (nat->kind != SIM_NAT_SYMMETRIC || address_equal(&m->peers[0], &packet->to)))
            return m;
    }
    return NULL;
}

bool sim_nat_translates(enum sim_nat_kind kind)
{
    return kind != SIM_NAT_FIREWALL && kind != SIM_NAT_NONE;
}

/* In the place of one that has expired, or of the oldest. */
static struct sim_nat_mapping *make(struct sim_nat *nat, uint16_t inside)
{
    struct sim_nat_mapping *oldest = &nat->mappings[0];
    bool kept =
        (nat->keeps_ports && nat->kind != SIM_NAT_SYMMETRIC) || !sim_nat_translates(nat->kind);
    for (unsigned i = 1; i < SIM_NAT_MAPPINGS; i++) {
        if (nat->mappings[i].used_us < oldest->used_us)
            oldest = &nat->mappings[i];
    }
    *oldest =
        (struct sim_nat_mapping){.inside = inside, .outside = kept ? inside : nat->next_port++};
    return oldest;
}

static bool lets_in(const struct sim_nat *nat, const struct sim_nat_mapping *mapping,
                    const struct address *from)
{
    return nat->kind == SIM_NAT_FULL_CONE ||
           talks_to(mapping, from, nat->kind != SIM_NAT_RESTRICTED);
}

/* The inside port that a packet goes to; 0: none. */
static uint16_t inside_port(const struct sim_nat *nat, const struct sim_packet *packet)
{
    uint64_t now_us = sim_now_us(packet->world);
    for (unsigned i = 0; i < SIM_NAT_MAPPINGS; i++) {
        const struct sim_nat_mapping *m = &nat->mappings[i];
        if (m->inside != 0 && m->outside == address_port(&packet->to) && !expired(nat, m, now_us))
            return lets_in(nat, m, &packet->from) ? m->inside : 0;
    }
    return 0;
}

static bool inbound(void *user, struct sim_packet *packet)
{
    const struct sim_nat *nat = user;
    if (nat->kind == SIM_NAT_NONE)
        return true;
    uint16_t port =
        nat->kind == SIM_NAT_STATIC ? address_port(&packet->to) : inside_port(nat, packet);
    packet->to = nat->inside;
    address_set_port(&packet->to, port);
    return port != 0;
}

/* The outside port that a packet leaves from. */
static uint16_t outside_port(struct sim_nat *nat, const struct sim_packet *packet)
{
    uint16_t port = address_port(&packet->from);
    if (nat->kind == SIM_NAT_STATIC)
        return port;
    uint64_t now_us = sim_now_us(packet->world);
    struct sim_nat_mapping *mapping = find_outbound(nat, packet, now_us);
    if (mapping == NULL)
        mapping = make(nat, port);
    mapping->used_us = now_us;
    if (!talks_to(mapping, &packet->to, true) && mapping->peer_count < SIM_NAT_PEERS)
        mapping->peers[mapping->peer_count++] = packet->to;
    return mapping->outside;
}

static bool outbound(void *user, struct sim_packet *packet)
{
    struct sim_nat *nat = user;
    if (nat->kind == SIM_NAT_NONE || nat->kind == SIM_NAT_BLOCKED)
        return nat->kind == SIM_NAT_NONE;
    uint16_t port = outside_port(nat, packet);
    packet->from = nat->box.outside;
    address_set_port(&packet->from, port);
    packet->turned = nat->hairpin && sim_nat_translates(nat->kind) &&
                     address_equal_host(&packet->to, &nat->box.outside);
    return !packet->turned || sim_boxes_inbound(&nat->box, packet);
}

void sim_nat_init_kind(struct sim_nat *nat, struct sim_host *host, const char *outside,
                       enum sim_nat_kind kind, uint64_t lifetime_us)
{
    memset(nat, 0, sizeof *nat);
    nat->inside = host->addresses[0];
    nat->kind = kind;
    nat->lifetime_us = lifetime_us;
    nat->next_port = FIRST_PORT;
    nat->box = (struct sim_middlebox){.outbound = outbound, .inbound = inbound, .user = nat};
    int status = address_parse_host(slice_from_string(outside), 0, &nat->box.outside);
    assert(status == 0);
    (void)status;
    if (!sim_nat_translates(kind))
        nat->box.outside = nat->inside;
    host->behind = &nat->box;
}

void sim_nat_init_outer(struct sim_nat *nat, struct sim_nat *inner, struct sim_host *host,
                        const char *outside, enum sim_nat_kind kind, uint64_t lifetime_us)
{
    sim_nat_init_kind(nat, host, outside, kind, lifetime_us);
    nat->inside = inner->box.outside;
    if (!sim_nat_translates(kind))
        nat->box.outside = nat->inside;
    nat->box.inner = &inner->box;
    inner->box.outer = &nat->box;
    host->behind = &inner->box;
}

enum sim_nat_kind sim_nat_together(enum sim_nat_kind a, enum sim_nat_kind b)
{
    static const unsigned strictness[SIM_NAT_KINDS] = {
        [SIM_NAT_RESTRICTED] = 1, [SIM_NAT_PORT_RESTRICTED] = 2, [SIM_NAT_FIREWALL] = 2,
        [SIM_NAT_SYMMETRIC] = 3,  [SIM_NAT_BLOCKED] = 4,
    };
    unsigned strictest = strictness[a] > strictness[b] ? strictness[a] : strictness[b];
    bool translates = sim_nat_translates(a) || sim_nat_translates(b);
    switch (strictest) {
    case 0: return translates ? SIM_NAT_FULL_CONE : SIM_NAT_NONE;
    case 1: return SIM_NAT_RESTRICTED;
    case 2: return translates ? SIM_NAT_PORT_RESTRICTED : SIM_NAT_FIREWALL;
    case 3: return SIM_NAT_SYMMETRIC;
    default: return SIM_NAT_BLOCKED;
    }
}

void sim_nat_init(struct sim_nat *nat, struct sim_host *host, const char *outside)
{
    sim_nat_init_kind(nat, host, outside, SIM_NAT_STATIC, 0);
}

bool sim_nat_kind_named(const char *name, enum sim_nat_kind *ret_kind)
{
    static const char *const names[] = {"static",    "full",     "restricted", "port-restricted",
                                        "symmetric", "firewall", "blocked",    "none"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_kind = (enum sim_nat_kind)i;
            return true;
        }
    }
    return false;
}

void sim_nat_forget(struct sim_nat *nat)
{
    memset(nat->mappings, 0, sizeof nat->mappings);
}
