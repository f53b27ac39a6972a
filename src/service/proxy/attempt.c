/* A branch's request on its way to one target (RFC 3261 sections 16.6 steps 7 to 11, 18.1.1). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

static struct wheel *wheel_of(const struct proxy_branch *branch)
{
    return loop_wheel(endpoint_loop(branch->context->proxy->endpoint));
}

static void on_client_response(struct sip_client_tx *tx, void *user,
                               const struct sip_message *response)
{
    (void)tx;
    proxy_on_response(user, response);
}

/* 18.1.1: the large request that TCP could not carry goes by UDP after all. */
static int fall_back_to_udp(struct proxy_branch *branch)
{
    struct proxy_context *context = branch->context;
    struct proxy_route_info info;
    struct endpoint_target target = branch->fallback;
    branch->fell_back = true;
    if (branch->provisional || branch->cancelled)
        return ERR_INVALID;
    int status = proxy_context_again(context, &info);
    return status < 0 ? status : proxy_attempt(branch, &context->proxy->message, &info, &target);
}

static void on_client_failure(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure)
{
    struct proxy_branch *branch = user;
    (void)tx;
    if (branch->state == PROXY_BRANCH_DONE)
        return;
    if (failure == SIP_TX_FAILED_TRANSPORT && branch->tcp_tried && !branch->fell_back) {
        branch->falls_back = true; /* when this transaction has ended */
        return;
    }
    proxy_failover_report(branch);
    branch->failure = failure == SIP_TX_FAILED_TIMEOUT ? 408
                      : branch->target.flow_only       ? 430 /* RFC 5626 section 5.3.1 */
                                                       : 503;
    if (proxy_failover_may(branch)) {
        branch->goes_on = true; /* then, too */
        return;
    }
    branch->context->holds++; /* on_end follows and advances */
    proxy_branch_fail(branch, branch->failure);
    branch->context->holds--;
}

/* RFC 7118 section 5.3: the answers of a phone on WebSocket come along that connection or never.
 * Any other may connect anew to answer (RFC 3261 section 18.2.2): until timer C it has the time. */
static void on_client_connection_closed(struct sip_client_tx *tx, void *user)
{
    struct proxy_branch *branch = user;
    struct proxy_context *context = branch->context;
    uint8_t transport = sip_client_tx_flow(tx)->transport;
    if (branch->state == PROXY_BRANCH_DONE ||
        (transport != TRANSPORT_WS && transport != TRANSPORT_WSS))
        return;
    branch->client = NULL;
    sip_client_tx_abandon(tx);
    context->holds++;
    proxy_branch_fail(branch, branch->cancelled ? 487 : 430);
    context->holds--;
    proxy_context_advance(context);
}

static void on_client_end(struct sip_client_tx *tx, void *user)
{
    struct proxy_branch *branch = user;
    struct proxy_context *context = branch->context;
    (void)tx;
    branch->client = NULL;
    context->holds++;
    if (branch->falls_back) {
        branch->falls_back = false;
        int status = fall_back_to_udp(branch);
        if (status < 0 && !proxy_failover_go_on(branch))
            proxy_branch_fail(branch, branch->cancelled ? 487 : status == ERR_RANGE ? 513 : 503);
    } else if (branch->goes_on) {
        branch->goes_on = false;
        if (!proxy_failover_go_on(branch))
            proxy_branch_fail(branch, branch->cancelled ? 487 : branch->failure);
    }
    context->holds--;
    proxy_context_advance(context);
}

static const struct sip_client_tx_user client_user = {
    .on_response = on_client_response,
    .on_failure = on_client_failure,
    .on_connection_closed = on_client_connection_closed,
    .on_end = on_client_end,
};

/* Large requests go by a transport that slows down when it must (18.1.1), unless the UDP flow is
 * the only way to the phone. */
static bool wants_tcp(const struct proxy_branch *branch, const struct endpoint_target *target,
                      size_t length)
{
    const struct proxy *proxy = branch->context->proxy;
    return target->transport == TRANSPORT_UDP && !branch->tcp_tried && !target->has_flow &&
           length > endpoint_udp_request_max(proxy->endpoint) &&
           endpoint_speaks(proxy->endpoint, TRANSPORT_TCP, address_is_v6(&target->address));
}

static bool proves_name(const struct endpoint_target *target)
{
    struct address address;
    return !target->has_flow && transport_secure((enum transport)target->transport) &&
           target->server.len > 0 && address_parse_host(target->server, 0, &address) < 0;
}

static int write_for(struct proxy_branch *branch, struct proxy_forward *forward,
                     const struct endpoint_target *target, struct flow *ret_flow,
                     struct slice *ret_bytes)
{
    struct proxy *proxy = branch->context->proxy;
    int status = endpoint_flow(proxy->endpoint, target, ret_flow);
    if (status < 0)
        return status;
    forward->leaves = ret_flow;
    forward->to_server = proves_name(target);
    forward->branch = sip_branch_new(proxy->transactions, forward->info->loop);
    return proxy_forward_write(proxy, forward, ret_bytes);
}

int proxy_attempt(struct proxy_branch *branch, const struct sip_message *msg,
                  const struct proxy_route_info *info, const struct endpoint_target *target)
{
    struct proxy_context *context = branch->context;
    struct proxy *proxy = context->proxy;
    struct flow flow;
    struct slice bytes;
    struct proxy_forward forward = {
        .msg = msg,
        .info = info,
        .target = &branch->target,
        .arrived = &context->flow,
        .breadth = context->breadth,
    };
    int status = write_for(branch, &forward, target, &flow, &bytes);
    if (status == 0 && wants_tcp(branch, target, bytes.len)) {
        struct endpoint_target tcp = *target;
        tcp.transport = TRANSPORT_TCP;
        branch->tcp_tried = true;
        branch->fallback = *target;
        branch->fallback.server = SLICE_NULL; /* UDP needs none, and it lives no longer */
        forward.large = true;
        if (write_for(branch, &forward, &tcp, &flow, &bytes) < 0) {
            forward.large = false;
            status = write_for(branch, &forward, target, &flow, &bytes);
        }
    }
    if (status == 0 && flow.transport == TRANSPORT_UDP && bytes.len > PROXY_DATAGRAM_MAX)
        status = ERR_RANGE;
    if (status < 0)
        return status;
    struct sip_client_tx_start start = {
        .flow = flow,
        .request = bytes,
        .method = (enum sip_method)msg->method,
        .branch = forward.branch,
        .handler = &client_user,
        .user = branch,
    };
    status = sip_client_tx_new(proxy->transactions, &start, &branch->client);
    if (status < 0)
        return status;
    if (branch->watched &&
        (transport_secure((enum transport)target->transport) || target->transport == TRANSPORT_WS))
        resolver_name(proxy->resolver, target);
    branch->state = PROXY_BRANCH_SENT;
    proxy_count(proxy, PROXY_FORWARDED);
    if (context->method == SIP_INVITE)
        wheel_start(wheel_of(branch), &branch->timer_c, (uint64_t)proxy->config.timer_c_s * 1000);
    return 0;
}
