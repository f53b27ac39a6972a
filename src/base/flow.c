#include "base/flow.h"

#include "base/error.h"

static const struct {
    struct slice via;
    struct slice uri;
    bool reliable;
    bool secure;
} transports[TRANSPORT_COUNT + 1] = {
#define TRANSPORT_ROW(name, via, uri, reliable, secure)                                            \
    [TRANSPORT_##name] = {SLICE_LITERAL(via), SLICE_LITERAL(uri), reliable, secure},
    TRANSPORT_LIST(TRANSPORT_ROW)
#undef TRANSPORT_ROW
        [TRANSPORT_DTLS] = {SLICE_LITERAL("DTLS"), SLICE_LITERAL("dtls"), false, true},
};

bool transport_reliable(enum transport t)
{
    return transports[t].reliable;
}

bool transport_secure(enum transport t)
{
    return transports[t].secure;
}

struct slice transport_via_name(enum transport t)
{
    return transports[t].via;
}

struct slice transport_uri_name(enum transport t)
{
    return transports[t].uri;
}

int transport_lookup(struct slice name, enum transport *ret_transport)
{
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++) {
        if (slice_equal_nocase(name, transports[t].via)) {
            *ret_transport = (enum transport)t;
            return 0;
        }
    }
    return ERR_NOT_FOUND;
}

uint16_t transport_default_port(enum transport t)
{
    switch (t) {
    case TRANSPORT_TLS: return 5061;
    case TRANSPORT_WS: return 80;
    case TRANSPORT_WSS: return 443;
    default: return 5060;
    }
}
