/* What a STUN server may send to `trapezoid nat`: every answer is the input's. RFC 3489 section
 * 10.1, RFC 5780 section 4. Each test that starts takes one record of the input: a byte that says
 * what happens, a length, and the answer; transaction IDs are put right in most. */
#include "fuzz/require.h"
#include "stun/binding.h"
#include "stun/discovery.h"
#include "stun/lifetime.h"

#define RECORD_MAX 255u

enum { SILENT = 1, STRANGER = 2, WRONG_ID = 4, FROM_PRIMARY = 8 };

static struct address address_of(const char *text)
{
    struct address a;
    require(address_parse(slice_from_string(text), &a) == 0);
    return a;
}

static uint8_t take_byte(struct slice *input)
{
    uint8_t value = input->len > 0 ? (uint8_t)input->ptr[0] : SILENT;
    *input = slice_from(*input, 1);
    return value;
}

/* Where a request may go: to the server, to the other address that the rules let pass, and to what
 * the server says is our own outside. */
static void check_target(const struct discovery *d, enum discovery_test test,
                         const struct address *to)
{
    if (test == DISCOVERY_HAIRPIN)
        return;
    require(to->sa.sa_family == d->primary.sa.sa_family);
    require(address_port(to) != 0);
    if (test != DISCOVERY_OTHER_IP && test != DISCOVERY_OTHER) {
        require(address_equal(to, &d->primary));
        return;
    }
    require(d->has_other && address_equal_host(to, &d->other));
    require(!address_is_multicast_or_broadcast(to) && !address_is_wildcard(to));
    require(!address_is_loopback(to));
}

/* True: the datagram has ended the test. */
static bool deliver(struct discovery *d, enum discovery_test test, const struct stun_probe *probe,
                    struct address source, struct slice datagram)
{
    struct stun_reply reply;
    if (test == DISCOVERY_HAIRPIN) {
        if (stun_probe_is_own(probe, datagram))
            discovery_on_own_request(d, test);
        return d->results[test].over;
    }
    if (stun_probe_read(probe, datagram, &reply) < 0)
        return false;
    require(reply.status == 0 || (reply.status >= 300 && reply.status <= 699));
    require(reply.status != 0 || reply.mapped.sa.sa_family == AF_INET ||
            reply.mapped.sa.sa_family == AF_INET6);
    return discovery_on_reply(d, test, &source, &reply);
}

static void run_test(struct discovery *d, enum discovery_test test, struct slice *input)
{
    char datagram[RECORD_MAX], request[STUN_PROBE_PADDING_MAX + 256];
    struct address to;
    struct stun_probe probe;
    uint8_t what = take_byte(input), length = take_byte(input);
    struct slice bytes = slice_of(input->ptr, length < input->len ? length : input->len);
    *input = slice_from(*input, bytes.len);
    discovery_request(d, test, &to, &probe);
    check_target(d, test, &to);
    stun_probe_id(&probe, "abcdefghijkl");
    require(stun_probe_write(&probe, request, sizeof request).len > 0);
    if (bytes.len > 0)
        memcpy(datagram, bytes.ptr, bytes.len);
    if (bytes.len >= STUN_HEADER_SIZE && (what & WRONG_ID) == 0)
        memcpy(datagram + 4, probe.id, STUN_ID_SIZE);
    struct stun_place place = {.origin = to, .other = d->other};
    struct address source = stun_place_origin(&place, probe.change);
    if (what & FROM_PRIMARY)
        source = d->primary;
    if (what & STRANGER)
        source = address_of("203.0.113.77:7");
    if (what & SILENT || !deliver(d, test, &probe, source, slice_of(datagram, bytes.len)))
        discovery_on_timeout(d, test);
    require(d->results[test].over);
}

static void check_report(const struct discovery *d)
{
    struct nat_report r;
    discovery_report(d, &r);
    require(*nat_kind_text(r.kind) && *nat_kind_meaning(r.kind) && *nat_mapping_text(r.mapping));
    require(*nat_filtering_text(r.filtering) && *nat_hairpin_text(r.hairpin));
    require(*nat_fragments_text(r.fragments) && *nat_calls_text(r.calls) && *nat_gap_text(r.gap));
    require(*nat_calls_sentence(r.calls) && *nat_calls_reason(r.calls));
    require(nat_gap_meaning(r.gap) != NULL);
    require(r.has_outside || !r.translated);
    require((r.kind == NAT_UDP_BLOCKED) == (r.gap == NAT_GAP_NO_ANSWER));
    /* The two procedures look at the same answers. */
    if (r.kind == NAT_SYMMETRIC)
        require(r.mapping != NAT_MAPPING_NONE);
    if (r.kind == NAT_FULL_CONE || r.kind == NAT_OPEN)
        require(r.filtering == NAT_FILTERING_ENDPOINT);
    if (r.kind == NAT_PORT_RESTRICTED || r.kind == NAT_SYMMETRIC_FIREWALL)
        require(r.filtering != NAT_FILTERING_ENDPOINT);
    if (r.mapping == NAT_MAPPING_NONE)
        require(!r.translated);
}

/* The search ends whatever the answers are. */
static void check_lifetime(struct slice input)
{
    struct lifetime l;
    unsigned passes = 0;
    lifetime_init(&l, LIFETIME_LIMIT_MIN + (uint32_t)take_byte(&input) * 10000u);
    do {
        for (unsigned n = 0; !lifetime_pass_over(&l); n++) {
            uint8_t byte = input.len > 0 ? take_byte(&input) : (uint8_t)(n << 1);
            lifetime_on_result(&l, (byte >> 1) % LIFETIME_PROBES, byte & 1);
            require(l.gone_ms == 0 || l.alive_ms < l.gone_ms);
        }
        require(++passes <= LIFETIME_PASSES);
    } while (lifetime_next_pass(&l));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size);
    struct discovery d;
    struct address local = address_of("10.0.0.2:40000"), primary = address_of("192.0.2.1:3478");
    enum discovery_test test;
    unsigned tests = 0;
    check_lifetime(input);
    discovery_init(&d, &local, &primary, 1500);
    while (discovery_next(&d, &test)) {
        require(++tests <= DISCOVERY_TESTS);
        run_test(&d, test, &input);
        check_report(&d);
    }
    require(discovery_over(&d));
    return 0;
}
