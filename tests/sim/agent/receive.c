/* What agents get. */
#include <stdlib.h>

#include "sim/agent/agent.h"

/* The request as some agent has sent it. */
static const struct agent_tx *original_of(const struct crowd *crowd, const struct view *view)
{
    for (unsigned i = 0; i < crowd->count; i++) {
        list_for_each(node, &crowd->agents[i]->txs)
        {
            const struct agent_tx *tx = container_of(node, struct agent_tx, node);
            if (tx->view.cseq == view->cseq && slice_equal(tx->view.method, view->method) &&
                slice_equal(tx->view.call_id, view->call_id) &&
                slice_equal(tx->view.from_tag, view->from_tag) &&
                slice_equal(tx->view.to_tag, view->to_tag))
                return tx;
        }
    }
    return NULL;
}

static struct agent_answer *answer_of(struct agent *agent, const struct view *view,
                                      struct slice method)
{
    list_for_each(node, &agent->answers)
    {
        struct agent_answer *answer = container_of(node, struct agent_answer, node);
        if (slice_equal(answer->view.branch, view->branch) &&
            slice_equal(answer->view.method, method))
            return answer;
    }
    return NULL;
}

/* The same request in another transaction (8.2.2.2). */
static bool is_merged(const struct agent *agent, const struct view *view)
{
    list_for_each(node, &agent->answers)
    {
        const struct view *before = &container_of(node, struct agent_answer, node)->view;
        if (before->cseq == view->cseq && slice_equal(before->method, view->method) &&
            slice_equal(before->call_id, view->call_id) &&
            slice_equal(before->from_tag, view->from_tag))
            return true;
    }
    return false;
}

static struct agent_answer *answer_new(struct agent *agent, const struct view *view, bool tcp,
                                       const struct address *from)
{
    struct agent_answer *answer = calloc(1, sizeof(*answer) + view->raw.len);
    const char *why;
    if (answer == NULL)
        abort();
    memcpy(answer->bytes, view->raw.ptr, view->raw.len);
    (void)view_parse(slice_of(answer->bytes, view->raw.len), &answer->view, &why);
    answer->agent = agent;
    answer->tcp = tcp;
    answer->peer = *from;
    sim_event_init(&answer->again, NULL);
    list_append(&agent->answers, &answer->node);
    return answer;
}

static bool is_forwarded_well(struct agent *agent, const struct view *view)
{
    const struct agent_tx *original = original_of(agent->crowd, view);
    const char *why =
        original == NULL ? "a request that nobody has sent" : rule_forwarded(view, &original->view);
    if (why != NULL)
        agent_fail(agent, view, why);
    return why == NULL;
}

static void on_new_request(struct agent *agent, struct agent_answer *answer)
{
    const struct view *view = &answer->view;
    struct agent_call *call = agent_call_find(agent, view);
    answer->call = call;
    if (slice_equal(view->method, SLICE("INVITE"))) {
        callee_on_invite(agent, answer);
    } else if (slice_equal(view->method, SLICE("CANCEL"))) {
        callee_on_cancel(agent, answer);
    } else if (slice_equal(view->method, SLICE("BYE"))) {
        agent_respond(answer, call != NULL ? 200 : 481, NULL);
        if (call != NULL)
            call_over(call);
    } else {
        agent_respond(answer, view->to_tag.len > 0 && call == NULL ? 481 : 200, NULL);
    }
}

static void on_request(struct agent *agent, const struct view *view, bool tcp,
                       const struct address *from)
{
    bool ack = slice_equal(view->method, SLICE("ACK"));
    bool cancel = slice_equal(view->method, SLICE("CANCEL"));
    struct agent_answer *invite = answer_of(agent, view, SLICE("INVITE"));
    struct agent_answer *answer = answer_of(agent, view, view->method);
    const char *why = NULL;
    if (cancel && invite == NULL)
        why = "no INVITE with that branch was there (9.1)";
    else if (cancel || (ack && invite != NULL))
        why = rule_hop(view, &invite->view);
    if (why != NULL) {
        agent_fail(agent, view, why);
        return;
    }
    if (ack && invite != NULL) {
        invite->acked = true;
        sim_event_cancel(&agent->crowd->world->events, &invite->again);
        return;
    }
    if (ack) {
        callee_on_ack(agent, view);
        return;
    }
    if (answer != NULL) {
        if (answer->response_len > 0)
            agent_transmit(agent, answer->tcp, &answer->peer,
                           slice_of(answer->response, answer->response_len));
        return;
    }
    bool straight = !address_equal_host(from, &agent->crowd->server);
    if (!cancel && !straight && !is_forwarded_well(agent, view))
        return;
    bool merged = !cancel && is_merged(agent, view);
    if (merged && !agent->crowd->crashes) {
        agent_fail(agent, view, "the same request a second time, as another transaction");
        return;
    }
    answer = answer_new(agent, view, tcp, from);
    if (merged)
        agent_respond(answer, 482, NULL);
    else
        on_new_request(agent, answer);
}

void agent_on_message(void *user, bool tcp, const struct address *from, struct slice bytes)
{
    struct agent *agent = user;
    struct view view;
    const char *why;
    if (agent->dead || crowd_failed(agent->crowd))
        return;
    if (!view_parse(bytes, &view, &why)) {
        agent_fail(agent, &view, why);
        return;
    }
    sim_trace(agent->crowd->world, "%s < %.*s (%.*s)", agent->name, SLICE_ARG(view.start_line),
              SLICE_ARG(view.method));
    if (view.status > 0)
        agent_on_response(agent, &view);
    else
        on_request(agent, &view, tcp, from);
}
