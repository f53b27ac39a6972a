/* What a request says about its way: validation (RFC 3261 section 16.3) and route preprocessing
 * (16.4). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"
#include "sip/message/cseq.h"

static uint64_t token_of(const struct proxy *proxy, uint64_t call, enum proxy_token_class opener)
{
    return hash_mix(call, opener ^ proxy->token_key.k1);
}

static uint64_t call_hash(const struct proxy *proxy, const struct sip_message *msg)
{
    return hash_slice(&proxy->token_key, sip_message_value(msg, SIP_HEADER_CALL_ID));
}

uint64_t proxy_token(const struct proxy *proxy, const struct sip_message *msg,
                     enum proxy_token_class opener)
{
    return token_of(proxy, call_hash(proxy, msg), opener);
}

/* What the token in a Route URI of ours proves. */
static enum proxy_token_class read_token(const struct proxy *proxy, const struct sip_message *msg,
                                         const struct sip_uri *uri)
{
    struct slice value;
    uint64_t token;
    if (!sip_uri_param(uri, SLICE("tz"), &value) || value.len != 16 ||
        slice_hex_to_u64(value, &token) < 0)
        return PROXY_TOKEN_NONE;
    uint64_t call = call_hash(proxy, msg);
    for (enum proxy_token_class c = PROXY_TOKEN_USER; c > PROXY_TOKEN_NONE; c--) {
        if (token == token_of(proxy, call, c))
            return c;
    }
    return PROXY_TOKEN_NONE;
}

static int fault(struct proxy_fault *ret_fault, unsigned status, const char *reason)
{
    *ret_fault = (struct proxy_fault){.status = status, .reason = reason};
    return ERR_INVALID;
}

/* 16.4: our own Route values at the top come off; a double Record-Route (RFC 5658) gives two of
 * them. */
static void take_flow_token(struct proxy_route_info *info, const struct sip_uri *uri)
{
    info->flow_token = SLICE_NULL;
    (void)sip_uri_param(uri, SLICE("fl"), &info->flow_token);
}

static int examine_routes(struct proxy *proxy, const struct sip_message *msg,
                          struct proxy_route_info *info, struct proxy_fault *ret_fault)
{
    struct sip_values values;
    struct slice value;
    bool at_top = true;
    sip_values_init(&values, msg, SIP_HEADER_ROUTE);
    while (sip_values_next(&values, &value)) {
        struct sip_address address;
        struct sip_uri uri;
        if (sip_address_parse(value, false, &address) < 0 || sip_uri_parse(address.uri, &uri) < 0)
            return fault(ret_fault, 400, "Bad Request - Route Malformed");
        if (at_top && domains_is_self(proxy->domains, &uri)) {
            info->own_routes++;
            if (info->token == PROXY_TOKEN_NONE)
                info->token = read_token(proxy, msg, &uri);
            take_flow_token(info, &uri);
            continue;
        }
        if (at_top) {
            info->has_route = true;
            info->next_route = value;
        }
        at_top = false;
    }
    return 0;
}

/* Is it a URI that we have put into a Record-Route? Our own mark tells, whatever its value. */
static bool is_our_record_route(const struct proxy *proxy, const struct sip_uri *uri)
{
    struct slice value;
    return uri->lr && domains_is_self(proxy->domains, uri) &&
           sip_uri_param(uri, SLICE("tz"), &value);
}

/* 16.4: a strict router has put our Record-Route URI into the Request-URI and the real one at the
 * end of Route. */
static int undo_strict_routing(struct proxy *proxy, const struct sip_message *msg,
                               struct proxy_route_info *info, struct proxy_fault *ret_fault)
{
    struct sip_values values;
    struct slice value, last = SLICE_NULL;
    struct sip_address address;
    unsigned count = 0;
    if (!is_our_record_route(proxy, &info->uri))
        return 0;
    sip_values_init(&values, msg, SIP_HEADER_ROUTE);
    while (sip_values_next(&values, &value)) {
        last = value;
        count++;
    }
    if (count == 0)
        return 0;
    if (info->token == PROXY_TOKEN_NONE)
        info->token = read_token(proxy, msg, &info->uri);
    if (info->own_routes == 0)
        take_flow_token(info, &info->uri);
    if (sip_address_parse(last, false, &address) < 0 || sip_uri_parse(address.uri, &info->uri) < 0)
        return fault(ret_fault, 400, "Bad Request - Route Malformed");
    info->uri_text = address.uri;
    info->strict = true;
    info->has_route = count > info->own_routes + 1;
    return 0;
}

bool proxy_flow_same(const struct flow *a, const struct flow *b)
{
    return a->transport == b->transport && address_equal(&a->remote, &b->remote) &&
           (!flow_reliable(a) || (a->worker == b->worker && a->connection == b->connection &&
                                  a->generation == b->generation));
}

/* RFC 5626 section 5.3. We write Route URIs with tokens in pairs, the far side last; a single one
 * may be what the phone at the other end of the flow has put there itself. */
static int examine_flow(struct proxy *proxy, const struct endpoint_request *request,
                        struct proxy_route_info *info, struct proxy_fault *ret_fault)
{
    if (info->flow_token.len == 0 || info->has_route)
        return 0;
    int status = proxy_flow_read(proxy, request->msg, info->flow_token, &info->flow);
    if (status == ERR_INVALID)
        return fault(ret_fault, 403, "Forbidden - Flow Token Is Not Ours");
    if (!info->flow.for_path && info->to_tag.len == 0)
        return 0; /* what opens a dialog finds its own way */
    if (info->own_routes + info->strict < 2 && status == 0 &&
        proxy_flow_same(&info->flow.flow, &request->flow))
        return 0;
    info->flow_use = status < 0            ? PROXY_FLOW_GONE
                     : info->flow.for_path ? PROXY_FLOW_PATH
                                           : PROXY_FLOW_DIALOG;
    return 0;
}

/* 16.3 step 3; RFC 5393 section 5.3.3 for Max-Breadth. */
static int examine_limits(struct proxy *proxy, const struct sip_message *msg,
                          struct proxy_route_info *info, struct proxy_fault *ret_fault)
{
    const struct sip_header *line = sip_message_first(msg, SIP_HEADER_MAX_FORWARDS);
    info->has_max_forwards = line != NULL;
    info->max_forwards = proxy->config.max_forwards;
    if (line != NULL && slice_to_u32(sip_header_value(line), 255, &info->max_forwards) < 0)
        return fault(ret_fault, 400, "Bad Request - Max-Forwards Malformed");
    if (line != NULL && info->max_forwards == 0)
        return fault(ret_fault, 483, NULL);
    info->max_breadth = proxy->config.max_breadth;
    struct slice breadth = sip_message_value(msg, SIP_HEADER_MAX_BREADTH);
    uint32_t received;
    if (breadth.len > 0 && slice_to_u32(breadth, UINT32_MAX, &received) == 0 &&
        received < info->max_breadth)
        info->max_breadth = received;
    if (info->max_breadth == 0)
        return fault(ret_fault, 440, NULL);
    return 0;
}

/* All lines of a header: dialogs come with one Route line per hop. */
static void add_lines(struct hash_state *hash, const struct sip_message *msg, enum sip_header_id id)
{
    const struct sip_header *line = sip_message_first(msg, id);
    for (; line != NULL; line = sip_message_next(msg, line))
        hash_add(hash, sip_header_value(line));
    hash_add_u64(hash, id);
}

/* 16.6 step 8 as RFC 5393 section 4.2.1 has it: all that our routing depends on, so that a spiral
 * differs and a loop does not. The method must be left out: CANCEL and ACK agree with their INVITE.
 */
static uint64_t loop_hash(const struct proxy *proxy, const struct sip_message *msg)
{
    struct hash_state hash;
    hash_begin(&hash, &proxy->loop_key);
    hash_add(&hash, msg->uri);
    hash_add(&hash, msg->parts.from.tag);
    hash_add(&hash, msg->parts.to.tag);
    hash_add(&hash, sip_message_value(msg, SIP_HEADER_CALL_ID));
    hash_add_u64(&hash, msg->parts.cseq.number);
    add_lines(&hash, msg, SIP_HEADER_PROXY_REQUIRE);
    add_lines(&hash, msg, SIP_HEADER_PROXY_AUTHORIZATION);
    add_lines(&hash, msg, SIP_HEADER_ROUTE);
    return hash_end(&hash);
}

/* 16.3 step 4, RFC 5393 section 4.2.2: the same request has been here before. */
static bool loops(const struct sip_message *msg, uint64_t loop)
{
    struct sip_values values;
    struct slice value;
    sip_values_init(&values, msg, SIP_HEADER_VIA);
    while (sip_values_next(&values, &value)) {
        struct sip_via via = msg->parts.via;
        struct sip_branch branch;
        bool top = value.ptr == via.value.ptr;
        if ((top || sip_via_parse(value, &via) == 0) &&
            sip_branch_parse(via.branch, &branch) == 0 && branch.loop == loop)
            return true;
    }
    return false;
}

/* 16.3 step 5: we have no extension that a Proxy-Require could name. */
static int examine_proxy_require(struct proxy *proxy, const struct sip_message *msg,
                                 struct proxy_fault *ret_fault)
{
    struct sip_values values;
    struct slice value;
    struct writer w;
    unsigned count = 0;
    if (msg->method == SIP_ACK || sip_message_first(msg, SIP_HEADER_PROXY_REQUIRE) == NULL)
        return 0;
    writer_init(&w, proxy->text, sizeof(proxy->text));
    writer_literal(&w, "Unsupported: ");
    sip_values_init(&values, msg, SIP_HEADER_PROXY_REQUIRE);
    while (sip_values_next(&values, &value)) {
        if (count++ > 0)
            writer_literal(&w, ", ");
        writer_put(&w, value);
    }
    writer_literal(&w, "\r\n");
    if (count == 0)
        return 0;
    fault(ret_fault, 420, NULL);
    if (writer_status(&w) == 0)
        ret_fault->headers = writer_slice(&w);
    return ERR_INVALID;
}

static int examine_uri(const struct endpoint_request *request, struct proxy_route_info *info,
                       struct proxy_fault *ret_fault)
{
    const struct sip_message *msg = request->msg;
    info->uri_text = msg->uri;
    info->from = msg->parts.from.uri;
    info->to = msg->parts.to.uri;
    info->to_tag = msg->parts.to.tag;
    if (request->uri_status < 0)
        return fault(ret_fault, 400, "Bad Request - Request-URI Malformed");
    info->uri = request->uri;
    return 0;
}

/* 16.3 step 2; RFC 5630 section 5.3: what came for a sips URI never goes on without TLS. */
static int examine_scheme(struct proxy *proxy, const struct proxy_route_info *info,
                          struct proxy_fault *ret_fault)
{
    if (info->uri.scheme == SIP_URI_OTHER ||
        (info->uri.scheme == SIP_URI_SIPS && !endpoint_secure(proxy->endpoint)))
        return fault(ret_fault, 416, NULL);
    return 0;
}

/* 16.4: an maddr of ours has done its work, and its port and transport with it. Which of our ports
 * and transports it names does not matter: all of them lead here. */
static int examine_maddr(struct proxy *proxy, struct proxy_route_info *info,
                         struct proxy_fault *ret_fault)
{
    struct sip_uri there = info->uri;
    struct slice text;
    struct writer w;
    if (info->uri.maddr.len == 0)
        return 0;
    there.host = info->uri.maddr;
    info->elsewhere = !domains_is_self(proxy->domains, &there);
    if (info->elsewhere)
        return 0;
    writer_init(&w, proxy->text, sizeof(proxy->text));
    sip_uri_write_reached(&w, &info->uri);
    if (writer_status(&w) < 0 || arena_copy(&proxy->arena, writer_slice(&w), &text) < 0 ||
        sip_uri_parse(text, &info->uri) < 0)
        return fault(ret_fault, 500, NULL);
    info->uri_text = text;
    info->reached = true;
    return 0;
}

/* Whose is it? */
static int examine_owner(struct proxy *proxy, struct proxy_route_info *info,
                         struct proxy_fault *ret_fault)
{
    const struct sip_uri *uri = &info->uri;
    info->domain = domains_primary(proxy->domains);
    info->ours = uri->scheme == SIP_URI_TEL ||
                 domains_local(proxy->domains, uri->host, uri->port, &info->domain);
    info->gruu = info->ours && gruu_is(uri);
    if (info->gruu)
        return 0;
    if (proxy_user_examine(proxy, info) < 0)
        return fault(ret_fault, 404, NULL);
    if (uri->scheme == SIP_URI_TEL) {
        struct sip_uri dialled = *uri;
        dialled.user = info->number;
        info->static_route = proxy_config_route(&proxy->config, &dialled, info->ours);
    } else {
        info->static_route = proxy_config_route(&proxy->config, uri, info->ours);
    }
    return 0;
}

int proxy_route_examine(struct proxy *proxy, const struct endpoint_request *request,
                        struct proxy_route_info *ret_info, struct proxy_fault *ret_fault)
{
    const struct sip_message *msg = request->msg;
    struct proxy_route_info info = {0};
    int status = examine_uri(request, &info, ret_fault);
    if (status == 0)
        status = examine_scheme(proxy, &info, ret_fault);
    if (status == 0)
        status = examine_limits(proxy, msg, &info, ret_fault);
    if (status == 0)
        status = examine_proxy_require(proxy, msg, ret_fault);
    if (status == 0 && msg->first[SIP_HEADER_ROUTE] != SIP_NO_HEADER) {
        status = examine_routes(proxy, msg, &info, ret_fault);
        if (status == 0)
            status = undo_strict_routing(proxy, msg, &info, ret_fault);
        if (status == 0 && info.strict)
            status = examine_scheme(proxy, &info, ret_fault);
        if (status == 0)
            status = examine_flow(proxy, request, &info, ret_fault);
    }
    if (status == 0)
        status = examine_maddr(proxy, &info, ret_fault);
    if (status == 0)
        status = examine_owner(proxy, &info, ret_fault);
    if (status < 0)
        return status;
    info.loop = loop_hash(proxy, msg);
    if (loops(msg, info.loop))
        return fault(ret_fault, 482, NULL);
    *ret_info = info;
    return 0;
}
