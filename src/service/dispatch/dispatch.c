#include "service/dispatch/dispatch.h"

#include "base/error.h"
#include "base/memory.h"

#define SEEN_SLOTS   256 /* a power of two */
#define SEEN_EACH_MS 1000

/* When the location was last told of a connection. */
struct seen {
    uint32_t connection, generation;
    uint32_t worker;
    int64_t at_ms;
};

struct dispatch {
    struct dispatch_parts parts;
    struct seen seen[SEEN_SLOTS];
};

/* What we can do (RFC 3261 section 11.2). The proxy passes any method; these are what the server
 * itself answers or knows. */
#define OPTIONS_HEADERS                                                                            \
    "Allow: INVITE, ACK, CANCEL, BYE, REGISTER, OPTIONS, REFER, NOTIFY, SUBSCRIBE, MESSAGE, "      \
    "INFO, UPDATE, PRACK, "                                                                        \
    "PUBLISH\r\n"                                                                                  \
    "Accept: application/sdp\r\nAccept-Encoding: identity\r\nAccept-Language: en\r\nSupported: "   \
    "path, outbound\r\n"

static bool names_server(const struct dispatch *dispatch, const struct endpoint_request *request)
{
    struct slice domain;
    return request->uri_status == 0 && request->uri.scheme != SIP_URI_TEL &&
           request->uri.scheme != SIP_URI_OTHER &&
           domains_local(dispatch->parts.domains, request->uri.host, request->uri.port, &domain);
}

/* A Route that leads elsewhere: the request only passes through here, whatever its Request-URI. */
static bool routed_elsewhere(const struct dispatch *dispatch, const struct sip_message *msg)
{
    struct sip_values values;
    struct slice value;
    sip_values_init(&values, msg, SIP_HEADER_ROUTE);
    while (sip_values_next(&values, &value)) {
        struct sip_address address;
        struct sip_uri uri;
        if (sip_address_parse(value, false, &address) < 0 || sip_uri_parse(address.uri, &uri) < 0 ||
            !domains_is_self(dispatch->parts.domains, &uri))
            return true;
    }
    return false;
}

/* The answer is the same each time it is asked for, so that no transaction has to remember it
 * (8.2.7). */
static void answer_options(const struct endpoint_request *request)
{
    struct sip_response response = {.status = 200, .headers = SLICE(OPTIONS_HEADERS)};
    endpoint_reply(request, &response);
}

/* RFC 3261 section 8.2.2.3: what the server itself is asked for and cannot do. */
static bool refuse_required(const struct endpoint_request *request)
{
    char line[512];
    struct writer w;
    struct sip_values values;
    struct slice value;
    unsigned count = 0;
    writer_init(&w, line, sizeof(line));
    writer_literal(&w, "Unsupported: ");
    for (unsigned i = 0; i < 2; i++) {
        sip_values_init(&values, request->msg,
                        i == 0 ? SIP_HEADER_REQUIRE : SIP_HEADER_PROXY_REQUIRE);
        while (sip_values_next(&values, &value)) {
            if (count++ > 0)
                writer_literal(&w, ", ");
            writer_put(&w, value);
        }
    }
    if (count == 0)
        return false;
    writer_literal(&w, "\r\n");
    struct sip_response response = {
        .status = 420, .headers = writer_status(&w) == 0 ? writer_slice(&w) : SLICE_NULL};
    endpoint_reply(request, &response);
    return true;
}

/* OPTIONS without a user part asks the server itself (11). On a host of ours it is answered
 * whatever port it names: it would not be relayed there anyway, and sipsak 0.9.8 writes ports of
 * five digits cut to four. */
static bool asks_server(const struct dispatch *dispatch, const struct endpoint_request *request)
{
    struct slice domain;
    return request->msg->method == SIP_OPTIONS && request->uri_status == 0 &&
           request->uri.user.len == 0 &&
           (request->uri.scheme == SIP_URI_SIP || request->uri.scheme == SIP_URI_SIPS) &&
           domains_local(dispatch->parts.domains, request->uri.host, 0, &domain) &&
           !routed_elsewhere(dispatch, request->msg);
}

/* A sips URI that names the server promises what it cannot keep (8.2.2.1). */
static bool refuse_sips(const struct endpoint_request *request)
{
    if (request->uri_status < 0 || request->uri.scheme != SIP_URI_SIPS ||
        endpoint_secure(request->endpoint))
        return false;
    struct sip_response response = {.status = 416};
    endpoint_reply(request, &response);
    return true;
}

/* A phone shows signs of life along its connection, or from its address. The location's locks are
 * taken once a second for each of them, as long as no two share a slot. */
static void on_alive(void *user, const struct flow *flow)
{
    struct dispatch *dispatch = user;
    int64_t now_ms = loop_wall_ms(endpoint_loop(dispatch->parts.endpoint));
    struct seen present = {flow->connection, flow->generation, flow->worker, now_ms};
    if (!flow_reliable(flow)) {
        uint64_t hash = address_hash(0, &flow->remote);
        present.connection = (uint32_t)hash;
        present.generation = (uint32_t)(hash >> 32);
    }
    struct seen *seen = &dispatch->seen[(present.connection ^ present.worker << 5) % SEEN_SLOTS];
    bool same = seen->connection == present.connection && seen->generation == present.generation &&
                seen->worker == present.worker;
    if (same && now_ms - seen->at_ms < SEEN_EACH_MS && now_ms >= seen->at_ms)
        return;
    *seen = present;
    location_seen(dispatch->parts.location, flow, now_ms);
}

static void on_request(void *user, const struct endpoint_request *request)
{
    struct dispatch *dispatch = user;
    if (flow_reliable(&request->flow))
        on_alive(dispatch, &request->flow);
    if (refuse_sips(request))
        return;
    if (request->msg->method == SIP_REGISTER && names_server(dispatch, request) &&
        !routed_elsewhere(dispatch, request->msg)) {
        registrar_on_request(dispatch->parts.registrar, request);
        return;
    }
    /* Whoever wanted to go further ends here (16.3 step 3). */
    if (asks_server(dispatch, request)) {
        if (!refuse_required(request))
            answer_options(request);
        return;
    }
    proxy_on_request(dispatch->parts.proxy, request);
}

static void on_cancel(void *user, const struct endpoint_request *request,
                      struct sip_server_tx *invite)
{
    struct dispatch *dispatch = user;
    proxy_on_cancel(dispatch->parts.proxy, request, invite);
}

static void on_ack(void *user, const struct endpoint_request *request)
{
    struct dispatch *dispatch = user;
    proxy_on_ack(dispatch->parts.proxy, request);
}

static void on_connection_closed(void *user, const struct flow *flow)
{
    struct dispatch *dispatch = user;
    location_connection_closed(dispatch->parts.location, flow);
}

static bool on_stray(void *user, const struct sip_message *response, const struct flow *flow)
{
    struct dispatch *dispatch = user;
    return dispatch->parts.keepalive != NULL &&
           keepalive_on_response(dispatch->parts.keepalive, response, flow);
}

int dispatch_new(const struct dispatch_parts *parts, struct dispatch **ret_dispatch)
{
    struct dispatch *dispatch = memory_zalloc(1, sizeof(*dispatch));
    if (dispatch == NULL)
        return ERR_NO_MEMORY;
    dispatch->parts = *parts;
    struct endpoint_user user = {
        .on_request = on_request,
        .on_cancel = on_cancel,
        .on_ack = on_ack,
        .on_connection_closed = on_connection_closed,
        .on_keep_alive = on_alive,
        .on_stray = on_stray,
        .user = dispatch,
    };
    endpoint_set_user(parts->endpoint, &user);
    *ret_dispatch = dispatch;
    return 0;
}

void dispatch_free(struct dispatch *dispatch)
{
    if (dispatch == NULL)
        return;
    struct endpoint_user nobody = {0};
    endpoint_set_user(dispatch->parts.endpoint, &nobody);
    memory_free(dispatch);
}

void dispatch_reload(struct dispatch *dispatch, const struct domains *domains)
{
    dispatch->parts.domains = domains;
}
