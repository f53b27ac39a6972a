/* What comes back from a branch (RFC 3261 section 16.7). */
#include "service/proxy/proxy_private.h"
#include "sip/message/edit.h"

/* 16.7 step 3: our Via comes off. Empty when nothing is left below it: then the response was for
 * us. */
static struct slice without_our_via(struct proxy *proxy, const struct sip_message *response)
{
    struct sip_values values;
    struct slice top, next;
    struct sip_edit edit;
    struct writer w;
    sip_values_init(&values, response, SIP_HEADER_VIA);
    if (!sip_values_next(&values, &top))
        return SLICE_NULL;
    const struct sip_header *line = values.line;
    if (!sip_values_next(&values, &next))
        return SLICE_NULL;
    sip_edit_init(&edit, response);
    sip_edit_remove_value(&edit, line, top);
    writer_init(&w, proxy->out, proxy->out_size);
    return sip_edit_write(&edit, &w) == 0 ? writer_slice(&w) : SLICE_NULL;
}

static void pass_on(struct proxy_context *context, unsigned status, struct slice bytes)
{
    if (context->server != NULL && bytes.len > 0)
        sip_server_tx_respond(context->server, status, bytes);
}

static void on_provisional(struct proxy_branch *branch, const struct sip_message *response)
{
    struct proxy_context *context = branch->context;
    struct proxy *proxy = context->proxy;
    branch->provisional = true;
    branch->rang = branch->rang || response->status > 100;
    if (response->status == 100 || branch->state == PROXY_BRANCH_DONE)
        return;
    /* RFC 4320 section 4.1: nothing but 100 is sent before the final response to a non-INVITE, and
     * 100 is hop by hop. */
    if (context->method != SIP_INVITE || context->answered)
        return;
    wheel_start(loop_wheel(endpoint_loop(proxy->endpoint)), &branch->timer_c,
                (uint64_t)proxy->config.timer_c_s * 1000);
    pass_on(context, response->status, without_our_via(proxy, response));
}

/* RFC 3326 section 3.1: why the other phones stop ringing. */
static void call_off(struct proxy_context *context, unsigned status, const char *text)
{
    char line[96];
    struct writer w;
    writer_init(&w, line, sizeof(line));
    writer_format(&w, "Reason: SIP;cause=%u;text=\"%s\"\r\n", status, text);
    proxy_context_cancel(context, writer_status(&w) == 0 ? writer_slice(&w) : SLICE_NULL);
}

/* 16.7 step 3: a final answer whose sender has taken the other Vias away finds no way to the
 * caller. He is told so, or he would wait for ever. */
static void on_lost(struct proxy_branch *branch)
{
    proxy_branch_done(branch, 502);
    if (!branch->context->answered)
        proxy_best_offer(branch->context, 502, NULL, SLICE_NULL);
}

/* 16.7 step 5: every 2xx to an INVITE goes upstream at once; the first ends the other branches
 * (step 10). */
static void on_success(struct proxy_branch *branch, const struct sip_message *response)
{
    struct proxy_context *context = branch->context;
    struct proxy *proxy = context->proxy;
    bool first = !context->answered;
    struct slice bytes = without_our_via(proxy, response);
    if (bytes.len == 0) {
        on_lost(branch);
        return;
    }
    proxy_branch_done(branch, response->status);
    if (!first && context->method != SIP_INVITE)
        return;
    context->answered = true;
    context->accepted = context->method == SIP_INVITE;
    pass_on(context, response->status, bytes);
    if (!first)
        return;
    if (context->accepted && context->opens_dialog)
        proxy_count(proxy, PROXY_CALLS_ANSWERED);
    if (context->pending > 0 || context->waiting_count > 0)
        call_off(context, 200, "Call completed elsewhere");
}

static void on_other_final(struct proxy_branch *branch, const struct sip_message *response)
{
    struct proxy_context *context = branch->context;
    struct proxy *proxy = context->proxy;
    unsigned status = response->status;
    if (branch->state == PROXY_BRANCH_DONE)
        return;
    /* RFC 3263 section 4.3: the next server, if there is one; the 503 counts when none does better.
     */
    bool goes_on = status == 503 && proxy_failover_succeed(branch);
    proxy_branch_done(branch, status);
    if (context->answered)
        return;
    if (goes_on) {
        proxy_best_offer(context, status, response, without_our_via(proxy, response));
        return;
    }
    if (proxy_instances_next(branch, status, true))
        return;
    if (status < 400 && proxy->config.follow_redirects && !context->cancelled &&
        proxy_redirect(context, response) > 0)
        return;
    proxy_best_offer(context, status, response, without_our_via(proxy, response));
    /* 16.7 step 5: a 6xx is the answer for all; the other branches are called off. */
    if (status >= 600)
        call_off(context, status, sip_status_reason(status));
}

void proxy_on_response(struct proxy_branch *branch, const struct sip_message *response)
{
    struct proxy_context *context = branch->context;
    context->holds++;
    proxy_failover_heard(branch, response);
    if (response->status < 200)
        on_provisional(branch, response);
    else if (response->status < 300)
        on_success(branch, response);
    else
        on_other_final(branch, response);
    context->holds--;
    proxy_context_advance(context);
}
