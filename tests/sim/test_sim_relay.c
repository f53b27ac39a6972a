/* Phones behind every pair of NATs, single and two in a row, find a way to each other through the
 * STUN and TURN server of a simulated host, straight where docs/nat.md says so and by a relay else,
 * and keep it for longer than permissions, channels and allocations last. TZ_SIM_RUNS: how many
 * runs seeds draw (default 300). TZ_SIM_SEED=N: that one alone. TZ_SIM_TRACE=1 tells what happens.
 */
/* timeout: 300 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/turn/caller.h"
#include "sim/turn/turnd.h"

#define RUNS_DEFAULT 300
#define SEED_FIRST   1
#define CALLS_MAX    3
#define GATHER_US    (30 * SIM_SECOND)
#define CHECKS_US    (12 * SIM_SECOND)
#define TALKS        130
#define TALK_US      (5 * SIM_SECOND) /* mappings last 30 s, allocations 600 s */

struct scene {
    uint64_t seed;
    struct sim_world world;
    struct turnd turnd;
    unsigned calls;
    struct caller callers[2 * CALLS_MAX];
    struct sim_udp stranger;
    struct sim_event intrusion;
    unsigned relayed; /* calls that needed it */
};

static const char *const names[SIM_NAT_KINDS] = {
    [SIM_NAT_STATIC] = "static full cone",
    [SIM_NAT_FULL_CONE] = "full cone",
    [SIM_NAT_RESTRICTED] = "restricted cone",
    [SIM_NAT_PORT_RESTRICTED] = "port-restricted cone",
    [SIM_NAT_SYMMETRIC] = "symmetric",
    [SIM_NAT_FIREWALL] = "firewall",
    [SIM_NAT_BLOCKED] = "blocked",
    [SIM_NAT_NONE] = "none",
};

/* The table of docs/nat.md, "What it means for calls". */
static bool is_straight(enum sim_nat_kind a, enum sim_nat_kind b)
{
    static const unsigned row[SIM_NAT_KINDS] = {
        [SIM_NAT_PORT_RESTRICTED] = 1,
        [SIM_NAT_FIREWALL] = 1,
        [SIM_NAT_SYMMETRIC] = 2,
        [SIM_NAT_BLOCKED] = 9,
    };
    return row[a] + row[b] < 3;
}

static void complain(const struct scene *scene, const struct caller *caller, const char *what)
{
    const struct caller *other = caller->other;
    fail_msg("TZ_SIM_SEED=%llu: %.3f s, %s (%s in %s) with %s (%s in %s): %s",
             (unsigned long long)scene->seed, (double)sim_now_us(&scene->world) / 1e6,
             caller->host->name, names[caller->nats[0].kind],
             caller->nats[0].box.outer != NULL ? names[caller->nats[1].kind] : "nothing",
             other != NULL ? other->host->name : "nobody",
             other != NULL ? names[other->nats[0].kind] : "",
             other != NULL && other->nats[0].box.outer != NULL ? names[other->nats[1].kind]
                                                               : "nothing",
             what);
}

static void check(const struct scene *scene)
{
    for (unsigned i = 0; i < 2 * scene->calls; i++) {
        const char *failure = caller_failure(&scene->callers[i]);
        if (failure != NULL)
            complain(scene, &scene->callers[i], failure);
    }
}

/* ---- A stranger ---- */

static void on_stranger(void *user, const struct address *to, const struct address *from,
                        struct slice bytes)
{
    (void)user, (void)to, (void)from, (void)bytes;
}

/* Knows every relayed address, and what a phone would say; has no permission anywhere. */
static void on_intrusion(struct sim_event *event)
{
    struct scene *scene = container_of(event, struct scene, intrusion);
    for (unsigned i = 0; i < 2 * scene->calls; i++) {
        const struct client *client = &scene->callers[i].client;
        if (client->has_relayed)
            (void)sim_udp_send(&scene->stranger, &scene->stranger.local, &client->relayed,
                               SLICE("intruder"));
    }
    sim_event_after(&scene->world.events, &scene->intrusion, 7 * SIM_SECOND);
}

/* ---- The scene ---- */

static enum sim_nat_kind any_kind(struct scene *scene)
{
    return (enum sim_nat_kind)sim_between(&scene->world, 0, SIM_NAT_KINDS - 1);
}

static void draw_link(struct sim_world *world)
{
    world->link = (struct sim_link){
        .delay_us = (uint32_t)sim_between(world, 100, 60000),
        .jitter_us = (uint32_t)sim_between(world, 0, 40000),
        .loss = (uint16_t)(sim_chance(world, 500) ? 0 : sim_between(world, 0, 50)),
        .duplicate = (uint16_t)sim_between(world, 0, 100),
    };
}

static void begin(struct scene *scene, uint64_t seed)
{
    memset(scene, 0, sizeof(*scene));
    scene->seed = seed;
    sim_world_init(&scene->world, seed);
    scene->world.trace = getenv("TZ_SIM_TRACE") != NULL;
    struct sim_host *server = sim_host_add(&scene->world, "server", "192.0.2.1");
    turnd_start(&scene->turnd, server, (unsigned)sim_between(&scene->world, 1, TURND_WORKERS_MAX));
    struct sim_host *host = sim_host_add(&scene->world, "stranger", "198.51.103.1");
    struct address at = sim_address("198.51.103.1:9");
    scene->stranger = (struct sim_udp){.on_datagram = on_stranger};
    assert_int_equal(sim_udp_open(&scene->stranger, host, &at), 0);
    sim_event_init(&scene->intrusion, on_intrusion);
    on_intrusion(&scene->intrusion);
    draw_link(&scene->world);
}

static void add_caller(struct scene *scene, struct caller *caller, enum sim_nat_kind inner,
                       enum sim_nat_kind outer)
{
    const enum sim_nat_kind nats[2] = {inner, outer};
    caller_open(caller, &scene->world, (unsigned)(caller - scene->callers), nats,
                &scene->turnd.address, sim_chance(&scene->world, 500));
}

/* Both ways, and as straight as they say. */
static void find_ways(struct scene *scene)
{
    sim_run(&scene->world, GATHER_US);
    for (unsigned i = 0; i < scene->calls; i++)
        caller_connect(&scene->callers[2 * i], &scene->callers[2 * i + 1]);
    sim_run(&scene->world, CHECKS_US);
    check(scene);
    for (unsigned i = 0; i < 2 * scene->calls; i++) {
        struct caller *caller = &scene->callers[i];
        bool straight = is_straight(caller->kind, caller->other->kind);
        if (!caller_choose(caller))
            complain(scene, caller, "there is no way");
        if (caller_is_straight(caller) != straight)
            complain(scene, caller, straight ? "it could be straight" : "it cannot be straight");
        scene->relayed += !straight;
    }
}

static void talk(struct scene *scene)
{
    for (unsigned t = 0; t < TALKS; t++) {
        for (unsigned i = 0; i < 2 * scene->calls; i++)
            caller_talk(&scene->callers[i], 1, 0);
        sim_run(&scene->world, TALK_US);
        check(scene);
    }
    for (unsigned i = 0; i < 2 * scene->calls; i++) {
        const struct caller *caller = &scene->callers[i];
        /* Each answer has passed eight hops at most; losses are at most 5 % of each. */
        bool lossless = scene->world.link.loss == 0;
        if (caller->heard < (lossless ? caller->said : caller->said / 3))
            complain(scene, caller, "speech was lost");
    }
}

/* Some say goodbye, some fall silent: nothing of them is left once their allocations would have
 * ended. */
static void end(struct scene *scene)
{
    for (unsigned i = 0; i < 2 * scene->calls; i++) {
        if (sim_chance(&scene->world, 500))
            client_release(&scene->callers[i].client);
        else
            client_die(&scene->callers[i].client);
    }
    sim_run(&scene->world, (TURN_LIFETIME_S + 60) * SIM_SECOND);
    check(scene);
    if (turnd_metric(&scene->turnd, TURN_ALLOCATIONS) != 0 || turnd_bound(&scene->turnd) != 0)
        complain(scene, &scene->callers[0], "the server has not let go of an allocation");
}

static void done(struct scene *scene)
{
    for (unsigned i = 0; i < 2 * scene->calls; i++)
        caller_close(&scene->callers[i]);
    sim_event_cancel(&scene->world.events, &scene->intrusion);
    sim_udp_close(&scene->stranger);
    turnd_stop(&scene->turnd);
    sim_world_done(&scene->world);
}

/* ---- Tests ---- */

/* docs/nat.md, "What it means for calls": the whole table, and every pair of two NATs in a row
 * against every single one. */
static void every_pair_of_kinds_finds_the_way_that_the_table_says(void **state)
{
    (void)state;
    struct scene *scene = test_malloc(sizeof(*scene));
    const unsigned kinds = SIM_NAT_KINDS;
    for (unsigned i = 0; i < kinds * kinds * kinds; i++) {
        begin(scene, i + 1);
        scene->calls = 1;
        add_caller(scene, &scene->callers[0], (enum sim_nat_kind)(i % kinds),
                   (enum sim_nat_kind)(i / kinds % kinds));
        add_caller(scene, &scene->callers[1], (enum sim_nat_kind)(i / kinds / kinds), SIM_NAT_NONE);
        find_ways(scene);
        done(scene);
    }
    test_free(scene);
}

/* RFC 8656 sections 8, 9, 12: kept alive as long as it takes, for none but those it is meant for */
static void calls_last_longer_than_what_carries_them(void **state)
{
    (void)state;
    const char *one = getenv("TZ_SIM_SEED"), *many = getenv("TZ_SIM_RUNS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : SEED_FIRST;
    uint64_t runs = one != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : RUNS_DEFAULT;
    uint64_t calls = 0, relayed = 0, datagrams = 0;
    struct scene *scene = test_malloc(sizeof(*scene));
    for (uint64_t seed = first; seed < first + runs; seed++) {
        begin(scene, seed);
        scene->calls = (unsigned)sim_between(&scene->world, 1, CALLS_MAX);
        for (unsigned i = 0; i < 2 * scene->calls; i++)
            add_caller(scene, &scene->callers[i], any_kind(scene),
                       sim_chance(&scene->world, 500) ? any_kind(scene) : SIM_NAT_NONE);
        find_ways(scene);
        talk(scene);
        end(scene);
        calls += scene->calls;
        relayed += scene->relayed / 2;
        datagrams += scene->world.counts[SIM_DATAGRAMS];
        done(scene);
    }
    print_message("%llu runs, %llu calls, %llu relayed, %llu datagrams\n", (unsigned long long)runs,
                  (unsigned long long)calls, (unsigned long long)relayed,
                  (unsigned long long)datagrams);
    assert_true(one != NULL || (relayed * 4 > calls && relayed < calls));
    test_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_kinds_finds_the_way_that_the_table_says),
        cmocka_unit_test(calls_last_longer_than_what_carries_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
