/* What agents write. */
#include <stdio.h>

#include "sim/agent/agent.h"
#include "sim/server/server.h"

static void write_contact(struct agent *agent, struct writer *w)
{
    char text[ADDRESS_TEXT_MAX];
    writer_format(w, "Contact: <sip:%s@%s%s>\r\n", agent->name,
                  address_text(&agent->wire.local, text), agent->tcp ? ";transport=tcp" : "");
}

static void write_credentials(struct agent *agent, const struct agent_request *request,
                              struct writer *w)
{
    bool registers = strcmp(request->method, "REGISTER") == 0;
    struct digest_credentials credentials = {
        .header = registers ? "Authorization" : "Proxy-Authorization",
        .user = agent->user,
        .password = SIM_PASSWORD,
        .method = slice_from_string(request->method),
        .uri = slice_from_string(request->uri),
    };
    if (request->credentials && agent->challenge.known)
        digest_write(w, &agent->challenge, &credentials);
}

void agent_write_request(struct agent *agent, const struct agent_request *request, struct writer *w)
{
    char text[ADDRESS_TEXT_MAX];
    bool tcp;
    struct address to;
    agent_next_hop(agent, request->route, request->uri, &tcp, &to);
    writer_format(w, "%s %s SIP/2.0\r\n", request->method, request->uri);
    writer_format(w, "Via: SIP/2.0/%s %s;rport;branch=z9hG4bK%s.%u\r\n", tcp ? "TCP" : "UDP",
                  address_text(&agent->wire.local, text), agent->name, ++agent->ids);
    writer_string(w, request->route != NULL ? request->route : "");
    writer_format(w, "Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
                  request->from, request->to, request->call_id, request->cseq, request->method);
    if (strcmp(request->method, "REGISTER") != 0)
        write_contact(agent, w);
    writer_string(w, request->extra != NULL ? request->extra : "");
    write_credentials(agent, request, w);
    writer_literal(w, "Content-Length: 0\r\n\r\n");
}

/* 17.1.1.3. */
void agent_write_ack(struct agent *agent, const struct agent_tx *tx, const struct view *response,
                     struct writer *w)
{
    const struct view *invite = &tx->view;
    (void)agent;
    writer_format(w, "ACK %.*s SIP/2.0\r\nVia: %.*s\r\n", SLICE_ARG(invite->uri),
                  SLICE_ARG(view_line(invite, "Via", 0)));
    for (unsigned i = 0; view_line(invite, "Route", i).len > 0; i++)
        writer_format(w, "Route: %.*s\r\n", SLICE_ARG(view_line(invite, "Route", i)));
    writer_format(w, "Max-Forwards: 70\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: %.*s\r\n",
                  SLICE_ARG(view_line(invite, "From", 0)), SLICE_ARG(view_line(response, "To", 0)),
                  SLICE_ARG(invite->call_id));
    writer_format(w, "CSeq: %u ACK\r\nContent-Length: 0\r\n\r\n", invite->cseq);
}

void agent_write_response(struct agent *agent, const struct view *request, unsigned status,
                          const char *extra, struct writer *w)
{
    writer_format(w, "SIP/2.0 %u Result\r\n", status);
    for (unsigned i = 0; view_line(request, "Via", i).len > 0; i++)
        writer_format(w, "Via: %.*s\r\n", SLICE_ARG(view_line(request, "Via", i)));
    for (unsigned i = 0; view_line(request, "Record-Route", i).len > 0; i++)
        writer_format(w, "Record-Route: %.*s\r\n",
                      SLICE_ARG(view_line(request, "Record-Route", i)));
    writer_format(w, "From: %.*s\r\nTo: %.*s", SLICE_ARG(view_line(request, "From", 0)),
                  SLICE_ARG(view_line(request, "To", 0)));
    if (request->to_tag.len == 0 && status > 100)
        writer_format(w, ";tag=%s", agent->name);
    writer_format(w, "\r\nCall-ID: %.*s\r\nCSeq: %u %.*s\r\n", SLICE_ARG(request->call_id),
                  request->cseq, SLICE_ARG(request->method));
    if (status < 300)
        write_contact(agent, w);
    writer_string(w, extra != NULL ? extra : "");
    writer_literal(w, "Content-Length: 0\r\n\r\n");
}

void agent_next_hop(struct agent *agent, const char *route, const char *uri_text, bool *ret_tcp,
                    struct address *ret_to)
{
    struct slice uri = slice_from_string(uri_text), rest;
    *ret_tcp = agent->tcp;
    *ret_to = agent->crowd->server;
    if (route == NULL)
        return; /* outside of a dialog: the server is the outbound proxy */
    if (route[0] != '\0') {
        rest = slice_from_string(route);
        (void)slice_cut(&rest, '<');
        uri = slice_cut(&rest, '>');
    }
    *ret_tcp = slice_equal_nocase(view_uri_param(uri, "transport"), SLICE("tcp"));
    rest = uri;
    (void)slice_cut(&rest, ':');
    struct slice host = slice_cut(&rest, ';');
    if (slice_index(host, '@') < host.len)
        (void)slice_cut(&host, '@');
    if (address_parse(host, ret_to) < 0)
        (void)address_parse_host(host, 5060, ret_to);
}

bool agent_challenged(struct agent *agent, const struct view *response)
{
    const char *name = response->status == 401 ? "WWW-Authenticate" : "Proxy-Authenticate";
    for (unsigned i = 0; view_line(response, name, i).len > 0; i++) {
        if (digest_read(view_line(response, name, i), &agent->challenge))
            return true;
    }
    return false;
}
