/* One branch: its target is found, the request sent, its end noticed (RFC 3261 sections 16.6 steps
 * 7 to 11, 16.8, 16.9). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

static void on_client_response(struct sip_client_tx *tx, void *user,
                               const struct sip_message *response)
{
    (void)tx;
    proxy_on_response(user, response);
}

static struct wheel *wheel_of(const struct proxy_branch *branch)
{
    return loop_wheel(endpoint_loop(branch->context->proxy->endpoint));
}

static int send_to(struct proxy_branch *branch, const struct sip_message *msg,
                   const struct proxy_route_info *info, const struct endpoint_target *target);

/* 18.1.1: the large request that TCP could not carry goes by UDP after all. */
static bool fall_back_to_udp(struct proxy_branch *branch)
{
    struct proxy_context *context = branch->context;
    struct proxy_route_info info;
    struct endpoint_target target = branch->fallback;
    branch->fell_back = true;
    if (branch->provisional || branch->cancelled)
        return false;
    if (proxy_context_again(context, &info) < 0)
        return false;
    return send_to(branch, &context->proxy->message, &info, &target) == 0;
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
    branch->context->holds++; /* on_end follows and advances */
    proxy_branch_fail(branch, failure == SIP_TX_FAILED_TIMEOUT ? 408
                              : branch->target.flow_only       ? 430 /* RFC 5626 section 5.3.1 */
                                                               : 503);
    branch->context->holds--;
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
        if (!fall_back_to_udp(branch))
            proxy_branch_fail(branch, branch->cancelled ? 487 : 503);
    }
    context->holds--;
    proxy_context_advance(context);
}

static const struct sip_client_tx_user client_user = {
    .on_response = on_client_response,
    .on_failure = on_client_failure,
    .on_end = on_client_end,
};

/* 16.8: nothing has happened for too long. */
static void on_timer_c(struct timer *timer)
{
    struct proxy_branch *branch = container_of(timer, struct proxy_branch, timer_c);
    struct proxy_context *context = branch->context;
    context->holds++;
    if (branch->provisional)
        proxy_branch_cancel(branch, SLICE_NULL);
    if (!branch->provisional && branch->state != PROXY_BRANCH_DONE)
        proxy_branch_fail(branch, 408);
    context->holds--;
    proxy_context_advance(context);
}

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

static int write_for(struct proxy_branch *branch, struct proxy_forward *forward,
                     const struct endpoint_target *target, struct flow *ret_flow,
                     struct slice *ret_bytes)
{
    struct proxy *proxy = branch->context->proxy;
    int status = endpoint_flow(proxy->endpoint, target, ret_flow);
    if (status < 0)
        return status;
    forward->leaves = ret_flow;
    forward->branch = sip_branch_new(proxy->transactions, forward->info->loop);
    return proxy_forward_write(proxy, forward, ret_bytes);
}

static int send_to(struct proxy_branch *branch, const struct sip_message *msg,
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
        if (write_for(branch, &forward, &tcp, &flow, &bytes) < 0)
            status = write_for(branch, &forward, target, &flow, &bytes);
    }
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
    branch->state = PROXY_BRANCH_SENT;
    proxy_count(proxy, PROXY_FORWARDED);
    if (context->method == SIP_INVITE)
        wheel_start(wheel_of(branch), &branch->timer_c, (uint64_t)proxy->config.timer_c_s * 1000);
    return 0;
}

/* A name has been resolved. */
static void on_resolved(void *user, int status, const struct endpoint_target *target)
{
    struct proxy_branch *branch = user;
    struct proxy_context *context = branch->context;
    struct proxy_route_info info;
    branch->query = NULL;
    context->holds++;
    if (status == 0)
        status = proxy_context_again(context, &info);
    if (status == 0)
        status = send_to(branch, &context->proxy->message, &info, target);
    if (status < 0)
        proxy_branch_fail(branch, 503);
    context->holds--;
    proxy_context_advance(context);
}

static int find_and_send(struct proxy_branch *branch, const struct sip_message *msg,
                         const struct proxy_route_info *info)
{
    struct proxy *proxy = branch->context->proxy;
    struct endpoint_target target = {0};
    struct sip_uri next_hop;
    if (branch->target.has_flow) {
        target.transport = branch->target.flow.transport;
        target.address = branch->target.flow.remote;
        target.has_flow = true;
        target.flow_only = branch->target.flow_only;
        target.flow = branch->target.flow;
        return send_to(branch, msg, info, &target);
    }
    int status = proxy_next_hop(info, &branch->target, &next_hop);
    if (status < 0)
        return status;
    status =
        resolver_locate(proxy->resolver, &next_hop, on_resolved, branch, &target, &branch->query);
    return status == 1 ? send_to(branch, msg, info, &target) : status;
}

void proxy_branch_start(struct proxy_context *context, const struct sip_message *msg,
                        const struct proxy_route_info *info, const struct proxy_target *target)
{
    struct proxy_branch *branch = pool_get(&context->proxy->branches);
    if (branch == NULL) {
        proxy_best_offer(context, 503, NULL, SLICE_NULL);
        return;
    }
    *branch = (struct proxy_branch){
        .context = context, .target = *target, .state = PROXY_BRANCH_RESOLVING};
    if (context->proxy->config.follow_redirects)
        branch->uri_hash = proxy_target_hash(context->proxy, target);
    timer_init(&branch->timer_c, on_timer_c);
    list_append(&context->branches, &branch->link);
    context->branch_count++;
    context->pending++;
    int status = find_and_send(branch, msg, info);
    /* A large request may have to be written again later: what the target points to must outlive
     * this event. */
    if (status == 0 && (branch->query != NULL || branch->tcp_tried))
        status = proxy_target_keep(context, target, &branch->target);
    if (status < 0)
        proxy_branch_fail(branch, status == ERR_CLOSED                             ? 430
                                  : status == ERR_LIMIT || status == ERR_NO_MEMORY ? 500
                                                                                   : 503);
}

void proxy_branch_cancel(struct proxy_branch *branch, struct slice reason)
{
    branch->cancelled = true;
    if (branch->state == PROXY_BRANCH_RESOLVING) {
        resolver_cancel(branch->query);
        branch->query = NULL;
        proxy_branch_fail(branch, 487);
        return;
    }
    if (branch->client == NULL)
        return;
    if (branch->context->method == SIP_INVITE) {
        sip_client_tx_cancel(branch->client, reason);
        return;
    }
    /* Nothing can cancel another method (9.1): its answer is not waited for. */
    sip_client_tx_abandon(branch->client);
    branch->client = NULL;
    proxy_branch_fail(branch, 487);
}

void proxy_branch_done(struct proxy_branch *branch, unsigned status)
{
    if (branch->state == PROXY_BRANCH_DONE)
        return;
    branch->state = PROXY_BRANCH_DONE;
    branch->status = (uint16_t)status;
    branch->context->pending--;
    wheel_stop(wheel_of(branch), &branch->timer_c);
}

void proxy_branch_fail(struct proxy_branch *branch, unsigned status)
{
    if (branch->state == PROXY_BRANCH_DONE)
        return;
    proxy_branch_done(branch, status);
    if (!proxy_instances_next(branch, status, false))
        proxy_best_offer(branch->context, status, NULL, SLICE_NULL);
}
