/* One server after the other until one answers (RFC 3263 section 4.3). Each is asked in a new
 * transaction with a new branch; whoever sent the request notices nothing but the time. */
#include "base/error.h"
#include "service/proxy/proxy_private.h"
#include "sip/message/number.h"

static struct wheel *wheel_of(const struct proxy_branch *branch)
{
    return loop_wheel(endpoint_loop(branch->context->proxy->endpoint));
}

static uint64_t now_of(const struct proxy_branch *branch)
{
    return loop_now_ms(endpoint_loop(branch->context->proxy->endpoint));
}

uint64_t proxy_failover_seed(const struct proxy *proxy, const struct sip_message *msg)
{
    return hash_slice(&proxy->loop_key, sip_message_value(msg, SIP_HEADER_CALL_ID));
}

/* ---- what is known of the target ---- */

static void report_target(const struct proxy_branch *branch, uint8_t transport,
                          const struct address *address, enum health_outcome outcome,
                          uint64_t retry_ms)
{
    if (branch->watched)
        resolver_report(branch->context->proxy->resolver, transport, address, outcome, retry_ms);
}

static void report(const struct proxy_branch *branch, enum health_outcome outcome,
                   uint64_t retry_ms)
{
    if (branch->client == NULL)
        return;
    const struct flow *flow = sip_client_tx_flow(branch->client);
    report_target(branch, flow->transport, &flow->remote, outcome, retry_ms);
}

void proxy_failover_report(struct proxy_branch *branch)
{
    if (!branch->heard && !branch->cancelled)
        report(branch, HEALTH_FAILED, 0);
}

/* RFC 3261 section 21.5.4: who sends a 503 says for how long. */
static void report_response(struct proxy_branch *branch, const struct sip_message *response)
{
    struct sip_retry_after retry;
    struct slice text = sip_message_value(response, SIP_HEADER_RETRY_AFTER);
    if (response->status != 503)
        report(branch, HEALTH_OK, 0);
    else if (text.len > 0 && sip_retry_after_parse(text, &retry) == 0 && retry.seconds > 0)
        report(branch, HEALTH_BUSY, (uint64_t)retry.seconds * 1000);
}

void proxy_failover_heard(struct proxy_branch *branch, const struct sip_message *response)
{
    if (branch->heard && response->status != 503)
        return;
    branch->heard = true;
    branch->overdue = false;
    wheel_stop(wheel_of(branch), &branch->next);
    report_response(branch, response);
}

/* ---- going on ---- */

/* Bounded in servers and, by what the transaction of a single one may take, in time. */
bool proxy_failover_may(const struct proxy_branch *branch)
{
    const struct proxy *proxy = branch->context->proxy;
    uint64_t limit = (uint64_t)64 * proxy->transactions->config.times.t1_ms;
    return branch->plan != NULL && !branch->heard && !branch->cancelled &&
           !branch->context->answered && branch->targets < proxy->config.failover_targets &&
           now_of(branch) - branch->begun_ms < limit && resolver_more(branch->plan);
}

static void watch(struct proxy_branch *branch)
{
    uint32_t wait_ms = branch->context->proxy->config.failover_ms;
    if (wait_ms > 0 && proxy_failover_may(branch))
        wheel_start(wheel_of(branch), &branch->next, wait_ms);
}

/* The request once more, from store. */
static int send_again(struct proxy_branch *branch, const struct endpoint_target *target)
{
    struct proxy_context *context = branch->context;
    struct proxy_route_info info = {0};
    int status = proxy_context_again(context, &info);
    if (status < 0)
        return ERR_NO_MEMORY;
    branch->tcp_tried = false;
    branch->fell_back = false;
    branch->targets++;
    status = proxy_attempt(branch, &context->proxy->message, &info, target);
    if (status == ERR_UNREACHABLE)
        report_target(branch, target->transport, &target->address, HEALTH_FAILED, 0);
    return status;
}

static bool is_own_trouble(int status)
{
    return status == ERR_LIMIT || status == ERR_NO_MEMORY || status == ERR_CLOSED ||
           status == ERR_RANGE;
}

/* To target; where nothing can be sent there, to the first after it that works. 0: sent, or waiting
 * for DNS. */
static int send_or_next(struct proxy_branch *branch, const struct endpoint_target *target)
{
    struct endpoint_target next = *target;
    int status = send_again(branch, &next);
    while (status < 0 && !is_own_trouble(status) && proxy_failover_may(branch)) {
        int found = resolver_next(branch->plan, &next);
        if (found <= 0)
            return found < 0 ? status : 0;
        status = send_again(branch, &next);
    }
    if (status == 0)
        watch(branch);
    return status;
}

static int next_or_wait(struct proxy_branch *branch)
{
    struct endpoint_target target;
    int status = resolver_next(branch->plan, &target);
    return status == 1 ? send_or_next(branch, &target) : status;
}

bool proxy_failover_go_on(struct proxy_branch *branch)
{
    if (branch->heard || !proxy_failover_may(branch))
        return false;
    wheel_stop(wheel_of(branch), &branch->timer_c);
    wheel_stop(wheel_of(branch), &branch->next);
    branch->state = PROXY_BRANCH_RESOLVING;
    branch->overdue = false;
    proxy_count(branch->context->proxy, PROXY_FAILOVERS);
    return next_or_wait(branch) == 0;
}

static void on_plan(void *user);

/* Takes the plan of a branch whose transaction must live on. */
static struct proxy_branch *successor_of(struct proxy_branch *branch)
{
    if (branch->context->branch_count >= PROXY_BRANCHES_MAX)
        return NULL;
    struct proxy_branch *heir = proxy_branch_new(branch->context, &branch->target);
    if (heir == NULL)
        return NULL;
    heir->plan = branch->plan;
    heir->targets = branch->targets;
    heir->begun_ms = branch->begun_ms;
    heir->watched = branch->watched;
    branch->plan = NULL;
    resolver_set_user(heir->plan, on_plan, heir);
    proxy_count(branch->context->proxy, PROXY_FAILOVERS);
    return heir;
}

bool proxy_failover_succeed(struct proxy_branch *branch)
{
    bool heard = branch->heard;
    branch->heard = false;
    bool may = proxy_failover_may(branch);
    branch->heard = heard;
    struct proxy_branch *heir = may ? successor_of(branch) : NULL;
    if (heir == NULL)
        return false;
    if (next_or_wait(heir) == 0)
        return true;
    proxy_branch_done(heir, 503);
    return false;
}

/* ---- a silent server ---- */

/* It is told no more: a server that comes back would ring for a call that is over. A late 2xx
 * counts like any other (RFC 6026); a 1xx is answered with a CANCEL (RFC 3261 section 9.1). */
static void leave(struct proxy_branch *branch)
{
    branch->left = true;
    sip_client_tx_hush(branch->client);
    report(branch, HEALTH_FAILED, 0);
    if (branch->context->method == SIP_INVITE)
        (void)sip_client_tx_cancel(branch->client, SLICE_NULL);
    proxy_branch_done(branch, 408);
}

/* The next target is there: another branch asks it, and this one's transaction goes on in silence.
 */
static void replace(struct proxy_branch *branch, const struct endpoint_target *target)
{
    struct proxy_branch *heir = successor_of(branch);
    if (heir == NULL)
        return;
    if (send_or_next(heir, target) == 0)
        leave(branch);
    else
        proxy_branch_done(heir, 503);
}

static void try_to_replace(struct proxy_branch *branch)
{
    struct endpoint_target target;
    if (branch->state != PROXY_BRANCH_SENT || branch->client == NULL || !proxy_failover_may(branch))
        return;
    int status = resolver_next(branch->plan, &target);
    branch->overdue = status == 0;
    if (status == 1)
        replace(branch, &target);
}

void proxy_failover_on_next(struct timer *timer)
{
    struct proxy_branch *branch = container_of(timer, struct proxy_branch, next);
    struct proxy_context *context = branch->context;
    context->holds++;
    try_to_replace(branch);
    context->holds--;
    proxy_context_advance(context);
}

/* ---- the first target ---- */

/* DNS has answered. */
static void on_plan(void *user)
{
    struct proxy_branch *branch = user;
    struct proxy_context *context = branch->context;
    context->holds++;
    if (branch->state == PROXY_BRANCH_RESOLVING) {
        if (next_or_wait(branch) < 0)
            proxy_branch_fail(branch, branch->failure ? branch->failure : 503);
    } else if (branch->overdue) {
        try_to_replace(branch);
    }
    context->holds--;
    proxy_context_advance(context);
}

/* Phones come and go; only servers are worth remembering: those that DNS or the operator names. */
static bool is_server(const struct proxy_branch *branch, const struct sip_uri *next_hop)
{
    struct address address;
    return branch->target.aor.len == 0 &&
           (branch->target.next_hop.len > 0 || address_parse_host(next_hop->host, 0, &address) < 0);
}

static int begin_by_flow(struct proxy_branch *branch, const struct sip_message *msg,
                         const struct proxy_route_info *info)
{
    struct endpoint_target target = {
        .transport = branch->target.flow.transport,
        .address = branch->target.flow.remote,
        .has_flow = true,
        .flow_only = branch->target.flow_only,
        .flow = branch->target.flow,
    };
    return proxy_attempt(branch, msg, info, &target);
}

int proxy_failover_begin(struct proxy_branch *branch, const struct sip_message *msg,
                         const struct proxy_route_info *info)
{
    struct proxy *proxy = branch->context->proxy;
    struct endpoint_target target = {0};
    struct sip_uri next_hop;
    if (branch->target.has_flow)
        return begin_by_flow(branch, msg, info);
    int status = proxy_next_hop(info, &branch->target, &next_hop);
    if (status < 0)
        return status;
    locate_say(proxy->trace, "RFC 3261 16.6 step 7", "the next hop is %.*s",
               SLICE_ARG(next_hop.raw));
    branch->watched = is_server(branch, &next_hop);
    branch->begun_ms = now_of(branch);
    struct resolver_ask ask = {
        .uri = &next_hop, .seed = proxy_failover_seed(proxy, msg), .done = on_plan, .user = branch};
    status = resolver_locate(proxy->resolver, &ask, &target, &branch->plan);
    if (status != 1)
        return status;
    branch->targets = 1;
    target.flow = branch->target.flow; /* phones look who calls them */
    status = proxy_attempt(branch, msg, info, &target);
    if (status < 0 && !is_own_trouble(status) && proxy_failover_may(branch))
        status = next_or_wait(branch);
    if (status == 0)
        watch(branch);
    return status;
}
