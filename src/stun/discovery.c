#include "stun/discovery.h"

#include "stun/binding.h"
#include "stun/discovery_table.h"

#define PADDING_FEW 4
#define PADDING_MIN 1280u

void discovery_init(struct discovery *d, const struct address *local, const struct address *primary,
                    unsigned mtu)
{
    unsigned padding = mtu < PADDING_MIN              ? PADDING_MIN
                       : mtu > STUN_PROBE_PADDING_MAX ? STUN_PROBE_PADDING_MAX
                                                      : mtu;
    *d = (struct discovery){.local = *local, .primary = *primary, .padding = (uint16_t)padding};
    if (address_is_v6(local))
        d->local.in6.sin6_scope_id = 0; /* a server tells none */
}

/* The mapped address to compare with. False: there is none. */
static bool reference(const struct discovery *d, unsigned against, struct address *ret_address)
{
    const struct discovery_result *r = &d->results[DISCOVERY_OTHER_IP];
    if (against == DISCOVERY_AGAINST_LOCAL) {
        *ret_address = d->local;
        return true;
    }
    if (against == DISCOVERY_AGAINST_PLAIN)
        r = &d->results[d->results[DISCOVERY_AGAIN].answered ? DISCOVERY_AGAIN : DISCOVERY_PLAIN];
    *ret_address = r->mapped;
    return r->answered;
}

/* False: the test is not over. */
static bool outcome_of(const struct discovery *d, const struct discovery_node *node,
                       enum discovery_outcome *ret_outcome)
{
    const struct discovery_result *r = &d->results[node->test];
    struct address other;
    if (discovery_plans[node->test].needs_other && d->results[DISCOVERY_PLAIN].answered &&
        !d->has_other)
        *ret_outcome = DISCOVERY_UNTOLD;
    else if (!r->over)
        return false;
    else if (r->refused)
        *ret_outcome = DISCOVERY_UNTOLD;
    else if (!r->answered)
        *ret_outcome = DISCOVERY_SILENT;
    else if (node->against == DISCOVERY_ANY)
        *ret_outcome = DISCOVERY_SAME;
    else if (!reference(d, node->against, &other))
        *ret_outcome = DISCOVERY_UNTOLD;
    else
        *ret_outcome = address_equal(&r->mapped, &other) ? DISCOVERY_SAME : DISCOVERY_DIFFERENT;
    return true;
}

static const struct discovery_row *row_of(const struct discovery_figure *figure, unsigned node,
                                          enum discovery_outcome outcome)
{
    const struct discovery_row *row = figure->rows;
    while (row->node != node || row->outcome != outcome)
        row++;
    return row;
}

bool discovery_follow(const struct discovery *d, enum discovery_procedure procedure,
                      unsigned *ret_node, unsigned *ret_verdict)
{
    const struct discovery_figure *figure = &discovery_figures[procedure];
    enum discovery_outcome outcome;
    unsigned node = 0;
    while (outcome_of(d, &figure->nodes[node], &outcome)) {
        const struct discovery_row *row = row_of(figure, node, outcome);
        if (row->next == DISCOVERY_END) {
            *ret_verdict = row->verdict;
            return true;
        }
        node = row->next;
    }
    *ret_node = node;
    return false;
}

/* Can a procedure come to a node that asks for the test? Arrows lead to later nodes only. */
static bool procedure_wants(const struct discovery *d, enum discovery_procedure procedure,
                            enum discovery_test test)
{
    const struct discovery_figure *figure = &discovery_figures[procedure];
    bool reached[DISCOVERY_NODES] = {false};
    unsigned first, verdict;
    if (discovery_follow(d, procedure, &first, &verdict))
        return false;
    reached[first] = true;
    for (unsigned node = first; node < figure->node_count; node++) {
        enum discovery_outcome outcome = DISCOVERY_OUTCOMES;
        if (!reached[node])
            continue;
        if (figure->nodes[node].test == test)
            return true;
        bool known = outcome_of(d, &figure->nodes[node], &outcome);
        for (unsigned i = 0; i < figure->row_count; i++) {
            const struct discovery_row *row = &figure->rows[i];
            if (row->node == node && row->next != DISCOVERY_END &&
                (!known || row->outcome == outcome))
                reached[row->next] = true;
        }
    }
    return false;
}

static bool wants(const struct discovery *d, enum discovery_test test)
{
    if (d->results[test].over)
        return false;
    for (unsigned i = 0; i < DISCOVERY_PROCEDURES; i++) {
        if (procedure_wants(d, (enum discovery_procedure)i, test))
            return true;
    }
    return false;
}

/* Is one of those that come before still to be waited for? */
static bool blocked(const struct discovery *d, enum discovery_test test)
{
    for (unsigned i = 0; i < DISCOVERY_TESTS; i++) {
        if (discovery_plans[test].after >> i & 1 && wants(d, (enum discovery_test)i))
            return true;
    }
    return false;
}

bool discovery_next(struct discovery *d, enum discovery_test *ret_test)
{
    for (unsigned i = 0; i < DISCOVERY_TESTS; i++) {
        enum discovery_test test = (enum discovery_test)i;
        if (d->results[i].started || !wants(d, test) || blocked(d, test))
            continue;
        d->results[i].started = true;
        *ret_test = test;
        return true;
    }
    return false;
}

enum discovery_socket discovery_socket(enum discovery_test test)
{
    return (enum discovery_socket)discovery_plans[test].socket;
}

unsigned discovery_sends(enum discovery_test test)
{
    return discovery_plans[test].sends;
}

void discovery_request(const struct discovery *d, enum discovery_test test, struct address *ret_to,
                       struct stun_probe *probe)
{
    struct address to = d->primary;
    *probe = (struct stun_probe){.change = discovery_plans[test].change};
    if (test == DISCOVERY_OTHER_IP || test == DISCOVERY_OTHER)
        to = d->other;
    if (test == DISCOVERY_OTHER_IP)
        address_set_port(&to, address_port(&d->primary));
    if (test == DISCOVERY_HAIRPIN)
        to = d->results[DISCOVERY_PLAIN].mapped;
    if (test == DISCOVERY_PADDED)
        probe->padding = PADDING_FEW;
    if (test == DISCOVERY_FRAGMENTS)
        probe->padding = d->padding;
    *ret_to = to;
}

bool discovery_back(const struct discovery *d, enum discovery_test test, struct address *ret_to)
{
    if (test != DISCOVERY_HAIRPIN)
        return false;
    *ret_to = d->results[DISCOVERY_SECOND].mapped;
    return true;
}

/* What a server names as its other address is written to, so it must be one that a server can have,
 * and other than the first in both parts: else the tests say nothing. */
static bool usable(const struct address *primary, const struct address *other)
{
    return other->sa.sa_family == primary->sa.sa_family && !address_equal_host(other, primary) &&
           address_port(other) != address_port(primary) && address_port(other) != 0 &&
           !address_is_wildcard(other) && !address_is_multicast_or_broadcast(other) &&
           address_is_loopback(other) == address_is_loopback(primary);
}

/* RFC 5780 section 6.1, table 1, seen from the client: is it the socket that was asked for? */
static bool comes_from(const struct discovery *d, enum discovery_test test,
                       const struct address *source)
{
    unsigned change = discovery_plans[test].change;
    struct address to;
    struct stun_probe probe;
    discovery_request(d, test, &to, &probe);
    return address_equal_host(source, &to) == ((change & STUN_CHANGE_IP) == 0) &&
           (address_port(source) == address_port(&to)) == ((change & STUN_CHANGE_PORT) == 0);
}

bool discovery_on_reply(struct discovery *d, enum discovery_test test, const struct address *source,
                        const struct stun_reply *reply)
{
    struct discovery_result *r = &d->results[test];
    bool asked = comes_from(d, test, source);
    if (!r->started || r->over || test == DISCOVERY_HAIRPIN)
        return false;
    /* An error comes from where the request went; a plain answer from elsewhere is a stranger's. */
    if (!asked && reply->status == 0 && discovery_plans[test].change == 0)
        return false;
    r->over = true;
    r->refused = reply->status != 0 || !asked;
    r->status = reply->status;
    r->answered = !r->refused;
    if (r->refused)
        return true;
    r->mapped = reply->mapped;
    d->altered |= reply->altered;
    if (test == DISCOVERY_PLAIN && reply->has_other && usable(&d->primary, &reply->other)) {
        d->has_other = true;
        d->other = reply->other;
    }
    return true;
}

void discovery_on_own_request(struct discovery *d, enum discovery_test test)
{
    struct discovery_result *r = &d->results[test];
    if (!r->started || r->over || test != DISCOVERY_HAIRPIN)
        return;
    r->over = r->answered = true;
}

void discovery_on_timeout(struct discovery *d, enum discovery_test test)
{
    if (d->results[test].started)
        d->results[test].over = true;
}

bool discovery_over(const struct discovery *d)
{
    unsigned node, verdict;
    for (unsigned i = 0; i < DISCOVERY_PROCEDURES; i++) {
        if (!discovery_follow(d, (enum discovery_procedure)i, &node, &verdict))
            return false;
    }
    return true;
}

static unsigned verdict_of(const struct discovery *d, enum discovery_procedure procedure)
{
    unsigned node, verdict = 0; /* every list begins with what is unknown */
    (void)discovery_follow(d, procedure, &node, &verdict);
    return verdict;
}

static bool is_silent(const struct discovery *d, enum discovery_test test)
{
    const struct discovery_result *r = &d->results[test];
    return r->over && !r->answered && !r->refused;
}

/* Why not everything is known. */
static enum nat_gap gap_of(const struct discovery *d, const struct nat_report *report)
{
    bool known = report->kind != NAT_UNTOLD && report->kind != NAT_SOME &&
                 report->kind != NAT_NONE && report->mapping != NAT_MAPPING_UNTOLD &&
                 report->filtering != NAT_FILTERING_UNTOLD;
    if (is_silent(d, DISCOVERY_PLAIN))
        return NAT_GAP_NO_ANSWER;
    if (known)
        return NAT_GAP_NONE;
    if (d->results[DISCOVERY_PLAIN].refused)
        return NAT_GAP_REFUSED;
    if (!d->has_other)
        return NAT_GAP_ONE_ADDRESS;
    if (d->results[DISCOVERY_BOTH].refused || d->results[DISCOVERY_PORT].refused)
        return NAT_GAP_NO_CHANGE;
    return NAT_GAP_OTHER_SILENT;
}

/* All mappings of the main socket that were seen. */
static bool port_kept(const struct discovery *d)
{
    static const unsigned char seen[] = {DISCOVERY_PLAIN, DISCOVERY_AGAIN, DISCOVERY_OTHER_IP,
                                         DISCOVERY_OTHER};
    for (unsigned i = 0; i < sizeof seen; i++) {
        const struct discovery_result *r = &d->results[seen[i]];
        if (r->answered && address_port(&r->mapped) != address_port(&d->local))
            return false;
    }
    return true;
}

void discovery_report(const struct discovery *d, struct nat_report *ret_report)
{
    const struct discovery_result *plain = &d->results[DISCOVERY_PLAIN];
    struct nat_report report = {
        .has_outside = plain->answered,
        .outside = plain->mapped,
        .translated = plain->answered && !address_equal(&plain->mapped, &d->local),
        .port_kept = plain->answered && port_kept(d),
        .altered = d->altered,
        .status = plain->status,
        .kind = (enum nat_kind)verdict_of(d, DISCOVERY_CLASSIC),
        .mapping = (enum nat_mapping)verdict_of(d, DISCOVERY_MAPPING),
        .filtering = (enum nat_filtering)verdict_of(d, DISCOVERY_FILTERING),
        .hairpin = (enum nat_hairpin)verdict_of(d, DISCOVERY_TURNING),
        .fragments = (enum nat_fragments)verdict_of(d, DISCOVERY_PIECES),
    };
    report.calls = nat_calls_of(report.kind, report.mapping, report.filtering);
    report.gap = gap_of(d, &report);
    *ret_report = report;
}
