#include "sim/agent/agent.h"

#include <stdio.h>
#include <stdlib.h>

bool crowd_failed(const struct crowd *crowd)
{
    return crowd->failure[0] != '\0';
}

void agent_fail(struct agent *agent, const struct view *view, const char *what)
{
    struct crowd *crowd = agent->crowd;
    if (crowd_failed(crowd))
        return;
    (void)snprintf(crowd->failure, sizeof(crowd->failure), "%.6f s, %s: %s\n%.*s",
                   (double)sim_now_us(crowd->world) / 1e6, agent->name, what,
                   view != NULL ? (int)view->raw.len : 0, view != NULL ? view->raw.ptr : "");
}

struct agent *agent_new(struct crowd *crowd, const char *user, unsigned device, bool tcp,
                        const enum sim_nat_kind nat[2])
{
    struct agent *agent = calloc(1, sizeof(*agent));
    char address[32], outside[32];
    if (agent == NULL || crowd->count == AGENTS_MAX)
        abort();
    agent->crowd = crowd;
    agent->tcp = tcp;
    (void)snprintf(agent->user, sizeof(agent->user), "%s", user);
    (void)snprintf(agent->name, sizeof(agent->name), "%s-%u", user, device);
    (void)snprintf(outside, sizeof(outside), "198.51.100.%u", 10 + crowd->count);
    (void)snprintf(address, sizeof(address),
                   sim_nat_translates(nat[0]) ? "10.0.%u.2" : "198.51.100.%u", 10 + crowd->count);
    list_init(&agent->txs);
    list_init(&agent->answers);
    list_init(&agent->calls);
    list_init(&agent->messages);
    agent->host = sim_host_add(crowd->world, agent->name, address);
    if (nat[0] != SIM_NAT_NONE || nat[1] != SIM_NAT_NONE)
        sim_nat_init_kind(&agent->nat, agent->host, outside, nat[0], 0);
    (void)snprintf(outside, sizeof(outside), "198.51.101.%u", 10 + crowd->count);
    if (nat[1] != SIM_NAT_NONE)
        sim_nat_init_outer(&agent->outer, &agent->nat, agent->host, outside, nat[1], 0);
    wire_open(&agent->wire, agent->host, 5060, agent_on_message, agent);
    crowd->agents[crowd->count++] = agent;
    return agent;
}

void agent_die(struct agent *agent)
{
    agent->dead = true;
    sim_host_down(agent->host, true);
    list_for_each(node, &agent->txs)
    {
        struct agent_tx *tx = container_of(node, struct agent_tx, node);
        sim_event_cancel(&agent->crowd->world->events, &tx->again);
        tx->over = true;
    }
    list_for_each(node, &agent->answers) sim_event_cancel(
        &agent->crowd->world->events, &container_of(node, struct agent_answer, node)->again);
    list_for_each(node, &agent->calls) call_over(container_of(node, struct agent_call, node));
    agent->uncertain = true;
}

void agent_free(struct agent *agent)
{
    list_for_each_safe(node, &agent->calls) call_free(container_of(node, struct agent_call, node));
    list_for_each_safe(node, &agent->txs) agent_tx_free(container_of(node, struct agent_tx, node));
    list_for_each_safe(node, &agent->answers)
        agent_answer_free(container_of(node, struct agent_answer, node));
    agent_messages_free(agent);
    wire_forget(&agent->wire);
    free(agent);
}

bool agent_is_quiet(const struct agent *agent, const char **ret_what)
{
    *ret_what = "a request is under way";
    list_for_each(node, &agent->txs)
    {
        if (!container_of(node, struct agent_tx, node)->over)
            return false;
    }
    *ret_what = "a request waits for its answer or its ACK";
    list_for_each(node, &agent->answers)
    {
        if (sim_event_queued(&container_of(node, struct agent_answer, node)->again))
            return false;
    }
    *ret_what = "a call is not over";
    list_for_each(node, &agent->calls)
    {
        if (container_of(node, struct agent_call, node)->state != CALL_OVER)
            return false;
    }
    return true;
}
