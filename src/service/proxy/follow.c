/* A phone whose NAT has given it another mapping, or that has another connection, is found with the
 * first request that proves who it is. */
#include "service/proxy/proxy_private.h"
#include "stack/nat.h"

/* Only of who speaks to us himself. */
static bool read_contact(const struct endpoint_request *request, struct sip_contact *ret_contact)
{
    struct sip_values values;
    struct slice value, contact = sip_message_value(request->msg, SIP_HEADER_CONTACT);
    sip_values_init(&values, request->msg, SIP_HEADER_VIA);
    return sip_values_next(&values, &value) && !sip_values_next(&values, &value) &&
           sip_list_next(&contact, &value) && sip_contact_parse(value, ret_contact) == 0 &&
           !ret_contact->address.star;
}

void proxy_follow(struct proxy *proxy, const struct endpoint_request *request,
                  const struct proxy_route_info *info)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct sip_contact contact;
    struct sip_uri from;
    struct writer w;
    if (!info->proved || proxy->trace != NULL || !read_contact(request, &contact) ||
        !nat_hides(&request->via, &request->flow, &contact.uri))
        return;
    writer_init(&w, text, sizeof(text));
    if (sip_uri_parse(info->from, &from) == 0 && domains_aor(proxy->domains, &from, &w) == 0 &&
        location_move(proxy->location, writer_slice(&w), &contact.uri, &request->flow,
                      loop_wall_ms(endpoint_loop(proxy->endpoint)), &proxy->arena))
        proxy_count(proxy, PROXY_MOVED);
}
