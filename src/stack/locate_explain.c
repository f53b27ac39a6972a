/* What the machine decides, in words. */
#include <stdio.h>

#include "base/error.h"
#include "stack/locate.h"

static const char *type_name(enum dns_type type)
{
    switch (type) {
    case DNS_NAPTR: return "NAPTR";
    case DNS_SRV: return "SRV";
    case DNS_AAAA: return "AAAA";
    default: return "A";
    }
}

void locate_explain_input(const struct locate *locate)
{
    const struct locate_input *input = &locate->input;
    char port[16] = "no port";
    struct slice transport = SLICE("no transport");
    if (input->port != 0)
        (void)snprintf(port, sizeof port, "port %u", input->port);
    if (input->has_transport)
        transport = transport_via_name((enum transport)input->transport);
    locate_say(locate->trace, "RFC 3263 4", "the target is %.*s, with %s and %s%.*s%s",
               SLICE_ARG(input->host), port, input->has_transport ? "transport " : "",
               SLICE_ARG(transport),
               input->secure ? "; the URI is a sips URI, so only TLS will do" : "");
}

/* Is a record of a lower order of use? */
static bool comes_too_late(const struct locate *locate, const struct dns_answer *answer,
                           const struct dns_naptr *naptr)
{
    uint8_t transport;
    unsigned first;
    return locate_naptr_usable(locate, answer, 1, &transport, &first) > 0 &&
           naptr->order > answer->records[first].naptr.order;
}

static void explain_naptr(const struct locate *locate, const struct dns_answer *answer,
                          const struct dns_naptr *naptr)
{
    bool secure = false;
    uint8_t transport;
    const char *why = "is of use";
    if (!slice_equal_nocase(naptr->flags, SLICE("s")) || naptr->regexp.len > 0 ||
        naptr->replacement.len == 0)
        why = "is left out: its flag is not \"s\", or it has no replacement";
    else if (locate_service(naptr->service, &secure, &transport) < 0)
        why = "is left out: not a SIP service that this server knows";
    else if (locate->input.secure && !secure)
        why = "is left out: not secure, and the URI is a sips URI";
    else if (!locate_speaks(locate->speaks, transport))
        why = "is left out: this server has no listener for it";
    else if (comes_too_late(locate, answer, naptr))
        why = "is left out: a record of a lower order is of use";
    locate_say(locate->trace, "RFC 3263 4.1", "    NAPTR %u %u \"%.*s\" \"%.*s\" %.*s %s",
               naptr->order, naptr->preference, SLICE_ARG(naptr->flags), SLICE_ARG(naptr->service),
               SLICE_ARG(naptr->replacement), why);
}

static void explain_record(const struct locate *locate, const struct locate_question *question,
                           const struct dns_record *record)
{
    if (question->type == DNS_NAPTR) {
        explain_naptr(locate, question->answer, &record->naptr);
        return;
    }
    const struct dns_srv *srv = &record->srv;
    const char *rest = srv->target.len == 0 || srv->port == 0 ? " (no server)" : "";
    locate_say(locate->trace, "RFC 2782",
               "    SRV priority %u, weight %u: %.*s%s port %u by %.*s%s", srv->priority,
               srv->weight, SLICE_ARG(srv->target), srv->target.len == 0 ? "." : "", srv->port,
               SLICE_ARG(transport_via_name((enum transport)question->transport)), rest);
}

void locate_explain_answer(const struct locate *locate, const struct locate_question *question,
                           const struct dns_answer *answer)
{
    const char *type = type_name(question->type);
    const char *section = question->type == DNS_NAPTR ? "RFC 3263 4.1" : "RFC 3263 4.2";
    if (question->status < 0) {
        const char *what = question->status == ERR_NOT_FOUND     ? "no such record"
                           : question->status == ERR_INVALID     ? "false or malformed"
                           : question->status == ERR_UNREACHABLE ? "no DNS server answers"
                                                                 : error_text(question->status);
        locate_say(locate->trace, section, "  %s %.*s: %s", type, SLICE_ARG(question->name), what);
        return;
    }
    locate_say(locate->trace, section, "  %s %.*s: %u record%s%s", type, SLICE_ARG(question->name),
               answer->count, answer->count == 1 ? "" : "s",
               answer->secure ? ", proved by DNSSEC" : "");
    for (unsigned i = 0; i < answer->count; i++)
        explain_record(locate, question, &answer->records[i]);
    if (answer->left_out > 0)
        locate_say(locate->trace, section, "    and %u more, left out", answer->left_out);
}
