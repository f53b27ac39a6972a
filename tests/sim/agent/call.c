/* Calls of the agents: the caller's side, and what both sides do in a dialog. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/agent/agent.h"
#include "sim/server/server.h"

#define TRIES_MAX 5

static const char *const end_names[ENDS] = {"answer", "busy",        "decline", "ring",
                                            "silent", "unavailable", "redirect"};

static struct sim_events *events_of(const struct agent_call *call)
{
    return &call->agent->crowd->world->events;
}

void call_over(struct agent_call *call)
{
    call->state = CALL_OVER;
    sim_event_cancel(events_of(call), &call->timer);
}

void call_free(struct agent_call *call)
{
    sim_event_cancel(events_of(call), &call->timer);
    list_remove(&call->node);
    list_for_each_safe(node, &call->acks) free(container_of(node, struct agent_final, node));
    free(call);
}

/* The dialog that a request belongs to: Call-ID and both tags (12.2.2). */
struct agent_call *agent_call_find(struct agent *agent, const struct view *view)
{
    if (view->to_tag.len == 0)
        return NULL;
    list_for_each(node, &agent->calls)
    {
        struct agent_call *call = container_of(node, struct agent_call, node);
        if (slice_equal(view->call_id, slice_from_string(call->call_id)) &&
            slice_equal(view->to_tag, view_param(slice_from_string(call->from), "tag")) &&
            slice_equal(view->from_tag, view_param(slice_from_string(call->to), "tag")))
            return call;
    }
    return NULL;
}

/* ---- in a dialog ---- */

static void take_dialog(struct agent_call *call, const struct view *response)
{
    size_t length = 0;
    slice_to_string(view_line(response, "To", 0), call->to, sizeof(call->to));
    slice_to_string(view_uri(view_line(response, "Contact", 0)), call->uri, sizeof(call->uri));
    call->route[0] = '\0';
    for (unsigned i = view_values(response, "Record-Route"); i > 0; i--)
        length +=
            (size_t)snprintf(call->route + length, sizeof(call->route) - length, "Route: %.*s\r\n",
                             SLICE_ARG(view_value(response, "Record-Route", i - 1)));
}

static struct agent_tx *send_inside(struct agent_call *call, const char *method, agent_tx_fn *done)
{
    char bytes[AGENT_MESSAGE];
    struct writer w;
    bool tcp;
    struct address to;
    struct agent_request request = {
        .method = method,
        .uri = call->uri,
        .from = call->from,
        .to = call->to,
        .call_id = call->call_id,
        .route = call->route,
        .cseq = ++call->cseq,
        .credentials = true,
    };
    writer_init(&w, bytes, sizeof(bytes));
    agent_write_request(call->agent, &request, &w);
    agent_next_hop(call->agent, call->route, call->uri, &tcp, &to);
    return agent_send(call->agent, writer_slice(&w), tcp, &to, done, call);
}

/* The ACK of a 2xx is kept and sent again as it is when that comes again (13.2.2.4). */
static void acknowledge(struct agent_call *call, const struct view *response)
{
    struct agent *agent = call->agent;
    struct agent_final *ack;
    struct writer w;
    bool tcp;
    struct address to;
    agent_next_hop(agent, call->route, call->uri, &tcp, &to);
    list_for_each(node, &call->acks)
    {
        ack = container_of(node, struct agent_final, node);
        if (ack->view.cseq == response->cseq && slice_equal(ack->view.to_tag, response->to_tag)) {
            agent_transmit(agent, tcp, &to, ack->view.raw);
            return;
        }
    }
    ack = calloc(1, sizeof(*ack) + AGENT_MESSAGE);
    if (ack == NULL)
        abort();
    struct agent_request request = {.method = "ACK",
                                    .uri = call->uri,
                                    .from = call->from,
                                    .to = call->to,
                                    .call_id = call->call_id,
                                    .route = call->route,
                                    .cseq = response->cseq};
    const char *why;
    writer_init(&w, ack->bytes, AGENT_MESSAGE);
    agent_write_request(agent, &request, &w);
    if (!view_parse(writer_slice(&w), &ack->view, &why))
        abort();
    list_append(&call->acks, &ack->node);
    agent_transmit(agent, tcp, &to, writer_slice(&w));
}

static void on_bye_answered(struct agent_tx *tx, const struct view *view)
{
    struct agent_call *call = tx->user;
    if (view != NULL && view->status < 200)
        return;
    if (view == NULL) {
        call->agent->crowd->counts[CROWD_LOST]++;
        if (call->agent->crowd->certain)
            agent_fail(call->agent, &tx->view, "a BYE got no answer");
    } else if (view->status != 200 && view->status != 481 && call->agent->crowd->certain) {
        agent_fail(call->agent, view, "a BYE was refused");
    }
    call_over(call);
}

void call_hang_up(struct agent_call *call)
{
    if (call->state >= CALL_ENDING)
        return;
    call->state = CALL_ENDING;
    sim_event_cancel(events_of(call), &call->timer);
    (void)send_inside(call, "BYE", on_bye_answered);
}

static void on_reinvite_answered(struct agent_tx *tx, const struct view *view)
{
    struct agent_call *call = tx->user;
    if (view != NULL && view->status < 200)
        return;
    call->reinviting = false;
    if (view == NULL) {
        call->agent->crowd->counts[CROWD_UNANSWERED]++;
        if (call->agent->crowd->certain)
            agent_fail(call->agent, &tx->view, "a re-INVITE got no answer");
        call_hang_up(call); /* 14.1: as after a 408 */
    } else if (view->status < 300) {
        acknowledge(call, view);
    }
}

void call_reinvite(struct agent_call *call)
{
    if (call->state != CALL_UP || call->reinviting)
        return;
    call->reinviting = true;
    (void)send_inside(call, "INVITE", on_reinvite_answered);
}

/* ---- the caller ---- */

static void send_invite(struct agent_call *call);

static void on_cancel_answered(struct agent_tx *tx, const struct view *view)
{
    struct agent *agent = tx->agent;
    if (view == NULL && agent->crowd->certain)
        agent_fail(agent, &tx->view, "a CANCEL got no answer");
    if (view != NULL && view->status > 200 && agent->crowd->certain)
        agent_fail(agent, view, "a CANCEL was refused");
}

/* 9.1: after a 1xx only; the INVITE is given up when nothing more comes. */
static void give_up(struct agent_call *call)
{
    char bytes[AGENT_MESSAGE];
    struct writer w;
    struct agent_tx *tx = call->invite;
    const struct view *invite = &tx->view;
    if (tx->over || call->cancelled || !tx->provisional)
        return;
    call->cancelled = true;
    writer_init(&w, bytes, sizeof(bytes));
    writer_format(&w, "CANCEL %.*s SIP/2.0\r\nVia: %.*s\r\nMax-Forwards: 70\r\n",
                  SLICE_ARG(invite->uri), SLICE_ARG(view_line(invite, "Via", 0)));
    writer_format(&w, "From: %s\r\nTo: %.*s\r\nCall-ID: %s\r\nCSeq: %u CANCEL\r\n", call->from,
                  SLICE_ARG(view_line(invite, "To", 0)), call->call_id, invite->cseq);
    writer_literal(&w, "Content-Length: 0\r\n\r\n");
    (void)agent_send(call->agent, writer_slice(&w), tx->tcp, &tx->to, on_cancel_answered, call);
    tx->end_us = sim_now_us(call->agent->crowd->world) + AGENT_END_US;
    sim_event_at(events_of(call), &tx->again, tx->end_us);
}

/* What the called phones were told to do. */
static bool is_expected(const struct agent_call *call, unsigned status)
{
    switch (call->plan.end) {
    case END_ANSWER: return status == 200 || (call->cancelled && status == 487);
    case END_BUSY: return status == 486 || (call->cancelled && status == 487);
    case END_DECLINE: return status == 603 || (call->cancelled && status == 487);
    case END_UNAVAILABLE: return status == 480 || (call->cancelled && status == 487);
    case END_RING:
        return status == 487 || status == 480 || (status == 408 && call->agent->crowd->serial);
    case END_SILENT: return status == 408 || status == 487;
    case END_REDIRECT:
        return status == 302 || (call->cancelled && status == 487) || call->agent->crowd->follows;
    case ENDS: break;
    }
    return false;
}

/* Was a phone of the called user taken off meanwhile? */
static bool target_changed(const struct agent_call *call)
{
    const struct crowd *crowd = call->agent->crowd;
    for (unsigned i = 0; i < crowd->count; i++) {
        if (strcmp(crowd->agents[i]->user, call->target) == 0 &&
            crowd->agents[i]->removed_ms >= call->begun_ms)
            return true;
    }
    return false;
}

static void on_refused(struct agent_call *call, const struct view *view)
{
    struct crowd *crowd = call->agent->crowd;
    if (view->status == 407 && call->tries < TRIES_MAX && !call->cancelled) {
        if (agent_challenged(call->agent, view))
            send_invite(call);
        else
            agent_fail(call->agent, view, "a 407 without a challenge (22.3)");
        return;
    }
    call->final = view->status;
    crowd->counts[view->status == 487 ? CROWD_CANCELLED : CROWD_REFUSED]++;
    if (crowd->certain && call->plan.certain && !is_expected(call, view->status) &&
        !target_changed(call)) {
        char what[96];
        (void)snprintf(what, sizeof(what), "not the end that was planned (%s%s)",
                       end_names[call->plan.end], call->cancelled ? ", cancelled" : "");
        agent_fail(call->agent, view, what);
    }
    call_over(call);
}

/* Further phones have answered as well: their dialogs are ended at once (13.2.2.4). */
static void end_other(struct agent_call *call, const struct view *view)
{
    list_for_each(node, &call->agent->calls)
    {
        struct agent_call *other = container_of(node, struct agent_call, node);
        if (strcmp(other->call_id, call->call_id) == 0 &&
            slice_equal(view_param(slice_from_string(other->to), "tag"), view->to_tag)) {
            acknowledge(other, view);
            return;
        }
    }
    struct agent_call *other = calloc(1, sizeof(*other));
    if (other == NULL)
        abort();
    *other = *call;
    other->state = CALL_UP;
    list_init(&other->acks);
    sim_event_init(&other->timer, call_on_timer);
    list_append(&call->agent->calls, &other->node);
    take_dialog(other, view);
    acknowledge(other, view);
    call_hang_up(other);
}

static void on_answered(struct agent_call *call, const struct view *view)
{
    bool first = call->final == 0;
    if (!first) {
        if (call->state == CALL_OVER && call->final >= 300)
            return;
        if (slice_equal(view_param(slice_from_string(call->to), "tag"), view->to_tag))
            acknowledge(call, view);
        else
            end_other(call, view);
        return;
    }
    call->final = view->status;
    call->agent->crowd->counts[CROWD_ANSWERED]++;
    take_dialog(call, view);
    acknowledge(call, view);
    call->state = CALL_UP;
    if (call->cancelled) { /* it came too late */
        call_hang_up(call);
        return;
    }
    bool mine = call->plan.reinvite && !call->plan.reinvite_callee;
    uint64_t talk_us = (uint64_t)call->plan.talk_ms * 1000;
    sim_event_after(events_of(call), &call->timer, mine ? talk_us / 2 : talk_us);
}

static void on_invite_response(struct agent_tx *tx, const struct view *view)
{
    struct agent_call *call = tx->user;
    struct crowd *crowd = call->agent->crowd;
    if (view == NULL) {
        /* A second group that was called just before the CANCEL and is silent too lasts as long as
         * the patience after the CANCEL (9.1). */
        bool race = crowd->serial && call->cancelled && call->plan.end == END_SILENT;
        crowd->counts[CROWD_UNANSWERED] += !race;
        if (crowd->certain && !race)
            agent_fail(call->agent, &tx->view, "an INVITE got no final response");
        call_over(call);
    } else if (view->status < 200) {
        if (call->state == CALL_TRYING && view->status > 100)
            call->state = CALL_RINGING;
    } else if (view->status < 300) {
        on_answered(call, view);
    } else {
        on_refused(call, view);
    }
}

static void send_invite(struct agent_call *call)
{
    char bytes[AGENT_MESSAGE], extra[128];
    struct writer w;
    const struct agent_plan *plan = &call->plan;
    struct agent_request request = {
        .method = "INVITE",
        .uri = call->uri,
        .from = call->from,
        .to = call->to,
        .call_id = call->call_id,
        .extra = extra,
        .cseq = ++call->cseq,
        .credentials = true,
    };
    call->tries++;
    (void)snprintf(extra, sizeof(extra), "X-Plan: %u %u %u %u %u\r\n", plan->end, plan->ring_ms,
                   plan->talk_ms, plan->callee_hangs_up, plan->reinvite && plan->reinvite_callee);
    writer_init(&w, bytes, sizeof(bytes));
    agent_write_request(call->agent, &request, &w);
    call->invite = agent_send(call->agent, writer_slice(&w), call->agent->tcp,
                              &call->agent->crowd->server, on_invite_response, call);
}

/* Patience is over, or it is time to say something else, or to hang up. */
void call_on_timer(struct sim_event *event)
{
    struct agent_call *call = container_of(event, struct agent_call, timer);
    struct agent_plan *plan = &call->plan;
    bool reinvites = plan->reinvite && plan->reinvite_callee != call->caller;
    if (call->state < CALL_UP) {
        if (call->caller) {
            give_up(call);
            if (!call->cancelled && !call->invite->over) /* no 1xx yet */
                sim_event_after(events_of(call), &call->timer, AGENT_T1_US);
        }
    } else if (call->state == CALL_UP && reinvites) {
        plan->reinvite = false;
        call_reinvite(call);
        sim_event_after(events_of(call), &call->timer, (uint64_t)plan->talk_ms * 500);
    } else if (call->state == CALL_UP) {
        /* Who should not hang up waits long: the other one may have died. */
        if (plan->callee_hangs_up != call->caller) {
            call_hang_up(call);
        } else {
            plan->callee_hangs_up = !plan->callee_hangs_up;
            sim_event_after(events_of(call), &call->timer, 60 * SIM_SECOND);
        }
    }
}

void agent_call(struct agent *agent, const char *user, const struct agent_plan *plan)
{
    struct agent_call *call = calloc(1, sizeof(*call));
    if (call == NULL)
        abort();
    call->agent = agent;
    call->caller = true;
    call->plan = *plan;
    call->begun_ms = sim_wall_ms(agent->crowd->world);
    list_init(&call->acks);
    sim_event_init(&call->timer, call_on_timer);
    list_append(&agent->calls, &call->node);
    (void)snprintf(call->target, sizeof(call->target), "%s", user);
    (void)snprintf(call->call_id, sizeof(call->call_id), "%s-%u", agent->name, ++agent->ids);
    (void)snprintf(call->from, sizeof(call->from), "<sip:%s@" SIM_DOMAIN ">;tag=f%u", agent->user,
                   agent->ids);
    (void)snprintf(call->to, sizeof(call->to), "<sip:%s@" SIM_DOMAIN ">", user);
    (void)snprintf(call->uri, sizeof(call->uri), "sip:%s@" SIM_DOMAIN, user);
    agent->crowd->counts[CROWD_CALLS]++;
    if (plan->patience_ms > 0)
        sim_event_after(events_of(call), &call->timer, (uint64_t)plan->patience_ms * 1000);
    send_invite(call);
}

/* ---- messages ---- */

struct message {
    struct list node;
    char user[16];
    char call_id[64];
    uint32_t cseq;
};

static void send_message(struct agent *agent, struct message *message);

static void on_message_answered(struct agent_tx *tx, const struct view *view)
{
    struct agent *agent = tx->agent;
    struct message *message = tx->user;
    if (view != NULL && view->status < 200)
        return;
    if (view != NULL && view->status == 407 && message->cseq < TRIES_MAX &&
        agent_challenged(agent, view)) {
        send_message(agent, message);
        return;
    }
    agent->crowd->counts[view == NULL ? CROWD_LOST : CROWD_MESSAGES]++;
}

static void send_message(struct agent *agent, struct message *message)
{
    char bytes[AGENT_MESSAGE], from[128], to[128], uri[96];
    struct writer w;
    (void)snprintf(from, sizeof(from), "<sip:%s@" SIM_DOMAIN ">;tag=m", agent->user);
    (void)snprintf(uri, sizeof(uri), "sip:%s@" SIM_DOMAIN, message->user);
    (void)snprintf(to, sizeof(to), "<%s>", uri);
    struct agent_request request = {.method = "MESSAGE",
                                    .uri = uri,
                                    .from = from,
                                    .to = to,
                                    .call_id = message->call_id,
                                    .cseq = ++message->cseq,
                                    .credentials = true};
    writer_init(&w, bytes, sizeof(bytes));
    agent_write_request(agent, &request, &w);
    (void)agent_send(agent, writer_slice(&w), agent->tcp, &agent->crowd->server,
                     on_message_answered, message);
}

void agent_message(struct agent *agent, const char *user)
{
    struct message *message = calloc(1, sizeof(*message));
    if (message == NULL)
        abort();
    list_append(&agent->messages, &message->node);
    (void)snprintf(message->user, sizeof(message->user), "%s", user);
    (void)snprintf(message->call_id, sizeof(message->call_id), "%s-%u", agent->name, ++agent->ids);
    send_message(agent, message);
}

void agent_messages_free(struct agent *agent)
{
    list_for_each_safe(node, &agent->messages) free(container_of(node, struct message, node));
}
