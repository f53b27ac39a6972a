#include "parts.h"

#include <arpa/inet.h>

static const struct span cookie = {"z9hG4bKlg", 9};

void part_user(struct text *text, uint32_t user)
{
    text_add(text, "u");
    text_decimal(text, user, 7);
}

void part_aor(struct text *text, const struct engine *engine, uint32_t user)
{
    part_user(text, user);
    text_add(text, "@");
    text_bytes(text, engine->options->domain, strlen(engine->options->domain));
}

static void part_address(struct text *text, const struct engine *engine, unsigned source)
{
    uint32_t ip = ntohl(engine->options->local.sin_addr.s_addr);
    for (int shift = 24; shift >= 0; shift -= 8) {
        text_decimal(text, ip >> shift & 255, 1);
        if (shift)
            text_add(text, ".");
    }
    text_add(text, ":");
    text_decimal(text, engine_port(engine, source), 1);
}

void part_contact_uri(struct text *text, const struct engine *engine, uint32_t user)
{
    text_add(text, "sip:");
    part_user(text, user);
    text_add(text, "@");
    part_address(text, engine, engine_source(engine, user));
    if (strcmp(options_contact(engine->options), "udp") != 0) {
        text_add(text, ";transport=");
        text_bytes(text, options_contact(engine->options), 3);
    }
}

void part_via(struct text *text, const struct engine *engine, unsigned source, struct branch branch)
{
    static const char *const names[] = {[NET_UDP] = "Via: SIP/2.0/UDP ",
                                        [NET_TCP] = "Via: SIP/2.0/TCP ",
                                        [NET_TLS] = "Via: SIP/2.0/TLS "};
    text_bytes(text, names[options_transport(engine->options)], 17);
    part_address(text, engine, source);
    text_add(text, ";rport;branch=");
    text_span_add(text, cookie);
    text_hex(text, branch.slot);
    text_hex(text, branch.generation);
    text_bytes(text, &branch.letter, 1);
    text_add(text, "\r\nMax-Forwards: 70\r\n");
}

bool part_branch_read(const struct message *message, struct branch *ret_branch)
{
    struct span branch = scan_parameter(message->first[HEADER_VIA], SPAN("branch="));
    if (branch.len != cookie.len + 17 || !span_starts(branch, cookie) ||
        !hex_read(branch.ptr + cookie.len, &ret_branch->slot) ||
        !hex_read(branch.ptr + cookie.len + 8, &ret_branch->generation))
        return false;
    ret_branch->letter = branch.ptr[cookie.len + 16];
    return true;
}

bool part_single_via(const struct message *message)
{
    struct span via = message->first[HEADER_VIA];
    return message->count[HEADER_VIA] == 1 && !memchr(via.ptr, ',', via.len);
}

bool part_contact_present(const struct engine *engine, const struct message *message, uint32_t user)
{
    char buf[80];
    struct text uri = text_init(buf, sizeof buf);
    part_contact_uri(&uri, engine, user);
    for (unsigned i = 0; i < message->line_count; i++) {
        if (message->lines[i].header == HEADER_CONTACT &&
            span_search(message->lines[i].value, text_span(&uri)) >= 0)
            return true;
    }
    return false;
}
