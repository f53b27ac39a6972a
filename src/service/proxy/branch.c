/* One branch: begun, ended, called off (RFC 3261 sections 16.6 step 11, 16.8, 16.9). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

static struct wheel *wheel_of(const struct proxy_branch *branch)
{
    return loop_wheel(endpoint_loop(branch->context->proxy->endpoint));
}

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

struct proxy_branch *proxy_branch_new(struct proxy_context *context,
                                      const struct proxy_target *target)
{
    struct proxy_branch *branch = pool_get(&context->proxy->branches);
    if (branch == NULL)
        return NULL;
    *branch = (struct proxy_branch){
        .context = context, .target = *target, .state = PROXY_BRANCH_RESOLVING};
    if (context->proxy->config.follow_redirects)
        branch->uri_hash = proxy_target_hash(context->proxy, target);
    timer_init(&branch->timer_c, on_timer_c);
    timer_init(&branch->next, proxy_failover_on_next);
    list_append(&context->branches, &branch->link);
    context->branch_count++;
    context->pending++;
    return branch;
}

void proxy_branch_start(struct proxy_context *context, const struct sip_message *msg,
                        const struct proxy_route_info *info, const struct proxy_target *target)
{
    struct proxy_branch *branch = proxy_branch_new(context, target);
    if (branch == NULL) {
        proxy_best_offer(context, 503, NULL, SLICE_NULL);
        return;
    }
    int status = proxy_failover_begin(branch, msg, info);
    /* The request may have to be written again later: what the target points to must outlive this
     * event. */
    if (status == 0 && (branch->plan != NULL || branch->tcp_tried))
        status = proxy_target_keep(context, target, &branch->target);
    if (status < 0)
        proxy_branch_fail(branch, status == ERR_CLOSED                             ? 430
                                  : status == ERR_RANGE                            ? 513
                                  : status == ERR_LIMIT || status == ERR_NO_MEMORY ? 500
                                                                                   : 503);
}

void proxy_branch_cancel(struct proxy_branch *branch, struct slice reason)
{
    branch->cancelled = true;
    if (branch->state == PROXY_BRANCH_RESOLVING) {
        proxy_branch_fail(branch, 487);
        return;
    }
    wheel_stop(wheel_of(branch), &branch->next);
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
    wheel_stop(wheel_of(branch), &branch->next);
    resolver_forget(branch->plan);
    branch->plan = NULL;
}

void proxy_branch_fail(struct proxy_branch *branch, unsigned status)
{
    if (branch->state == PROXY_BRANCH_DONE)
        return;
    proxy_branch_done(branch, status);
    if (!proxy_instances_next(branch, status, false))
        proxy_best_offer(branch->context, status, NULL, SLICE_NULL);
}
