/* Transactions of the agents: sending again, giving up, one answer for each request. */
#include <stdlib.h>

#include "sim/agent/agent.h"

void agent_transmit(struct agent *agent, bool tcp, const struct address *to, struct slice bytes)
{
    if (agent->dead)
        return;
    if (!tcp)
        wire_send_udp(&agent->wire, to, bytes);
    else if (wire_connection(&agent->wire, to) != NULL || !slice_starts_with(bytes, SLICE("SIP/")))
        wire_send_tcp(&agent->wire, to, bytes);
    else /* the connection that the request came along has gone (18.2.2) */
        wire_send_tcp(&agent->wire, &agent->crowd->server, bytes);
}

/* ---- requests ---- */

static struct sim_events *events_of(const struct agent *agent)
{
    return &agent->crowd->world->events;
}

static void tx_over(struct agent_tx *tx)
{
    tx->over = true;
    sim_event_cancel(events_of(tx->agent), &tx->again);
}

/* Timers A and E send again, B and F end it (17.1). */
static void on_again(struct sim_event *event)
{
    struct agent_tx *tx = container_of(event, struct agent_tx, again);
    uint64_t now = sim_now_us(tx->agent->crowd->world);
    if (now >= tx->end_us) {
        tx_over(tx);
        tx->done(tx, NULL);
        return;
    }
    if (!tx->tcp && !(tx->invite && tx->provisional))
        agent_transmit(tx->agent, tx->tcp, &tx->to, tx->view.raw);
    tx->interval_us *= 2;
    if (tx->interval_us > AGENT_T2_US && (!tx->invite || tx->provisional))
        tx->interval_us = AGENT_T2_US;
    uint64_t next = now + tx->interval_us;
    sim_event_at(events_of(tx->agent), &tx->again, next < tx->end_us ? next : tx->end_us);
}

struct agent_tx *agent_send(struct agent *agent, struct slice bytes, bool tcp,
                            const struct address *to, agent_tx_fn *done, void *user)
{
    struct agent_tx *tx = calloc(1, sizeof(*tx) + bytes.len);
    const char *why;
    if (tx == NULL)
        abort();
    memcpy(tx->bytes, bytes.ptr, bytes.len);
    if (!view_parse(slice_of(tx->bytes, bytes.len), &tx->view, &why))
        agent_fail(agent, &tx->view, why);
    tx->agent = agent;
    tx->tcp = tcp;
    tx->to = *to;
    tx->invite = slice_equal(tx->view.method, SLICE("INVITE"));
    tx->done = done;
    tx->user = user;
    tx->begun_us = sim_now_us(agent->crowd->world);
    tx->interval_us = AGENT_T1_US;
    tx->end_us = sim_now_us(agent->crowd->world) + AGENT_END_US;
    list_init(&tx->finals);
    list_append(&agent->txs, &tx->node);
    sim_event_init(&tx->again, on_again);
    sim_event_after(events_of(agent), &tx->again, tx->interval_us);
    sim_trace(agent->crowd->world, "%s > %.*s", agent->name, SLICE_ARG(tx->view.start_line));
    agent_transmit(agent, tcp, to, tx->view.raw);
    return tx;
}

void agent_tx_free(struct agent_tx *tx)
{
    sim_event_cancel(events_of(tx->agent), &tx->again);
    list_remove(&tx->node);
    list_for_each_safe(node, &tx->finals) free(container_of(node, struct agent_final, node));
    free(tx);
}

/* ---- responses ---- */

static struct agent_tx *tx_of(struct agent *agent, const struct view *response)
{
    list_for_each(node, &agent->txs)
    {
        struct agent_tx *tx = container_of(node, struct agent_tx, node);
        if (slice_equal(tx->view.branch, response->branch) &&
            slice_equal(tx->view.method, response->method))
            return tx;
    }
    return NULL;
}

/* Keeps it and compares it with those before. False: it is one of them, or wrong. */
static bool take_final(struct agent_tx *tx, const struct view *view)
{
    const char *why;
    list_for_each(node, &tx->finals)
    {
        const struct agent_final *before = container_of(node, struct agent_final, node);
        if (slice_equal(before->view.raw, view->raw))
            return false;
        why = rule_finals(&before->view, view);
        bool open = tx->agent->crowd->open && before->view.status == view->status &&
                    slice_equal(view->method, SLICE("REGISTER"));
        if (why != NULL && !open && !tx->agent->crowd->crashes) {
            agent_fail(tx->agent, view, why);
            return false;
        }
    }
    struct agent_final *final = malloc(sizeof(*final) + view->raw.len);
    if (final == NULL)
        abort();
    memcpy(final->bytes, view->raw.ptr, view->raw.len);
    (void)view_parse(slice_of(final->bytes, view->raw.len), &final->view, &why);
    list_append(&tx->finals, &final->node);
    return true;
}

static void acknowledge_refusal(struct agent_tx *tx, const struct view *view)
{
    struct writer w;
    if (tx->ack_len == 0) {
        writer_init(&w, tx->ack, sizeof(tx->ack));
        agent_write_ack(tx->agent, tx, view, &w);
        tx->ack_len = writer_length(&w);
    }
    agent_transmit(tx->agent, tx->tcp, &tx->to, slice_of(tx->ack, tx->ack_len));
}

static void on_provisional(struct agent_tx *tx, const struct view *view)
{
    if (tx->over)
        return;
    /* An INVITE waits for its end as long as its user does (17.1.1.2). */
    if (tx->invite && !tx->provisional) {
        tx->end_us = sim_now_us(tx->agent->crowd->world) + AGENT_PATIENCE_US;
        sim_event_at(events_of(tx->agent), &tx->again, tx->end_us);
    }
    tx->provisional = true;
    tx->done(tx, view);
}

void agent_on_response(struct agent *agent, const struct view *view)
{
    struct agent_tx *tx = tx_of(agent, view);
    if (tx == NULL) {
        agent_fail(agent, view, "a response to nothing that was sent");
        return;
    }
    const char *why = rule_response(view, &tx->view);
    if (why != NULL) {
        agent_fail(agent, view, why);
        return;
    }
    if (view->status < 200) {
        on_provisional(tx, view);
        return;
    }
    if (tx->invite && view->status >= 300)
        acknowledge_refusal(tx, view);
    bool fresh = take_final(tx, view);
    bool first = fresh && !tx->over;
    if (first)
        tx_over(tx);
    /* Of an INVITE every 2xx counts, also those that come again: each wants its ACK. */
    if (first || (tx->invite && view->status < 300))
        tx->done(tx, view);
}

/* ---- answers ---- */

static void on_answer_again(struct sim_event *event)
{
    struct agent_answer *answer = container_of(event, struct agent_answer, again);
    struct agent *agent = answer->agent;
    uint64_t now = sim_now_us(agent->crowd->world);
    if (answer->acked)
        return;
    if (now >= answer->end_us) {
        if (answer->status < 300)
            callee_on_no_ack(answer);
        return;
    }
    agent_transmit(agent, answer->tcp, &answer->peer,
                   slice_of(answer->response, answer->response_len));
    answer->interval_us *= 2;
    if (answer->interval_us > AGENT_T2_US)
        answer->interval_us = AGENT_T2_US;
    uint64_t next = now + answer->interval_us;
    sim_event_at(events_of(agent), &answer->again, next < answer->end_us ? next : answer->end_us);
}

void agent_respond(struct agent_answer *answer, unsigned status, const char *extra)
{
    struct agent *agent = answer->agent;
    struct writer w;
    if (answer->status >= 200)
        return;
    writer_init(&w, answer->response, sizeof(answer->response));
    agent_write_response(agent, &answer->view, status, extra, &w);
    answer->response_len = writer_length(&w);
    answer->status = status;
    sim_trace(agent->crowd->world, "%s > %u %.*s", agent->name, status,
              SLICE_ARG(answer->view.method));
    agent_transmit(agent, answer->tcp, &answer->peer, writer_slice(&w));
    if (status < 200 || !slice_equal(answer->view.method, SLICE("INVITE")))
        return;
    /* 2xx are sent again over any transport (13.3.1.4), others over UDP (timer G). */
    sim_event_init(&answer->again, on_answer_again);
    answer->interval_us = AGENT_T1_US;
    answer->end_us = sim_now_us(agent->crowd->world) + AGENT_END_US;
    bool repeats = status < 300 || !answer->tcp;
    sim_event_after(events_of(agent), &answer->again, repeats ? AGENT_T1_US : AGENT_END_US);
}

void agent_answer_free(struct agent_answer *answer)
{
    sim_event_cancel(events_of(answer->agent), &answer->again);
    list_remove(&answer->node);
    free(answer);
}
