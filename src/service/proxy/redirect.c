/* Following a 3xx (RFC 3261 section 16.7 step 4): its contacts become targets. */
#include "service/proxy/proxy_private.h"

/* Any given URI is tried once only (16.5). */
static bool known(const struct proxy_context *context, const struct proxy_target *target)
{
    uint64_t hash = proxy_target_hash(context->proxy, target);
    list_for_each(link, &context->branches)
    {
        if (container_of(link, struct proxy_branch, link)->uri_hash == hash)
            return true;
    }
    for (unsigned i = 0; i < context->waiting_count; i++) {
        if (proxy_target_hash(context->proxy, &context->waiting[i]) == hash)
            return true;
    }
    return false;
}

/* RFC 5630 section 5.3: not from sips to sip, nor the other way. */
static void gather(struct proxy *proxy, const struct sip_message *response, bool secure,
                   struct proxy_targets *targets)
{
    enum sip_uri_scheme scheme = secure ? SIP_URI_SIPS : SIP_URI_SIP;
    struct sip_values values;
    struct slice value;
    sip_values_init(&values, response, SIP_HEADER_CONTACT);
    while (sip_values_next(&values, &value)) {
        struct sip_contact contact;
        if (sip_contact_parse(value, &contact) == 0 && !contact.address.star &&
            contact.uri.scheme == scheme)
            (void)proxy_targets_add(proxy, contact.address.uri, contact.q, targets);
    }
}

unsigned proxy_redirect(struct proxy_context *context, const struct sip_message *response)
{
    struct proxy_targets targets = {.secure = context->secure};
    unsigned before = context->waiting_count;
    if (!context->responsible)
        return 0;
    arena_reset(&context->proxy->arena);
    gather(context->proxy, response, context->secure, &targets);
    for (unsigned i = 0; i < targets.count; i++) {
        if (context->branch_count + context->waiting_count >= PROXY_BRANCHES_MAX)
            break; /* redirects that go on and on end here */
        if (!known(context, &targets.items[i]))
            proxy_context_keep(context, &targets.items[i], 1);
    }
    proxy_targets_sort(context->waiting, context->waiting_count);
    return context->waiting_count - before;
}
