/* Calls of the agents: the called side. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/agent/agent.h"
#include "sim/server/server.h"

/* How long a phone rings that nobody answers. */
#define RING_US (100 * SIM_SECOND)

static struct sim_events *events_of(const struct agent *agent)
{
    return &agent->crowd->world->events;
}

static void read_plan(const struct view *view, struct agent_plan *plan)
{
    char text[128];
    unsigned end = END_ANSWER, ring = 100, talk = 1000, callee = 0, reinvite = 0;
    slice_to_string(view_line(view, "X-Plan", 0), text, sizeof(text));
    char *at = text;
    unsigned *const fields[] = {&end, &ring, &talk, &callee, &reinvite};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        *fields[i] = (unsigned)strtoul(at, &at, 10);
    *plan = (struct agent_plan){
        .end = end < ENDS ? (enum agent_end)end : END_ANSWER,
        .ring_ms = ring,
        .talk_ms = talk,
        .callee_hangs_up = callee != 0,
        .reinvite = reinvite != 0,
        .reinvite_callee = reinvite != 0,
    };
}

static void take_dialog(struct agent_call *call, const struct view *invite)
{
    size_t length = 0;
    (void)snprintf(call->from, sizeof(call->from), "%.*s;tag=%s",
                   SLICE_ARG(view_line(invite, "To", 0)), call->agent->name);
    slice_to_string(view_line(invite, "From", 0), call->to, sizeof(call->to));
    slice_to_string(invite->call_id, call->call_id, sizeof(call->call_id));
    slice_to_string(view_uri(view_line(invite, "Contact", 0)), call->uri, sizeof(call->uri));
    for (unsigned i = 0; i < view_values(invite, "Record-Route"); i++)
        length +=
            (size_t)snprintf(call->route + length, sizeof(call->route) - length, "Route: %.*s\r\n",
                             SLICE_ARG(view_value(invite, "Record-Route", i)));
}

/* A Contact line for a redirect: drawn by the call, so that all phones of a user say the same. */
static const char *another_user(const struct agent_call *call, char *buf, size_t size)
{
    const struct crowd *crowd = call->agent->crowd;
    (void)snprintf(buf, size, "Contact: <sip:%s@" SIM_DOMAIN ">\r\n",
                   crowd->agents[call->plan.ring_ms % crowd->count]->user);
    return buf;
}

/* It has rung long enough. */
static void on_ring_timer(struct sim_event *event)
{
    struct agent_call *call = container_of(event, struct agent_call, timer);
    struct agent_answer *answer = call->invited;
    static const unsigned status[ENDS] = {200, 486, 603, 480, 480, 480, 302};
    char contact[128];
    agent_respond(answer, status[call->plan.end],
                  call->plan.end == END_REDIRECT ? another_user(call, contact, sizeof(contact))
                                                 : NULL);
    if (answer->status >= 300) {
        call_over(call);
        return;
    }
    call->state = CALL_UP;
    sim_event_init(&call->timer, call_on_timer);
}

static void ring(struct agent_call *call)
{
    bool brief = call->plan.end != END_RING && call->plan.end != END_SILENT;
    uint64_t ring_us = brief ? (uint64_t)call->plan.ring_ms * 1000 : RING_US;
    if (call->plan.end == END_SILENT) {
        call_over(call);
        return;
    }
    if (!brief || call->plan.ring_ms > 200)
        agent_respond(call->invited, 180, NULL);
    call->state = CALL_RINGING;
    sim_event_after(events_of(call->agent), &call->timer, ring_us);
}

static void answer_reinvite(struct agent_answer *answer)
{
    const struct agent_call *call = answer->call;
    if (call == NULL || call->state != CALL_UP)
        agent_respond(answer, 481, NULL);
    else
        agent_respond(answer, call->reinviting ? 491 : 200, NULL);
}

void callee_on_invite(struct agent *agent, struct agent_answer *answer)
{
    if (answer->view.to_tag.len > 0) {
        answer_reinvite(answer);
        return;
    }
    struct agent_call *call = calloc(1, sizeof(*call));
    if (call == NULL)
        abort();
    call->agent = agent;
    call->invited = answer;
    answer->call = call;
    list_init(&call->acks);
    sim_event_init(&call->timer, on_ring_timer);
    list_append(&agent->calls, &call->node);
    take_dialog(call, &answer->view);
    read_plan(&answer->view, &call->plan);
    ring(call);
}

void callee_on_cancel(struct agent *agent, struct agent_answer *cancel)
{
    agent_respond(cancel, 200, NULL);
    list_for_each(node, &agent->answers)
    {
        struct agent_answer *answer = container_of(node, struct agent_answer, node);
        if (!slice_equal(answer->view.branch, cancel->view.branch) ||
            !slice_equal(answer->view.method, SLICE("INVITE")) || answer->status >= 200)
            continue;
        agent_respond(answer, 487, NULL);
        if (answer->call != NULL && answer->view.to_tag.len == 0)
            call_over(answer->call);
    }
}

void callee_on_ack(struct agent *agent, const struct view *ack)
{
    list_for_each(node, &agent->answers)
    {
        struct agent_answer *answer = container_of(node, struct agent_answer, node);
        if (answer->status / 100 != 2 || answer->acked || answer->view.cseq != ack->cseq ||
            !slice_equal(answer->view.method, SLICE("INVITE")) ||
            !slice_equal(answer->view.call_id, ack->call_id))
            continue;
        answer->acked = true;
        sim_event_cancel(events_of(agent), &answer->again);
        struct agent_call *call = answer->call;
        if (answer->view.to_tag.len > 0 || call == NULL || call->state != CALL_UP)
            continue;
        uint64_t talk_us = (uint64_t)call->plan.talk_ms * 1000;
        sim_event_after(events_of(agent), &call->timer,
                        call->plan.reinvite ? talk_us / 2 : talk_us);
    }
}

/* 13.3.1.4: the session is ended with a BYE. */
void callee_on_no_ack(struct agent_answer *answer)
{
    struct crowd *crowd = answer->agent->crowd;
    crowd->counts[CROWD_GAVE_UP]++;
    if (crowd->certain)
        agent_fail(answer->agent, &answer->view, "the ACK of a 2xx never came");
    if (answer->call != NULL)
        call_hang_up(answer->call);
}
