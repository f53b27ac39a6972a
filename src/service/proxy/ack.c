/* The ACK of a 2xx has no transaction: it is forwarded by itself (RFC 3261
 * sections 13.2.2.4, 16.11). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

/* An ACK that waits for a name to be resolved. */
struct proxy_ack {
    struct list link;
    struct proxy *proxy;
    struct resolver_plan *plan;
    struct flow flow;
    size_t len;
    char *bytes; /* block */
};

static void forget(struct proxy_ack *ack)
{
    resolver_forget(ack->plan);
    list_remove(&ack->link);
    blocks_put(&ack->proxy->blocks, ack->bytes, ack->len);
    pool_put(&ack->proxy->acks, ack);
}

void proxy_acks_init(struct proxy *proxy)
{
    pool_init(&proxy->acks, sizeof(struct proxy_ack), 10000);
    list_init(&proxy->ack_list);
}

void proxy_acks_done(struct proxy *proxy)
{
    list_for_each_safe(link, &proxy->ack_list)
    {
        struct proxy_ack *ack = container_of(link, struct proxy_ack, link);
        forget(ack);
    }
    pool_done(&proxy->acks);
}

/* The branch is made from that of the sender, so that a retransmission is the same message again
 * (16.11). */
static struct sip_branch stateless_branch(struct proxy *proxy, const struct sip_message *msg,
                                          const struct proxy_route_info *info)
{
    return (struct sip_branch){
        .worker = (uint8_t)loop_worker(endpoint_loop(proxy->endpoint)),
        .key = hash_slice(&proxy->loop_key, sip_message_value(msg, SIP_HEADER_VIA)),
        .loop = info->loop,
    };
}

static void send_to(struct proxy *proxy, const struct proxy_forward *forward,
                    const struct endpoint_target *target)
{
    struct proxy_forward complete = *forward;
    struct flow flow;
    struct slice bytes;
    if (endpoint_flow(proxy->endpoint, target, &flow) < 0)
        return;
    complete.leaves = &flow;
    if (proxy_forward_write(proxy, &complete, &bytes) == 0) {
        endpoint_send(proxy->endpoint, &flow, bytes);
        proxy_count(proxy, PROXY_FORWARDED);
    }
}

/* The ACK as it was kept, and where it goes. */
static bool read_again(struct proxy_ack *ack, struct proxy_route_info *ret_info,
                       struct proxy_targets *ret_targets)
{
    struct proxy *proxy = ack->proxy;
    struct endpoint_request request;
    struct proxy_fault proxy_fault;
    struct sip_fault fault;
    struct slice raw = slice_of(ack->bytes, ack->len);
    if (sip_message_parse(raw, &proxy->unlimited, &proxy->message, &fault) < 0 ||
        sip_message_check(&proxy->message, &fault) < 0)
        return false;
    endpoint_request_init(proxy->endpoint, &proxy->message, &ack->flow, &request);
    return proxy_route_examine(proxy, &request, ret_info, &proxy_fault) == 0 &&
           proxy_targets_find(proxy, &proxy->message, ret_info, ret_targets, &proxy_fault) == 0;
}

static void on_resolved(void *user)
{
    struct proxy_ack *ack = user;
    struct proxy *proxy = ack->proxy;
    struct proxy_route_info info;
    struct proxy_targets targets;
    struct endpoint_target target;
    int status = resolver_next(ack->plan, &target);
    if (status == 0)
        return;
    if (status == 1 && read_again(ack, &info, &targets)) {
        struct proxy_forward forward = {
            .msg = &proxy->message,
            .info = &info,
            .target = &targets.items[0],
            .arrived = &ack->flow,
            .branch = stateless_branch(proxy, &proxy->message, &info),
            .breadth = info.max_breadth,
        };
        send_to(proxy, &forward, &target);
    }
    arena_reset(&proxy->arena);
    forget(ack);
}

static struct proxy_ack *remember(struct proxy *proxy, const struct endpoint_request *request)
{
    struct proxy_ack *ack = pool_get(&proxy->acks);
    if (ack == NULL)
        return NULL;
    *ack = (struct proxy_ack){.proxy = proxy, .flow = request->flow, .len = request->msg->raw.len};
    ack->bytes = blocks_get(&proxy->blocks, ack->len);
    if (ack->bytes == NULL) {
        pool_put(&proxy->acks, ack);
        return NULL;
    }
    memcpy(ack->bytes, request->msg->raw.ptr, ack->len);
    list_append(&proxy->ack_list, &ack->link);
    return ack;
}

/* By name: the name may be known already, else the ACK waits for it. */
static void send_by_uri(struct proxy *proxy, const struct endpoint_request *request,
                        const struct proxy_forward *forward)
{
    struct endpoint_target target;
    struct sip_uri next_hop;
    if (proxy_next_hop(forward->info, forward->target, &next_hop) < 0)
        return;
    struct proxy_ack *ack = remember(proxy, request);
    if (ack == NULL)
        return;
    /* The seed of the INVITE: as long as all servers do as before, it goes to the same one. */
    struct resolver_ask ask = {.uri = &next_hop,
                               .seed = proxy_failover_seed(proxy, request->msg),
                               .done = on_resolved,
                               .user = ack};
    int status = resolver_locate(proxy->resolver, &ask, &target, &ack->plan);
    target.flow = forward->target->flow;
    if (status == 1)
        send_to(proxy, forward, &target);
    if (status != 0)
        forget(ack);
}

void proxy_ack_forward(struct proxy *proxy, const struct endpoint_request *request,
                       const struct proxy_route_info *info)
{
    struct proxy_targets targets;
    struct proxy_fault fault;
    if (proxy_targets_find(proxy, request->msg, info, &targets, &fault) < 0)
        return;
    const struct proxy_target *chosen = &targets.items[0];
    struct proxy_forward forward = {
        .msg = request->msg,
        .info = info,
        .target = chosen,
        .arrived = &request->flow,
        .branch = stateless_branch(proxy, request->msg, info),
        .breadth = info->max_breadth,
    };
    if (!chosen->has_flow) {
        send_by_uri(proxy, request, &forward);
        return;
    }
    struct endpoint_target target = {.transport = chosen->flow.transport,
                                     .address = chosen->flow.remote,
                                     .has_flow = true,
                                     .flow_only = chosen->flow_only,
                                     .flow = chosen->flow};
    send_to(proxy, &forward, &target);
}
