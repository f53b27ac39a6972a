#include "service/proxy/proxy.h"

#include "base/error.h"
#include "base/memory.h"
#include "service/proxy/proxy_private.h"

const struct metric_info proxy_metric_infos[PROXY_METRICS] = {PROXY_METRIC_LIST(METRIC_ROW)};

static int make_room(struct proxy *proxy)
{
    size_t size = (size_t)endpoint_message_max(proxy->endpoint) + PROXY_TEXT_MAX;
    if (size <= proxy->out_size)
        return 0;
    char *out = memory_realloc(proxy->out, size);
    if (out == NULL)
        return ERR_NO_MEMORY;
    proxy->out = out;
    proxy->out_size = size;
    return 0;
}

int proxy_new(const struct proxy_config *config, const struct proxy_parts *parts,
              struct proxy **ret_proxy)
{
    struct proxy *proxy = memory_zalloc(1, sizeof(*proxy));
    if (proxy == NULL)
        return ERR_NO_MEMORY;
    struct resolver_config resolver = {.loop = endpoint_loop(parts->endpoint),
                                       .speaks = resolver_speaks_of(parts->endpoint),
                                       .health = parts->health,
                                       .trace = parts->trace};
    int status = gruu_new(parts->gruu_key, &proxy->gruu);
    proxy->endpoint = parts->endpoint;
    if (status == 0)
        status = make_room(proxy);
    if (status == 0)
        status = resolver_new(&resolver, &proxy->resolver);
    if (status < 0) {
        memory_free(proxy->out);
        gruu_free(proxy->gruu);
        memory_free(proxy);
        return status;
    }
    proxy->config = *config;
    proxy->transactions = endpoint_transactions(parts->endpoint);
    proxy->authenticator = parts->authenticator;
    proxy->location = parts->location;
    proxy->accounts = parts->accounts;
    proxy->domains = parts->domains;
    proxy->token_key = parts->token_key;
    proxy->run = parts->run;
    proxy->trace = parts->trace;
    proxy->loop_key = random_hash_key(loop_random(endpoint_loop(parts->endpoint)));
    /* What was accepted from the wire is parsed again from store and must pass again. */
    proxy->unlimited = (struct sip_limits){.message = UINT32_MAX,
                                           .headers = SIP_MESSAGE_HEADERS_MAX,
                                           .header_bytes = UINT32_MAX,
                                           .uri = UINT32_MAX,
                                           .body = UINT32_MAX,
                                           .values = UINT32_MAX};
    pool_init(&proxy->contexts, sizeof(struct proxy_context), 0);
    pool_init(&proxy->branches, sizeof(struct proxy_branch), 0);
    proxy_acks_init(proxy);
    blocks_init(&proxy->blocks, 0);
    list_init(&proxy->context_list);
    arena_init(&proxy->arena, 64 << 10, 1 << 20);
    *ret_proxy = proxy;
    return 0;
}

void proxy_free(struct proxy *proxy)
{
    if (proxy == NULL)
        return;
    list_for_each_safe(link, &proxy->context_list)
        proxy_context_free(container_of(link, struct proxy_context, link));
    proxy_acks_done(proxy);
    gruu_free(proxy->gruu);
    resolver_free(proxy->resolver);
    pool_done(&proxy->contexts);
    pool_done(&proxy->branches);
    blocks_done(&proxy->blocks);
    arena_done(&proxy->arena);
    memory_free(proxy->out);
    memory_free(proxy);
}

void proxy_reload(struct proxy *proxy, const struct proxy_config *config,
                  const struct domains *domains)
{
    proxy->config = *config;
    proxy->domains = domains;
    if (make_room(proxy) < 0)
        log_error(loop_log(endpoint_loop(proxy->endpoint)), LOG_PROXY,
                  "out of memory: the largest messages cannot be forwarded");
    resolver_reset(proxy->resolver);
}

const metric *proxy_metrics(const struct proxy *proxy)
{
    return proxy->metrics;
}

static void refuse(struct proxy *proxy, const struct endpoint_request *request,
                   const struct proxy_fault *fault, bool trusted)
{
    struct sip_response response = {
        .status = fault->status, .reason = fault->reason, .headers = fault->headers};
    proxy_explain_fault(proxy, fault);
    proxy_count(proxy, PROXY_REFUSED);
    /* A stranger's INVITE is refused once for each time it comes (8.2.7): timer G would say it
     * eleven times to whoever's address is in the packet. */
    if (request->msg->method == SIP_INVITE && !trusted)
        endpoint_reply(request, &response);
    else
        endpoint_answer(request, &response);
}

void proxy_on_request(struct proxy *proxy, const struct endpoint_request *request)
{
    struct proxy_route_info info;
    struct proxy_targets targets;
    struct proxy_fault fault = {0};
    arena_reset(&proxy->arena);
    if (proxy_route_examine(proxy, request, &info, &fault) < 0) {
        refuse(proxy, request, &fault, false);
        return;
    }
    proxy_explain_route(proxy, &info);
    if (proxy_policy_admit(proxy, request, &info) == 0)
        return;
    proxy_follow(proxy, request, &info);
    if (proxy_targets_find(proxy, request->msg, &info, &targets, &fault) < 0) {
        refuse(proxy, request, &fault, info.trusted);
        return;
    }
    proxy_explain_targets(proxy, &targets);
    proxy_context_start(proxy, request, &info, &targets);
}

bool proxy_waits_for_dns(const struct proxy *proxy)
{
    list_for_each(node, &proxy->context_list)
    {
        const struct proxy_context *context = container_of(node, struct proxy_context, link);
        list_for_each(link, &context->branches)
        {
            if (container_of(link, struct proxy_branch, link)->state == PROXY_BRANCH_RESOLVING)
                return true;
        }
    }
    return !list_empty(&proxy->ack_list);
}

void proxy_on_ack(struct proxy *proxy, const struct endpoint_request *request)
{
    struct proxy_route_info info;
    struct proxy_fault fault;
    arena_reset(&proxy->arena);
    if (proxy_route_examine(proxy, request, &info, &fault) == 0 &&
        proxy_policy_admit(proxy, request, &info) == 1)
        proxy_ack_forward(proxy, request, &info);
}

/* RFC 3326 section 2: the reason of a CANCEL goes with those that it makes. */
static struct slice copy_reason(struct proxy *proxy, const struct sip_message *msg)
{
    struct writer w;
    writer_init(&w, proxy->text, sizeof(proxy->text));
    for (const struct sip_header *line = sip_message_first(msg, SIP_HEADER_REASON); line != NULL;
         line = sip_message_next(msg, line))
        writer_put(&w, sip_header_line(line));
    return writer_status(&w) == 0 ? writer_slice(&w) : SLICE_NULL;
}

void proxy_on_cancel(struct proxy *proxy, const struct endpoint_request *request,
                     struct sip_server_tx *invite)
{
    struct proxy_context *context = proxy_context_of(invite);
    /* 16.10: a final response that has gone upstream makes it pointless. Nothing but an INVITE can
     * be cancelled (9.2). */
    if (context == NULL || context->answered || context->method != SIP_INVITE)
        return;
    proxy_context_cancel(context, copy_reason(proxy, request->msg));
    proxy_context_advance(context);
}
