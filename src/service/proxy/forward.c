/* Writing the request that leaves (RFC 3261 section 16.6). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"
#include "sip/message/edit.h"
#include "stack/nat.h"

/* The lines that are put in, in one buffer; each step returns the slice it wrote. */
struct lines {
    struct writer w;
    size_t mark;
};

static struct slice take_lines(struct lines *lines)
{
    struct slice all = writer_slice(&lines->w);
    struct slice fresh = slice_from(all, lines->mark);
    lines->mark = all.len;
    return fresh;
}

static void write_number(struct writer *w, const char *before, uint64_t number, const char *after)
{
    writer_string(w, before);
    writer_u64(w, number);
    writer_string(w, after);
}

/* The URI whose server is the next hop. */
static int next_hop(const struct proxy_route_info *info, const struct proxy_target *target,
                    struct sip_uri *ret_uri)
{
    struct sip_address address;
    struct slice rest = target->path, value;
    if (target->next_hop.len > 0)
        return sip_uri_parse(target->next_hop, ret_uri);
    if (target->path.len > 0 && sip_list_next(&rest, &value)) {
        int status = sip_address_parse(value, false, &address);
        return status < 0 ? status : sip_uri_parse(address.uri, ret_uri);
    }
    if (target->uri.len > 0)
        return sip_uri_parse(target->uri, ret_uri);
    if (info->has_route) {
        int status = sip_address_parse(info->next_route, false, &address);
        return status < 0 ? status : sip_uri_parse(address.uri, ret_uri);
    }
    *ret_uri = info->uri;
    return 0;
}

/* Will the Request-URI that leaves be sips? */
static bool leaves_secure(const struct proxy_route_info *info, const struct proxy_target *target)
{
    return target->uri.len > 0 ? slice_starts_with_nocase(target->uri, SLICE("sips:"))
                               : info->uri.scheme == SIP_URI_SIPS;
}

int proxy_next_hop(const struct proxy_route_info *info, const struct proxy_target *target,
                   struct sip_uri *ret_uri)
{
    int status = next_hop(info, target, ret_uri);
    /* Whatever leads there: a sips Request-URI makes it sips (16.6 step 7). */
    if (status == 0 && ret_uri->scheme == SIP_URI_SIP && leaves_secure(info, target))
        ret_uri->scheme = SIP_URI_SIPS;
    return status;
}

/* Requests that open a dialog, or refresh its target (16.6 step 4). */
static bool wants_record_route(const struct sip_message *msg)
{
    return msg->method == SIP_INVITE || msg->method == SIP_SUBSCRIBE || msg->method == SIP_REFER ||
           msg->method == SIP_NOTIFY;
}

/* Another server must check our certificate when it comes back, and so needs a name; who is a
 * server shows in the Vias of what it forwards. */
static bool wants_name(struct proxy *proxy, const struct proxy_forward *f, bool leaving)
{
    const struct flow *flow = leaving ? f->leaves : f->arrived;
    struct sip_values values;
    struct slice value;
    if (!transport_secure((enum transport)flow->transport) ||
        endpoint_tls_domain(proxy->endpoint).len == 0)
        return false;
    if (leaving)
        return f->to_server;
    sip_values_init(&values, f->msg, SIP_HEADER_VIA);
    return sip_values_next(&values, &value) && sip_values_next(&values, &value);
}

/* As the side that the request leaves by, or came from, is to find us. */
static void write_self(struct proxy *proxy, struct writer *w, const struct proxy_forward *f,
                       bool leaving)
{
    const struct flow *flow = leaving ? f->leaves : f->arrived;
    struct address self = endpoint_sent_by(proxy->endpoint, flow);
    enum transport transport = (enum transport)flow->transport;
    /* 16.6 step 4: sips where the Request-URI is; that says TLS by itself. */
    bool secure = transport_secure(transport) && leaves_secure(f->info, f->target);
    writer_string(w, secure ? "sips:" : "sip:");
    if (wants_name(proxy, f, leaving))
        writer_put(w, endpoint_tls_domain(proxy->endpoint)); /* RFC 5922 section 7.5 */
    else
        address_write(w, &self);
    if (transport != TRANSPORT_UDP && !(secure && transport == TRANSPORT_TLS)) {
        writer_literal(w, ";transport=");
        writer_put(w, transport_uri_name(transport));
    }
    writer_literal(w, ";lr");
}

static void write_record_route(struct proxy *proxy, struct writer *w, const struct proxy_forward *f,
                               const struct proxy_flow_token *token, bool leaving, bool with_token)
{
    writer_literal(w, "Record-Route: <");
    write_self(proxy, w, f, leaving);
    writer_literal(w, ";tz=");
    writer_hex(
        w, proxy_token(proxy, f->msg, f->info->trusted ? PROXY_TOKEN_USER : PROXY_TOKEN_STRANGER),
        16);
    if (with_token) {
        writer_literal(w, ";fl=");
        proxy_flow_write(proxy, w, f->msg, token);
    }
    writer_literal(w, ">\r\n");
}

/* Cheap, and right for nearly all: nothing asks for a closer look at the Contact. Its host is that
 * of Via, which is where the request came from. */
static bool shows_where_it_is(const struct proxy_forward *f, struct slice contact)
{
    const struct sip_via *via = &f->msg->parts.via;
    const struct address *remote = &f->arrived->remote;
    struct address sent_by;
    uint16_t port = via->port ? via->port : 5060;
    return !flow_reliable(f->arrived) && address_parse_host(via->host, 0, &sent_by) == 0 &&
           address_equal_host(&sent_by, remote) && (port == address_port(remote) || !via->rport) &&
           memmem(contact.ptr, contact.len, via->host.ptr, via->host.len) != NULL &&
           memmem(contact.ptr, contact.len, ";ob", 3) == NULL;
}

/* Is the flow that the request came along the only way back to who sent it? Then requests of the
 * dialog must find it (RFC 5626 section 5.3.2). Only who speaks to us himself has one Via. */
static bool needs_way_back(const struct proxy_forward *f)
{
    const struct sip_message *msg = f->msg;
    struct slice contact = sip_message_value(msg, SIP_HEADER_CONTACT), value, ob;
    struct sip_values values;
    struct sip_contact parsed;
    if (contact.len == 0 || shows_where_it_is(f, contact))
        return false;
    sip_values_init(&values, msg, SIP_HEADER_VIA);
    if (!sip_values_next(&values, &value) || sip_values_next(&values, &value) ||
        !sip_list_next(&contact, &value) || sip_contact_parse(value, &parsed) < 0 ||
        parsed.address.star)
        return false;
    return sip_uri_param(&parsed.uri, SLICE("ob"), &ob) ||
           nat_hides(&msg->parts.via, f->arrived, &parsed.uri) ||
           location_needs_flow(&parsed.uri, f->arrived);
}

/* Nobody but us reaches such a phone: it has no certificate to show, and no WebSocket to listen on.
 */
static bool only_through_us(const struct flow *flow)
{
    enum transport transport = (enum transport)flow->transport;
    return transport_secure(transport) || transport == TRANSPORT_WS;
}

/* Twice where the two sides differ, so that each side finds an address of ours that it can reach
 * (RFC 5658 section 4), and where one of them needs a flow token of its own. */
static void add_record_route(struct proxy *proxy, struct sip_edit *edit, struct lines *lines,
                             const struct proxy_forward *f, bool way_back)
{
    struct address in = endpoint_sent_by(proxy->endpoint, f->arrived);
    struct address out = endpoint_sent_by(proxy->endpoint, f->leaves);
    const struct sip_header *first = sip_message_first(f->msg, SIP_HEADER_RECORD_ROUTE);
    bool way_there = f->target->flow_only;
    const struct proxy_flow_token there = {.flow = *f->leaves,
                                           .instance = (uint32_t)f->target->instance};
    const struct proxy_flow_token back = {.flow = *f->arrived};
    write_record_route(proxy, &lines->w, f, &there, true, way_there);
    if (way_there || way_back || f->arrived->transport != f->leaves->transport ||
        !address_equal(&in, &out) || wants_name(proxy, f, false) != wants_name(proxy, f, true))
        write_record_route(proxy, &lines->w, f, &back, false, way_back);
    sip_edit_insert(edit, first ? first->name : sip_edit_headers_start(f->msg), take_lines(lines));
}

/* RFC 5626 section 5.1: a phone that speaks to us itself registers a flow elsewhere. */
static bool registers_flow(const struct proxy_forward *f)
{
    struct sip_values values;
    struct slice value;
    struct sip_contact contact;
    sip_values_init(&values, f->msg, SIP_HEADER_VIA);
    if (!sip_values_next(&values, &value) || sip_values_next(&values, &value))
        return false;
    sip_values_init(&values, f->msg, SIP_HEADER_CONTACT);
    while (sip_values_next(&values, &value)) {
        if (sip_contact_parse(value, &contact) == 0 && contact.reg_id != 0)
            return true;
    }
    return false;
}

/* A GRUU of ours in the Contact, or in the one that the phone called will answer with: requests of
 * the dialog come here anyway, and a Route spares the other side looking for our domain, which DNS
 * may not know. Where other proxies are in the path it keeps them from going round in spirals (RFC
 * 5627 section 6.2). */
static bool gruu_needs_us(const struct proxy *proxy, const struct proxy_forward *f)
{
    struct slice domain, contact = sip_message_value(f->msg, SIP_HEADER_CONTACT), value;
    struct sip_contact parsed;
    if (f->target->gruu)
        return true;
    return contact.len > 0 && memmem(contact.ptr, contact.len, ";gr", 3) != NULL &&
           sip_list_next(&contact, &value) && sip_contact_parse(value, &parsed) == 0 &&
           !parsed.address.star && gruu_is(&parsed.uri) &&
           domains_local(proxy->domains, parsed.uri.host, parsed.uri.port, &domain);
}

/* Many a phone speaks no other transport than the one that it was told to, whatever the Contact of
 * the other side says: without us its ACK and BYE would not arrive. */
static bool crosses_transports(const struct proxy_forward *f)
{
    unsigned leaves = f->large ? TRANSPORT_UDP : f->leaves->transport; /* large: TCP for its size */
    return f->arrived->transport != leaves;
}

/* One side is behind the same NAT as we are, the other is not: neither reaches the other. */
static bool crosses_nat(const struct proxy *proxy, const struct proxy_forward *f)
{
    return endpoint_behind_nat(proxy->endpoint, f->arrived) !=
           endpoint_behind_nat(proxy->endpoint, f->leaves);
}

static void add_path(struct proxy *proxy, struct sip_edit *edit, struct lines *lines,
                     const struct proxy_forward *f)
{
    const struct sip_header *first = sip_message_first(f->msg, SIP_HEADER_PATH);
    struct writer *w = &lines->w;
    writer_literal(w, "Path: <");
    write_self(proxy, w, f, true);
    writer_literal(w, ";ob;fl=");
    proxy_flow_write(proxy, w, f->msg,
                     &(struct proxy_flow_token){.flow = *f->arrived, .for_path = true});
    writer_literal(w, ">\r\n");
    sip_edit_insert(edit, first ? first->name : sip_edit_headers_start(f->msg), take_lines(lines));
}

/* A static route replaces the host of a URI of ours, so that the next server takes it as its own.
 */
static void write_static_uri(struct writer *w, const struct sip_uri *uri, struct slice next_hop)
{
    struct sip_uri hop;
    if (sip_uri_parse(next_hop, &hop) < 0)
        return;
    writer_string(w, uri->scheme == SIP_URI_SIPS ? "sips:" : "sip:");
    if (uri->user.len > 0) {
        writer_put(w, uri->user);
        writer_char(w, '@');
    }
    writer_put(w, hop.host);
    if (hop.port != 0)
        write_number(w, ":", hop.port, "");
}

/* 16.6 step 2: headers and a method parameter may not stand in a Request-URI. */
static bool may_hold_unwanted(struct slice uri)
{
    return memchr(uri.ptr, ';', uri.len) != NULL || memchr(uri.ptr, '?', uri.len) != NULL;
}

static void set_request_uri(struct sip_edit *edit, struct lines *lines,
                            const struct proxy_forward *f)
{
    const struct proxy_target *target = f->target;
    struct sip_uri uri;
    if (target->uri.len > 0 && !may_hold_unwanted(target->uri)) {
        writer_put(&lines->w, target->uri);
    } else if (target->uri.len > 0) {
        if (sip_uri_parse(target->uri, &uri) < 0)
            return;
        sip_uri_write_request(&lines->w, &uri);
    } else if (target->next_hop.len > 0 && f->info->uri.scheme != SIP_URI_TEL && f->info->ours) {
        write_static_uri(&lines->w, &f->info->uri, target->next_hop);
    } else if (f->info->strict || f->info->reached || f->info->uri.headers.len > 0) {
        sip_uri_write_request(&lines->w, &f->info->uri);
    } else {
        return;
    }
    sip_edit_replace(edit, f->msg->uri, take_lines(lines));
}

/* Our own Route values go; those of a Path come in front of the rest (16.4, 16.6 step 6, RFC 3327
 * section 5.3). Route lines that change are written anew as one. */
static void set_routes(struct sip_edit *edit, struct lines *lines, const struct proxy_forward *f)
{
    const struct proxy_route_info *info = f->info;
    if (info->own_routes == 0 && !info->strict && f->target->path.len == 0)
        return;
    struct sip_values values;
    struct slice value, previous = SLICE_NULL;
    unsigned index = 0, written = 0;
    if (f->target->path.len > 0) {
        writer_literal(&lines->w, "Route: ");
        writer_put(&lines->w, f->target->path);
        written++;
    }
    /* previous trails by one, so that the last value is left out when it has become the
     * Request-URI. */
    sip_values_init(&values, f->msg, SIP_HEADER_ROUTE);
    while (true) {
        bool more = sip_values_next(&values, &value);
        if (previous.len > 0 && index > info->own_routes && (more || !info->strict)) {
            if (written++ == 0)
                writer_literal(&lines->w, "Route: ");
            else
                writer_literal(&lines->w, ", ");
            writer_put(&lines->w, previous);
        }
        if (!more)
            break;
        previous = value;
        index++;
    }
    if (written > 0)
        writer_literal(&lines->w, "\r\n");
    const struct sip_header *first = sip_message_first(f->msg, SIP_HEADER_ROUTE);
    const char *at = first ? first->name : sip_edit_headers_start(f->msg);
    sip_edit_remove_all(edit, SIP_HEADER_ROUTE);
    sip_edit_insert(edit, at, take_lines(lines));
}

/* 16.6 step 6: the next Route value names a strict router: it goes into the Request-URI, the URI to
 * the end of Route. */
static bool next_is_strict(const struct proxy_forward *f, struct slice *ret_uri)
{
    struct sip_address address;
    struct sip_uri uri;
    if (!f->info->has_route || f->target->path.len > 0 || f->target->uri.len > 0)
        return false;
    if (sip_address_parse(f->info->next_route, false, &address) < 0 ||
        sip_uri_parse(address.uri, &uri) < 0 || uri.lr)
        return false;
    *ret_uri = address.uri;
    return true;
}

static void write_strict(struct sip_edit *edit, struct lines *lines, const struct proxy_forward *f,
                         struct slice router)
{
    struct sip_values values;
    struct slice value, previous = SLICE_NULL;
    unsigned index = 0;
    sip_edit_replace(edit, f->msg->uri, router);
    writer_literal(&lines->w, "Route: ");
    /* previous trails by one: when the hop before us was a strict router too, the last value is the
     * Request-URI, which is written below anyway. */
    sip_values_init(&values, f->msg, SIP_HEADER_ROUTE);
    for (bool more = true; more; previous = value, index++) {
        more = sip_values_next(&values, &value);
        if (index <= f->info->own_routes + 1 || (!more && f->info->strict))
            continue;
        writer_put(&lines->w, previous);
        writer_literal(&lines->w, ", ");
    }
    writer_char(&lines->w, '<');
    writer_put(&lines->w, f->info->uri_text);
    writer_literal(&lines->w, ">\r\n");
    const struct sip_header *first = sip_message_first(f->msg, SIP_HEADER_ROUTE);
    sip_edit_remove_all(edit, SIP_HEADER_ROUTE);
    sip_edit_insert(edit, first->name, take_lines(lines));
}

/* 16.6 step 3. */
static void set_max_forwards(struct sip_edit *edit, struct lines *lines,
                             const struct proxy_forward *f)
{
    const struct sip_header *line = sip_message_first(f->msg, SIP_HEADER_MAX_FORWARDS);
    if (line != NULL) {
        writer_u64(&lines->w, f->info->max_forwards - 1);
        sip_edit_replace(edit, sip_header_value(line), take_lines(lines));
        return;
    }
    write_number(&lines->w, "Max-Forwards: ", f->info->max_forwards, "\r\n");
    sip_edit_insert(edit, sip_edit_headers_start(f->msg), take_lines(lines));
}

/* 18.2.1 for the hop before us, then our own Via above it. */
static void set_via(struct proxy *proxy, struct sip_edit *edit, struct lines *lines,
                    const struct proxy_forward *f)
{
    const struct sip_header *first = sip_message_first(f->msg, SIP_HEADER_VIA);
    struct sip_values values;
    struct slice top;
    endpoint_write_via(proxy->endpoint, &lines->w, f->leaves, &f->branch);
    sip_edit_insert(edit, first->name, take_lines(lines));
    sip_values_init(&values, f->msg, SIP_HEADER_VIA);
    if (!sip_values_next(&values, &top))
        return;
    sip_via_write_received(&lines->w, f->msg, &f->arrived->remote);
    struct slice fixed = take_lines(lines);
    if (!slice_equal(fixed, top))
        sip_edit_replace(edit, top, fixed);
}

/* RFC 5393 section 5.3.3.1: the breadth that is left for this branch. */
static void set_max_breadth(struct sip_edit *edit, struct lines *lines,
                            const struct proxy_forward *f)
{
    if (f->breadth == 0)
        return;
    sip_edit_remove_all(edit, SIP_HEADER_MAX_BREADTH);
    write_number(&lines->w, "Max-Breadth: ", f->breadth, "\r\n");
    sip_edit_insert(edit, sip_edit_headers_end(f->msg), take_lines(lines));
}

/* Credentials for our realm have done their work here (RFC 3261 section 22.3). */
static void drop_credentials(struct proxy *proxy, struct sip_edit *edit,
                             const struct sip_message *msg)
{
    if (!proxy->config.auth)
        return;
    for (const struct sip_header *h = sip_message_first(msg, SIP_HEADER_PROXY_AUTHORIZATION);
         h != NULL; h = sip_message_next(msg, h)) {
        if (authenticator_owns(proxy->authenticator, sip_header_value(h)))
            sip_edit_remove_line(edit, h);
    }
}

int proxy_forward_write(struct proxy *proxy, const struct proxy_forward *f, struct slice *ret_bytes)
{
    struct lines lines = {0};
    struct sip_edit edit;
    struct writer out;
    struct slice strict_router;
    writer_init(&lines.w, proxy->text, sizeof(proxy->text));
    writer_init(&out, proxy->out, proxy->out_size);
    sip_edit_init(&edit, f->msg);
    if (next_is_strict(f, &strict_router)) {
        write_strict(&edit, &lines, f, strict_router);
    } else {
        set_request_uri(&edit, &lines, f);
        set_routes(&edit, &lines, f);
    }
    set_via(proxy, &edit, &lines, f);
    set_max_forwards(&edit, &lines, f);
    set_max_breadth(&edit, &lines, f);
    if (wants_record_route(f->msg)) {
        bool way_back = needs_way_back(f);
        if (proxy->config.record_route || f->target->flow_only || way_back ||
            only_through_us(f->arrived) || only_through_us(f->leaves) || gruu_needs_us(proxy, f) ||
            crosses_transports(f) || crosses_nat(proxy, f))
            add_record_route(proxy, &edit, &lines, f, way_back);
    } else if (f->msg->method == SIP_REGISTER && registers_flow(f)) {
        add_path(proxy, &edit, &lines, f);
    }
    drop_credentials(proxy, &edit, f->msg);
    /* 16.6 step 9: streams need it. */
    if (f->msg->first[SIP_HEADER_CONTENT_LENGTH] == SIP_NO_HEADER) {
        write_number(&lines.w, "Content-Length: ", f->msg->body.len, "\r\n");
        sip_edit_insert(&edit, sip_edit_headers_end(f->msg), take_lines(&lines));
    }
    int status = writer_status(&lines.w);
    if (status == 0)
        status = sip_edit_write(&edit, &out);
    if (status == 0)
        *ret_bytes = writer_slice(&out);
    return status == ERR_LIMIT ? ERR_RANGE : status;
}
