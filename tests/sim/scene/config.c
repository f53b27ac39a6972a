/* "config KEY VALUE" before the server starts:
 *
 *   via_maddr, auth_register, auth_call, record_route, follow_redirects, durable, service_route on
 * or off flow_timer, workers, timer_c, ring, max_breadth, nonce_lifetime, expires_min, t1 numbers
 * name NAME ADDRESS|fails|silent v6 NAME                    that phone has IPv6, and so has the
 * server nat NAME [KIND [LIFETIME]] that phone is behind an address translator: one that keeps
 * ports and mappings, or full, restricted, port-restricted, symmetric with mappings that expire
 * keepalive off|auto|all            and keepalive_first, _min, _max: seconds
 * route
 * PREFIX URI           a static route ("" for any) domain_route DOMAIN URI    the same for another
 * domain merges on                  one request may reach a phone on several ways commit MS, spray
 * on, trace on */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "sim/scene/scene.h"

static bool set_switch(struct scene *scene, const char *key, bool on)
{
    struct sim_server_config *c = &scene->config;
    const struct {
        const char *key;
        bool *value;
    } switches[] = {
        {"via_maddr", &c->via_maddr},
        {"auth_register", &c->auth_register},
        {"auth_call", &c->auth_call},
        {"durable", &c->durable},
        {"service_route", &c->service_route},
        {"record_route", &c->proxy.record_route},
        {"follow_redirects", &c->proxy.follow_redirects},
        {"merges", &scene->merges},
        {"spray", &scene->world.spray},
        {"trace", &scene->world.trace},
    };
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if (strcmp(key, switches[i].key) == 0) {
            *switches[i].value = on;
            return true;
        }
    }
    return false;
}

static bool set_number(struct scene *scene, const char *key, unsigned value)
{
    struct sim_server_config *c = &scene->config;
    const struct {
        const char *key;
        uint32_t *value;
    } numbers[] = {
        {"workers", &c->workers},
        {"timer_c", &c->proxy.timer_c_s},
        {"ring", &c->proxy.ring_s},
        {"max_breadth", &c->proxy.max_breadth},
        {"nonce_lifetime", &c->nonce_lifetime_s},
        {"flow_timer", &c->flow_timer_s},
        {"expires_min", &c->expires_min_s},
        {"t1", &c->times.t1_ms},
        {"keepalive_first", &c->keepalive.pace.first_s},
        {"keepalive_min", &c->keepalive.pace.min_s},
        {"keepalive_max", &c->keepalive.pace.max_s},
        {"idle", &c->stream.idle_ms},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(key, numbers[i].key) == 0) {
            *numbers[i].value = value;
            return true;
        }
    }
    return false;
}

/* An address, "fails", "silent", or a record of more words as in a zone file. */
static void add_name(struct scene *scene, const char *name, char **words, unsigned count)
{
    char what[256];
    struct writer w;
    writer_init(&w, what, sizeof(what) - 1);
    for (unsigned i = 0; i < count; i++)
        writer_format(&w, i > 0 ? " %s" : "%s", words[i]);
    what[writer_length(&w)] = '\0';
    for (char *at = what; (at = strchr(at, '`')) != NULL; at++)
        *at = '"';
    if (strcmp(what, "fails") == 0)
        sim_name_fails(&scene->world, name, ERR_NOT_FOUND);
    else if (strcmp(what, "silent") == 0)
        sim_name_fails(&scene->world, name, ERR_TIMEOUT);
    else if (strncmp(what, "SRV ", 4) == 0 || strncmp(what, "NAPTR ", 6) == 0)
        sim_dns_add(&scene->world, name, what);
    else
        sim_name_add(&scene->world, name, what);
}

static void add_route(struct scene *scene, const char *prefix, const char *next_hop)
{
    struct proxy_config *c = &scene->config.proxy;
    struct proxy_route *route = &c->routes[c->route_count++];
    (void)snprintf(route->prefix, sizeof(route->prefix), "%s", prefix);
    (void)snprintf(route->next_hop, sizeof(route->next_hop), "%s", next_hop);
}

static void add_domain_route(struct scene *scene, const char *domain, const char *next_hop)
{
    struct proxy_config *c = &scene->config.proxy;
    add_route(scene, "", next_hop);
    struct proxy_route *route = &c->routes[c->route_count - 1];
    (void)snprintf(route->domain, sizeof(route->domain), "%s", domain);
}

static void add_v6(struct scene *scene, const char *name)
{
    size_t length = strlen(scene->v6);
    if (length == 0)
        sim_host_add_address(scene->host, "2001:db8::1");
    (void)snprintf(scene->v6 + length, sizeof(scene->v6) - length, " %s ", name);
}

static bool add_nat(struct scene *scene, char **words, unsigned count)
{
    struct scene_nat *nat = &scene->nats[scene->nat_count];
    if (count == 1) {
        (void)snprintf(scene->nat + strlen(scene->nat), sizeof(scene->nat) - strlen(scene->nat),
                       " %s ", words[0]);
        return true;
    }
    if (scene->nat_count == sizeof(scene->nats) / sizeof(scene->nats[0]) ||
        !sim_nat_kind_named(words[1], &nat->kind))
        return false;
    (void)snprintf(nat->name, sizeof(nat->name), "%s", words[0]);
    nat->lifetime_us = count > 2 ? scene_time(scene, words[2]) : 0;
    scene->nat_count++;
    return true;
}

static bool set_keepalive(struct scene *scene, const char *mode)
{
    scene->config.keepalive.pace.mode = strcmp(mode, "all") == 0    ? LOCATION_KEEP_ALL
                                        : strcmp(mode, "auto") == 0 ? LOCATION_KEEP_AUTO
                                                                    : LOCATION_KEEP_OFF;
    return true;
}

bool scene_configure(struct scene *scene, char **words, unsigned count)
{
    if (scene->started || count < 2)
        return false;
    if (count >= 3 && strcmp(words[0], "name") == 0)
        add_name(scene, words[1], words + 2, count - 2);
    else if (count == 3 && strcmp(words[0], "route") == 0)
        add_route(scene, words[1], words[2]);
    else if (count == 3 && strcmp(words[0], "domain_route") == 0)
        add_domain_route(scene, words[1], words[2]);
    else if (strcmp(words[0], "v6") == 0)
        add_v6(scene, words[1]);
    else if (strcmp(words[0], "nat") == 0)
        return add_nat(scene, words + 1, count - 1);
    else if (strcmp(words[0], "keepalive") == 0)
        return set_keepalive(scene, words[1]);
    else if (strcmp(words[0], "commit") == 0)
        scene->server.journal.commit_low_us = scene->server.journal.commit_high_us =
            strtoull(words[1], NULL, 10) * 1000;
    else if (!set_switch(scene, words[0], strcmp(words[1], "on") == 0) &&
             !set_number(scene, words[0], (unsigned)atoi(words[1])))
        return false;
    return true;
}
