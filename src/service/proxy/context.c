/* The life of a response context (RFC 3261 section 16.7): groups of branches one after the other,
 * one final response upstream. */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

static void on_server_failure(struct sip_server_tx *tx, void *user, enum sip_tx_failure failure)
{
    struct proxy_context *context = user;
    (void)tx;
    log_debug(loop_log(endpoint_loop(context->proxy->endpoint)), LOG_PROXY, "%s",
              failure == SIP_TX_FAILED_TIMEOUT ? "no ACK came for a final response"
                                               : "a response could not be sent");
}

static void on_server_end(struct sip_server_tx *tx, void *user)
{
    struct proxy_context *context = user;
    (void)tx;
    context->server = NULL;
    proxy_context_cancel(context, SLICE_NULL); /* nobody waits for an answer any more */
    proxy_context_advance(context);
}

static const struct sip_server_tx_user server_user = {.on_failure = on_server_failure,
                                                      .on_end = on_server_end};

struct proxy_context *proxy_context_of(const struct sip_server_tx *tx)
{
    return sip_server_tx_user_of(tx, &server_user);
}

static void free_request(struct proxy_context *context)
{
    blocks_put(&context->proxy->blocks, context->request, context->request_len);
    context->request = NULL;
    context->request_len = 0;
}

/* The stored request again, in proxy->message. */
static int parse_again(struct proxy_context *context, struct endpoint_request *ret_request)
{
    struct proxy *proxy = context->proxy;
    struct sip_fault fault;
    if (context->request == NULL)
        return ERR_NOT_FOUND;
    struct slice raw = slice_of(context->request, context->request_len);
    int status = sip_message_parse(raw, &proxy->unlimited, &proxy->message, &fault);
    if (status == 0)
        status = sip_message_check(&proxy->message, &fault);
    if (status < 0)
        return status;
    sip_transactions_expect(proxy->transactions, &proxy->message); /* our To tag follows from it */
    endpoint_request_init(proxy->endpoint, &proxy->message, &context->flow, ret_request);
    return 0;
}

static void on_ring_timer(struct timer *timer)
{
    struct proxy_context *context = container_of(timer, struct proxy_context, timer);
    context->holds++;
    list_for_each_safe(link, &context->branches)
    {
        struct proxy_branch *branch = container_of(link, struct proxy_branch, link);
        if (branch->state == PROXY_BRANCH_DONE)
            continue;
        proxy_branch_cancel(branch, SLICE_NULL);
        if (branch->state != PROXY_BRANCH_DONE)
            proxy_branch_fail(branch, 408);
    }
    context->holds--;
    proxy_context_advance(context);
}

/* RFC 4320 section 4.1: the 100 that a non-INVITE gets when it waits so long. */
static void on_trying_timer(struct timer *timer)
{
    struct proxy_context *context = container_of(timer, struct proxy_context, timer);
    struct endpoint_request request;
    struct sip_response trying = {
        .status = 100, .delay_ms = sip_tx_trying_ms(&context->proxy->transactions->config.times)};
    if (context->answered || context->server == NULL || parse_again(context, &request) < 0)
        return;
    struct slice bytes = endpoint_write_response(&request, &trying);
    if (bytes.len > 0)
        sip_server_tx_respond(context->server, 100, bytes);
}

static struct proxy_context *context_new(struct proxy *proxy,
                                         const struct endpoint_request *request)
{
    struct proxy_context *context = pool_get(&proxy->contexts);
    if (context == NULL)
        return NULL;
    *context = (struct proxy_context){
        .proxy = proxy,
        .flow = request->flow,
        .method = request->msg->method,
        .request_len = request->msg->raw.len,
    };
    list_init(&context->branches);
    timer_init(&context->timer, context->method == SIP_INVITE ? on_ring_timer : on_trying_timer);
    arena_init(&context->arena, 1024, 256 << 10);
    context->request = blocks_get(&proxy->blocks, context->request_len);
    if (context->request == NULL) {
        pool_put(&proxy->contexts, context);
        return NULL;
    }
    memcpy(context->request, request->msg->raw.ptr, context->request_len);
    list_append(&proxy->context_list, &context->link);
    metric_add(&proxy->metrics[PROXY_CONTEXTS], 1);
    return context;
}

void proxy_context_free(struct proxy_context *context)
{
    struct proxy *proxy = context->proxy;
    list_for_each_safe(link, &context->branches)
    {
        struct proxy_branch *branch = container_of(link, struct proxy_branch, link);
        resolver_forget(branch->plan);
        wheel_stop(loop_wheel(endpoint_loop(proxy->endpoint)), &branch->timer_c);
        wheel_stop(loop_wheel(endpoint_loop(proxy->endpoint)), &branch->next);
        if (branch->client != NULL)
            sip_client_tx_abandon(branch->client);
        list_remove(&branch->link);
        pool_put(&proxy->branches, branch);
    }
    if (context->server != NULL)
        sip_server_tx_abandon(context->server);
    wheel_stop(loop_wheel(endpoint_loop(proxy->endpoint)), &context->timer);
    free_request(context);
    blocks_put(&proxy->blocks, context->best, context->best_len);
    blocks_put(&proxy->blocks, context->challenges, PROXY_CHALLENGES_MAX);
    arena_done(&context->arena);
    list_remove(&context->link);
    pool_put(&proxy->contexts, context);
    metric_add(&proxy->metrics[PROXY_CONTEXTS], -1);
}

void proxy_context_answer(struct proxy_context *context, unsigned status, const char *reason)
{
    struct endpoint_request request;
    struct sip_response response = {.status = status, .reason = reason};
    if (context->server == NULL || parse_again(context, &request) < 0)
        return;
    struct slice bytes = endpoint_write_response(&request, &response);
    if (bytes.len > 0)
        sip_server_tx_respond(context->server, status, bytes);
}

int proxy_context_again(struct proxy_context *context, struct proxy_route_info *ret_info)
{
    struct endpoint_request request = {0};
    struct proxy_fault fault;
    int status = parse_again(context, &request);
    if (status == 0)
        status = proxy_route_examine(context->proxy, &request, ret_info, &fault);
    if (status == 0)
        ret_info->trusted = context->trusted;
    return status;
}

/* Targets of the highest q go out together, the others wait (16.6: q values order the groups). */
static unsigned group_size(const struct proxy_target *targets, unsigned count)
{
    unsigned n = 1;
    while (n < count && targets[n].q == targets[0].q)
        n++;
    return n;
}

static void start_group(struct proxy_context *context, const struct sip_message *msg,
                        const struct proxy_route_info *info, const struct proxy_target *targets,
                        unsigned count)
{
    struct proxy *proxy = context->proxy;
    context->breadth = info->max_breadth / count;
    if (context->breadth == 0) { /* RFC 5393 section 5.3.3.2 */
        proxy_best_offer(context, 440, NULL, SLICE_NULL);
        return;
    }
    context->holds++;
    for (unsigned i = 0; i < count && context->branch_count < PROXY_BRANCHES_MAX; i++)
        proxy_branch_start(context, msg, info, &targets[i]);
    context->holds--;
    if (context->method != SIP_INVITE)
        return;
    struct wheel *wheel = loop_wheel(endpoint_loop(proxy->endpoint));
    if (context->waiting_count > 0)
        wheel_start(wheel, &context->timer, (uint64_t)proxy->config.ring_s * 1000);
    else /* the last group has until timer C, whatever the one before it has left */
        wheel_stop(wheel, &context->timer);
}

int proxy_target_keep(struct proxy_context *context, const struct proxy_target *from,
                      struct proxy_target *to)
{
    struct arena *arena = &context->arena;
    *to = *from;
    int status = arena_copy(arena, from->uri, &to->uri);
    if (status == 0)
        status = arena_copy(arena, from->path, &to->path);
    if (status == 0)
        status = arena_copy(arena, from->next_hop, &to->next_hop);
    if (status == 0)
        status = arena_copy(arena, from->aor, &to->aor);
    return status;
}

void proxy_context_keep(struct proxy_context *context, const struct proxy_target *targets,
                        unsigned count)
{
    size_t size = (context->waiting_count + count) * sizeof(*targets);
    struct proxy_target *all = arena_alloc(&context->arena, size);
    if (all == NULL)
        return;
    if (context->waiting_count > 0)
        memcpy(all, context->waiting, context->waiting_count * sizeof(*targets));
    context->waiting = all;
    for (unsigned i = 0; i < count; i++) {
        if (proxy_target_keep(context, &targets[i], &all[context->waiting_count]) == 0)
            context->waiting_count++;
    }
}

static void start_next_group(struct proxy_context *context)
{
    struct proxy_route_info info = {0};
    if (proxy_context_again(context, &info) < 0) {
        context->waiting_count = 0;
        return;
    }
    unsigned size = group_size(context->waiting, context->waiting_count);
    const struct proxy_target *group = context->waiting;
    context->waiting += size;
    context->waiting_count -= size;
    start_group(context, &context->proxy->message, &info, group, size);
}

void proxy_context_start(struct proxy *proxy, const struct endpoint_request *request,
                         const struct proxy_route_info *info, const struct proxy_targets *targets)
{
    struct proxy_context *context = context_new(proxy, request);
    if (context == NULL || sip_server_tx_new(proxy->transactions, request->msg, &request->reply,
                                             &server_user, context, &context->server) < 0) {
        struct sip_response busy = {.status = 503};
        if (context != NULL)
            proxy_context_free(context);
        proxy_count(proxy, PROXY_REFUSED);
        endpoint_reply(request, &busy);
        return;
    }
    context->opens_dialog = info->to_tag.len == 0;
    context->trusted = info->trusted;
    context->secure = info->uri.scheme == SIP_URI_SIPS;
    context->responsible = targets->responsible;
    if (context->method == SIP_INVITE) {
        if (context->opens_dialog)
            proxy_count(proxy, PROXY_CALLS);
        struct sip_response trying = {.status = 100}; /* at once: 16.2 */
        struct slice bytes = endpoint_write_response(request, &trying);
        if (bytes.len > 0)
            sip_server_tx_respond(context->server, 100, bytes);
    } else {
        wheel_start(loop_wheel(endpoint_loop(proxy->endpoint)), &context->timer,
                    sip_tx_trying_ms(&proxy->transactions->config.times));
    }
    unsigned size = group_size(targets->items, targets->count);
    if (size < targets->count)
        proxy_context_keep(context, targets->items + size, targets->count - size);
    proxy_instances_keep(context, targets);
    start_group(context, request->msg, info, targets->items, size);
    proxy_context_advance(context);
}

void proxy_context_cancel(struct proxy_context *context, struct slice reason)
{
    context->cancelled = true;
    context->waiting_count = context->spare_count = 0;
    wheel_stop(loop_wheel(endpoint_loop(context->proxy->endpoint)), &context->timer);
    context->holds++;
    list_for_each_safe(link, &context->branches)
    {
        struct proxy_branch *branch = container_of(link, struct proxy_branch, link);
        if (branch->state != PROXY_BRANCH_DONE)
            proxy_branch_cancel(branch, reason);
    }
    context->holds--;
}

/* No branch is left and no group waits: the best response goes upstream (16.7 step 5). */
static void answer_best(struct proxy_context *context)
{
    unsigned status = 408;
    struct slice bytes = proxy_best_take(context, &status);
    if (context->cancelled && status == 408)
        status = 487;
    context->answered = true;
    /* RFC 4320 section 4.2: a 408 to a non-INVITE comes too late to help anybody. */
    if (context->method != SIP_INVITE && status == 408)
        return;
    if (bytes.len > 0 && context->server != NULL)
        sip_server_tx_respond(context->server, status, bytes);
    else
        proxy_context_answer(context, status, NULL);
}

static bool clients_left(const struct proxy_context *context)
{
    list_for_each(link, &context->branches)
    {
        if (container_of(link, struct proxy_branch, link)->client != NULL)
            return true;
    }
    return false;
}

/* Silent to the end: a server in whose place another one was asked. */
static bool left_in_silence(const struct proxy_branch *branch)
{
    return branch->left && (branch->context->method != SIP_INVITE || !branch->provisional);
}

/* A branch whose time to ring was over may still be accepted, until its phone has confirmed the
 * CANCEL or its transaction has timed out. */
static bool given_up_may_answer(const struct proxy_context *context)
{
    list_for_each(link, &context->branches)
    {
        const struct proxy_branch *branch = container_of(link, struct proxy_branch, link);
        if (branch->client != NULL && branch->state == PROXY_BRANCH_DONE &&
            !left_in_silence(branch) && sip_client_tx_state(branch->client) <= SIP_TX_PROCEEDING)
            return true;
    }
    return false;
}

void proxy_context_advance(struct proxy_context *context)
{
    if (context->holds > 0)
        return;
    context->holds++;
    while (context->pending == 0 && !context->answered && context->waiting_count > 0)
        start_next_group(context);
    /* 16.7 step 6: not before all client transactions have their answer, as a 2xx that comes after
     * another final response finds no transaction to take it (RFC 6026 section 8.3). */
    if (context->pending == 0 && !context->answered && !given_up_may_answer(context))
        answer_best(context);
    context->holds--;
    if (context->answered && context->request != NULL)
        free_request(context);
    /* After a 2xx to an INVITE further ones may come from other branches (RFC 6026): stay as long
     * as they and the caller's transaction do. Otherwise the machines end by themselves. */
    bool accepted = context->accepted && context->server != NULL && clients_left(context);
    if (context->answered && (context->pending == 0 || context->server == NULL) && !accepted)
        proxy_context_free(context);
}
