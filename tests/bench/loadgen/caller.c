/* The calling phone: INVITE client transaction (RFC 3261 section 17.1.1), dialog (12), ACK
 * (13.2.2.4), BYE (15.1.1). */
#include "call.h"
#include "clock.h"

static bool holding(const struct engine *engine)
{
    return engine->mode == &mode_hold;
}

static void write_via(struct text *text, const struct engine *engine, const struct call *call,
                      char letter)
{
    part_via(text, engine, engine_source(engine, call->caller),
             (struct branch){call_slot(engine->state, call), call->generation, letter});
}

static void write_from(struct text *text, const struct engine *engine, const struct call *call)
{
    text_add(text, "From: \"Caller\" <sip:");
    part_aor(text, engine, call->caller);
    text_add(text, ">;tag=a");
    text_hex(text, call_slot(engine->state, call));
    text_hex(text, call->generation);
    text_add(text, "\r\n");
}

static void write_to(struct text *text, const struct engine *engine, const struct call *call,
                     bool tagged)
{
    text_add(text, "To: <sip:");
    part_aor(text, engine, call->callee);
    text_add(text, ">");
    if (tagged) {
        text_add(text, ";tag=");
        text_bytes(text, call->to_tag, call->to_tag_len);
    }
    text_add(text, "\r\n");
}

static void invite_send(struct engine *engine, struct call *call)
{
    unsigned source = engine_source(engine, call->caller);
    struct text text = net_buffer(engine->net, source);
    char body_buf[256];
    struct text body = text_init(body_buf, sizeof body_buf);
    call_write_body(&body, engine, call, call->caller);
    text_add(&text, "INVITE sip:");
    part_aor(&text, engine, call->callee);
    text_add(&text, " SIP/2.0\r\n");
    write_via(&text, engine, call, 'i');
    write_from(&text, engine, call);
    write_to(&text, engine, call, false);
    call_write_id(&text, engine, call);
    text_add(&text, "CSeq: 1 INVITE\r\nContact: <");
    part_contact_uri(&text, engine, call->caller);
    text_add(&text,
             ">\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nUser-Agent: loadgen 1.0 (bench)\r\n"
             "Content-Type: application/sdp\r\nContent-Length: ");
    text_decimal(&text, text_len(&body), 1);
    text_add(&text, "\r\n\r\n");
    text_span_add(&text, text_span(&body));
    stats_sent(&engine->stats, KIND_INVITE, net_send(engine->net, source, &text, NULL));
}

void caller_start(struct engine *engine, struct call *call)
{
    call->caller_state = CALLER_CALLING;
    call->caller_timer.of_callee = false;
    call->callee_timer.of_callee = true;
    invite_send(engine, call);
    timer_start(&engine->timers, &call->caller_timer,
                engine->options->resend ? TIMER_RESEND_0 : TIMER_PATIENCE, engine->now);
}

/* ACK of a 2xx and BYE: requests within the dialog (RFC 3261 section 12.2.1.1). */
static void dialog_request_send(struct engine *engine, struct call *call, bool bye)
{
    unsigned source = engine_source(engine, call->caller);
    struct text text = net_buffer(engine->net, source);
    struct sockaddr_in to;
    struct span target = {call->target, call->target_len};
    text_bytes(&text, bye ? "BYE " : "ACK ", 4);
    text_span_add(&text, target);
    text_add(&text, " SIP/2.0\r\n");
    write_via(&text, engine, call, bye ? 'b' : 'a');
    text_bytes(&text, call->route, call->route_len);
    write_from(&text, engine, call);
    write_to(&text, engine, call, true);
    call_write_id(&text, engine, call);
    if (bye)
        text_add(&text, "CSeq: 2 BYE\r\n");
    else
        text_add(&text, "CSeq: 1 ACK\r\n");
    text_add(&text, "User-Agent: loadgen 1.0 (bench)\r\nContent-Length: 0\r\n\r\n");
    bool direct = !call->route_len && call_address(target, &to);
    stats_sent(&engine->stats, bye ? KIND_BYE : KIND_ACK,
               net_send(engine->net, source, &text, direct ? &to : NULL));
}

void caller_end(struct engine *engine, struct call *call)
{
    if (holding(engine))
        engine->held--;
    call->caller_state = CALLER_ENDING;
    call->ended = engine->now;
    dialog_request_send(engine, call, true);
    timer_start(&engine->timers, &call->caller_timer, TIMER_RESEND_0, engine->now);
}

/* ACK of a final answer that is no 2xx, made from the answer alone (RFC 3261 section 17.1.1.3). */
static void failure_ack_send(struct engine *engine, const struct message *m, struct branch branch,
                             unsigned source)
{
    struct text text = net_buffer(engine->net, source);
    text_add(&text, "ACK ");
    text_span_add(&text, scan_uri(m->first[HEADER_TO]));
    text_add(&text, " SIP/2.0\r\n");
    part_via(&text, engine, source, branch);
    text_add(&text, "From: ");
    text_span_add(&text, m->first[HEADER_FROM]);
    text_add(&text, "\r\nTo: ");
    text_span_add(&text, m->first[HEADER_TO]);
    text_add(&text, "\r\nCall-ID: ");
    text_span_add(&text, m->first[HEADER_CALL_ID]);
    text_add(&text, "\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n");
    stats_sent(&engine->stats, KIND_ACK_FAILED, net_send(engine->net, source, &text, NULL));
}

static void invite_failed(struct engine *engine, struct call *call, const struct message *m)
{
    stats_received(&engine->stats, KIND_INVITE_FAILED, m->whole.len);
    if (m->status == 503 && span_search(m->whole, SPAN("\nRetry-After:")) >= 0)
        engine->stats.retry_after++;
    if (engine->mode == &mode_flood)
        histogram_add(&engine->stats.latency[LATENCY_REFUSAL], clock_now() - call->begun);
    call_over(engine, call, m->status);
}

/* The caller's route set is the Record-Route of the answer backwards (RFC 3261 section 12.1.2). */
static void keep_route(struct engine *engine, struct call *call, const struct message *m)
{
    struct span routes[8];
    unsigned n = 0;
    for (unsigned i = 0; i < m->line_count; i++) {
        struct span rest = m->lines[i].value;
        while (m->lines[i].header == HEADER_RECORD_ROUTE && rest.len && n < 8)
            routes[n++] = scan_list_next(&rest);
    }
    if ((n > 0) != engine->options->record_route)
        stats_wrong(&engine->stats, WRONG_RECORD_ROUTE, m->whole);
    struct text text = text_init(call->route, sizeof call->route);
    while (n-- > 0) {
        if (span_search(routes[n], SPAN(";lr")) < 0)
            stats_wrong(&engine->stats, WRONG_RECORD_ROUTE, m->whole);
        text_add(&text, "Route: ");
        text_span_add(&text, routes[n]);
        text_add(&text, "\r\n");
    }
    if (text.full)
        stats_wrong(&engine->stats, WRONG_RECORD_ROUTE, m->whole);
    call->route_len = (uint16_t)text_len(&text);
}

static void keep_dialog(struct engine *engine, struct call *call, const struct message *m)
{
    struct text target = text_init(call->target, sizeof call->target);
    struct text tag = text_init(call->to_tag, sizeof call->to_tag);
    if (m->count[HEADER_CONTACT])
        text_span_add(&target, scan_uri(m->first[HEADER_CONTACT]));
    text_span_add(&tag, scan_parameter(m->first[HEADER_TO], SPAN("tag=")));
    if (!part_contact_present(engine, m, call->callee))
        stats_wrong(&engine->stats, WRONG_CONTACT, m->whole);
    if (!text_len(&tag))
        stats_wrong(&engine->stats, WRONG_TAG, m->whole);
    if (!call_body_right(engine, m, call, call->callee))
        stats_wrong(&engine->stats, WRONG_BODY, m->whole);
    call->target_len = (uint16_t)text_len(&target);
    call->to_tag_len = (uint16_t)text_len(&tag);
    keep_route(engine, call, m);
}

static void on_answered(struct engine *engine, struct call *call, const struct message *m)
{
    stats_received(&engine->stats, KIND_INVITE_200, m->whole.len);
    if (call->caller_state > CALLER_PROCEEDING) {
        /* A 200 again: its ACK was lost (RFC 3261 section 13.2.2.4). */
        dialog_request_send(engine, call, false);
        return;
    }
    histogram_add(&engine->stats.latency[LATENCY_ANSWER], clock_now() - call->begun);
    timer_stop(&call->caller_timer);
    keep_dialog(engine, call, m);
    dialog_request_send(engine, call, false);
    call->caller_state = CALLER_TALKING;
    if (holding(engine) && !engine->options->ringing)
        engine->held++;
    else if (engine->options->talk && !holding(engine))
        timer_start(&engine->timers, &call->caller_timer, TIMER_TALK, engine->now);
    else
        caller_end(engine, call);
}

static void on_provisional(struct engine *engine, struct call *call, const struct message *m)
{
    stats_received(&engine->stats, m->status == 100 ? KIND_INVITE_100 : KIND_INVITE_180,
                   m->whole.len);
    if (call->caller_state > CALLER_PROCEEDING)
        return;
    call->caller_state = CALLER_PROCEEDING;
    if (m->status > 100)
        histogram_add(&engine->stats.latency[LATENCY_RING], clock_now() - call->begun);
    if (!holding(engine))
        timer_start(&engine->timers, &call->caller_timer, TIMER_PATIENCE, engine->now);
    else
        timer_stop(&call->caller_timer);
    if (m->status > 100 && holding(engine) && engine->options->ringing)
        engine->held++;
}

static void on_bye_answer(struct engine *engine, struct call *call, const struct message *m)
{
    stats_received(&engine->stats, m->status == 200 ? KIND_BYE_200 : KIND_OTHER, m->whole.len);
    if (m->status < 200)
        return;
    histogram_add(&engine->stats.latency[LATENCY_BYE], clock_now() - call->ended);
    call_over(engine, call, m->status);
}

void caller_on_response(struct engine *engine, struct call *call, const struct message *m)
{
    struct branch branch;
    bool ours = part_branch_read(m, &branch);
    bool invite = ours && branch.letter == 'i' && m->cseq == 1;
    bool bye = ours && branch.letter == 'b' && m->cseq == 2;
    if (ours && !part_single_via(m))
        stats_wrong(&engine->stats, WRONG_VIA, m->whole);
    if (invite && m->status >= 300) {
        struct span port = scan_parameter(m->first[HEADER_VIA], SPAN("rport="));
        unsigned source = port.len ? scan_decimal(port) - engine_port(engine, 0) : 0;
        failure_ack_send(engine, m, branch, source < engine->options->sources ? source : 0);
    }
    bool known = call && (invite || (bye && call->caller_state == CALLER_ENDING));
    if (!known || branch.generation != call->generation) {
        engine->stats.stray++;
        return;
    }
    if (bye)
        on_bye_answer(engine, call, m);
    else if (m->status < 200)
        on_provisional(engine, call, m);
    else if (m->status < 300)
        on_answered(engine, call, m);
    else if (call->caller_state <= CALLER_PROCEEDING)
        invite_failed(engine, call, m);
}

void caller_on_timer(struct engine *engine, struct call *call)
{
    struct timer *timer = &call->caller_timer;
    bool bye = call->caller_state == CALLER_ENDING;
    uint64_t begun = bye ? call->ended : call->begun;
    if (timer->class == TIMER_TALK) {
        caller_end(engine, call);
        return;
    }
    if (timer->class == TIMER_PATIENCE || engine->now - begun >= engine->options->give_up) {
        call_over(engine, call, 0);
        return;
    }
    engine->stats.resent++;
    if (bye)
        dialog_request_send(engine, call, true);
    else
        invite_send(engine, call);
    enum timer_class last = bye ? TIMER_RESEND_3 : TIMER_RESEND_6;
    timer_start(&engine->timers, timer, timer->class < last ? timer->class + 1 : last, engine->now);
}
