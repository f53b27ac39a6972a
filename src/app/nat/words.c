#include "app/nat/words.h"

#include <errno.h>

static void line(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%-12s %s\n", name, value);
}

static void address_line(FILE *out, const char *name, const struct address *a, const char *more)
{
    char text[ADDRESS_TEXT_MAX];
    fprintf(out, "%-12s %s%s\n", name, address_text(a, text), more);
}

static void print_send_error(FILE *out, int error)
{
    if (error == EPERM || error == EACCES)
        line(out, "sending", "is forbidden: by a firewall on this machine");
    else if (error == ENETUNREACH || error == EHOSTUNREACH)
        line(out, "sending", "fails: no route leads there");
    else
        fprintf(out, "%-12s fails (errno %d)\n", "sending", error);
}

static void print_kind(FILE *out, const struct nat_report *r)
{
    line(out, "kind", nat_kind_text(r->kind));
    line(out, "", nat_kind_meaning(r->kind));
    if (r->gap != NAT_GAP_NONE)
        line(out, "", nat_gap_meaning(r->gap));
    if (r->mapping != NAT_MAPPING_UNTOLD)
        line(out, "mapping", nat_mapping_text(r->mapping));
    if (r->filtering != NAT_FILTERING_UNTOLD)
        line(out, "filtering", nat_filtering_text(r->filtering));
}

static void print_lifetime(FILE *out, const struct nat_finding *f)
{
    if (f->lifetime == NAT_LIFETIME_UNTOLD)
        line(out, "lifetime", "unknown: the server sends no answers to another port of ours");
    if (f->lifetime != NAT_LIFETIME_TOLD)
        return;
    if (f->gone_ms == 0)
        fprintf(out, "%-12s a mapping lives longer than %.1f s (--lifetime 5m looks further)\n",
                "lifetime", f->alive_ms / 1000.0);
    else
        fprintf(out, "%-12s a mapping dies between %.1f s and %.1f s after its last packet\n",
                "lifetime", f->alive_ms / 1000.0, f->gone_ms / 1000.0);
}

static void print_rest(FILE *out, const struct nat_finding *f)
{
    const struct nat_report *r = &f->report;
    if (r->translated)
        line(out, "ports", r->port_kept ? "kept: outside as inside" : "changed");
    if (r->hairpin == NAT_HAIRPIN_YES)
        line(out, "hairpinning", "yes: two phones behind this NAT reach each other at its outside");
    if (r->hairpin == NAT_HAIRPIN_NO)
        line(out, "hairpinning", "no: two phones behind this NAT need their inside addresses");
    print_lifetime(out, f);
    if (r->fragments != NAT_FRAGMENTS_UNTOLD)
        line(out, "fragments", nat_fragments_text(r->fragments));
    if (r->altered)
        line(out, "addresses",
             "are rewritten inside messages on the way (an ALG): switch it off, or use TLS");
}

static const char *state_text(enum nat_stream_state state)
{
    switch (state) {
    case NAT_STREAM_ANSWERED: return "answers";
    case NAT_STREAM_REFUSED: return "refused: nobody listens there";
    case NAT_STREAM_SILENT: return "no answer";
    default: return "connects, but no STUN server answers";
    }
}

static void print_streams(FILE *out, const struct nat_finding *f)
{
    char text[ADDRESS_TEXT_MAX];
    for (unsigned i = 0; i < f->stream_count; i++) {
        const struct nat_stream *s = &f->streams[i];
        fprintf(out, "%-12s %s %s", s->tls ? "TLS" : "TCP", address_text(&s->server, text),
                state_text(s->state));
        if (s->state == NAT_STREAM_ANSWERED)
            fprintf(out, "; it sees you at %s", address_text(&s->mapped, text));
        (void)putc('\n', out);
    }
}

static void print_calls(FILE *out, const struct nat_report *r)
{
    line(out, "calls", nat_calls_sentence(r->calls));
    line(out, "", nat_calls_reason(r->calls));
}

void nat_print(FILE *out, const struct nat_finding *f)
{
    const struct nat_report *r = &f->report;
    address_line(out, "server", &f->server, " over UDP");
    address_line(out, "you", &f->local, "");
    if (r->has_outside)
        address_line(out, "outside", &r->outside,
                     r->translated ? "" : ", your own address: no NAT");
    if (r->status != 0)
        fprintf(out, "%-12s %u to the first request\n", "refused", r->status);
    if (f->send_error != 0)
        print_send_error(out, f->send_error);
    print_kind(out, r);
    print_rest(out, f);
    print_streams(out, f);
    print_calls(out, r);
}

static void set_address(json_t *object, const char *key, const struct address *a)
{
    char text[ADDRESS_TEXT_MAX];
    json_object_set_new(object, key, json_string(address_text(a, text)));
}

static json_t *lifetime_json(const struct nat_finding *f)
{
    if (f->lifetime != NAT_LIFETIME_TOLD)
        return json_null();
    json_t *object = json_pack("{s:I}", "alive_ms", (json_int_t)f->alive_ms);
    json_object_set_new(object, "gone_ms",
                        f->gone_ms == 0 ? json_null() : json_integer((json_int_t)f->gone_ms));
    return object;
}

static json_t *streams_json(const struct nat_finding *f)
{
    static const char *const states[] = {[NAT_STREAM_ANSWERED] = "answered",
                                         [NAT_STREAM_REFUSED] = "refused",
                                         [NAT_STREAM_SILENT] = "silent",
                                         [NAT_STREAM_STRANGE] = "strange"};
    json_t *array = json_array();
    for (unsigned i = 0; i < f->stream_count; i++) {
        json_t *object = json_pack("{s:s, s:s}", "transport", f->streams[i].tls ? "tls" : "tcp",
                                   "state", states[f->streams[i].state]);
        set_address(object, "server", &f->streams[i].server);
        json_array_append_new(array, object);
    }
    return array;
}

json_t *nat_json(const struct nat_finding *f)
{
    const struct nat_report *r = &f->report;
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "kind", nat_kind_text(r->kind),
        "meaning", nat_kind_meaning(r->kind), "mapping", nat_mapping_text(r->mapping), "filtering",
        nat_filtering_text(r->filtering), "hairpinning", nat_hairpin_text(r->hairpin), "fragments",
        nat_fragments_text(r->fragments), "calls", nat_calls_text(r->calls), "why",
        nat_calls_reason(r->calls), "gap", nat_gap_text(r->gap), "addresses_rewritten",
        (int)r->altered);
    set_address(object, "server", &f->server);
    set_address(object, "local", &f->local);
    json_object_set_new(object, "outside", json_null());
    json_object_set_new(object, "translated",
                        r->has_outside ? json_boolean(r->translated) : json_null());
    json_object_set_new(object, "port_kept",
                        r->has_outside ? json_boolean(r->port_kept) : json_null());
    if (r->has_outside)
        set_address(object, "outside", &r->outside);
    json_object_set_new(object, "lifetime", lifetime_json(f));
    json_object_set_new(object, "streams", streams_json(f));
    json_object_set_new(object, "took_ms", json_integer((json_int_t)f->took_ms));
    return object;
}
