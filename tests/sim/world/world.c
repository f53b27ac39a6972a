#include "sim/world/world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "sim/world/tcp_net.h"
#include "sim/world/udp_net.h"

/* 2026-01-01T00:00:00Z */
#define WALL_START_MS INT64_C(1767225600000)

void sim_world_init(struct sim_world *world, uint64_t seed)
{
    memset(world, 0, sizeof(*world));
    sim_events_init(&world->events);
    /* Not at zero: there it would hide who forgets to set a time. */
    world->events.now_us = SIM_SECOND;
    world->seed = seed;
    random_seed(&world->random, seed);
    world->link = (struct sim_link){.delay_us = 500, .jitter_us = 0};
    world->wall_start_ms = WALL_START_MS;
    list_init(&world->hosts);
    list_init(&world->names);
    world->dns_ttl_s = 60;
    list_init(&world->tcps);
    list_init(&world->flying);
}

static void name_free(struct sim_name *name)
{
    list_for_each_safe(node, &name->records) free(container_of(node, struct sim_record, node));
    free(name);
}

void sim_world_done(struct sim_world *world)
{
    sim_tcps_free(world);
    list_for_each_safe(node, &world->flying) free(container_of(node, struct sim_packet, node));
    list_for_each_safe(node, &world->names) name_free(container_of(node, struct sim_name, node));
    list_for_each_safe(node, &world->hosts) free(container_of(node, struct sim_host, node));
    sim_events_done(&world->events);
}

int64_t sim_wall_ms(const struct sim_world *world)
{
    return world->wall_start_ms + (int64_t)(world->events.now_us / 1000);
}

void sim_run(struct sim_world *world, uint64_t us)
{
    uint64_t until = world->events.now_us + us;
    while (sim_events_step(&world->events, until)) {
    }
}

bool sim_run_until(struct sim_world *world, uint64_t us, bool (*condition)(void *user), void *user)
{
    uint64_t until = world->events.now_us + us;
    while (!condition(user)) {
        if (!sim_events_step(&world->events, until))
            return condition(user);
    }
    return true;
}

bool sim_chance(struct sim_world *world, unsigned permille)
{
    return permille > 0 && random_below(&world->random, 1000) < permille;
}

uint64_t sim_between(struct sim_world *world, uint64_t low, uint64_t high)
{
    return low + random_below(&world->random, high - low + 1);
}

void sim_trace(const struct sim_world *world, const char *format, ...)
{
    if (!world->trace)
        return;
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "%10.6f ", (double)world->events.now_us / 1e6);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

/* ---- hosts ---- */

struct sim_host *sim_host_add(struct sim_world *world, const char *name, const char *address)
{
    struct sim_host *host = calloc(1, sizeof(*host));
    assert(host != NULL);
    host->world = world;
    (void)snprintf(host->name, sizeof(host->name), "%s", name);
    host->up = true;
    host->next_port = 40000;
    list_init(&host->udps);
    list_init(&host->listeners);
    list_init(&host->sides);
    list_append(&world->hosts, &host->node);
    sim_host_add_address(host, address);
    return host;
}

void sim_host_add_address(struct sim_host *host, const char *address)
{
    assert(host->address_count < SIM_HOST_ADDRESSES);
    int status =
        address_parse_host(slice_from_string(address), 0, &host->addresses[host->address_count]);
    assert(status == 0);
    (void)status;
    host->address_count++;
}

struct sim_host *sim_host_find(struct sim_world *world, const struct address *address)
{
    list_for_each(node, &world->hosts)
    {
        struct sim_host *host = container_of(node, struct sim_host, node);
        for (unsigned i = 0; i < host->address_count; i++) {
            if (address_equal_host(&host->addresses[i], address))
                return host;
        }
        if (host->behind != NULL &&
            address_equal_host(&sim_box_outermost(host->behind)->outside, address))
            return host;
    }
    return NULL;
}

bool sim_boxes_inbound(const struct sim_middlebox *box, struct sim_packet *packet)
{
    bool passes = true;
    for (; box != NULL && passes; box = box->inner)
        passes = box->inbound(box->user, packet);
    return passes;
}

bool sim_boxes_outbound(const struct sim_middlebox *box, struct sim_packet *packet)
{
    bool passes = true;
    for (; box != NULL && passes && !packet->turned; box = box->outer)
        passes = box->outbound(box->user, packet);
    return passes;
}

void sim_host_down(struct sim_host *host, bool power_cut)
{
    sim_trace(host->world, "%s is down%s", host->name, power_cut ? " (power cut)" : "");
    while (!list_empty(&host->udps))
        sim_udp_close(container_of(host->udps.next, struct sim_udp, node));
    while (!list_empty(&host->listeners))
        sim_listener_close(container_of(host->listeners.next, struct sim_listener, node));
    sim_tcp_host_down(host, power_cut);
    host->up = !power_cut;
}

void sim_host_up(struct sim_host *host)
{
    sim_trace(host->world, "%s is up", host->name);
    host->up = true;
}

bool sim_reachable(const struct sim_host *from, const struct sim_host *to)
{
    return to != NULL && from->up && to->up && from->island == to->island;
}

bool sim_no_route(const struct address *address)
{
    static const uint8_t v4[] = {203, 0, 113};
    static const uint8_t v6[] = {0x20, 0x01, 0x0d, 0xb8, 0xde, 0xad};
    if (address_is_v6(address))
        return memcmp(&address->in6.sin6_addr, v6, sizeof(v6)) == 0;
    return memcmp(&address->in4.sin_addr, v4, sizeof(v4)) == 0;
}

/* ---- names ---- */

struct sim_name *sim_name_of(struct sim_world *world, const char *text)
{
    struct sim_name *name = sim_name_find(world, text, strlen(text));
    if (name != NULL)
        return name;
    name = calloc(1, sizeof(*name));
    assert(name != NULL);
    (void)snprintf(name->name, sizeof(name->name), "%s", text);
    name->delay_us = 5000;
    list_init(&name->records);
    list_append(&world->names, &name->node);
    return name;
}

void sim_name_add(struct sim_world *world, const char *text, const char *address)
{
    char record[80];
    struct address parsed;
    int status = address_parse_host(slice_from_string(address), 0, &parsed);
    assert(status == 0);
    (void)status;
    (void)snprintf(record, sizeof(record), "%s %s", address_is_v6(&parsed) ? "AAAA" : "A", address);
    sim_dns_add(world, text, record);
}

void sim_name_fails(struct sim_world *world, const char *text, int status)
{
    sim_name_of(world, text)->status = status;
}

struct sim_name *sim_name_find(struct sim_world *world, const char *text, size_t len)
{
    list_for_each(node, &world->names)
    {
        struct sim_name *name = container_of(node, struct sim_name, node);
        if (slice_equal_nocase(slice_from_string(name->name), slice_of(text, len)))
            return name;
    }
    return NULL;
}

struct address sim_address(const char *text)
{
    struct address address;
    int status = address_parse(slice_from_string(text), &address);
    assert(status == 0);
    (void)status;
    return address;
}
