/* A request on its worker: matched to its transaction, or shown to the user (RFC 3261
 * sections 17.2.3, 18.2). */
#include "base/error.h"
#include "stack/endpoint_private.h"
#include "stack/nat.h"

/* Where responses go: RFC 3261 section 18.2.2, RFC 3581 section 4. maddr is followed only if the
 * operator wants it: any sender could point our answers at somebody else. */
static struct flow reply_flow(const struct endpoint *endpoint, const struct flow *flow,
                              const struct sip_via *via)
{
    struct flow reply = *flow;
    struct address maddr;
    if (endpoint->config->via_maddr && via->maddr.len > 0 && !flow_reliable(flow) &&
        address_parse_host(via->maddr, via->port ? via->port : 5060, &maddr) == 0 &&
        address_is_v6(&maddr) == address_is_v6(&flow->remote) &&
        !address_is_multicast_or_broadcast(&maddr)) {
        reply.remote = maddr;
        return reply;
    }
    if (!flow_reliable(flow) && !via->rport && !nat_answers_source(via, flow))
        address_set_port(&reply.remote, via->port ? via->port : 5060);
    return reply;
}

void endpoint_request_init_brief(struct endpoint *endpoint, const struct sip_message *msg,
                                 const struct flow *flow, struct endpoint_request *request)
{
    *request = (struct endpoint_request){.endpoint = endpoint,
                                         .msg = msg,
                                         .flow = *flow,
                                         .reply = reply_flow(endpoint, flow, &msg->parts.via),
                                         .via = msg->parts.via,
                                         .uri_status = ERR_SYNTAX};
}

void endpoint_request_init(struct endpoint *endpoint, const struct sip_message *msg,
                           const struct flow *flow, struct endpoint_request *request)
{
    request->endpoint = endpoint;
    request->msg = msg;
    request->flow = *flow;
    request->uri_status = sip_uri_parse(msg->uri, &request->uri);
    struct slice vias = sip_message_value(msg, SIP_HEADER_VIA), top;
    request->via = msg->parts.via;
    if (request->via.value.len == 0 && sip_list_next(&vias, &top))
        (void)sip_via_parse(top, &request->via); /* of a request that is to be refused */
    /* A Via that cannot be read names no port: the packet's source is all there is. */
    request->reply = request->via.host.len > 0 ? reply_flow(endpoint, flow, &request->via) : *flow;
}

static void reply_status(const struct endpoint_request *request, unsigned status,
                         const char *reason)
{
    struct sip_response response = {.status = status, .reason = reason};
    endpoint_reply(request, &response);
}

void endpoint_refuse(struct endpoint *endpoint, const struct flow *flow,
                     const struct sip_fault *fault)
{
    const struct sip_message *msg = &endpoint->message;
    endpoint_count(endpoint, ENDPOINT_MALFORMED);
    log_debug(loop_log(endpoint->loop), LOG_SIP, "malformed message: %s", fault->reason);
    if (fault->status == 0 || !sip_message_can_be_answered(msg))
        return;
    struct endpoint_request request;
    endpoint_request_init(endpoint, msg, flow, &request);
    reply_status(&request, fault->status, fault->reason);
}

/* RFC 3261 section 9.2. A proxy that keeps state for every INVITE knows every one that can be
 * cancelled, so a stray CANCEL gets 481 and is not forwarded (section 16.10 would forward it
 * blindly; docs/rfc/3261.md). */
static void take_cancel(struct endpoint *endpoint, const struct endpoint_request *request,
                        struct sip_server_tx *invite)
{
    struct sip_response response = {.status = invite ? 200 : 481};
    endpoint_answer(request, &response);
    if (invite != NULL && endpoint->user.on_cancel != NULL)
        endpoint->user.on_cancel(endpoint->user.user, request, invite);
}

struct slice endpoint_write_busy(const struct endpoint_request *request)
{
    struct endpoint *endpoint = request->endpoint;
    char text[48];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    if (endpoint->config->retry_after_s > 0) {
        writer_literal(&w, "Retry-After: ");
        writer_u64(&w, endpoint->config->retry_after_s);
        writer_literal(&w, "\r\n");
    }
    char tag[ENDPOINT_TAG_LENGTH];
    endpoint_busy_tag(endpoint, request->msg, tag);
    struct sip_response response = {
        .status = 503, .headers = writer_slice(&w), .to_tag = slice_of(tag, sizeof(tag))};
    return endpoint_write_response(request, &response);
}

void endpoint_send_busy(const struct endpoint_request *request, struct slice bytes)
{
    if (bytes.len > 0)
        endpoint_tx_send(request->endpoint, &request->reply, bytes);
    if (request->flow.transport == TRANSPORT_UDP)
        request->endpoint->sifting.refused++;
    endpoint_count(request->endpoint, ENDPOINT_OVERLOAD);
}

/* RFC 5923 section 8: only towards the address that the connection really comes from, and with TLS
 * only from who has proven the name in his Via (section 8.2). */
static void take_alias(struct endpoint *endpoint, const struct endpoint_request *request)
{
    const struct flow *flow = &request->flow;
    enum transport transport = (enum transport)flow->transport;
    struct address alias = flow->remote;
    if (transport_secure(transport) && !stream_proves(endpoint->loop, flow, request->via.host))
        return;
    address_set_port(&alias,
                     request->via.port ? request->via.port : transport_default_port(transport));
    stream_alias(endpoint->loop, flow, &alias);
}

static void take_new(struct endpoint *endpoint, const struct endpoint_request *request)
{
    if (endpoint_sheds(endpoint, request->msg)) {
        endpoint_send_busy(request, endpoint_write_busy(request));
        return;
    }
    if (request->via.alias && flow_reliable(&request->flow) &&
        request->flow.transport != TRANSPORT_SCTP) /* an association has its peer's port anyway */
        take_alias(endpoint, request);
    if (endpoint->user.on_request != NULL)
        endpoint->user.on_request(endpoint->user.user, request);
}

/* The ACK of a refusal of ours that has no transaction (any more): RFC 3261 section 8.2.7 ignores
 * it. */
static bool acknowledges_us(struct endpoint *endpoint, const struct endpoint_request *request)
{
    return endpoint_tag_is_ours(endpoint, request, request->msg->parts.to.tag);
}

void endpoint_take_request(struct endpoint *endpoint, const struct flow *flow)
{
    struct endpoint_request request;
    struct sip_server_tx *tx = NULL;
    sip_transactions_expect(&endpoint->transactions, &endpoint->message);
    endpoint_request_init(endpoint, &endpoint->message, flow, &request);
    switch (sip_transactions_on_request(&endpoint->transactions, request.msg, &tx)) {
    case SIP_REQUEST_NEW: take_new(endpoint, &request); break;
    case SIP_REQUEST_ABSORBED: break;
    case SIP_REQUEST_ACK:
        if (endpoint->user.on_ack != NULL && !acknowledges_us(endpoint, &request))
            endpoint->user.on_ack(endpoint->user.user, &request);
        break;
    case SIP_REQUEST_CANCEL: take_cancel(endpoint, &request, tx); break;
    case SIP_REQUEST_INVALID: reply_status(&request, 400, NULL); break;
    }
}
