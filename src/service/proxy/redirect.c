/* Following a 3xx (RFC 3261 section 16.7 step 4): its contacts become targets. */
#include <stdlib.h>

#include "service/proxy/proxy_private.h"

static bool known(const struct proxy_context *context, struct slice uri_text)
{
    for (unsigned i = 0; i < context->waiting_count; i++) {
        if (slice_equal(context->waiting[i].uri, uri_text))
            return true;
    }
    return false;
}

static int by_q(const void *a, const void *b)
{
    return (int)((const struct proxy_target *)b)->q - (int)((const struct proxy_target *)a)->q;
}

unsigned proxy_redirect(struct proxy_context *context, const struct sip_message *response)
{
    struct sip_values values;
    struct slice value;
    unsigned added = 0;
    sip_values_init(&values, response, SIP_HEADER_CONTACT);
    while (sip_values_next(&values, &value)) {
        struct sip_contact contact;
        if (context->branch_count + context->waiting_count >= PROXY_BRANCHES_MAX)
            break; /* redirects that lead in circles end here */
        if (sip_contact_parse(value, &contact) < 0 || contact.address.star)
            continue;
        if (contact.uri.scheme != SIP_URI_SIP || known(context, contact.address.uri))
            continue;
        struct proxy_target target = {.uri = contact.address.uri, .q = contact.q};
        unsigned before = context->waiting_count;
        proxy_context_keep(context, &target, 1);
        added += context->waiting_count - before;
    }
    if (added > 0)
        qsort(context->waiting, context->waiting_count, sizeof(*context->waiting), by_q);
    return added;
}
