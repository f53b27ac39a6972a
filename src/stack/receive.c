/* From bytes to a parsed message on the worker that owns its call. */
#include <string.h>

#include "base/error.h"
#include "loop/steer.h"
#include "sip/message/frame.h"
#include "stack/endpoint_private.h"

#include "stun/binding.h"

#define TLS_HANDSHAKE 0x16 /* RFC 8446 section 5.1; no SIP message begins with it */

/* The owner of a response is written in our branch; a call's requests belong together by Call-ID.
 */
static unsigned owner_of(const struct endpoint *endpoint, const struct sip_message *msg)
{
    if (!msg->is_request) {
        struct slice vias = sip_message_value(msg, SIP_HEADER_VIA), top;
        struct sip_via via;
        struct sip_branch branch;
        if (sip_list_next(&vias, &top) && sip_via_parse(top, &via) == 0 &&
            sip_branch_parse(via.branch, &branch) == 0 && branch.worker < endpoint->workers)
            return branch.worker;
        return loop_worker(endpoint->loop);
    }
    return steer_worker(sip_message_value(msg, SIP_HEADER_CALL_ID), endpoint->workers);
}

uint64_t endpoint_order_of(const struct sip_message *msg)
{
    struct slice id = sip_message_value(msg, SIP_HEADER_CALL_ID);
    uint64_t words[3] = {0};
    if (id.len >= sizeof(words)) {
        memcpy(words, id.ptr, 16);
        memcpy(&words[2], id.ptr + id.len - 8, 8);
    } else if (id.len > 0) {
        memcpy(words, id.ptr, id.len);
    }
    return (words[0] * 3 ^ words[1] * 5 ^ words[2] * 7) + id.len;
}

static void hand_over(struct endpoint *endpoint, unsigned owner, const struct flow *flow,
                      struct slice data)
{
    struct endpoint_mail mail;
    memset(&mail, 0, sizeof(mail));
    mail.what = ENDPOINT_MAIL_MESSAGE;
    mail.flow = *flow;
    struct slice parts[] = {slice_of((const char *)&mail, sizeof(mail)), data};
    int status =
        mesh_post(endpoint->mesh, loop_worker(endpoint->loop), owner, MAIL_DATAGRAM, parts, 2);
    endpoint_count(endpoint, status < 0 ? ENDPOINT_HAND_OVER_LOST : ENDPOINT_HANDED_OVER);
}

static void take_response(struct endpoint *endpoint, const struct flow *flow)
{
    const struct endpoint_user *user = &endpoint->user;
    if (!sip_transactions_on_response(&endpoint->transactions, &endpoint->message) &&
        (user->on_stray == NULL || !user->on_stray(user->user, &endpoint->message, flow)))
        endpoint_count(endpoint, ENDPOINT_STRAY_RESPONSES);
}

/* owned: another worker has found out already that the message is ours. */
static void take_message(struct endpoint *endpoint, const struct flow *flow, struct slice data,
                         bool owned)
{
    struct sip_message *msg = &endpoint->message;
    struct sip_fault fault;
    int status = sip_message_parse(data, &endpoint->config->limits, msg, &fault);
    if (status == 0 && !owned && endpoint->workers > 1) {
        unsigned owner = owner_of(endpoint, msg);
        if (owner != loop_worker(endpoint->loop)) {
            hand_over(endpoint, owner, flow, data);
            return;
        }
    }
    if (status == 0 && endpoint_acknowledges_busy(endpoint, msg)) {
        endpoint_count(endpoint, ENDPOINT_REQUESTS);
        return;
    }
    if (status == 0)
        status = sip_message_check(msg, &fault);
    loop_order(endpoint->loop, endpoint_order_of(msg));
    endpoint_count(endpoint, msg->is_request ? ENDPOINT_REQUESTS : ENDPOINT_RESPONSES);
    if (status < 0)
        endpoint_refuse(endpoint, flow, &fault);
    else if (msg->is_request)
        endpoint_take_request(endpoint, flow);
    else
        take_response(endpoint, flow);
}

static void show_alive(const struct endpoint *endpoint, const struct flow *flow)
{
    if (endpoint->user.on_keep_alive != NULL)
        endpoint->user.on_keep_alive(endpoint->user.user, flow);
}

/* RFC 5626 sections 4.4.2, 8: STUN shares the port, for phones that keep their NAT's mapping alive.
 */
static void take_stun(struct endpoint *endpoint, const struct flow *flow, struct slice data)
{
    static const struct stun_place place;
    char buffer[STUN_BINDING_ANSWER_MAX];
    struct stun_answer answer;
    stun_binding_answer(&place, data, &flow->remote, &answer, buffer, sizeof(buffer));
    if (answer.bytes.len == 0)
        return;
    endpoint_count(endpoint, ENDPOINT_STUN);
    endpoint_send(endpoint, flow, answer.bytes);
    show_alive(endpoint, flow);
}

void endpoint_take(struct endpoint *endpoint, const struct flow *flow, struct slice data)
{
    take_message(endpoint, flow, data, true);
}

void endpoint_on_datagram(void *user, const struct flow *flow, struct slice data)
{
    if (stun_looks_like(data)) {
        take_stun(user, flow, data);
        return;
    }
    data = slice_from(data, sip_frame_skip_crlf(data));
    /* Empty datagrams and lone CRLFs only keep a NAT's mapping open. */
    if (data.len > 0 && !endpoint_shed_early(user, flow, data))
        take_message(user, flow, data, false);
}

void endpoint_on_mail(void *user, unsigned from, struct slice data)
{
    struct endpoint *endpoint = user;
    struct endpoint_mail mail;
    (void)from;
    if (data.len < sizeof(mail))
        return;
    memcpy(&mail, data.ptr, sizeof(mail));
    if (mail.what == ENDPOINT_MAIL_CLOSED)
        sip_transactions_on_connection_closed(&endpoint->transactions, &mail.flow);
    else
        take_message(endpoint, &mail.flow, slice_from(data, sizeof(mail)), true);
}

/* A stream that cannot be followed: what can be read of the message is answered, then the
 * connection goes (RFC 3261 section 18.3). */
static long take_bad_frame(struct endpoint *endpoint, const struct flow *flow, struct slice head,
                           const struct sip_fault *frame_fault)
{
    struct sip_fault fault;
    sip_message_parse(head, &endpoint->config->limits, &endpoint->message, &fault);
    endpoint_refuse(endpoint, flow, frame_fault);
    return -1;
}

/* RFC 5626 section 4.4.1 */
static void answer_ping(struct endpoint *endpoint, const struct flow *flow)
{
    endpoint_send(endpoint, flow, SLICE("\r\n"));
    show_alive(endpoint, flow);
}

long endpoint_on_bytes(void *user, const struct flow *flow, struct slice buffered)
{
    struct endpoint_socket *socket = user;
    struct endpoint *endpoint = socket->endpoint;
    size_t scanned = 0;
    if (buffered.ptr[0] == TLS_HANDSHAKE) {
        endpoint_count(endpoint, ENDPOINT_NOT_SIP);
        return -1;
    }
    struct sip_frame frame = sip_frame_next(buffered, &endpoint->config->limits, &scanned);
    switch (frame.kind) {
    case SIP_FRAME_MORE: return 0;
    case SIP_FRAME_PING: answer_ping(endpoint, flow); break;
    case SIP_FRAME_PONG: show_alive(endpoint, flow); break;
    case SIP_FRAME_MESSAGE:
        take_message(endpoint, flow, slice_of(buffered.ptr, frame.length), false);
        break;
    case SIP_FRAME_BAD:
        return take_bad_frame(endpoint, flow, slice_of(buffered.ptr, frame.length), &frame.fault);
    }
    return (long)frame.length;
}

/* RFC 4168 section 3.2, RFC 7118 section 5: one SIP message, without need of a Content-Length. */
int endpoint_on_message(void *user, const struct flow *flow, struct slice message)
{
    struct endpoint_socket *socket = user;
    struct endpoint *endpoint = socket->endpoint;
    struct slice data = slice_from(message, sip_frame_skip_crlf(message));
    if (data.len > 0)
        take_message(endpoint, flow, data, false);
    else if (slice_equal(message, SLICE("\r\n\r\n"))) /* RFC 5626 section 4.4.1 */
        answer_ping(endpoint, flow);
    return 0;
}

static void tell_closed(struct endpoint *endpoint, unsigned worker, const struct flow *flow)
{
    struct endpoint_mail mail;
    memset(&mail, 0, sizeof(mail));
    mail.what = ENDPOINT_MAIL_CLOSED;
    mail.flow = *flow;
    struct slice part = slice_of((const char *)&mail, sizeof(mail));
    mesh_post(endpoint->mesh, loop_worker(endpoint->loop), worker, MAIL_DATAGRAM, &part, 1);
}

void endpoint_on_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    struct endpoint_socket *socket = user;
    struct endpoint *endpoint = socket->endpoint;
    bool opened = reason != STREAM_CONNECT_FAILED && reason != STREAM_HANDSHAKE_FAILED &&
                  reason != STREAM_HANDSHAKE_TIMEOUT && reason != STREAM_VERIFY_FAILED;
    endpoint_late_on_close(endpoint, flow, opened);
    sip_transactions_on_connection_closed(&endpoint->transactions, flow);
    if (endpoint->user.on_connection_closed != NULL)
        endpoint->user.on_connection_closed(endpoint->user.user, flow);
    for (unsigned i = 0; i < endpoint->workers; i++) {
        if (i != loop_worker(endpoint->loop))
            tell_closed(endpoint, i, flow);
    }
}

/* What it has sent is lost: its transactions must not wait for an answer. */
void endpoint_on_late(void *user, unsigned from, const struct flow *flow)
{
    struct endpoint *endpoint = user;
    if (from < endpoint->workers)
        tell_closed(endpoint, from, flow);
}
