#include "sim/agent/run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

#define ACTIVE_US (UINT64_C(90) * SIM_SECOND) /* something begins until then */
/* Then everything ends: calls that ring for ever, timers C and B one after the other, and what they
 * leave. TCP connections may idle longer: they are ended. */
#define DRAIN_US (UINT64_C(700) * SIM_SECOND)
#define IDLE_MS  120000

const struct run_kind run_kinds[] = {
    {.name = "quiet", .link = {.delay_us = 1000}},
    {.name = "reordering and doubling",
     .link = {.delay_us = 500, .jitter_us = 120000, .duplicate = 50}},
    {.name = "quiet, UDP and TCP", .link = {.delay_us = 2000, .jitter_us = 20000}, .tcp = 500},
    {.name = "behind NATs", .link = {.delay_us = 2000, .jitter_us = 20000}, .tcp = 300, .nat = 800},
    {.name = "behind two NATs in a row",
     .link = {.delay_us = 2000, .jitter_us = 20000},
     .tcp = 300,
     .nat = 900,
     .two = 800},
    {.name = "some loss",
     .link = {.delay_us = 1000,
              .jitter_us = 40000,
              .loss = 50,
              .duplicate = 20,
              .late = 10,
              .late_us = 4000000},
     .tcp = 200,
     .lost = 2},
    {.name = "heavy loss",
     .link = {.delay_us = 1000,
              .jitter_us = 100000,
              .loss = 250,
              .duplicate = 50,
              .late = 50,
              .late_us = 4000000},
     .tcp = 200,
     .lost = 10},
    {.name = "crashes",
     .link = {.delay_us = 1000, .jitter_us = 20000, .loss = 20},
     .crashes = true,
     .tcp = 300,
     .lost = 200},
    {.name = "phones die and are cut off",
     .link = {.delay_us = 1000, .jitter_us = 20000, .loss = 10},
     .deaths = true,
     .partitions = true,
     .resets = true,
     .tcp = 500,
     .lost = 20},
    {.name = "memory runs out",
     .link = {.delay_us = 1000, .jitter_us = 20000, .loss = 10},
     .resets = true,
     .memory = true,
     .tcp = 400,
     .lost = 10},
    {.name = "everything",
     .link = {.delay_us = 1000,
              .jitter_us = 80000,
              .loss = 100,
              .duplicate = 50,
              .late = 20,
              .late_us = 4000000},
     .crashes = true,
     .deaths = true,
     .partitions = true,
     .resets = true,
     .tcp = 500,
     .lost = 250},
};
const size_t run_kind_count = sizeof(run_kinds) / sizeof(run_kinds[0]);

static uint64_t draw(struct run *run, uint64_t low, uint64_t high)
{
    return sim_between(&run->world, low, high);
}

static struct agent *any_agent(struct run *run)
{
    return run->crowd.agents[draw(run, 0, run->crowd.count - 1)];
}

/* ---- what happens ---- */

/* Are all phones of the user registered, and is nothing about to change it? */
static bool is_registered(const struct run *run, const char *user)
{
    unsigned present = 0;
    for (unsigned i = 0; i < run->crowd.count; i++) {
        const struct agent *agent = run->crowd.agents[i];
        if (strcmp(agent->user, user) != 0)
            continue;
        if (agent->uncertain ||
            (agent->present && agent->until_ms < sim_wall_ms(&run->world) + 60000))
            return false;
        present += agent->present;
    }
    return present > 0;
}

static void begin_call(struct run *run)
{
    struct agent *caller = any_agent(run), *callee = any_agent(run);
    struct agent_plan plan = {
        .end = (enum agent_end)draw(run, 0, ENDS - 1),
        .ring_ms = (uint32_t)draw(run, 10, 4000),
        .talk_ms = (uint32_t)draw(run, 100, 8000),
        .callee_hangs_up = sim_chance(&run->world, 500),
        .reinvite = sim_chance(&run->world, 300),
        .reinvite_callee = sim_chance(&run->world, 500),
        .patience_ms = sim_chance(&run->world, 300) ? (uint32_t)draw(run, 50, 6000) : 0,
    };
    if (sim_chance(&run->world, 400))
        plan.end = END_ANSWER;
    if (plan.end == END_RING || plan.end == END_SILENT)
        plan.patience_ms = (uint32_t)draw(run, 500, 20000);
    plan.certain = is_registered(run, callee->user);
    if (caller != callee && !caller->dead)
        agent_call(caller, callee->user, &plan);
}

/* Both call each other at once. */
static void begin_glare(struct run *run)
{
    struct agent *a = any_agent(run), *b = any_agent(run);
    struct agent_plan plan = {.end = END_BUSY, .ring_ms = 10};
    if (a == b || a->dead || b->dead)
        return;
    plan.certain = is_registered(run, b->user);
    agent_call(a, b->user, &plan);
    plan.certain = is_registered(run, a->user);
    agent_call(b, a->user, &plan);
}

static void cut_off(struct run *run)
{
    struct agent *agent = any_agent(run);
    agent->host->island = 1;
    sim_trace(&run->world, "%s is cut off", agent->name);
    sim_event_after(&run->world.events, &run->heal, draw(run, 100000, 20 * SIM_SECOND));
}

static void heal(struct sim_event *event)
{
    struct run *run = container_of(event, struct run, heal);
    for (unsigned i = 0; i < run->crowd.count; i++)
        run->crowd.agents[i]->host->island = 0;
}

static void end_connections(struct run *run)
{
    struct agent *agent = any_agent(run);
    bool abort = sim_chance(&run->world, 500);
    list_for_each(node, &agent->wire.connections) wire_connection_close(
        container_of(node, struct wire_connection, node), abort && !agent->dead);
}

static void crash(struct sim_event *event)
{
    struct run *run = container_of(event, struct run, crash);
    if (!run->server.running)
        return;
    sim_server_crash(&run->server, sim_chance(&run->world, 500));
    sim_event_after(&run->world.events, &run->restart, draw(run, 1000, 5 * SIM_SECOND));
}

/* At any moment, or while registrations are on their way to the disk. */
static void prepare_crash(struct run *run)
{
    if (sim_event_queued(&run->crash) || sim_event_queued(&run->restart))
        return;
    for (unsigned i = 0; i < run->crowd.count && sim_chance(&run->world, 700); i++)
        agent_register(run->crowd.agents[i],
                       sim_chance(&run->world, 300) ? 0 : (uint32_t)draw(run, 60, 3600));
    sim_event_after(&run->world.events, &run->crash, draw(run, 0, 100000));
}

static bool try_trouble(struct run *run)
{
    const struct run_kind *kind = run->kind;
    if (kind->crashes && sim_chance(&run->world, 120))
        prepare_crash(run);
    else if (kind->partitions && sim_chance(&run->world, 60))
        cut_off(run);
    else if (kind->resets && sim_chance(&run->world, 60))
        end_connections(run);
    else if (kind->deaths && sim_chance(&run->world, 40))
        agent_die(any_agent(run));
    else
        return false;
    return true;
}

static void on_event(struct sim_event *event)
{
    struct run *run = container_of(event, struct run_event, event)->run;
    struct agent *agent = any_agent(run);
    if (run->kind->memory && MEMORY_FAULTS && sim_chance(&run->world, 700))
        memory_fail_after(draw(run, 0, 12));
    if (try_trouble(run))
        return;
    uint64_t what = draw(run, 0, 99);
    if (what < 60)
        begin_call(run);
    else if (what < 65)
        begin_glare(run);
    else if (what < 75 && !agent->dead)
        agent_message(agent, any_agent(run)->user);
    else if (what < 90)
        agent_register(agent, (uint32_t)draw(run, 60, 3600));
    else
        agent_register(agent, 0);
}

/* ---- bindings ---- */

static bool has_contact(const struct location_bindings *bindings, const char *name)
{
    char contact[64];
    (void)snprintf(contact, sizeof(contact), "sip:%s@", name);
    for (unsigned i = 0; i < bindings->count; i++) {
        if (slice_starts_with(bindings->items[i].contact, slice_from_string(contact)))
            return true;
    }
    return false;
}

/* Everything that was acknowledged is there, and nothing else. */
static void check_bindings(struct run *run, const char *when)
{
    struct location_bindings *bindings = malloc(sizeof(*bindings));
    struct arena arena;
    if (bindings == NULL)
        abort();
    arena_init(&arena, 4096, 1 << 20);
    int64_t now = sim_wall_ms(&run->world);
    for (unsigned i = 0; i < run->crowd.count; i++) {
        struct agent *agent = run->crowd.agents[i];
        char aor[128];
        bool expired = agent->present && agent->until_latest_ms < now;
        /* The second is the precision of expiry. */
        if (agent->uncertain || (agent->present && agent->until_ms <= now + 1000 &&
                                 agent->until_latest_ms + 1000 >= now))
            continue;
        (void)snprintf(aor, sizeof(aor), "sip:%s@" SIM_DOMAIN, agent->user);
        bindings->count = 0;
        if (location_find(run->server.location, slice_from_string(aor), now, &arena, bindings) < 0)
            abort();
        if (has_contact(bindings, agent->name) != (agent->present && !expired))
            agent_fail(agent, NULL,
                       agent->present ? "an acknowledged binding is gone"
                                      : "a binding that was taken away is there");
        if (crowd_failed(&run->crowd)) {
            (void)snprintf(run->crowd.failure + strlen(run->crowd.failure), 64, "(%s)", when);
            break;
        }
    }
    arena_done(&arena);
    free(bindings);
}

static void restart(struct sim_event *event)
{
    struct run *run = container_of(event, struct run, restart);
    sim_server_start(&run->server);
    check_bindings(run, "after a crash");
}

/* ---- the whole ---- */

static void make_server(struct run *run, struct accounts *accounts)
{
    struct sim_host *host = sim_host_add(&run->world, "server", "192.0.2.1");
    struct sim_server_config config = sim_server_config_default();
    config.workers = (unsigned)draw(run, 1, 3);
    config.auth_register = sim_chance(&run->world, 700);
    config.auth_call = sim_chance(&run->world, 500);
    config.stream.idle_ms = IDLE_MS;
    config.proxy.record_route = sim_chance(&run->world, 750);
    config.proxy.follow_redirects = sim_chance(&run->world, 500);
    config.proxy.ring_s = 5;
    config.wildcard = sim_chance(&run->world, 500);
    run->crowd.open = !config.auth_register;
    run->crowd.follows = config.proxy.follow_redirects;
    run->crowd.serial = sim_chance(&run->world, 300);
    run->world.spray = sim_chance(&run->world, 500);
    sim_server_init(&run->server, host, &config, accounts);
    run->server.journal.commit_low_us = 200;
    run->server.journal.commit_high_us = draw(run, 200, 60000);
    sim_server_start(&run->server);
}

/* Who is not translated but filtered gives the address that nobody else reaches him at: he needs a
 * server that stays in the path of his calls. */
static void draw_nat(struct run *run, bool tcp, enum sim_nat_kind nat[2])
{
    static const enum sim_nat_kind kinds[] = {
        SIM_NAT_FULL_CONE, SIM_NAT_RESTRICTED, SIM_NAT_PORT_RESTRICTED,
        SIM_NAT_SYMMETRIC, SIM_NAT_BLOCKED,    SIM_NAT_FIREWALL,
    };
    unsigned share[2] = {run->kind->nat, run->kind->two};
    nat[0] = nat[1] = SIM_NAT_NONE;
    for (unsigned i = 0; i < 2 && share[i] > 0 && sim_chance(&run->world, share[i]); i++) {
        nat[i] = kinds[draw(run, 0, sizeof(kinds) / sizeof(kinds[0]) - 1)];
        if (nat[i] == SIM_NAT_BLOCKED && !tcp)
            nat[i] = SIM_NAT_SYMMETRIC;
    }
    if (sim_nat_together(nat[0], nat[1]) == SIM_NAT_FIREWALL &&
        !run->server.config.proxy.record_route)
        nat[0] = SIM_NAT_PORT_RESTRICTED;
}

static void make_agents(struct run *run)
{
    run->crowd.world = &run->world;
    run->crowd.server = run->server.address;
    run->crowd.crashes = run->kind->crashes;
    run->crowd.certain = run->kind->link.loss == 0 && !run->kind->crashes && !run->kind->deaths &&
                         !run->kind->partitions && !run->kind->resets && !run->kind->memory;
    run->users = (unsigned)draw(run, 2, 4);
    for (unsigned u = 0; u < run->users; u++) {
        char name[16];
        unsigned devices = sim_chance(&run->world, 300) ? (unsigned)draw(run, 2, 3) : 1;
        (void)snprintf(name, sizeof(name), "user%u", u);
        for (unsigned d = 0; d < devices; d++) {
            bool tcp = sim_chance(&run->world, run->kind->tcp);
            enum sim_nat_kind nat[2];
            draw_nat(run, tcp, nat);
            struct agent *agent = agent_new(&run->crowd, name, d, tcp, nat);
            if (run->crowd.serial)
                agent->q = sim_chance(&run->world, 500) ? "0.5" : "0.8";
            agent_register(agent, (uint32_t)draw(run, 100, 3600));
        }
    }
}

static void plan_events(struct run *run)
{
    unsigned count = (unsigned)draw(run, 6, 16);
    sim_event_init(&run->crash, crash);
    sim_event_init(&run->restart, restart);
    sim_event_init(&run->heal, heal);
    for (unsigned i = 0; i < count; i++) {
        run->events[i].run = run;
        sim_event_init(&run->events[i].event, on_event);
        sim_event_at(&run->world.events, &run->events[i].event,
                     draw(run, 2 * SIM_SECOND, ACTIVE_US));
    }
}

static void check_end(struct run *run)
{
    char left[512];
    const char *what;
    for (unsigned i = 0; i < run->crowd.count && !crowd_failed(&run->crowd); i++) {
        if (!agent_is_quiet(run->crowd.agents[i], &what))
            agent_fail(run->crowd.agents[i], NULL, what);
    }
    if (!crowd_failed(&run->crowd) && !sim_server_is_idle(&run->server, left, sizeof(left)))
        (void)snprintf(run->crowd.failure, sizeof(run->crowd.failure),
                       "the server has not let go of:%s", left);
    if (!crowd_failed(&run->crowd))
        check_bindings(run, "at the end");
}

static bool has_failed(void *user)
{
    return crowd_failed(user);
}

bool run_play(struct run *run, const struct run_kind *kind, uint64_t seed,
              struct accounts *accounts, bool trace)
{
    memset(run, 0, sizeof(*run));
    run->kind = kind;
    sim_world_init(&run->world, seed);
    run->world.trace = trace;
    make_server(run, accounts);
    make_agents(run);
    plan_events(run);
    run->world.link = kind->link;
    if (!sim_run_until(&run->world, ACTIVE_US, has_failed, &run->crowd)) {
        for (unsigned i = 0; i < run->crowd.count; i++)
            run->crowd.agents[i]->host->island = 0;
        (void)sim_run_until(&run->world, DRAIN_US, has_failed, &run->crowd);
    }
    (void)memory_fail_hit();
    if (!crowd_failed(&run->crowd))
        check_end(run);
    run->messages = run->world.counts[SIM_DATAGRAMS] + run->world.counts[SIM_TCP_BYTES];
    run->fired = run->world.events.fired;
    run->orders = run->world.events.orders;
    for (unsigned i = 0; i < run->crowd.count; i++)
        agent_free(run->crowd.agents[i]);
    sim_server_done(&run->server);
    sim_world_done(&run->world);
    return !crowd_failed(&run->crowd);
}
