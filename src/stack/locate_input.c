/* What a URI itself says about its server, and what the names of DNS mean. */
#include "base/error.h"
#include "stack/locate.h"

/* RFC 3261 section 26.2.2: sips over TCP is TLS; RFC 7118 section 5.2: over WebSocket it is the
 * secure one. RFC 5630 section 3.1.3: over UDP there is no sips, and plain SCTP is not secure. */
static int secure_transport(enum transport transport, uint8_t *ret_transport)
{
    switch (transport) {
    case TRANSPORT_TCP:
    case TRANSPORT_TLS: *ret_transport = TRANSPORT_TLS; return 0;
    case TRANSPORT_WS:
    case TRANSPORT_WSS: *ret_transport = TRANSPORT_WSS; return 0;
    default: return ERR_UNSUPPORTED;
    }
}

int locate_input_of(const struct sip_uri *uri, struct locate_input *ret_input)
{
    struct locate_input input = {
        .host = uri->maddr.len > 0 ? uri->maddr : uri->host, /* RFC 3261 section 19.1.1 */
        .port = uri->port,
        .secure = uri->scheme == SIP_URI_SIPS,
        .has_transport = uri->transport.len > 0,
    };
    enum transport transport;
    if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
        return ERR_UNSUPPORTED;
    if (input.has_transport) {
        if (transport_lookup(uri->transport, &transport) < 0)
            return ERR_UNSUPPORTED;
        input.transport = (uint8_t)transport;
        if (input.secure && secure_transport(transport, &input.transport) < 0)
            return ERR_UNSUPPORTED;
    }
    input.numeric = address_parse_host(input.host, 0, &input.address) == 0;
    if (!input.numeric && input.host.len > 1 && input.host.ptr[input.host.len - 1] == '.')
        input.host.len--;
    *ret_input = input;
    return 0;
}

bool locate_speaks(const struct locate_speaks *speaks, uint8_t transport)
{
    return speaks->family[transport][0] || speaks->family[transport][1];
}

uint8_t locate_default_transport(const struct locate_speaks *speaks, bool secure)
{
    static const uint8_t plain[] = {TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_SCTP,
                                    TRANSPORT_WS};
    if (secure)
        return !locate_speaks(speaks, TRANSPORT_TLS) && locate_speaks(speaks, TRANSPORT_WSS)
                   ? TRANSPORT_WSS
                   : TRANSPORT_TLS;
    for (size_t i = 0; i < sizeof plain; i++) {
        if (locate_speaks(speaks, plain[i]))
            return plain[i];
    }
    return TRANSPORT_UDP;
}

struct slice locate_srv_prefix(uint8_t transport)
{
    switch ((enum transport)transport) {
    case TRANSPORT_UDP: return SLICE("_sip._udp.");
    case TRANSPORT_TCP: return SLICE("_sip._tcp.");
    case TRANSPORT_TLS: return SLICE("_sips._tcp.");
    case TRANSPORT_SCTP: return SLICE("_sip._sctp.");
    case TRANSPORT_WS: return SLICE("_sip._ws.");
    default: return SLICE("_sips._ws.");
    }
}

int locate_service(struct slice service, bool *ret_secure, uint8_t *ret_transport)
{
    static const struct {
        struct slice name;
        bool secure;
        uint8_t transport;
    } services[] = {
        {SLICE_LITERAL("SIP+D2U"), false, TRANSPORT_UDP},
        {SLICE_LITERAL("SIP+D2T"), false, TRANSPORT_TCP},
        {SLICE_LITERAL("SIP+D2S"), false, TRANSPORT_SCTP},
        {SLICE_LITERAL("SIPS+D2T"), true, TRANSPORT_TLS},
        {SLICE_LITERAL("SIP+D2W"), false, TRANSPORT_WS},  /* RFC 7118 section 5.5 */
        {SLICE_LITERAL("SIPS+D2W"), true, TRANSPORT_WSS}, /* RFC 7118 section 5.5 */
    };
    /* SIPS+D2S is TLS over SCTP (RFC 4168 section 5), which we do not speak. */
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (slice_equal_nocase(service, services[i].name)) {
            *ret_secure = services[i].secure;
            *ret_transport = services[i].transport;
            return 0;
        }
    }
    return ERR_NOT_FOUND;
}

/* Section 4.1: an "s" record with an empty regular expression, for a transport that we speak, and
 * for a sips URI a secure one. */
static bool naptr_usable(const struct locate *locate, const struct dns_naptr *naptr,
                         uint8_t *ret_transport)
{
    bool secure;
    return slice_equal_nocase(naptr->flags, SLICE("s")) && naptr->regexp.len == 0 &&
           naptr->replacement.len > 0 &&
           locate_service(naptr->service, &secure, ret_transport) == 0 &&
           (secure || !locate->input.secure) && locate_speaks(locate->speaks, *ret_transport);
}

unsigned locate_naptr_usable(const struct locate *locate, const struct dns_answer *naptr,
                             unsigned max, uint8_t ret_transports[], unsigned ret_indexes[])
{
    unsigned count = 0;
    /* By order and preference already. Once one is of use, those of a higher order are not looked
     * at any more (RFC 3403 section 4.1). */
    for (unsigned i = 0; i < naptr->count && count < max; i++) {
        const struct dns_naptr *record = &naptr->records[i].naptr;
        if (count > 0 && record->order != naptr->records[ret_indexes[0]].naptr.order)
            break;
        if (naptr_usable(locate, record, &ret_transports[count]))
            ret_indexes[count++] = i;
    }
    return count;
}
