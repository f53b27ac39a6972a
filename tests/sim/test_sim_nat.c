/* The NATs of the simulated world are what their names say, and the machine of stun/discovery names
 * each, whatever the network does. TZ_SIM_RUNS: how many runs a seed draws (default 3000).
 * TZ_SIM_SEED=N: that one alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/stun/finder.h"
#include "sim/world/nat.h"

#define RUNS_DEFAULT 3000
#define SEED_FIRST   1

static const struct {
    const char *name;
    enum nat_kind kind;
    enum nat_mapping mapping;
    enum nat_filtering filtering;
    enum nat_calls calls;
} expected[SIM_NAT_KINDS] = {
    [SIM_NAT_NONE] = {"open", NAT_OPEN, NAT_MAPPING_NONE, NAT_FILTERING_ENDPOINT, NAT_CALLS_ANYONE},
    [SIM_NAT_STATIC] = {"static full cone", NAT_FULL_CONE, NAT_MAPPING_ENDPOINT,
                        NAT_FILTERING_ENDPOINT, NAT_CALLS_ANYONE},
    [SIM_NAT_FULL_CONE] = {"full cone", NAT_FULL_CONE, NAT_MAPPING_ENDPOINT, NAT_FILTERING_ENDPOINT,
                           NAT_CALLS_ANYONE},
    [SIM_NAT_RESTRICTED] = {"restricted cone", NAT_RESTRICTED, NAT_MAPPING_ENDPOINT,
                            NAT_FILTERING_ADDRESS, NAT_CALLS_ADDRESS},
    [SIM_NAT_PORT_RESTRICTED] = {"port-restricted cone", NAT_PORT_RESTRICTED, NAT_MAPPING_ENDPOINT,
                                 NAT_FILTERING_PORT, NAT_CALLS_STRAIGHT},
    [SIM_NAT_SYMMETRIC] = {"symmetric", NAT_SYMMETRIC, NAT_MAPPING_PORT, NAT_FILTERING_PORT,
                           NAT_CALLS_MAPPING},
    [SIM_NAT_FIREWALL] = {"symmetric firewall", NAT_SYMMETRIC_FIREWALL, NAT_MAPPING_NONE,
                          NAT_FILTERING_PORT, NAT_CALLS_STRAIGHT},
    [SIM_NAT_BLOCKED] = {"UDP blocked", NAT_UDP_BLOCKED, NAT_MAPPING_UNTOLD, NAT_FILTERING_UNTOLD,
                         NAT_CALLS_BLOCKED},
};

struct scene {
    struct sim_world world;
    struct sim_host *server;
    struct sim_host *host;
    struct sim_nat nat;
    struct sim_nat outer; /* around it, where there are two */
    bool two;
};

static enum sim_nat_kind kind_of(const struct scene *scene)
{
    return scene->two ? sim_nat_together(scene->nat.kind, scene->outer.kind) : scene->nat.kind;
}

static void add_outer(struct scene *scene, enum sim_nat_kind kind, uint64_t lifetime_us)
{
    sim_nat_init_outer(&scene->outer, &scene->nat, scene->host, "198.51.100.8", kind, lifetime_us);
    scene->two = true;
}

static void begin(struct scene *scene, uint64_t seed, enum sim_nat_kind kind, uint64_t lifetime_us)
{
    scene->two = false;
    sim_world_init(&scene->world, seed);
    scene->world.link.delay_us = 1000;
    scene->server = sim_host_add(&scene->world, "server", "192.0.2.1");
    sim_host_add_address(scene->server, "192.0.2.2");
    scene->host = sim_host_add(&scene->world, "phone",
                               sim_nat_translates(kind) ? "10.0.0.2" : "198.51.100.2");
    sim_nat_init_kind(&scene->nat, scene->host, "198.51.100.7", kind, lifetime_us);
}

/* ---- The world proves itself ---- */

struct probe {
    struct sim_udp udp;
    unsigned got;
    struct address from; /* of the last one */
};

static void on_probe(void *user, const struct address *to, const struct address *from,
                     struct slice bytes)
{
    struct probe *probe = user;
    (void)to;
    (void)bytes;
    probe->got++;
    probe->from = *from;
}

static void probe_open(struct probe *probe, struct sim_host *host, const char *at)
{
    struct address local = sim_address(at);
    *probe = (struct probe){.udp = {.on_datagram = on_probe, .user = probe}};
    assert_int_equal(sim_udp_open(&probe->udp, host, &local), 0);
}

/* Does a datagram from one arrive at the other, sent to that address? */
static bool passes(struct scene *scene, struct probe *from, const struct address *to,
                   struct probe *at)
{
    unsigned before = at->got;
    (void)sim_udp_send(&from->udp, &from->udp.local, to, SLICE("probe"));
    sim_run(&scene->world, SIM_SECOND / 10);
    return at->got > before;
}

static void check_kind(struct scene *scene, const char *local, enum sim_nat_kind kind)
{
    struct probe phone, a, a_port, b;
    probe_open(&phone, scene->host, local);
    probe_open(&a, scene->server, "192.0.2.1:1000");
    probe_open(&a_port, scene->server, "192.0.2.1:2000");
    probe_open(&b, scene->server, "192.0.2.2:1000");
    bool out = passes(scene, &phone, &a.udp.local, &a);
    assert_int_equal(out, kind != SIM_NAT_BLOCKED);
    if (out) {
        struct address seen = a.from;
        assert_int_equal(address_equal_host(&seen, &phone.udp.local), !sim_nat_translates(kind));
        assert_true(passes(scene, &a, &seen, &phone));
        assert_int_equal(passes(scene, &a_port, &seen, &phone),
                         expected[kind].filtering == NAT_FILTERING_ENDPOINT ||
                             kind == SIM_NAT_RESTRICTED);
        assert_int_equal(passes(scene, &b, &seen, &phone),
                         expected[kind].filtering == NAT_FILTERING_ENDPOINT);
        assert_true(passes(scene, &phone, &b.udp.local, &b));
        assert_int_equal(address_equal(&b.from, &seen), kind != SIM_NAT_SYMMETRIC);
        assert_true(passes(scene, &b, &b.from, &phone));
    }
    sim_udp_close(&phone.udp);
    sim_udp_close(&a.udp);
    sim_udp_close(&a_port.udp);
    sim_udp_close(&b.udp);
}

static const char *phone_at(enum sim_nat_kind inner)
{
    return sim_nat_translates(inner) ? "10.0.0.2:5000" : "198.51.100.2:5000";
}

/* RFC 3489 section 5 */
static void each_kind_is_what_its_name_says(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIM_NAT_KINDS; i++) {
        enum sim_nat_kind kind = (enum sim_nat_kind)i;
        struct scene scene;
        begin(&scene, i + 1, kind, 0);
        check_kind(&scene, phone_at(kind), kind);
        sim_world_done(&scene.world);
    }
}

/* RFC 3489 section 10.1: the most restrictive of several shows */
static void of_two_in_a_row_the_stricter_one_shows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIM_NAT_KINDS * SIM_NAT_KINDS; i++) {
        enum sim_nat_kind inner = (enum sim_nat_kind)(i / SIM_NAT_KINDS);
        struct scene scene;
        begin(&scene, i + 1, inner, 0);
        add_outer(&scene, (enum sim_nat_kind)(i % SIM_NAT_KINDS), 0);
        check_kind(&scene, phone_at(inner), kind_of(&scene));
        sim_world_done(&scene.world);
    }
}

/* A host inside the outer NAT of the two is not reached from the world. */
static void between_two_nats_nobody_is_reached_from_outside(void **state)
{
    (void)state;
    struct scene scene;
    struct probe phone, a;
    begin(&scene, 1, SIM_NAT_FULL_CONE, 0);
    add_outer(&scene, SIM_NAT_FULL_CONE, 0);
    probe_open(&phone, scene.host, "10.0.0.2:5000");
    probe_open(&a, scene.server, "192.0.2.1:1000");
    assert_true(passes(&scene, &phone, &a.udp.local, &a));
    struct address between = scene.nat.box.outside;
    address_set_port(&between, scene.nat.mappings[0].outside);
    assert_int_not_equal(scene.nat.mappings[0].outside, 0);
    assert_false(passes(&scene, &a, &between, &phone));
    assert_true(passes(&scene, &a, &a.from, &phone));
    sim_udp_close(&phone.udp);
    sim_udp_close(&a.udp);
    sim_world_done(&scene.world);
}

/* RFC 4787 REQ-5, REQ-6: what comes in does not keep it alive */
static void a_mapping_expires_unless_the_inside_sends(void **state)
{
    (void)state;
    struct scene scene;
    struct probe phone, a;
    begin(&scene, 1, SIM_NAT_FULL_CONE, 2 * SIM_SECOND);
    probe_open(&phone, scene.host, "10.0.0.2:5000");
    probe_open(&a, scene.server, "192.0.2.1:1000");
    assert_true(passes(&scene, &phone, &a.udp.local, &a));
    struct address seen = a.from;
    for (unsigned i = 0; i < 18; i++)
        assert_true(passes(&scene, &a, &seen, &phone));
    sim_run(&scene.world, SIM_SECOND / 5);
    assert_false(passes(&scene, &a, &seen, &phone));
    assert_true(passes(&scene, &phone, &a.udp.local, &a));
    assert_true(passes(&scene, &a, &a.from, &phone));
    sim_nat_forget(&scene.nat);
    assert_false(passes(&scene, &a, &a.from, &phone));
    sim_udp_close(&phone.udp);
    sim_udp_close(&a.udp);
    sim_world_done(&scene.world);
}

/* ---- Discovery ---- */

/* The most that can happen on the way without a datagram and all its repetitions being lost. */
static void draw_link(struct sim_world *world)
{
    world->link = (struct sim_link){
        .delay_us = (uint32_t)sim_between(world, 100, 60000),
        .jitter_us = (uint32_t)sim_between(world, 0, 40000),
        .loss = (uint16_t)(sim_chance(world, 500) ? 0 : sim_between(world, 0, 20)),
        .duplicate = (uint16_t)sim_between(world, 0, 100),
    };
}

static void run_finder(struct scene *scene, struct finder *finder, const struct stund *stund)
{
    finder_start(finder, scene->host, &stund->first);
    for (unsigned i = 0; i < 600 && !finder->over; i++)
        sim_run(&scene->world, SIM_SECOND / 10);
    finder_close(finder);
}

static enum nat_hairpin hairpin_of(const struct scene *scene)
{
    enum sim_nat_kind kind = kind_of(scene);
    if (kind == SIM_NAT_BLOCKED)
        return NAT_HAIRPIN_UNTOLD;
    if (!sim_nat_translates(kind))
        return NAT_HAIRPIN_NO_NAT;
    /* It is for the one whose outside address is known in the world. A symmetric one turns around
     * what it was told of another destination: it gets nowhere. */
    bool outer = scene->two && sim_nat_translates(scene->outer.kind);
    bool turns = outer ? scene->outer.hairpin : scene->nat.hairpin;
    return turns && kind != SIM_NAT_SYMMETRIC ? NAT_HAIRPIN_YES : NAT_HAIRPIN_NO;
}

static bool keeps_ports(const struct sim_nat *nat)
{
    return nat->kind == SIM_NAT_STATIC || !sim_nat_translates(nat->kind) ||
           (nat->keeps_ports && nat->kind != SIM_NAT_SYMMETRIC && nat->kind != SIM_NAT_BLOCKED);
}

static void check(const struct scene *scene, const struct finder *finder, uint64_t seed)
{
    enum sim_nat_kind kind = kind_of(scene);
    bool blocked = kind == SIM_NAT_BLOCKED;
    struct nat_report r;
    discovery_report(&finder->discovery, &r);
    bool kept = keeps_ports(&scene->nat) && (!scene->two || keeps_ports(&scene->outer)) && !blocked;
    bool good = finder->over && r.kind == expected[kind].kind &&
                r.mapping == expected[kind].mapping && r.filtering == expected[kind].filtering &&
                r.calls == expected[kind].calls && r.port_kept == kept &&
                r.hairpin == hairpin_of(scene) &&
                r.fragments == (blocked ? NAT_FRAGMENTS_UNTOLD : NAT_FRAGMENTS_PASS);
    if (!good)
        fail_msg("TZ_SIM_SEED=%llu: %s (%s%s%s) is called %s, mapping %s, filtering %s, "
                 "hairpinning %s, port %s",
                 (unsigned long long)seed, expected[kind].name, expected[scene->nat.kind].name,
                 scene->two ? " in " : "", scene->two ? expected[scene->outer.kind].name : "",
                 nat_kind_text(r.kind), nat_mapping_text(r.mapping),
                 nat_filtering_text(r.filtering), nat_hairpin_text(r.hairpin),
                 r.port_kept ? "kept" : "changed");
}

/* RFC 3489 section 10.1, RFC 5780 section 4 */
static void every_kind_is_named_whatever_the_network_does(void **state)
{
    (void)state;
    const char *one = getenv("TZ_SIM_SEED"), *many = getenv("TZ_SIM_RUNS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : SEED_FIRST;
    uint64_t runs = one != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : RUNS_DEFAULT;
    uint64_t datagrams = 0;
    for (uint64_t seed = first; seed < first + runs; seed++) {
        struct scene scene;
        struct stund stund;
        struct finder finder;
        struct random random;
        random_seed(&random, seed);
        begin(&scene, seed, (enum sim_nat_kind)random_below(&random, SIM_NAT_KINDS),
              random_below(&random, 2) != 0 ? 0 : 5 * SIM_SECOND / 2);
        scene.nat.hairpin = random_below(&random, 2) != 0;
        scene.nat.keeps_ports = random_below(&random, 2) != 0;
        if (random_below(&random, 2) != 0) {
            add_outer(&scene, (enum sim_nat_kind)random_below(&random, SIM_NAT_KINDS),
                      random_below(&random, 2) != 0 ? 0 : 5 * SIM_SECOND / 2);
            scene.outer.hairpin = random_below(&random, 2) != 0;
            scene.outer.keeps_ports = random_below(&random, 2) != 0;
        }
        draw_link(&scene.world);
        stund_open(&stund, scene.server, false);
        run_finder(&scene, &finder, &stund);
        check(&scene, &finder, seed);
        datagrams += scene.world.counts[SIM_DATAGRAMS];
        stund_close(&stund);
        sim_world_done(&scene.world);
    }
    print_message("%llu runs, %llu datagrams\n", (unsigned long long)runs,
                  (unsigned long long)datagrams);
}

/* A server that cannot do the tests does not make a wrong name. */
static void what_a_server_cannot_tell_is_not_told(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < SIM_NAT_KINDS; kind++) {
        for (unsigned which = 0; which < 3; which++) {
            struct scene scene;
            struct stund stund;
            struct finder finder;
            struct nat_report r;
            begin(&scene, kind, (enum sim_nat_kind)kind, 0);
            stund_open(&stund, scene.server, which == 0);
            stund.ignores_change = which == 1;
            /* Its second address is cut off, as behind a firewall of its own. */
            for (unsigned i = 2; i < STUND_SOCKETS && which == 2; i++)
                sim_udp_close(&stund.sockets[i]);
            if (which == 2)
                stund.sockets[2].host = stund.sockets[3].host = NULL;
            run_finder(&scene, &finder, &stund);
            discovery_report(&finder.discovery, &r);
            assert_true(finder.over);
            if (kind == SIM_NAT_BLOCKED) {
                assert_int_equal(r.kind, NAT_UDP_BLOCKED);
            } else {
                static const enum nat_gap gaps[] = {NAT_GAP_ONE_ADDRESS, NAT_GAP_NO_CHANGE,
                                                    NAT_GAP_OTHER_SILENT};
                assert_int_equal(r.kind,
                                 sim_nat_translates((enum sim_nat_kind)kind) ? NAT_SOME : NAT_NONE);
                assert_int_equal(r.filtering, NAT_FILTERING_UNTOLD);
                assert_int_equal(r.gap, gaps[which]);
                if (which == 1 && sim_nat_translates((enum sim_nat_kind)kind))
                    assert_int_equal(r.mapping, expected[kind].mapping);
            }
            if (which != 2)
                stund_close(&stund);
            else
                for (unsigned i = 0; i < 2; i++)
                    sim_udp_close(&stund.sockets[i]);
            sim_world_done(&scene.world);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_what_its_name_says),
        cmocka_unit_test(of_two_in_a_row_the_stricter_one_shows),
        cmocka_unit_test(between_two_nats_nobody_is_reached_from_outside),
        cmocka_unit_test(a_mapping_expires_unless_the_inside_sends),
        cmocka_unit_test(every_kind_is_named_whatever_the_network_does),
        cmocka_unit_test(what_a_server_cannot_tell_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
