/* The called phone: INVITE server transaction and 200 until ACK (RFC 3261
 * sections 13.3.1.4, 17.2.1), BYE (15.1.2). */
#include <arpa/inet.h>

#include "call.h"
#include "clock.h"

/* Status line, and the header lines that an answer copies (RFC 3261 section 8.2.6.2). */
static void write_head(struct text *text, const struct engine *engine, const struct call *call,
                       const struct message *m, const char *status)
{
    text_bytes(text, status, strlen(status));
    for (unsigned i = 0; i < m->line_count; i++) {
        enum header header = m->lines[i].header;
        if (header == HEADER_VIA || header == HEADER_RECORD_ROUTE || header == HEADER_FROM ||
            header == HEADER_CALL_ID || header == HEADER_CSEQ)
            text_span_add(text, m->lines[i].whole);
    }
    text_add(text, "To: ");
    text_span_add(text, m->first[HEADER_TO]);
    if (!scan_parameter(m->first[HEADER_TO], SPAN("tag=")).len) {
        text_add(text, ";tag=b");
        text_hex(text, call_slot(engine->state, call));
        text_hex(text, call->generation);
    }
    text_add(text, "\r\n");
}

static void write_contact(struct text *text, const struct engine *engine, const struct call *call)
{
    text_add(text, "Contact: <");
    part_contact_uri(text, engine, call->callee);
    text_add(text, ">\r\n");
}

/* Answers go to the topmost Via's address (RFC 3261 section 18.2.2); a connected socket has only
 * one place to go. */
static bool answer_address(const struct message *m, struct sockaddr_in *ret_address)
{
    struct span via = m->first[HEADER_VIA];
    const char *space = memchr(via.ptr, ' ', via.len);
    return space && call_address(span_between(space + 1, via.ptr + via.len), ret_address);
}

static void ringing_send(struct engine *engine, const struct call *call, const struct message *m)
{
    struct text text = net_buffer(engine->net, call->answer_source);
    write_head(&text, engine, call, m, "SIP/2.0 180 Ringing\r\n");
    write_contact(&text, engine, call);
    text_add(&text, "Content-Length: 0\r\n\r\n");
    stats_sent(&engine->stats, KIND_INVITE_180,
               net_send(engine->net, call->answer_source, &text, &call->answer_to));
}

static void answer_prepare(struct engine *engine, struct call *call, const struct message *m)
{
    struct text text = text_init(call->answer, sizeof call->answer);
    char body_buf[256];
    struct text body = text_init(body_buf, sizeof body_buf);
    call_write_body(&body, engine, call, call->callee);
    write_head(&text, engine, call, m, "SIP/2.0 200 OK\r\n");
    write_contact(&text, engine, call);
    text_add(&text, "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nContent-Type: "
                    "application/sdp\r\nContent-Length: ");
    text_decimal(&text, text_len(&body), 1);
    text_add(&text, "\r\n\r\n");
    text_span_add(&text, text_span(&body));
    if (text.full)
        die("a 200 does not fit into %zu bytes", sizeof call->answer);
    call->answer_len = (uint16_t)text_len(&text);
}

static void answer_send(struct engine *engine, const struct call *call)
{
    struct text text = net_buffer(engine->net, call->answer_source);
    text_bytes(&text, call->answer, call->answer_len);
    stats_sent(&engine->stats, KIND_INVITE_200,
               net_send(engine->net, call->answer_source, &text, &call->answer_to));
}

void callee_answer(struct engine *engine, struct call *call)
{
    call->callee_state = CALLEE_ANSWERED;
    call->answered = engine->now;
    answer_send(engine, call);
    timer_start(&engine->timers, &call->callee_timer, TIMER_RESEND_0, engine->now);
}

/* What each request to the called phone must look like after it went through the server. */
static void check_request(struct engine *engine, const struct call *call, const struct message *m,
                          unsigned source)
{
    struct stats *stats = &engine->stats;
    char buf[80];
    struct text uri = text_init(buf, sizeof buf);
    part_contact_uri(&uri, engine, call->callee);
    if (!span_starts(m->uri, text_span(&uri)) || source != engine_source(engine, call->callee))
        stats_wrong(stats, WRONG_URI, m->whole);
    bool through = engine->options->record_route || span_equal(m->method, SPAN("INVITE"));
    struct branch branch;
    bool top_is_ours = part_branch_read(m, &branch);
    if (top_is_ours == through || (through && part_single_via(m)))
        stats_wrong(stats, WRONG_VIA, m->whole);
    if (scan_decimal(m->first[HEADER_MAX_FORWARDS].ptr ? m->first[HEADER_MAX_FORWARDS]
                                                       : SPAN("0")) != (through ? 69 : 70))
        stats_wrong(stats, WRONG_MAX_FORWARDS, m->whole);
    if (m->count[HEADER_ROUTE])
        stats_wrong(stats, WRONG_ROUTE, m->whole);
}

static void on_invite(struct engine *engine, struct call *call, const struct message *m,
                      unsigned source)
{
    stats_received(&engine->stats, KIND_INVITE, m->whole.len);
    if (call->callee_state != CALLEE_IDLE) {
        /* A retransmission; in ANSWERED the 200 has its own timer. */
        if (call->callee_state == CALLEE_RINGING)
            ringing_send(engine, call, m);
        return;
    }
    if (m->cseq != 1)
        stats_wrong(&engine->stats, WRONG_CSEQ, m->whole);
    if (!call_body_right(engine, m, call, call->caller))
        stats_wrong(&engine->stats, WRONG_BODY, m->whole);
    if (!part_contact_present(engine, m, call->caller))
        stats_wrong(&engine->stats, WRONG_CONTACT, m->whole);
    if ((m->count[HEADER_RECORD_ROUTE] > 0) != engine->options->record_route)
        stats_wrong(&engine->stats, WRONG_RECORD_ROUTE, m->whole);
    if (!answer_address(m, &call->answer_to))
        stats_wrong(&engine->stats, WRONG_VIA, m->whole);
    call->answer_source = (uint16_t)source;
    call->callee_state = CALLEE_RINGING;
    ringing_send(engine, call, m);
    answer_prepare(engine, call, m);
    if (engine->options->ringing && engine->mode == &mode_hold)
        return;
    if (engine->options->ring)
        timer_start(&engine->timers, &call->callee_timer, TIMER_ANSWER, engine->now);
    else
        callee_answer(engine, call);
}

static void on_ack(struct engine *engine, struct call *call, const struct message *m)
{
    stats_received(&engine->stats, KIND_ACK, m->whole.len);
    call->acked = true;
    if (call->callee_state == CALLEE_ANSWERED) {
        timer_stop(&call->callee_timer);
        call->callee_state = CALLEE_TALKING;
    }
}

static void on_bye(struct engine *engine, struct call *call, const struct message *m,
                   unsigned source)
{
    struct sockaddr_in to;
    stats_received(&engine->stats, KIND_BYE, m->whole.len);
    if (m->cseq != 2)
        stats_wrong(&engine->stats, WRONG_CSEQ, m->whole);
    if (!answer_address(m, &to))
        return;
    timer_stop(&call->callee_timer);
    call->callee_state = CALLEE_GONE;
    struct text text = net_buffer(engine->net, source);
    write_head(&text, engine, call, m, "SIP/2.0 200 OK\r\n");
    text_add(&text, "Content-Length: 0\r\n\r\n");
    stats_sent(&engine->stats, KIND_BYE_200, net_send(engine->net, source, &text, &to));
}

void callee_on_request(struct engine *engine, struct call *call, const struct message *m,
                       unsigned source)
{
    check_request(engine, call, m, source);
    if (span_equal(m->method, SPAN("INVITE")))
        on_invite(engine, call, m, source);
    else if (span_equal(m->method, SPAN("ACK")))
        on_ack(engine, call, m);
    else if (span_equal(m->method, SPAN("BYE")))
        on_bye(engine, call, m, source);
    else
        stats_received(&engine->stats, KIND_OTHER, m->whole.len);
}

void callee_on_timer(struct engine *engine, struct call *call)
{
    struct timer *timer = &call->callee_timer;
    if (timer->class == TIMER_ANSWER) {
        callee_answer(engine, call);
        return;
    }
    /* RFC 3261 section 13.3.1.4: after 64*T1 without ACK the called phone gives up. */
    if (engine->now - call->answered >= engine->options->give_up)
        return;
    engine->stats.resent++;
    answer_send(engine, call);
    timer_start(&engine->timers, timer,
                timer->class < TIMER_RESEND_3 ? timer->class + 1 : TIMER_RESEND_3, engine->now);
}
